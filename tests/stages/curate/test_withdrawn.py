"""The laws of tombstones in curation: each kind buries what it names, and nothing else."""

from __future__ import annotations

import pytest

from hearth.curate.normalise import clean
from hearth.curate.spec import Grave, UnicodeForm
from hearth.lock import TombstoneKind
from tests.stages.curate.conftest import KEY, Corpus, Curate, document, library, prose

TEXT = prose("en", "the withdrawn text", 12)


@pytest.fixture(scope="module")
def buried(curated: Curate) -> Corpus:
    """The library, and documents that are withdrawn in different ways."""
    documents = [
        *library(),
        document("gone:1", prose("en", "gone one")),
        document("gone:2", prose("zh", "gone two")),
        document("site:page.html#1", prose("en", "page one")),
        document("site:page.html#2", prose("en", "page two")),
        document("site:page.htm#1", prose("en", "another page")),
        document("copied:1", TEXT),
    ]
    graves = {
        TombstoneKind.SOURCE: "gone",
        TombstoneKind.KEY: "site:page.html",
        TombstoneKind.CONTENT: KEY.content_id(clean(TEXT, UnicodeForm.NFC)),
    }
    return curated(
        documents,
        tombstones=tuple(Grave(kind=kind, value=value) for kind, value in graves.items()),
    )


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("gone:1", "withdrawn by source"),
        ("gone:2", "withdrawn by source"),
        ("site:page.html#1", "withdrawn by key"),
        ("site:page.html#2", "withdrawn by key"),
        ("copied:1", "withdrawn by content"),
    ],
)
def test_every_kind_of_tombstone_buries(buried: Corpus, key: str, reason: str) -> None:
    assert buried.fate(key) == ("withdrawn", reason)


def test_what_no_tombstone_names_stays(buried: Corpus, corpus: Corpus) -> None:
    assert buried.fate("site:page.htm#1") == ("kept", None)
    before = {row["doc_key"] for row in corpus.rows}
    withdrawn = {key for key, row in buried.step("withdrawn").items() if row["action"] == "dropped"}
    assert not withdrawn & before
