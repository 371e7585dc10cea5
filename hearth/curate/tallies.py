"""The chapters of a data card that are about numbers, in the report's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hearth.curate.page import NONE, Alarm, Chapter, Number, Said, Table, count, decimal, percent
from hearth.curate.plan import Split

Report = Mapping[str, Any]

_WHAT: Final = ("documents", "characters")
_GROUPS: Final = """A group is what no split may tear: near copies, documents of one work,
    translations of each other. Splits are dealt to groups, once."""


def tallies(report: Report) -> list[Chapter]:
    """Return a chapter for everything that was counted."""
    return [
        _steps(report),
        _languages(report),
        _drops(report),
        _personal(report),
        _copies(report),
        _splits(report),
        _contamination(report),
        _perplexity(report),
        _mixture(report),
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
            _twins(report["twins"]),
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
        f"Among these, a step that takes over {percent(twins['tolerance'])} more from Chinese "
        "than from English is flagged."
    )


def _twins(twins: Mapping[str, Any]) -> Table:
    rows = []
    for step in twins["steps"]:
        more = step["lost_more"]
        why = [
            f"{lang}: {reason} {count(n)}"
            for lang, reasons in step["dropped"].items()
            for reason, n in reasons.items()
        ]
        rows.append(
            (
                step["step"],
                *(percent(step[what][lang]) for what in _WHAT for lang in ("en", "zh")),
                *(percent(more[what]) for what in _WHAT),
                Alarm("yes") if step["flagged"] else "no",
                ", ".join(why) or NONE,
            )
        )
    head = (
        "step",
        *(Number(f"{lang}, {what}") for what in _WHAT for lang in ("en", "zh")),
        Number("zh loses more, documents"),
        Number("characters"),
        "flag",
        "dropped",
    )
    return Table("The same among texts that are there in both languages.", head, rows)


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


def _copies(report: Report) -> Chapter:
    duplication, rules = report["duplication"], report["spec"]["dedup"]
    said = (
        f"Of the documents that were compared, {percent(duplication['exact'])} were exact copies "
        f"and {percent(duplication['near'])} near ones, and went. Near: exact Jaccard from "
        f"{decimal(rules['threshold'])}, on shingles of {count(rules['shingle_words'])} English "
        f"words or {count(rules['shingle_characters'])} Chinese characters. A diameter is the "
        "largest Jaccard distance between two members of a cluster."
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


def _perplexity(report: Report) -> Chapter:
    rules = report["spec"]["perplexity"]
    said = (
        f"Under a model of {count(rules['order'])}-grams of characters, trained on the train split "
        f"and cross-fitted in {count(rules['folds'])} folds. Above the threshold, the quantile "
        f"{percent(rules['quantile'])} of train, documents went; test is never trimmed. Scored: "
        f"{percent(report['coverage']['scored_by_perplexity'])} of the characters."
    )
    names = {name for found in report["perplexity"].values() for name in found}
    quantiles = sorted(names, key=lambda name: (len(name), name))  # p5 before p25
    rows = [
        (language, *(decimal(found[name]) for name in quantiles))
        for language, found in report["perplexity"].items()
    ]
    return Chapter(
        "Perplexity",
        [said],
        [Table("Quantiles by language.", ("language", *map(Number, quantiles)), rows)],
        ["perplexity"],
    )


def _mixture(report: Report) -> Chapter:
    mixture = report["mixture"]
    tables = [
        Table(f"By {way}; share of the tokens of train.", _heads(way), _parts(mixture[way]))
        for way in ("language", "domain", "source")
    ]
    tokens = report["tokens"]
    rows = [
        (
            language,
            *(count(found.get(split)) for split in Split),
            decimal(found["characters_per_token"]),
        )
        for language, found in tokens.items()
    ]
    head = ("language", *map(Number, (*Split, "characters per token")))
    tables.append(Table("Tokens by language and split.", head, rows))
    return Chapter("Mixture", tables=tables, plots=["mixture"])


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
