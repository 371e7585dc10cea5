"""By what right sources were collected, as a data card shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hearth.curate.page import NONE, Alarm, Said, Table, count

_COLUMNS: Final = (
    "source", "basis", "authorised by", "proved by", "terms or consent", "collected",
    "checked before",
)  # fmt: skip


def collections(report: Mapping[str, Any]) -> Table:
    """Return the table of collection records."""
    rows = [_row(name, source.get("collection")) for name, source in report["origin"].items()]
    return Table(
        "By what right each source was collected, as the recipe states it, and its check before "
        "collection. The recipe names whom to ask about a source.",
        _COLUMNS,
        rows,
    )


def _row(name: str, said: Mapping[str, Any] | None) -> tuple[Said, ...]:
    if not said:
        return (name, Alarm("no record"), *[NONE] * 5)
    since, until = said.get("collected_from"), said.get("collected_until")
    return (
        name,
        said["basis"],
        said["authorised_by"],
        said["reference"],
        " ".join(filter(None, (said.get("terms"), said.get("consent")))) or NONE,
        f"{since or NONE} to {until or NONE}" if since or until else NONE,
        _check(said.get("check")),
    )


def _check(check: Mapping[str, Any] | None) -> Said:
    if not check:
        return "no check on record"
    report = f"; {check['report']}" if check.get("report") else ""
    return (
        f"{check['day']} by {check['by']}: {count(check['illegal'])} of "
        f"{count(check['sampled'])} items illegal{report}"
    )
