"""Documents of one source: every file that a rule reads, cut into passages.

What comes out does not depend on the order in which files and records come: of records that share a
key the longest stays, and the others are refused by that name. That is known when all were read:
until then their texts lie on scratch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hearth.documents import Document, doc_key
from hearth.errors import DataError
from hearth.mirror.archives import Member, members
from hearth.mirror.extraction import Extraction, Scope
from hearth.mirror.kept import Kept, get, put
from hearth.mirror.passages import passages
from hearth.mirror.plan import is_licence, place_of, record_key, rule_for
from hearth.mirror.reader import Reader
from hearth.mirror.records import Reason, Record, Refusal, Reject
from hearth.mirror.spec import MirrorSource, Passages
from hearth.shelf import Shelf

_LICENCE_BYTES = 4 << 20


@dataclass
class Extracted:
    """What a source's packages hold."""

    documents: Kept
    rejects: list[Reject] = field(default_factory=list)
    licences: dict[str, bytes] = field(default_factory=dict)
    files: int = 0
    """Files that a rule read."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A record without its text, and its place."""

    path: str
    record: Record
    length: int
    """Of its text, in characters."""
    number: int
    """Of its text, on the shelf."""
    rule: Extraction
    work: str
    parallel: str | None
    date: str | None

    @property
    def key(self) -> tuple[str, str]:
        """Path and key as they enter the keys of documents."""
        of_source = self.record.key and self.rule.fields.unique is Scope.SOURCE
        return ("" if of_source else self.path, self.record.key)

    def rank(self, texts: Shelf) -> tuple[Any, ...]:
        """The lowest of those that share a key stays."""
        record = self.record
        said = (record.title, record.language, record.work, record.parallel, self.date)
        return (-self.length, get(texts, self.number), self.path, *((one or "") for one in said))


def extract(
    source: MirrorSource,
    packages: dict[str, Path],
    passing: Passages,
    reader: Reader,
    texts: Shelf,
) -> Extracted:
    """Read the packages of a source.

    Args:
        source: the source, with its rules.
        packages: name → local file. A folder's files keep their paths as names.
        passing: how long passages are.
        reader: reads the files, and knows what is too much.
        texts: an empty shelf; what is returned can be read while it is open.

    Raises:
        DataError: a package is damaged or hostile, no rule matched any file, or all was refused.
    """
    result = Extracted(Kept(texts))
    held: dict[tuple[str, str], _Held] = {}
    for name, package in sorted(packages.items()):
        for member in members(package, reader.limits):
            # A package of one plain file is known by its name in the source, not on this disk.
            path = name if member.path == package.name else member.path
            for one in _read(source, path, member, reader, texts, result):
                other = held.setdefault(one.key, one)
                if other is not one:
                    stays, goes = sorted((other, one), key=lambda some: some.rank(texts))
                    held[one.key] = stays
                    result.rejects.append(_refused(source, goes, stays, texts))
    _cut(source, held, passing, texts, result)
    _check(source, result)
    return result


def _read(
    source: MirrorSource,
    path: str,
    member: Member,
    reader: Reader,
    texts: Shelf,
    result: Extracted,
) -> Iterator[_Held]:
    if is_licence(source, path):
        with member.open() as stream:
            result.licences[path] = stream.read(_LICENCE_BYTES)
        return
    chosen = rule_for(source, path)
    if chosen is None:
        return
    rule, captured = chosen
    result.files += 1
    work, parallel = place_of(source, rule, captured, path)
    found: Record | Refusal | None = None
    for found in reader.read(member, path, rule):
        if isinstance(found, Refusal):
            result.rejects.append(Reject(source.id, path, found))
        else:
            yield _Held(
                path=path,
                record=replace(found, text=""),
                length=len(found.text),
                number=put(texts, found.text),
                rule=rule,
                work=f"{work}/{found.work}" if found.work else work,
                parallel="/".join(filter(None, (parallel, found.parallel))) or None,
                date=found.date or member.date,
            )
    if found is None:
        result.rejects.append(Reject(source.id, path, Refusal(Reason.EMPTY, "has no records")))


def _refused(source: MirrorSource, goes: _Held, stays: _Held, texts: Shelf) -> Reject:
    equal = get(texts, goes.number) == get(texts, stays.number)
    same = "with the same text" if equal else "with another text"
    detail = f"its key is also that of a record in {stays.path}, {same}: keys must be unique"
    return Reject(source.id, goes.path, Refusal(Reason.DUPLICATE_KEY, detail, goes.record.key))


def _cut(
    source: MirrorSource,
    held: dict[tuple[str, str], _Held],
    passing: Passages,
    texts: Shelf,
    result: Extracted,
) -> None:
    taken: set[str] = set()
    for (path, key), one in sorted(held.items()):
        record, text = one.record, get(texts, one.number)
        cut = passages(text, passing.characters, fenced=record.fenced)
        parts = [text] if record.whole else cut
        keys = [
            doc_key(source.id, record_key(path, key, number)) for number in range(1, len(parts) + 1)
        ]
        if clash := taken.intersection(keys):
            detail = f"{min(clash)} is also a passage of another record: keys must be unique"
            refusal = Refusal(Reason.DUPLICATE_KEY, detail, key)
            result.rejects.append(Reject(source.id, one.path, refusal))
            continue
        taken.update(keys)
        for name, part in zip(keys, parts, strict=True):
            result.documents.add(
                Document(
                    doc_key=name,
                    source=source.id,
                    work=one.work,
                    parallel=one.parallel,
                    language=record.language or one.rule.language,
                    licence=source.licence,
                    title=record.title,
                    text=part,
                    date=one.date,
                )
            )


def _check(source: MirrorSource, result: Extracted) -> None:
    if not source.extract:  # a model, and nothing to read
        return
    if not result.files:
        patterns = ", ".join(rule.files for rule in source.extract)
        message = (
            f"source {source.id}: no file matches {patterns}: "
            "the package changed its layout, or the pattern is wrong; list its files and adapt it"
        )
        raise DataError(message)
    if not result.documents:
        first = result.rejects[0]
        message = (
            f"source {source.id}: all {len(result.rejects)} records were refused; "
            f"the first: {first.path}: {first.refusal.reason}: {first.refusal.detail}"
        )
        raise DataError(message)
