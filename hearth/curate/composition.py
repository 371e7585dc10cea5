"""The chapters of a data card on what a corpus consists of: in the report's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hearth.curate.inside import keywords, perplexity, tags, tokens, weights
from hearth.curate.page import NONE, Alarm, Chapter, Number, Table, count, decimal, percent
from hearth.curate.plan import Split

Report = Mapping[str, Any]

_GROUPS: Final = """A group is what no split may tear: near copies, documents of one work,
    translations of each other. Splits are dealt to groups, once."""


def composition(report: Report) -> list[Chapter]:
    """Return a chapter for copies, splits, contamination, and each thing that is inside."""
    return [
        _copies(report),
        _splits(report),
        _contamination(report),
        keywords(report),
        perplexity(report),
        tags(report),
        _mixture(report),
    ]


def _copies(report: Report) -> Chapter:
    duplication, rules = report["duplication"], report["spec"]["dedup"]
    said = (
        f"Of the documents that were compared, {percent(duplication['exact'])} were exact copies "
        f"and {percent(duplication['near'])} near ones, and went. Near: exact Jaccard from "
        f"{decimal(rules['threshold'])}, on shingles of {count(rules['shingle_words'])} English "
        f"words or {count(rules['shingle_characters'])} Chinese characters. A diameter is the "
        "largest Jaccard distance between two members of a cluster; of a large cluster it is that "
        "of two which lie far apart, and at least half of the largest."
    )
    clusters = [
        (
            level,
            count(found["clusters"]),
            count(found["members"]),
            count(found["largest"]),
            decimal(found["widest"]),
            ", ".join(f"{reason} {count(n)}" for reason, n in found["reasons"].items()) or NONE,
        )
        for level, found in duplication["clusters"].items()
    ]
    head = (
        "level",
        *map(Number, ("clusters", "members", "largest", "widest diameter")),
        "members that went, by reason",
    )
    return Chapter(
        "Duplicates",
        [said],
        [
            Table("Clusters of copies.", head, clusters),
            *_binned(report["cluster_sizes"], "sizes", "size"),
            *_binned(report["cluster_sizes"], "diameters", "diameter"),
        ],
        ["clusters"],
    )


def _binned(levels: Mapping[str, Any], which: str, word: str) -> list[Table]:
    columns = [found[which] for found in levels.values()]
    rows = [
        (same[0]["bin"], *(count(cell["clusters"]) for cell in same))
        for same in zip(*columns, strict=True)
    ]
    return [Table(f"Clusters by {word}.", (word, *map(Number, levels)), rows)]


def _splits(report: Report) -> Chapter:
    splits = {name: report["splits"][name] for name in Split}
    languages = sorted({name for split in splits.values() for name in split["languages"]})
    rows = [
        (
            name,
            count(split["documents"]),
            count(split["groups"]),
            count(split["characters"]),
            *(count(split["languages"].get(language)) for language in languages),
        )
        for name, split in splits.items()
    ]
    head = ("split", *map(Number, ("documents", "groups", "characters", *languages)))
    return Chapter(
        "Splits",
        [_GROUPS],
        [Table("The splits, and documents of each language.", head, rows)],
    )


def _contamination(report: Report) -> Chapter:
    tasks, rules = report["contamination"], report["spec"]["decontaminate"]
    if not tasks:
        return Chapter("Contamination", [Alarm("No suite was given: nothing was kept out.")])
    said = (
        f"Text of the suite is found by {count(rules['words'])} English words in a row, or "
        f"{count(rules['characters'])} Chinese characters, and cut or dropped. A near miss gives "
        f"away {percent(rules['near_share'])} or more of an item and stays; an item is exposed if "
        f"a document in train still gives away {percent(rules['exposed_share'])} of it."
    )
    rows = [
        (
            name,
            count(task["items"]),
            count(task["items_found"]),
            count(task["documents_cut"]),
            count(task["documents_dropped"]),
            count(task["characters_cut"]),
            count(task["near_misses"]),
            Alarm(count(task["items_exposed"]))
            if task["items_exposed"]
            else count(task["items_exposed"]),
            percent(task["exposed"]),
        )
        for name, task in tasks.items()
    ]
    names = ("items", "found", "documents cut", "dropped", "characters cut", "near misses")
    head = ("task", *map(Number, (*names, "exposed", "share")))
    return Chapter(
        "Contamination", [said], [Table("What was found of the suite, by task.", head, rows)]
    )


def _mixture(report: Report) -> Chapter:
    mixture = report["mixture"]
    tables = [
        Table(f"By {way}; share of the tokens of train.", _heads(way), _parts(mixture[way]))
        for way in ("language", "domain", "source")
    ]
    said, weighed = weights(report)
    counted, fertility = tokens(report)
    tables += [fertility, weighed]
    return Chapter("Mixture", [counted, *said], tables, ["mixture", "weights"])


def _heads(way: str) -> tuple[str, ...]:
    names = ("documents", "characters", "tokens", "tokens of train", "share of train")
    return (way, *map(Number, names))


def _parts(parts: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            name,
            *(count(part[k]) for k in ("documents", "characters", "tokens", "train_tokens")),
            percent(part["share"]),
        )
        for name, part in parts.items()
    ]
