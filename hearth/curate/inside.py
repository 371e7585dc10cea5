"""The chapters of a data card on what is inside a corpus: in the report's own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hearth.curate.keywords.risks import Scheme, risks
from hearth.curate.page import (
    NONE,
    Alarm,
    Chapter,
    Code,
    Number,
    Said,
    Table,
    count,
    decimal,
    percent,
)
from hearth.curate.plan import Split
from hearth.curate.spec import CountedBy

Report = Mapping[str, Any]

_TAGS: Final = """Structure, jurisdiction and topic are told by the recipe's rules, from lines and
    words; they steer no step. A document may have several topics."""
_WEIGHTS: Final = """What training is to draw, by language and domain, so that the recipe's shares
    come about. A part's epochs are how often it is gone through in one pass."""


def keywords(report: Report) -> Chapter:
    """Return the chapter on keywords: categories and counts, never an entry."""
    found, rules = report["keywords"], report["spec"]["keywords"]
    if not found["categories"]:
        return Chapter("Keywords", ["The recipe names no list of keywords."])
    scheme = rules["scheme"]
    counted = (
        f"{count(found['entries'])} entries, folded in case and width, each counted once. No entry "
        "and no matched text is in this corpus's records."
    )
    said: list[Said] = [counted]
    if scheme is not None:
        known = risks(Scheme(scheme))
        said.append(f"Categories are those of {known.title}.")
        if not known.confirmed:
            said.append(Alarm("Their names were not checked against the standard's own text."))
    lists = [
        (pin["name"], pin["version"], count(pin["entries"]), Code(pin["sha256"]))
        for pin in found["lists"]
    ]
    heads = tuple(map(Number, ("entries", "documents", "hits", "flagged", "dropped")))
    rows = [
        (
            name,
            _name(name, scheme, rules["categories"]),
            *(count(one[k]) for k in ("entries", "documents", "hits")),
            Alarm(count(one["flagged"])) if one["flagged"] else count(one["flagged"]),
            count(one["dropped"]),
        )
        for name, one in found["categories"].items()
    ]
    sources = [
        (name, count(sum(hits.values())), ", ".join(f"{k} {count(n)}" for k, n in hits.items()))
        for name, hits in found["sources"].items()
    ]
    return Chapter(
        "Keywords",
        said,
        [
            Table("Lists.", ("file", "version", Number("entries"), "SHA-256"), lists),
            Table("Hits, by category.", ("category", "what", *heads), rows),
            Table("Hits, by source.", ("source", Number("hits"), "by category"), sources),
        ],
        ["keywords"],
    )


def _name(category: str, scheme: str | None, own: Mapping[str, str]) -> str:
    if category in own or scheme is None:
        return own.get(category, NONE)
    risk = risks(Scheme(scheme)).risks.get(category)
    return f"{risk.zh} ({risk.en})" if risk else NONE


def perplexity(report: Report) -> Chapter:
    """Return the chapter on perplexity."""
    rules = report["spec"]["perplexity"]
    taught = ", ".join(rules["trusted"]) or "all sources"
    said = (
        f"Under a model of {count(rules['order'])}-grams of characters, trained on the train split "
        f"of {taught} and cross-fitted in {count(rules['folds'])} folds. Thresholds are quantiles "
        f"of train, by language and domain: above {percent(rules['quantile'])} documents went, "
        f"except of test, and below {percent(rules['low_quantile'])} they were flagged as "
        f"repetition and stayed: {count(report['flags'].get('perplexity', 0))}. Scored: "
        f"{percent(report['coverage']['scored_by_perplexity'])} of the characters."
    )
    parts = [
        (language, domain, found)
        for language, domains in report["perplexity"].items()
        for domain, found in domains.items()
    ]
    names = sorted(
        {name for *_, found in parts for name in found if name.startswith("p")}, key=_nth
    )
    rows = [
        (language, domain, *(decimal(found[name]) for name in (*names, "low", "high")))
        for language, domain, found in parts
    ]
    head = ("language", "domain", *map(Number, (*names, "flagged below", "gone above")))
    return Chapter(
        "Perplexity",
        [said],
        [Table("Quantiles of what stays, and thresholds.", head, rows)],
        ["perplexity"],
    )


def _nth(quantile: str) -> float:
    return float(quantile[1:])


def tags(report: Report) -> Chapter:
    """Return the chapter on structure, jurisdiction and topic."""
    words = {"structures": "structure", "jurisdictions": "jurisdiction", "topics": "topic"}
    return Chapter(
        "Tags",
        [_TAGS],
        [
            Table(
                f"By {word}.",
                (word, *map(Number, ("documents", "characters", "tokens"))),
                [
                    (tag, *(count(one[k]) for k in ("documents", "characters", "tokens")))
                    for tag, one in sorted(
                        report["tags"][name].items(), key=lambda one: (-one[1]["tokens"], one[0])
                    )
                ],
            )
            for name, word in words.items()
        ],
        ["tags"],
    )


def tokens(report: Report) -> tuple[str, Table]:
    """Return what is said of tokens and fertility, and their table."""
    rows = [
        (
            language,
            *(count(found.get(split)) for split in Split),
            *(decimal(found[k]) for k in ("characters_per_token", "tokens_per_character")),
            decimal(found["tokens_per_word"]),
        )
        for language, found in report["tokens"].items()
    ]
    names = ("characters per token", "tokens per character", "tokens per word")
    head = ("language", *map(Number, (*Split, *names)))
    if report["tokenizer"] == CountedBy.BASE:
        said = "Tokens were counted by the tokenizer of the model that training starts from."
        return said, Table("Tokens by language and split, and fertility.", head, rows)
    said = (
        "Tokens and fertility are estimates: training learns its tokenizer from all of train, and "
        "these were counted by one that was learnt from a sample of "
        f"{count(report['spec']['tokens']['sample_characters'])} characters of it at most."
    )
    return said, Table("Tokens by language and split, and fertility, estimated.", head, rows)


def weights(report: Report) -> tuple[Sequence[Said], Table]:
    """Return what is said of sampling weights, and their table."""
    found = report["mixture_weights"]
    rows = [
        (
            part["language"],
            part["domain"],
            count(part["tokens"]),
            percent(part["target"]),
            percent(part["share"])
            if abs(part["share"] - part["target"]) < 1e-4  # noqa: PLR2004 - as it is shown
            else Alarm(percent(part["share"])),
            decimal(part["epochs"]),
        )
        for part in found["parts"]
    ]
    names = ("tokens of train", "wanted", "share", "epochs")
    said = (
        f"{_WEIGHTS} A pass has {count(found['tokens'])} tokens; no part is gone through more than "
        f"{decimal(found['max_epochs'])} times in it, so that a share may fall short of what is "
        "wanted."
    )
    head = ("language", "domain", *map(Number, names))
    return [said], Table("Sampling weights, as in mixture.json.", head, rows)
