"""Files of keywords: read, checked, pinned. An error names lines and categories, never an entry.

A list says its version in a comment, then its entries by category:

    # version: 2026-11
    [A.1.f]
    an entry
    另一条

or, as `.csv`, with the columns `category` and `keyword` after that comment.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from hearth.curate.keywords.fold import fold
from hearth.curate.keywords.risks import risks
from hearth.curate.keywords.section import CATEGORY, KeywordSection
from hearth.errors import DataError
from hearth.lock import PinnedList

MAX_BYTES: Final = 64 << 20
MAX_ENTRY: Final = 64
"""Characters of the longest entry."""

_VERSION: Final = re.compile(r"#\s*version:\s*([^\s#]{1,64})\s*")
_HEADING: Final = re.compile(r"\[([^\]]*)\]")

Entries = Mapping[str, Sequence[str]]
"""Category → its entries, folded, each once, sorted."""


class KeywordList(NamedTuple):
    """What a file holds."""

    version: str
    entries: Entries


def read_list(name: str, data: bytes) -> KeywordList:
    """Read a list.

    Args:
        name: How errors call it; `.csv` at its end says what it is.
        data: Its bytes, UTF-8.

    Raises:
        DataError: It has no version or no entry, or a line is not what it should be.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        message = f"{name}: is not UTF-8 (byte {error.start}): save it as UTF-8"
        raise DataError(message) from error
    version = _version(lines)
    if version is None:
        message = f"{name}: says no version: begin it with a line such as `# version: 2026-11`"
        raise DataError(message)
    found: dict[str, set[str]] = defaultdict(set)
    rows = _table(name, lines) if name.endswith(".csv") else _headed(name, lines)
    for number, category, entry in rows:
        if not re.match(CATEGORY, category):
            message = f"{name}:{number}: a category is made of letters, digits and . _ - only"
            raise DataError(message)
        folded = fold(entry)
        if not folded or len(folded) > MAX_ENTRY:
            message = f"{name}:{number}: an entry has 1 to {MAX_ENTRY} characters"
            raise DataError(message)
        found[category].add(folded)
    if not found:
        message = f"{name}: has no entry: name another, or none"
        raise DataError(message)
    return KeywordList(version, {key: sorted(found[key]) for key in sorted(found)})


def has_version(data: bytes) -> bool:
    """Say whether a file is a list that tells its version, and not merely lines of text."""
    return _version(data.decode("utf-8-sig", errors="replace").splitlines()) is not None


def _version(lines: Iterable[str]) -> str | None:
    return next((said[1] for line in lines if (said := _VERSION.fullmatch(line))), None)


def _headed(name: str, lines: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    category = ""
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        if heading := _HEADING.fullmatch(line):
            category = heading[1].strip()
        elif not category:
            message = f"{name}:{number}: stands under no category: put a line such as [A.1.f] above"
            raise DataError(message)
        else:
            yield number, category, line


def _table(name: str, lines: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    start = next((n for n, line in enumerate(lines) if line and not line.startswith("#")), 0)
    reader = csv.DictReader(lines[start:])
    if not {"category", "keyword"} <= set(reader.fieldnames or ()):
        message = f"{name}: has no columns `category` and `keyword`: give its first row these names"
        raise DataError(message)
    for row in reader:
        if row["keyword"] and not row["keyword"].isspace():
            yield start + reader.line_num, (row["category"] or "").strip(), row["keyword"].strip()


def pin_lists(section: KeywordSection, base: Path) -> list[tuple[PinnedList, bytes]]:
    """Read the lists that a recipe names: what pins them, and their bytes.

    Args:
        section: The recipe's.
        base: Where relative paths start.

    Raises:
        DataError: One is missing, damaged, or has categories that the recipe does not know.
    """
    known = set(section.categories)
    if section.scheme is not None:
        known |= set(risks(section.scheme).risks)
    pinned = []
    for name in section.lists:
        path = base / name
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            message = f"keyword list {path}: cannot be read ({error.strerror}): check the path"
            raise DataError(message) from error
        if len(data) > MAX_BYTES:
            message = f"keyword list {path}: is over {MAX_BYTES} bytes: split it"
            raise DataError(message)
        read = read_list(path.name, data)
        if known and (odd := sorted(set(read.entries) - known)):
            message = (
                f"keyword list {path}: has categories that the recipe does not know: "
                f"{', '.join(odd[:5])}: name them under `curate.keywords.categories`"
            )
            raise DataError(message)
        pin = PinnedList(
            name=path.name,
            version=read.version,
            sha256=hashlib.sha256(data).hexdigest(),
            bytes=len(data),
            entries=len({entry for entries in read.entries.values() for entry in entries}),
        )
        pinned.append((pin, data))
    return pinned


def merged(lists: Iterable[KeywordList]) -> Entries:
    """Return the entries of several lists, each once a category."""
    entries: dict[str, set[str]] = defaultdict(set)
    for one in lists:
        for category, some in one.entries.items():
            entries[category].update(some)
    return {category: sorted(entries[category]) for category in sorted(entries)}
