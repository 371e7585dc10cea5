"""Corpora in the store: found by what people call them, and asked about documents."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from pydantic import ValidationError

from hearth.artifact import Artifact, ArtifactRecord, InputRef, read_record
from hearth.build import Build, builds
from hearth.errors import NotFoundError
from hearth.model import Stage
from hearth.pipeline import stage_plans
from hearth.rollout.state import read_state
from hearth.scan import part, scan
from hearth.storage import Store

DECISION: Final = ("step", "doc_key", "content_id", "action", "reason", "score", "canonical")
"""What is known of every document in every step; `spans` is read where it is wanted."""

PLACE: Final = (
    "split", "doc_key", "content_id", "source", "work", "group", "language", "licence",
    "characters",
)  # fmt: skip
"""What is known of a document of the corpus, beside its text."""

_PREFIX: Final = re.compile(r"[0-9a-f]{6,64}")
_SHOWN: Final = 5


class Corpus:
    """A finished corpus: the artifact of a curation."""

    def __init__(self, root: Store, record: ArtifactRecord) -> None:
        """Take a record of the curate stage; nothing is read."""
        self.record = record
        self.artifact = Artifact(root, Stage.CURATE, record.fingerprint)
        self.uri = self.artifact.uri

    @property
    def mirror(self) -> InputRef | None:
        """The mirror that its documents come from."""
        return self.record.inputs.get("mirror")

    def steps(self) -> tuple[str, ...]:
        """Return the steps that decided something, in order."""
        from hearth.curate.ledger import Step  # noqa: PLC0415 - Arrow comes with it

        order = {str(step): number for number, step in enumerate(Step)}
        found = {part(output, "step") for output in self.record.outputs_named("decisions")}
        return tuple(
            sorted(filter(None, found), key=lambda step: (order.get(step, len(order)), step))
        )

    def decisions(
        self,
        among: Collection[str],
        *,
        where: str = "doc_key",
        steps: Collection[str] | None = None,
        columns: Sequence[str] = DECISION,
    ) -> Iterator[dict[str, Any]]:
        """Yield the decisions about some documents, step by step."""
        outputs = self.record.outputs_named("decisions")
        for step in self.steps():
            if steps is None or step in steps:
                here = [output for output in outputs if part(output, "step") == step]
                yield from scan(self.artifact.folder, here, columns, where=where, among=among)

    def documents(
        self,
        among: Collection[str] | None = None,
        *,
        where: str = "doc_key",
        columns: Sequence[str] = PLACE,
    ) -> Iterator[dict[str, Any]]:
        """Yield documents that are in the corpus; all of them without `among`."""
        outputs = self.record.outputs_named("corpus")
        if among is None:
            yield from scan(self.artifact.folder, outputs, columns)
        else:
            yield from scan(self.artifact.folder, outputs, columns, where=where, among=among)


def corpora(root: Store) -> list[Corpus]:
    """Return every finished corpus, newest first."""
    records = (
        Artifact(root, Stage.CURATE, fingerprint).record()
        for fingerprint in root.folders(f"artifacts/{Stage.CURATE}")
    )
    found = [Corpus(root, record) for record in records if record is not None]
    return sorted(found, key=lambda corpus: corpus.record.provenance.finished, reverse=True)


def find_corpus(root: Store, name: str, endpoint: str) -> Corpus:
    """Return the corpus that somebody means.

    Args:
        root: the root of the store.
        name: `endpoint` for the corpus of what serves; the URI of a corpus or of what was made
            from one; a build; a recipe, for its newest corpus; the first digits of a fingerprint.
        endpoint: the endpoint's name.

    Raises:
        NotFoundError: there is no such corpus; the error names those that there are.
    """
    if name in {"endpoint", endpoint}:
        version = read_state(root, endpoint).serving
        if version is None:
            message = f"endpoint {endpoint}: nothing serves yet: name a corpus{_known(root)}"
            raise NotFoundError(message)
        return _above(root, version.model_uri)
    if "://" in name:
        return _above(root, name)
    if name in root.folders("builds"):
        return _of_build(Build(root, name))
    for build in builds(root, name):
        try:
            return _of_build(build)
        except NotFoundError:
            continue
    known = corpora(root)
    found = [one for one in known if one.record.name == name][:1]
    if _PREFIX.fullmatch(name):
        found = found or [one for one in known if one.record.fingerprint.startswith(name)]
    if len(found) == 1:
        return found[0]
    message = (
        f"corpus {name!r}: is no URI, build, recipe with a corpus, or start of one corpus's "
        f"fingerprint in {root.uri}{_known(root)}"
    )
    raise NotFoundError(message)


def _above(root: Store, uri: str) -> Corpus:
    waiting = [uri]
    while waiting:
        record = read_record(root.sub(root.relative(waiting.pop(0))))
        if record.stage is Stage.CURATE:
            return Corpus(root, record)
        waiting += [ref.uri for role, ref in record.inputs.items() if role in {"corpus", "model"}]
    message = f"{uri}: no corpus is among what it was made from{_known(root)}"
    raise NotFoundError(message)


def _of_build(build: Build) -> Corpus:
    # Its own word first: a newer Hearth would plan another corpus for the same record.
    made = [one.fingerprint for one in build.made() if one.stage is Stage.CURATE]
    for fingerprint in reversed([*_planned(build), *made]):
        record = Artifact(build.root, Stage.CURATE, fingerprint).record()
        if record is not None:
            return Corpus(build.root, record)
    message = f"build {build.id}: its corpus is not finished, or was collected"
    raise NotFoundError(message)


def _planned(build: Build) -> list[str]:
    try:
        return [stage_plans(build.record())[Stage.CURATE].fingerprint]
    except ValidationError:
        return []  # A recipe of another version of Hearth: this one cannot plan it.


def _known(root: Store) -> str:
    names = [
        f"{corpus.record.fingerprint[:12]} (recipe {corpus.record.name})"
        for corpus in corpora(root)[:_SHOWN]
    ]
    return f": there are: {', '.join(names)}" if names else ": there is no corpus in this store"
