"""The process that reads files: real files, real limits, a real kill."""

from __future__ import annotations

import json
import os
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hearth.mirror.archives import Member, members
from hearth.mirror.extraction import Extraction
from hearth.mirror.reader import Reader
from hearth.mirror.records import Reason, Record, Refusal
from hearth.mirror.spec import Limits

LIMITS = Limits(record_seconds=1, memory_bytes=1 << 30, document_bytes=3 << 29)
TEXT = Extraction.model_validate({"files": "f", "format": "text"})
LINES = Extraction.model_validate({"files": "f", "format": "jsonl"})
MARKDOWN = Extraction.model_validate({"files": "f", "format": "markdown"})


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with Reader(LIMITS, tmp_path_factory.mktemp("scratch")) as one:
        yield one


def plain(path: Path, content: bytes) -> Member:
    path.write_bytes(content)
    return Member(path.name, len(content), lambda: path.open("rb"), path)


def read(reader: Reader, member: Member, rule: Extraction) -> list[Record | Refusal]:
    return list(reader.read(member, member.path, rule))


def test_a_file_that_takes_too_long_costs_only_itself(reader: Reader, tmp_path: Path) -> None:
    slow = plain(tmp_path / "slow.md", b"[a](b " * 100_000)
    fine = plain(tmp_path / "fine.md", b"fine")
    slower = plain(tmp_path / "slower.md", (b"[a](b " * 100_000 + b"\n") * 20)
    (refusal,) = read(reader, slower, MARKDOWN)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.TIME_LIMIT
    assert "limits.record_seconds = 1 s" in refusal.detail
    assert read(reader, fine, MARKDOWN) == [Record("fine", fenced=True)]
    assert slow.size < slower.size


def test_a_process_that_dies_costs_only_the_rest_of_its_file(
    reader: Reader, tmp_path: Path
) -> None:
    line = json.dumps({"text": "x" * 10_000}).encode() + b"\n"
    long = plain(tmp_path / "long.jsonl", line * 500)
    found = []
    for one in reader.read(long, "long.jsonl", LINES):
        found.append(one)
        if len(found) == 1:
            assert reader._worker is not None
            os.kill(reader._worker.pid, signal.SIGKILL)
    *records, refusal = found
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.CRASHED
    assert "SIGKILL" in refusal.detail
    assert f"after {len(records)} of its records" in refusal.detail
    assert 1 <= len(records) < 500
    assert len(read(reader, long, LINES)) == 500


def test_a_file_that_needs_too_much_memory_costs_only_itself(
    reader: Reader, tmp_path: Path
) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    large = Member("large.txt", 2 << 30, lambda: path.open("rb"), path)
    assert [one.reason for one in read(reader, large, TEXT) if isinstance(one, Refusal)] == [
        Reason.MEMORY_LIMIT
    ]
    assert read(reader, plain(tmp_path / "fine.txt", b"fine"), TEXT) == [Record("fine")]


def test_who_stops_in_the_middle_gets_the_next_file_whole(reader: Reader, tmp_path: Path) -> None:
    some = plain(tmp_path / "some.jsonl", b'{"text": "a"}\n' * 100)
    stream = reader.read(some, "some.jsonl", LINES)
    assert next(stream) == Record("a", key="1")
    stream.close()
    assert read(reader, plain(tmp_path / "next.txt", b"next"), TEXT) == [Record("next")]


def test_a_member_that_cannot_be_unpacked_costs_only_itself(reader: Reader, tmp_path: Path) -> None:
    package = tmp_path / "x.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("damaged.txt", "the damaged one")
        archive.writestr("locked.txt", "the locked one")
        archive.writestr("sound.txt", "the sound one")
    raw = bytearray(package.read_bytes().replace(b"the damaged", b"the DAMAGED"))
    at = raw.rfind(b"locked.txt")
    raw[at - 46 + 8] |= 1  # the flag of encryption, in the central directory
    raw[raw.find(b"locked.txt") - 30 + 6] |= 1  # and in front of the member
    package.write_bytes(raw)
    found = {m.path: read(reader, m, TEXT) for m in members(package, LIMITS)}
    assert [one.reason for one in found["damaged.txt"] if isinstance(one, Refusal)] == [
        Reason.DAMAGED
    ]
    assert [one.reason for one in found["locked.txt"] if isinstance(one, Refusal)] == [
        Reason.ENCRYPTED
    ]
    assert found["sound.txt"] == [Record("the sound one")]


def test_a_machine_that_fails_is_not_the_files_fault(reader: Reader, tmp_path: Path) -> None:
    gone = tmp_path / "gone.txt"
    with pytest.raises(FileNotFoundError, match=r"gone\.txt"):
        read(reader, Member("gone.txt", 1, lambda: gone.open("rb"), gone), TEXT)
