"""Pure decisions of the mirror: which rule reads a file, what is a licence, what keys are."""

from __future__ import annotations

from hearth.mirror.extraction import Extraction
from hearth.mirror.patterns import filled, matched
from hearth.mirror.spec import Kind, MirrorSource

_LICENCE_FILES: dict[Kind, tuple[str, ...]] = {
    Kind.DEBIAN: ("usr/share/doc/*/copyright",),
    Kind.PYPI: (
        "*.dist-info/licenses/**",
        "*.dist-info/*LICEN?E*",
        "*.dist-info/*COPYING*",
        "*.dist-info/*NOTICE*",
        "*.dist-info/METADATA",
    ),
    Kind.HTTP: ("*LICEN?E*", "*COPYING*", "*/*LICEN?E*", "*/*COPYING*"),
    Kind.FILE: ("*LICEN?E*", "*COPYING*"),
}
"""Where the text of the licence usually lies in a package of each kind."""


def is_licence(source: MirrorSource, path: str) -> bool:
    """Say whether a file of the source's package is to be kept as a licence text."""
    patterns = (*_LICENCE_FILES[source.kind], *source.licence_files)
    return any(matched(pattern, path) is not None for pattern in patterns)


def rule_for(source: MirrorSource, path: str) -> tuple[Extraction, dict[str, str]] | None:
    """Return the first rule that reads a file, and what it captures from the path."""
    for rule in source.extract:
        captured = matched(rule.files, path)
        if captured is not None and not any(
            matched(pattern, path) is not None for pattern in rule.exclude
        ):
            return rule, captured
    return None


def place_of(
    source: MirrorSource, rule: Extraction, captured: dict[str, str], path: str
) -> tuple[str, str | None]:
    """Return the work of a file, and what it shares with its translations."""
    work = filled(rule.work, captured, source=source.id, path=path)
    if rule.parallel is None:
        return work, None
    return work, filled(rule.parallel, captured, source=source.id, path=path)


def record_key(path: str, record: str, passage: int) -> str:
    """Return the source's own key of a passage.

    A file that is one record numbers its passages from 1; a record of a file has a key itself,
    and only its second and later passages are numbered.

    Args:
        path: of the file; empty if the record's key is unique in the source.
        record: the record's own key; empty if the file is one record.
        passage: from 1.
    """
    if not record:
        return f"{path}#{passage}"
    key = f"{path}#{record}" if path else record
    return key if passage == 1 else f"{key}/{passage}"
