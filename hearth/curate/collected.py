"""By what right sources were collected, and where dropped documents went, on a data card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hearth.curate.page import NONE, Alarm, Code, Said, Table, count

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


def dropped(report: Mapping[str, Any]) -> Said:
    """Say where the text of dropped documents is."""
    kept = report.get("rejects")
    if not kept:
        return "only the decisions are on record: the profile names no reject area"
    steps = ", ".join(kept["steps"])
    if not kept["uri"]:
        return f"only the decisions are on record: nothing was dropped in the steps {steps}"
    lock = f", under object lock ({kept['object_lock']})" if kept["object_lock"] else ""
    return (
        f"{count(kept['documents'])} of the steps {steps}, redacted, until {kept['until']}{lock}, ",
        "apart from the store: ",
        Code(kept["uri"]),
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
