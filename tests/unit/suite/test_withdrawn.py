"""A suite that is made now asks about nothing that is withdrawn by now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hearth.documents import Document, write_documents
from hearth.lock import Tombstone, TombstoneKind
from hearth.suite.__main__ import reserved_documents
from hearth.suite.spec import SuiteSpec
from hearth.tombstones import Buried


@pytest.mark.parametrize(
    ("kind", "value", "left"),
    [
        (TombstoneKind.KEY, "books:one#1", ["books:one#2", "notes:a#1"]),
        (TombstoneKind.KEY, "books:one", ["notes:a#1"]),
        (TombstoneKind.SOURCE, "notes", ["books:one#1", "books:one#2"]),
    ],
)
def test_withdrawn_documents_are_left_out(
    tmp_path: Path, kind: TombstoneKind, value: str, left: list[str]
) -> None:
    keys = ("books:one#1", "books:one#2", "notes:a#1")
    write_documents(
        tmp_path / "all.parquet",
        [Document(k, k.partition(":")[0], "almanac", None, "en", "CC0-1.0", None, k) for k in keys],
    )
    grave = Tombstone(kind=kind, value=value, reason="asked for", since=datetime.now(UTC))
    spec = SuiteSpec(name="small", reserved=("almanac",))
    found = reserved_documents([tmp_path / "all.parquet"], spec, Buried([grave]))
    assert [document.doc_key for document in found] == left
