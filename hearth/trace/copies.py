"""Who is a copy of whom in a corpus, as its curation saw it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from hearth.scan import scan
from hearth.trace.corpora import Corpus

_CLUSTERS: Final = "clusters/level=document"
_COPYING: Final = ("exact", "near")


def with_copies(corpus: Corpus, keys: Collection[str]) -> set[str]:
    """Return documents and all exact and near copies of theirs that curation found.

    Args:
        corpus: the corpus.
        keys: doc_keys.
    """
    known = corpus.record.outputs_named(_CLUSTERS)
    if not known:
        return _by_decisions(corpus, set(keys))
    folder = corpus.artifact.folder
    rows = scan(folder, known, ("cluster",), where="doc_key", among=keys)
    clusters = {str(row["cluster"]) for row in rows}
    members = scan(folder, known, ("doc_key",), where="cluster", among=clusters)
    return set(keys) | {str(row["doc_key"]) for row in members}


def contents_of(corpus: Corpus, keys: Collection[str]) -> dict[str, str]:
    """Return doc_key → content_id of documents that curation could read."""
    rows = corpus.decisions(keys, columns=("doc_key", "content_id"))
    return {row["doc_key"]: row["content_id"] for row in rows if row["content_id"]}


def keys_of(corpus: Corpus, contents: Collection[str]) -> dict[str, str]:
    """Return doc_key → content_id of documents that hold these contents."""
    rows = corpus.decisions(contents, where="content_id", columns=("doc_key", "content_id"))
    return {row["doc_key"]: row["content_id"] for row in rows}


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
