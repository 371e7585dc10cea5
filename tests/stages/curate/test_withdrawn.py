"""The laws of tombstones in curation: each kind buries what it names, and nothing else."""

from __future__ import annotations

import base64

import pyarrow.parquet as pq
import pytest

from hearth.curate.normalise import clean
from hearth.curate.spec import Grave, UnicodeForm
from hearth.lock import Sketch, TombstoneKind
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


def test_a_near_copy_is_dropped_when_no_source_has_the_document_any_more(
    curated: Curate, corpus: Corpus
) -> None:
    lost = "zh:page/07"
    (row,) = [
        row
        for row in pq.read_table(corpus.folder / "sketches").to_pylist()
        if row["doc_key"] == lost
    ]
    grave = Grave(
        kind=TombstoneKind.NEAR,
        value=row["content_id"],
        key=row["content_key"],
        sketch=Sketch(
            words=row["words"],
            characters=row["characters"],
            shingles=row["shingles"],
            least=base64.b64encode(row["least"]).decode(),
        ),
    )
    here = [made for made in library() if made.doc_key != lost]
    copy = document("elsewhere:7", f"转载：{prose('zh', 'zh7')}")
    later = curated([*here, copy], tombstones=(grave,))
    assert later.fate("elsewhere:7") == ("withdrawn", "withdrawn as a near copy")
    gone = [one for one in later.step("withdrawn").values() if one["action"] == "dropped"]
    assert [one["doc_key"] for one in gone] == ["elsewhere:7"]
