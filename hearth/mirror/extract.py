"""Documents of one source: every file that a rule reads, cut into passages."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from hearth.documents import Document, doc_key
from hearth.errors import DataError
from hearth.mirror.archives import Member, members
from hearth.mirror.formats import records
from hearth.mirror.passages import passages
from hearth.mirror.plan import is_licence, place_of, record_key, rule_for
from hearth.mirror.records import Record, Refusal, Reject
from hearth.mirror.spec import Extraction, Limits, MirrorSource, Passages

log = logging.getLogger(__name__)

_LICENCE_BYTES = 4 << 20


@dataclass
class Extracted:
    """What a source's packages hold."""

    documents: list[Document] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    licences: dict[str, bytes] = field(default_factory=dict)
    files: int = 0
    """Files that a rule read."""


def extract(
    source: MirrorSource, packages: dict[str, Path], passing: Passages, limits: Limits
) -> Extracted:
    """Read the packages of a source.

    Args:
        source: the source, with its rules.
        packages: name → local file. A folder's files keep their paths as names.
        passing: how long passages are.
        limits: what is too much.

    Raises:
        DataError: a package is damaged or hostile, no rule matched any file, or all was refused.
    """
    result = Extracted()
    for name, package in sorted(packages.items()):
        for member in members(package, limits):
            # A package of one plain file is known by its name in the source, not on this disk.
            path = name if member.path == package.name else member.path
            _read(source, path, member, passing, limits, result)
    result.documents.sort(key=lambda document: document.doc_key)
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
    return result


def _read(
    source: MirrorSource,
    path: str,
    member: Member,
    passing: Passages,
    limits: Limits,
    result: Extracted,
) -> None:
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
    with member.open() as stream:
        for record in records(stream, path, rule, limits):
            if isinstance(record, Refusal):
                result.rejects.append(Reject(source.id, path, record))
                continue
            for number, text in enumerate(passages(record.text, passing.characters), start=1):
                result.documents.append(
                    Document(
                        doc_key=doc_key(source.id, record_key(path, record.key, number)),
                        source=source.id,
                        work=work,
                        parallel=parallel,
                        language=_language(record, rule),
                        licence=source.licence,
                        title=record.title,
                        text=text,
                    )
                )


def _language(record: Record, rule: Extraction) -> str | None:
    return record.language or rule.language
