"""Documents of a source: the same ones whatever the order, and nothing lost without a name."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hearth.errors import DataError
from hearth.mirror.extract import Extracted, extract
from hearth.mirror.reader import Reader
from hearth.mirror.records import Reason
from hearth.mirror.spec import FileSource, Limits, Passages
from hearth.shelf import Shelf

LIMITS = Limits()
LONG = "p\n\n" * 200 + "q" * 150
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["a", "a/2", "b", "b#1", "", None]),
            "text": st.sampled_from(["", "short", "longer text", LONG, None]),
        }
    ),
    max_size=12,
)


@dataclass
class Desk:
    folder: Path
    reader: Reader
    shelves: ExitStack
    numbers: Iterator[int] = field(default_factory=count)

    def read(self, files: dict[str, list[dict[str, Any]]], **rule: Any) -> Extracted:
        packages = {}
        for name, rows in files.items():
            packages[name] = self.folder / name
            if name.endswith(".jsonl"):
                lines = "".join(json.dumps(row) + "\n" for row in rows)
                packages[name].write_text(lines, encoding="utf-8")
            else:
                columns = {
                    field: pa.array([row[field] for row in rows], pa.string())
                    for field in ("id", "text")
                }
                pq.write_table(pa.table(columns), packages[name])
        rules = [
            {"files": "*.jsonl", "format": "jsonl", **rule},
            {"files": "*.parquet", "format": "parquet", **rule},
        ]
        source = FileSource.model_validate(
            {"id": "s", "kind": "file", "path": ".", "licence": "MIT", "extract": rules}
        )
        texts = self.shelves.enter_context(Shelf(self.folder, f"texts-{next(self.numbers)}"))
        return extract(source, packages, Passages(characters=200), self.reader, texts)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with Reader(LIMITS, folder) as reader, ExitStack() as shelves:
        yield Desk(folder, reader, shelves)


KEYED = {"key": "id", "unique": "source"}
FIXED = {"id": "fixed", "text": "always there"}


@given(ROWS, st.randoms(use_true_random=False), st.sampled_from(["jsonl", "parquet"]))
@settings(max_examples=15)
def test_the_order_of_records_changes_nothing(
    desk: Desk, rows: list[dict[str, Any]], random: Any, form: str
) -> None:
    rows = [FIXED, *rows]
    ordered = desk.read({f"x.{form}": rows}, fields=KEYED)
    shuffled = list(rows)
    random.shuffle(shuffled)
    again = desk.read({f"x.{form}": shuffled}, fields=KEYED)
    assert list(again.documents) == list(ordered.documents)
    reasons = [Counter(r.refusal.reason for r in one.rejects) for one in (ordered, again)]
    assert reasons[0] == reasons[1]


@given(ROWS, st.integers(0, 12))
@settings(max_examples=15)
def test_a_key_of_the_source_does_not_know_its_file(
    desk: Desk, rows: list[dict[str, Any]], cut: int
) -> None:
    rows = [FIXED, *rows]
    one = desk.read({"x.jsonl": rows}, fields=KEYED)
    two = desk.read({"x.jsonl": rows[: cut + 1], "y.jsonl": rows[cut + 1 :]}, fields=KEYED)
    assert list(one.documents) == list(two.documents)


@given(ROWS)
@example([{"id": "a", "text": LONG}, {"id": "a/2", "text": ""}])
@settings(max_examples=15)
def test_every_record_is_a_document_or_a_named_reject(
    desk: Desk, rows: list[dict[str, Any]]
) -> None:
    rows = [FIXED, *rows]
    found = desk.read({"x.jsonl": rows}, fields=KEYED)
    # A record of several passages has one first passage, which alone has the record's own key.
    texts = {document.doc_key.removeprefix("s:"): document.text for document in found.documents}
    keys = set(texts)
    # A further passage may have the key of another record, which was refused for what it holds.
    first = {
        row["id"]
        for row in rows
        if row["id"] in keys and row["text"] and row["text"].startswith(texts[row["id"]][:4])
    }
    assert keys <= first | {f"{row['id']}/{n}" for row in rows for n in range(2, 9)}
    records = {key for key in first if not _is_passage(key, found)}
    assert len(records) + len(found.rejects) == len(rows)
    assert len(keys) == len(found.documents)


def _is_passage(key: str, found: Extracted) -> bool:
    refused = {r.refusal.key for r in found.rejects if "passage" in r.refusal.detail}
    return key in refused


def test_of_records_with_one_key_the_longest_stays(desk: Desk) -> None:
    rows = [{"id": "k", "text": text} for text in ("mid text", "the long text", "mid text")]
    found = desk.read({"x.jsonl": rows, "y.parquet": [rows[1]]}, fields=KEYED)
    assert [(d.doc_key, d.text) for d in found.documents] == [("s:k", "the long text")]
    assert [(r.path, r.refusal.reason, r.refusal.key) for r in sorted(found.rejects, key=str)] == [
        ("x.jsonl", Reason.DUPLICATE_KEY, "k"),
        ("x.jsonl", Reason.DUPLICATE_KEY, "k"),
        ("y.parquet", Reason.DUPLICATE_KEY, "k"),
    ]


def test_keys_of_two_files_do_not_meet_unless_the_recipe_says_so(desk: Desk) -> None:
    rows = [{"id": "k", "text": "text"}]
    found = desk.read({"x.jsonl": rows, "y.jsonl": rows}, fields={"key": "id"})
    assert [d.doc_key for d in found.documents] == ["s:x.jsonl#k", "s:y.jsonl#k"]


def test_the_works_of_records_stand_behind_their_rules(desk: Desk) -> None:
    row = {"id": "k", "text": "text", "book": "7", "pair": "p"}
    fields = {"key": "id", "work": "book", "parallel": "pair"}
    (own,) = desk.read({"x.jsonl": [row]}, fields=fields).documents
    assert (own.work, own.parallel) == ("s/7", "p")
    (named,) = desk.read(
        {"x.jsonl": [row]}, fields=fields, work="shelf", parallel="pairs"
    ).documents
    assert (named.work, named.parallel) == ("shelf/7", "pairs/p")


def test_a_file_without_records_is_a_reject(desk: Desk) -> None:
    found = desk.read({"x.jsonl": [FIXED], "y.parquet": []})
    assert [(r.path, r.refusal.reason) for r in found.rejects] == [("y.parquet", Reason.EMPTY)]


def test_a_source_without_any_document_is_an_error(desk: Desk) -> None:
    with pytest.raises(DataError, match=r"all 1 records were refused; the first: x\.jsonl: empty"):
        desk.read({"x.jsonl": [{"id": "a", "text": ""}]})


def test_the_texts_of_a_source_are_never_held_all_at_once(desk: Desk) -> None:
    rows = ({"id": f"{number}", "text": f"{number} " * 4_000} for number in range(1_000))
    path = desk.folder / "large.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    source = FileSource.model_validate(
        {
            "id": "s",
            "kind": "file",
            "path": ".",
            "licence": "MIT",
            "extract": [{"files": "*.jsonl", "format": "jsonl", "fields": KEYED}],
        }
    )
    tracemalloc.start()
    try:
        with Shelf(desk.folder, "large") as texts:
            found = extract(source, {path.name: path}, Passages(), desk.reader, texts)
            characters = sum(len(document.text) for document in found.documents)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert characters > 10_000_000
    assert peak < characters / 2
