"""Who is a copy of whom in a corpus, as its curation saw it."""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import Any, Final, NamedTuple

from hearth.lock import Sketch
from hearth.scan import scan
from hearth.trace.corpora import Corpus

_CLUSTERS: Final = "clusters/level=document"
_COPYING: Final = ("exact", "near")
_SKETCH: Final = ("content_id", "content_key", "words", "characters", "shingles", "least")


class Known(NamedTuple):
    """What a corpus knows of a content, beside its id.

    Attributes:
        key: the name of the secret that it was hashed under; empty if the corpus does not say.
        sketch: what near copies are known by; None for a text without words, or if there is none.
    """

    key: str = ""
    sketch: Sketch | None = None


def with_copies(corpus: Corpus, keys: Collection[str]) -> set[str]:
    """Return documents and all exact and near copies of theirs that curation found.

    Args:
        corpus: the corpus.
        keys: doc_keys.
    """
    if not corpus.record.outputs_named(_CLUSTERS):
        return _by_decisions(corpus, set(keys))
    return set(copied_from(corpus, keys))


def copied_from(corpus: Corpus, keys: Collection[str]) -> dict[str, str]:
    """Return documents and copies, as `with_copies`, each with the document it is a copy of."""
    found: dict[str, str] = {}
    known = corpus.record.outputs_named(_CLUSTERS)
    if not known:
        for key in keys:
            found |= dict.fromkeys(_by_decisions(corpus, {key}), key)
    else:
        folder = corpus.artifact.folder
        rows = scan(folder, known, ("cluster", "doc_key"), where="doc_key", among=keys)
        clusters = {str(row["cluster"]): str(row["doc_key"]) for row in rows}
        members = scan(folder, known, ("cluster", "doc_key"), where="cluster", among=clusters)
        found |= {str(row["doc_key"]): clusters[str(row["cluster"])] for row in members}
    return found | {key: key for key in keys}


def sketches_of(corpus: Corpus, keys: Collection[str]) -> dict[str, Known]:
    """Return content_id → what is known of it; nothing of corpora that are older than sketches."""
    outputs = corpus.record.outputs_named("sketches")
    rows = scan(corpus.artifact.folder, outputs, _SKETCH, where="doc_key", among=keys)
    return {str(row["content_id"]): _known(row) for row in rows}


def contents_of(corpus: Corpus, keys: Collection[str]) -> dict[str, str]:
    """Return doc_key → content_id of documents that curation could read."""
    rows = corpus.decisions(keys, columns=("doc_key", "content_id"))
    return {row["doc_key"]: row["content_id"] for row in rows if row["content_id"]}


def keys_of(corpus: Corpus, contents: Collection[str]) -> dict[str, str]:
    """Return doc_key → content_id of documents that hold these contents."""
    rows = corpus.decisions(contents, where="content_id", columns=("doc_key", "content_id"))
    return {row["doc_key"]: row["content_id"] for row in rows}


def _known(row: dict[str, Any]) -> Known:
    if not row["shingles"]:
        return Known(row["content_key"])
    sketch = Sketch(
        words=row["words"],
        characters=row["characters"],
        shingles=row["shingles"],
        least=base64.b64encode(row["least"]).decode(),
    )
    return Known(row["content_key"], sketch)


def _by_decisions(corpus: Corpus, keys: set[str]) -> set[str]:
    # Decisions link a copy to the one that stayed, and that one may itself be a copy in the next
    # step: follow the links both ways until nothing is new.
    found, new = set(keys), set(keys)
    columns = ("doc_key", "canonical")
    while new:
        up = corpus.decisions(new, steps=_COPYING, columns=columns)
        down = corpus.decisions(new, where="canonical", steps=_COPYING, columns=columns)
        met = {row["canonical"] for row in up} | {row["doc_key"] for row in down}
        new = {str(key) for key in met if key} - found
        found |= new
    return found
