"""Which earlier corpus a build follows: it keeps the splits that were assigned there.

It is the last corpus of the recipe, so that nothing is forgotten; but where nothing changed since,
it is the one that *that* corpus followed, and the corpus is found again instead of being followed
for ever. A build begun only to make something anew counts as if it had not been.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from hearth.artifact import Artifact, ArtifactRecord
from hearth.build import Build, BuildRecord, Previous, builds
from hearth.errors import DataError
from hearth.model import Stage
from hearth.pipeline import recipe_of, stage_plans
from hearth.storage import Store


def previous_of(root: Store, record: BuildRecord) -> Previous:
    """Return the corpus whose splits a build is to keep, and why.

    Args:
        root: the root of the store.
        record: the build, before it is written.
    """
    wanted = recipe_of(record).curate.split.generation
    lost: list[str] = []
    for build, artifact in _corpora(root, record):
        made = artifact.remains()
        if made is None:
            lost.append(build.id)
            continue
        found = _generation(made)
        if found != wanted:
            why = f"`curate.split.generation` is {wanted}, the last corpus ({build.id}) has {found}"
            return Previous(corpus=None, why=why)
        same = _unchanged_since(root, record, build, artifact.fingerprint)
        if same is not None:
            return same
        why = f"the last of this recipe, of build {build.id}"
        if lost:
            why += f"; that of {', '.join(lost)} is gone, with what it said about splits"
        return Previous(corpus=artifact.ref(), build=build.id, why=why)
    why = "no build of this recipe has ended with a corpus"
    if lost:
        why = f"the corpora of {', '.join(lost)} are gone, with what they said about splits"
    return Previous(corpus=None, why=why)


def _corpora(root: Store, record: BuildRecord) -> Iterator[tuple[Build, Artifact]]:
    """Yield the builds of the recipe that ended with a corpus, newest first."""
    for build in builds(root, record.recipe_name):
        made = [one.fingerprint for one in build.made() if one.stage is Stage.CURATE]
        if made and build.id != record.id:
            yield build, Artifact(root, Stage.CURATE, made[-1])


def _generation(made: ArtifactRecord) -> int:
    split = made.spec.get("split")
    found = split.get("generation", 0) if isinstance(split, dict) else 0
    return found if isinstance(found, int) else 0


def _unchanged_since(
    root: Store, record: BuildRecord, build: Build, fingerprint: str
) -> Previous | None:
    """Return what an earlier build followed, if this one would make of it what that one made."""
    try:
        then = build.record()
        planned = stage_plans(then)[Stage.CURATE].fingerprint
    except (DataError, ValidationError):
        return None  # Another Hearth wrote it: this one cannot tell what it would make of it.
    before = then.previous.corpus if then.previous else None
    same = Previous(
        corpus=before,
        build=then.previous.build if then.previous else None,
        why=f"nothing changed since build {build.id}",
    )
    again = record.model_copy(update={"previous": same})
    if planned != fingerprint or _plain(again) != _plain(then):
        return None
    if before is None or Artifact(root, Stage.CURATE, before.fingerprint).remains() is not None:
        return same
    plan = stage_plans(again)[Stage.CURATE]
    return same if Artifact(root, Stage.CURATE, plan.fingerprint).record() is not None else None


def _plain(record: BuildRecord) -> str:
    plain = record.model_copy(update={"rebuild_from": None})
    return stage_plans(plain)[Stage.CURATE].fingerprint
