"""Hostile files in the mirror's own program: each is refused by name, the others come out."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.mirror.spec import MirrorSection
from tests.stages.mirror.pdfs import encrypted, laughs, pdf, pictures

PAGE = "<html><body><article>" + "".join(
    f"<p>Paragraph {n} tells residents what they need to file an application by mail.</p>"
    for n in range(6)
)
ROWS = [{"id": "one", "text": "first row"}, {"id": "two", "text": "第二行"}]


def parquet(table: pa.Table) -> bytes:
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue()


def bomb() -> bytes:
    once = pa.array(["x " * 400_000])
    return parquet(
        pa.table({"id": ["a"] * 90_000, "text": pa.DictionaryArray.from_arrays([0] * 90_000, once)})
    )


def test_poison_is_refused_by_name_and_the_rest_of_the_source_goes_on(
    mirror: Any, tmp_path: Path
) -> None:
    rows = parquet(pa.Table.from_pylist(ROWS))
    lines = "\n".join(json.dumps(row) for row in (*ROWS, ROWS[0])).encode()
    files = {
        "bomb.jsonl.gz": gzip.compress(b"0" * (300 << 20), 1),
        "bomb.parquet": bomb(),
        "bomb.txt.gz": gzip.compress(b"0" * (300 << 20), 1),
        "cut.jsonl.gz": gzip.compress(lines * 9)[:-12],
        "cut.parquet": rows[:-9],
        "cut.pdf": pdf([["cut"]])[:300],
        "deep.article": b"<html><body>" + b"<div>\n" * 100_000 + b"deep",
        "deep.jsonl": b"[" * 100_000,
        "deep.md": b"> " * 50_000 + b"quoted",
        "encrypted.pdf": encrypted(),
        "endless.article": b"<html><body>" + b"<p>x y z</p>\n" * 250_000,
        "endless.pdf": laughs(levels=12, times=20),
        "fine.article": PAGE.encode(),
        "fine.jsonl": lines,
        "fine.md": b"# Fine\n\n    code\n",
        "fine.parquet": rows,
        "fine.pdf": pdf([["fine"]]),
        "nul.md": b"a\0b",
        "one-line.md": b"x" * (50 << 20),
        "scan.pdf": pictures(2),
        "wrong.parquet": parquet(pa.table({"id": ["a"], "content": ["b"]})),
    }
    with zipfile.ZipFile(tmp_path / "source.zip", "w") as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    keyed = {"fields": {"key": "id"}}
    rules = [
        {"files": "*.jsonl", "format": "jsonl", **keyed},
        {"files": "*.jsonl.gz", "format": "jsonl"},
        {"files": "*.parquet", "format": "parquet", **keyed},
        {"files": "*.txt.gz", "format": "text"},
        {"files": "*.pdf", "format": "pdf"},
        {"files": "*.md", "format": "markdown"},
        {"files": "*.article", "format": "article"},
    ]
    source = {"id": "own", "kind": "file", "path": "source.zip", "licence": "MIT", "extract": rules}
    asked = MirrorSection.model_validate({"sources": [source], "limits": {"record_seconds": 2}})
    code, said, record = mirror.run(asked, mirror.lock(asked, tmp_path))
    assert code == 0, said
    rejects = mirror.rows(record, "rejects.parquet")
    reasons = {(row["path"], row["record"]): row["reason"] for row in rejects}
    # The same PDF may run out of time or of memory, whichever the machine has less of.
    assert reasons.pop(("endless.pdf", "")) in {"time-limit", "memory-limit", "crashed"}
    assert {key: reason for key, reason in reasons.items() if "cut.jsonl" not in key[0]} == {
        ("bomb.jsonl.gz", "1"): "line-too-long",
        ("bomb.jsonl.gz", ""): "too-large",
        ("bomb.parquet", "a"): "duplicate-key",
        ("bomb.parquet", ""): "too-large",
        ("bomb.txt.gz", ""): "too-large",
        ("cut.parquet", ""): "damaged",
        ("cut.pdf", ""): "damaged",
        ("deep.article", ""): "empty",
        ("deep.jsonl", "1"): "malformed",
        ("encrypted.pdf", ""): "encrypted",
        ("endless.article", ""): "time-limit",
        ("fine.jsonl", "one"): "duplicate-key",
        ("nul.md", ""): "nul-bytes",
        ("one-line.md", ""): "too-large",
        ("scan.pdf", ""): "no-text-layer",
        ("wrong.parquet", ""): "malformed",
    }
    assert reasons["cut.jsonl.gz", ""] == "damaged"
    assert sum(record.metrics["rejects"].values()) == len(rejects)
    texts = {row["doc_key"]: row["text"] for row in mirror.rows(record, "documents")}
    assert texts["own:fine.jsonl#one"] == texts["own:fine.parquet#one"] == "first row"
    assert texts["own:fine.jsonl#two"] == texts["own:fine.parquet#two"] == "第二行"
    assert texts["own:fine.md#1"] == "# Fine\n\n```\ncode\n```"
    assert texts["own:fine.pdf#1"] == "fine"
    assert texts["own:fine.article#1"].startswith("Paragraph 0 tells residents")
    assert "own:deep.md#1" in texts
