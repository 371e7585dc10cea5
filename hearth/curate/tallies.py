"""The chapters of a data card on what curation took away: in the report's own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hearth.curate.composition import composition
from hearth.curate.page import (
    NONE,
    Alarm,
    Chapter,
    Number,
    Said,
    Table,
    count,
    decimal,
    percent,
)

Report = Mapping[str, Any]

_WHAT: Final = ("documents", "characters")
_TWINS: Final = ("en", "zh")


def tallies(report: Report) -> list[Chapter]:
    """Return a chapter for everything that was counted, in the order of the steps."""
    return [
        _steps(report),
        _languages(report),
        _drops(report),
        _personal(report),
        *composition(report),
    ]


def _steps(report: Report) -> Chapter:
    rows = [
        (
            step["step"],
            count(step["documents_in"]),
            count(step["documents_out"]),
            count(step["documents_edited"]),
            percent(step["left"]["documents"]),
            count(step["characters_in"]),
            count(step["characters_out"]),
            percent(step["left"]["characters"]),
        )
        for step in report["waterfall"]
    ]
    head = (
        "step",
        *map(Number, ("documents in", "out", "edited", "left", "characters in", "out", "left")),
    )
    caption = "Documents and characters that entered and left each step; left: of what was read."
    return Chapter("Steps", tables=[Table(caption, head, rows)], plots=["waterfall"])


def _languages(report: Report) -> Chapter:
    names = sorted({name for step in report["kept"] for name in step["languages"]})
    kept = [
        (
            step["step"],
            *(
                percent(step["languages"].get(name, {}).get(what))
                for name in names
                for what in _WHAT
            ),
        )
        for step in report["kept"]
    ]
    head = [Number(f"{name}, {what}") for name in names for what in _WHAT]
    return Chapter(
        "Languages",
        [_compared(report["twins"])],
        [
            Table("Share of what entered a step that left it.", ("step", *head), kept),
            _parallel(report),
            _mixed(report),
        ],
        ["languages"],
    )


def _compared(twins: Mapping[str, Any]) -> Said:
    if not twins["texts"]:
        return "No text is there in English and in Chinese, so that the two cannot be compared."
    documents = twins["documents"]
    return (
        f"{count(twins['texts'])} texts are there in both languages: "
        f"{count(documents['en'])} documents in English and {count(documents['zh'])} in Chinese. "
        f"Among these, a step that takes over {decimal(twins['points'])} points more from Chinese "
        "than from English is flagged, and it is said why."
    )


def _parallel(report: Report) -> Table:
    rows: list[Sequence[Said]] = []
    for step in report["parallel"] if report["twins"]["texts"] else ():
        why = [f"{reason} {count(lost)}" for reason, lost in step.get("why", {}).items()]
        rows.append(
            (
                step["step"],
                *(percent(step[name][what]) for what in _WHAT for name in _TWINS),
                f"{step['gap']:+.2f}" if step["gap"] else "0.00",
                Alarm(", ".join(why) or "no reason is known") if "why" in step else NONE,
            )
        )
    heads = [Number(name) for what in _WHAT for name in (f"{what}: en", "zh")]
    return Table(
        "The same among texts that are there in both languages; how many points more Chinese "
        "loses; and where that is too much, the characters that it lost, by reason.",
        ("step", *heads, Number("zh loses"), "why"),
        rows,
    )


def _mixed(report: Report) -> Table:
    rows = [
        (
            language,
            count(found["documents"]),
            ", ".join(f"{name} {count(n)}" for name, n in found["characters"].items()),
        )
        for language, found in report["mixed"].items()
    ]
    return Table(
        "Documents that stay and mix Han with other letters in their first "
        f"{count(report['spec']['language']['sample_characters'])} characters, and how many "
        "characters are in which language, by paragraph. They are treated like any other.",
        ("language", Number("documents"), "characters, by language"),
        rows,
    )


def _drops(report: Report) -> Chapter:
    order = {step["step"]: number for number, step in enumerate(report["waterfall"])}
    parted = ((*name.partition("/")[::2], dropped) for name, dropped in report["drops"].items())
    rows = [
        (step, reason, count(dropped))
        for step, reason, dropped in sorted(parted, key=lambda row: (order[row[0]], -row[2], row))
    ]
    said = ["Nothing was dropped."] if not rows else []
    head = ("step", "reason", Number("documents"))
    return Chapter("Drops", said, [Table("Documents that were dropped, by reason.", head, rows)])


def _personal(report: Report) -> Chapter:
    policy = report["spec"]["pii"]
    said: list[Said] = [
        f"The recipe's action is {policy['action']}, where no rule below says otherwise.",
        "It was done before anything was written. What a rule keeps is not counted.",
    ]
    if not report["pii"]:
        said.append("Nothing was found.")
    kinds = [(kind, count(found)) for kind, found in report["pii"].items()]
    sources = [
        (
            name,
            count(source["pii"]["documents"]),
            count(source["pii"]["found"]),
            ", ".join(f"{kind} {count(n)}" for kind, n in source["pii"]["kinds"].items()),
        )
        for name, source in report["sources"].items()
        if source["pii"]["found"]
    ]
    rules = [
        (
            rule["action"],
            *(", ".join(rule[key]) or "any" for key in ("kinds", "classes")),
            *(", ".join(rule[key]) or "any" for key in ("sources", "jurisdictions")),
        )
        for rule in policy["rules"]
    ]
    return Chapter(
        "Personal information",
        said,
        [
            Table(
                "Rules of the recipe; the first that fits decides.",
                ("action", "kinds", "classes", "sources", "jurisdictions"),
                rules,
            ),
            Table("Found, by kind.", ("kind", Number("places")), kinds),
            Table(
                "Found, by source.",
                ("source", Number("documents"), Number("places"), "by kind"),
                sources,
            ),
        ],
        ["pii"],
    )
