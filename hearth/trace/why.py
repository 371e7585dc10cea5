"""Why a document is in a corpus, or is not: its whole way, from its source to who holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hearth.errors import NotFoundError
from hearth.lock import Tombstone, names_of
from hearth.model import FrozenModel, Stage
from hearth.scan import scan
from hearth.storage import Store
from hearth.trace.corpora import DECISION, Corpus
from hearth.trace.descent import Descent, Role, seats
from hearth.trace.origin import Origin, mirror_of, origin_of, refusals, sources_of

MIRROR: Final = "mirror"
"""The step before curation's: what the mirror could not read ends here."""

_SUGGESTED: Final = 3


class Span(FrozenModel):
    """A stretch of text that a step found, in characters of the text as it entered; never it."""

    kind: str
    start: int
    end: int


class Decided(FrozenModel):
    """What one step did to a document."""

    step: str
    action: str
    reason: str | None = None
    score: float | None = None
    canonical: str | None = None
    content_id: str | None = None
    spans: tuple[Span, ...] = ()


class Place(FrozenModel):
    """Where in the corpus a document is."""

    document: str
    split: str
    group: str | None = None
    language: str | None = None
    characters: int | None = None


class Holder(FrozenModel):
    """What was made from the corpus, or serves what was."""

    kind: str
    name: str
    role: Role | None = None
    version: str | None = None
    build: str


class Way(FrozenModel):
    """A document's whole way through one corpus."""

    document: str
    corpus: str
    build: str
    outcome: str
    content_id: str | None
    origin: Origin | None
    steps: tuple[Decided, ...]
    place: Place | None
    stand_in: Place | None = None
    """The copy that is in the corpus in its place."""
    copies: tuple[str, ...] = ()
    """Documents that were dropped as copies of it."""
    withdrawn: tuple[Tombstone, ...] = ()
    held_by: tuple[Holder, ...] = ()


def why(
    root: Store,
    corpus: Corpus,
    key: str,
    tombstones: Iterable[Tombstone] = (),
    descent: Descent | None = None,
) -> Way:
    """Return a document's way.

    Args:
        root: the root of the store.
        corpus: through which corpus.
        key: the document's `doc_key`.
        tombstones: those in force.
        descent: everything in the store; read if it is not given.

    Raises:
        NotFoundError: neither curation nor the mirror ever saw it; says what was searched.
    """
    origin = origin_of(root, corpus, key)
    steps = decisions_of(corpus, key) or _refused_by_mirror(root, corpus, key)
    if not steps:
        raise NotFoundError(_unknown(root, corpus, key))
    place = _place(corpus, key)
    last = steps[-1]
    stand_in = None if place else _stand_in(corpus, last.canonical)
    content = next((step.content_id for step in steps if step.content_id), None)
    copies = corpus.decisions({key}, where="canonical", columns=("doc_key",))
    buried = {*names_of(key), content, origin.source if origin else None}
    return Way(
        document=key,
        corpus=corpus.uri,
        build=corpus.record.provenance.build,
        outcome=_outcome(last, place, stand_in),
        content_id=content,
        origin=origin,
        steps=steps,
        place=place,
        stand_in=stand_in,
        copies=tuple(sorted({str(row["doc_key"]) for row in copies})),
        withdrawn=tuple(grave for grave in tombstones if grave.value in buried),
        held_by=holders(root, corpus, descent) if place or stand_in else (),
    )


def decisions_of(corpus: Corpus, key: str) -> tuple[Decided, ...]:
    """Return what each step decided about a document, in order."""
    rows = corpus.decisions({key}, columns=(*DECISION, "spans"))
    return tuple(
        Decided(
            **{name: row[name] for name in Decided.model_fields if name != "spans"},
            spans=tuple(_span(span) for span in row["spans"] or ()),
        )
        for row in rows
    )


def holders(root: Store, corpus: Corpus, descent: Descent | None = None) -> tuple[Holder, ...]:
    """Return the models that were made from a corpus, and the endpoints that have them."""
    descent = descent or Descent.of(root)
    models = [
        record
        for record in descent.below([corpus.record.fingerprint])
        if record.stage is Stage.TRAIN
    ]
    named = [
        Holder(kind="model", name=descent.uri(one.fingerprint), build=one.provenance.build)
        for one in models
    ]
    seated = [
        Holder(
            kind="endpoint",
            name=seat.endpoint,
            role=seat.role,
            version=seat.version,
            build=seat.build,
        )
        for seat in seats(root, {model.fingerprint for model in models})
    ]
    return (*named, *seated)


def _outcome(last: Decided, place: Place | None, stand_in: Place | None) -> str:
    if place is not None:
        return f"in the corpus, split {place.split}"
    if stand_in is not None:
        return f"not in the corpus; its copy {stand_in.document} is, split {stand_in.split}"
    return f"not in the corpus: {last.step}: {last.reason or last.action}"


def _place(corpus: Corpus, key: str) -> Place | None:
    row = next(corpus.documents({key}), None)
    if row is None:
        return None
    return Place(
        document=str(row["doc_key"]),
        split=str(row["split"]),
        group=row["group"],
        language=row["language"],
        characters=row["characters"],
    )


def _stand_in(corpus: Corpus, canonical: str | None) -> Place | None:
    seen: set[str] = set()
    # A copy of a copy: the first step's canonical may itself be a copy in the next.
    while canonical is not None and canonical not in seen:
        seen.add(canonical)
        place = _place(corpus, canonical)
        if place is not None:
            return place
        rows = list(corpus.decisions({canonical}, columns=("canonical",)))
        canonical = next((row["canonical"] for row in reversed(rows) if row["canonical"]), None)
    return None


def _refused_by_mirror(root: Store, corpus: Corpus, key: str) -> tuple[Decided, ...]:
    return tuple(
        Decided(step=MIRROR, action="dropped", reason=reason)
        for reason in refusals(root, corpus, key)
    )


def _unknown(root: Store, corpus: Corpus, key: str) -> str:
    steps = corpus.steps()
    counted = [o.rows or 0 for o in corpus.record.outputs_named("decisions/step=read")]
    searched = f"{len(steps)} steps of {corpus.uri} ({sum(counted)} documents)"
    mirror = mirror_of(root, corpus)
    if mirror is None:
        return f"document {key}: no step saw it: searched {searched}; its mirror is gone"
    sources = sources_of(mirror[1])
    if not any(key.startswith(f"{name}:") for name in sources):
        known = ", ".join(sources) or "none that the record names"
        tip = f"a key starts with its source's id and a colon; the sources are {known}"
    else:
        near = _like(corpus, key)
        tip = f"like it are {', '.join(near)}" if near else "no key begins like it"
    return (
        f"document {key}: no step saw it: searched {searched}, and the documents and rejects of "
        f"{mirror[0].uri}: {tip}"
    )


def _like(corpus: Corpus, key: str) -> list[str]:
    outputs = corpus.record.outputs_named("decisions/step=read")
    stem = key.rpartition("#")[0] or key
    keys = (str(row["doc_key"]) for row in scan(corpus.artifact.folder, outputs, ("doc_key",)))
    found = sorted(one for one in keys if one.startswith(stem))
    return found[:_SUGGESTED]


def _span(raw: Mapping[str, Any]) -> Span:
    return Span(kind=raw["kind"], start=raw["start"], end=raw["end"])
