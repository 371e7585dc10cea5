"""Documents from files: what comes out, what is refused, and that neither changes unnoticed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from hearth.mirror.spec import CONTRACT, MirrorSection
from tests.golden import check

HERE = Path(__file__).parent
GOLDEN = HERE / "golden.json"


def section(path: str, *rules: dict[str, Any]) -> MirrorSection:
    source = {"id": "own", "kind": "file", "path": path, "licence": "CC0-1.0", "extract": rules}
    return MirrorSection.model_validate({"sources": [source]})


EVERY_FORMAT = section(
    "sources",
    {
        "files": "html/en-US/{page}.html",
        "format": "html",
        "language": "en",
        "work": "book",
        "parallel": "book/{page}",
        "skip": ["div.toc"],
    },
    {
        "files": "html/zh-CN/{page}.html",
        "format": "html",
        "language": "zh",
        "work": "book",
        "parallel": "book/{page}",
        "skip": ["div.toc"],
    },
    {"files": "man/{page}", "format": "man", "work": "man/{page}", "language": "zh"},
    {"files": "records/poems", "format": "fortune", "work": "poems", "language": "zh"},
    {
        "files": "records/*.jsonl",
        "format": "jsonl",
        "fields": {"key": "id", "title": "title", "language": "lang"},
    },
    {"files": "*.md", "format": "markdown"},
)


def test_documents_are_the_golden_ones(mirror: Any) -> None:
    code, said, record = mirror.run(EVERY_FORMAT, mirror.lock(EVERY_FORMAT, HERE))
    assert code == 0, said
    found = {
        "documents": mirror.rows(record, "documents"),
        "rejects": mirror.rows(record, "rejects.parquet"),
    }
    check(GOLDEN, CONTRACT, found)


def test_the_manifest_lists_every_byte_with_its_licence(mirror: Any) -> None:
    code, said, record = mirror.run(EVERY_FORMAT, mirror.lock(EVERY_FORMAT, HERE))
    assert code == 0, said
    manifest = record.output("manifest.json")
    listed = mirror.store.sub(f"artifacts/mirror/{record.fingerprint}").get_json(manifest.path)
    listed = {entry["path"]: entry["sha256"] for entry in listed["files"]}
    lists = {"manifest.json", "rejects.parquet"}
    assert listed == {o.name: o.sha256 for o in record.outputs if o.name not in lists}
    assert "licences/own/COPYING" in listed


def test_bad_input_is_counted_by_name_and_never_fatal(mirror: Any, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for path in (HERE / "bad").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "one-line.txt").write_bytes(b"x" * (50 << 20))
    (folder / "one-line.jsonl").write_bytes(b'{"text": "' + b"x" * (50 << 20) + b'"}\n')
    (folder / "deep.html").write_text("<div>" * 100_000 + "deep")
    (folder / "nothing.txt").symlink_to(folder / "empty.txt")
    rules = [
        {"files": pattern, "format": form}
        for pattern, form in (
            ("*.jsonl", "jsonl"),
            ("*.html", "html"),
            ("*.txt", "text"),
            ("*.gz", "text"),
        )
    ]
    asked = section(str(folder), *rules)
    code, said, record = mirror.run(asked, mirror.lock(asked, tmp_path))
    assert code == 0, said
    rejects = {
        (row["path"], row["record"]): row["reason"]
        for row in mirror.rows(record, "rejects.parquet")
    }
    assert rejects == {
        ("blank.txt", ""): "empty",
        ("damaged.txt.gz", ""): "damaged",
        ("empty.txt", ""): "empty",
        ("invalid-utf8.html", ""): "encoding",
        ("invalid-utf8.txt", ""): "encoding",
        ("lines.jsonl", "2"): "malformed",
        ("lines.jsonl", "3"): "malformed",
        ("nothing.html", ""): "empty",
        ("nothing.txt", ""): "empty",
        ("nul.txt", ""): "nul-bytes",
        ("one-line.jsonl", "1"): "line-too-long",
        ("one-line.txt", ""): "too-large",
    }
    assert record.metrics["rejects"]["encoding"] == 2
    texts = [row["text"] for row in mirror.rows(record, "documents")]
    assert texts == ["deep", "the one good file", "kept"]


def test_a_hostile_archive_ends_the_mirror_with_its_name(mirror: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w") as archive:
        archive.writestr("fine.txt", "fine")
        archive.writestr("../../escaped.txt", "evil")
    asked = section("hostile.zip", {"files": "*.txt", "format": "text"})
    code, said, record = mirror.run(asked, mirror.lock(asked, tmp_path))
    assert (code, record) == (65, None)
    assert "hostile.zip: member '../../escaped.txt' points outside" in said
    assert not list(tmp_path.rglob("escaped.txt"))


def test_a_rule_that_matches_nothing_is_an_error(mirror: Any) -> None:
    asked = section("sources", {"files": "*.pdf", "format": "text"})
    code, said, record = mirror.run(asked, mirror.lock(asked, HERE))
    assert (code, record) == (65, None)
    assert "source own: no file matches *.pdf" in said
