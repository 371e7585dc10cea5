"""The chapters of a data card: what a report says, put into words. Nothing is counted here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hearth.curate.collected import collections, dropped
from hearth.curate.page import (
    NONE,
    Alarm,
    Chapter,
    Code,
    Number,
    Page,
    Said,
    Table,
    Tile,
    count,
)
from hearth.curate.spec import CountedBy
from hearth.curate.tallies import tallies

Report = Mapping[str, Any]

_LIMITS: Final = (
    """Licences, works, declared languages and which texts are translations of each other are what
    the recipe says of its sources. The mirror keeps the licence texts that came with a source;
    nobody compared them with what the recipe says.""",
    """Authorisations, contracts and checks before collection are what the recipe says of them, too:
    nobody compared them with the documents that they name.""",
    """Personal information is found by patterns and their checks, which miss some and take some
    harmless text for it. What was found was counted and is not shown.""",
    """Contamination is looked for in the suite that judges this build, by n-grams: a translation
    or a paraphrase of an item is not found.""",
    """Tokens are those of a BPE of the model's kind and size, learnt from a sample of train: the
    model's own, learnt from all of it, differs a little.""",
)
_BEFORE_AND_AFTER: Final = """Before collection: hosts outside the profile's list are refused, and
    every file must be what the lock says, by SHA-256. After it: what is not text is refused by the
    mirror, and what curation does is in the chapters below."""
_RECORD: Final = """ beside this card has the time, the cost, the code's digest, every package and
    the SHA-256 of every file. The corpus's name is made of its spec and of the inputs below."""
_REVIEWS: Final = """People review samples of a corpus once it is there, so what they say is not on
    this page. It is kept beside the corpus, in the store's samples/."""


def page(report: Report) -> Page:
    """Return the data card of a corpus.

    Args:
        report: What `report.json` says.
    """
    corpus = report["corpus"]
    return Page(
        title=f"Data card of the corpus {corpus['recipe']}",
        lead=(
            "Corpus ",
            Code(corpus["fingerprint"]),
            ", made by build ",
            Code(corpus["build"]),
            ". Every number here is from its ",
            Code("report.json"),
            "; no text of any document is on this page.",
        ),
        tiles=_tiles(report),
        chapters=[
            Chapter("What to look at", tables=[_checks(report)]),
            _identity(report),
            _sources(report),
            *tallies(report),
            _review(corpus),
            _limits(report),
        ],
    )


def _tiles(report: Report) -> list[Tile]:
    total = report["mixture"]["total"]
    return [
        Tile(count(total["documents"]), f"documents, of {count(report['documents']['in'])} read"),
        Tile(count(total["characters"]), "characters"),
        Tile(
            count(total["tokens"]),
            "tokens" if report["tokenizer"] == CountedBy.BASE else "tokens, estimated",
        ),
        Tile(" and ".join(report["mixture"]["language"]) or NONE, "languages"),
        Tile(count(report["totals"]["sources"]), "sources"),
        Tile(count(report["totals"]["pii"]), "places with personal information, treated"),
    ]


def _checks(report: Report) -> Table:
    return Table(
        "What was checked, what was found, and where more is said of it.",
        ("question", "answer", "chapter"),
        [*_checked(report)],
    )


def _checked(report: Report) -> Iterator[tuple[Said, Said, Said]]:
    twins = report["twins"]
    flagged = [step["step"] for step in report["parallel"] if "why" in step]
    if not twins["texts"]:
        fair: Said = "no text is there in both languages: cannot be said"
    elif flagged:
        fair = Alarm(f"yes, in: {', '.join(flagged)}")
    else:
        fair = "no"
    yield "Does a step take more from Chinese than from English?", fair, "Languages"
    tasks = report["contamination"]
    bare = [name for name, task in tasks.items() if task["items_exposed"]]
    if not tasks:
        known: Said = Alarm("cannot be said: no suite was given")
    else:
        known = Alarm(f"yes, of: {', '.join(bare)}") if bare else "no"
    yield "Does train still give away items of the suite?", known, "Contamination"
    origin = report["origin"]
    without = [name for name, source in origin.items() if not source["licence_texts"]]
    texts = Alarm(f"not for: {', '.join(without)}") if without else "yes"
    texts = texts if origin else Alarm("the mirror names no source")
    yield "Is there a licence text for every source?", texts, "Sources"
    bare = [name for name, source in origin.items() if not source.get("collection")]
    records = Alarm(f"not for: {', '.join(bare)}") if bare else "yes"
    yield "Is there a collection record of every source?", records, "Sources"
    empty = [name for name, source in report["sources"].items() if not source["documents"]["out"]]
    left = Alarm(f"not of: {', '.join(empty)}") if empty else "yes"
    yield "Is something left of every source?", left, "Sources"
    kept = _kept(report["spec"]["pii"])
    yield "Is personal information left by the recipe's own rules?", kept, "Personal information"
    untrimmed = [
        f"{language} {domain}"
        for language, domains in report["perplexity"].items()
        for domain, found in domains.items()
        if found["high"] is None
    ]
    odd = Alarm(f"not: {', '.join(untrimmed)}") if untrimmed else "yes"
    yield "Was every language and domain trimmed by perplexity?", odd, "Perplexity"
    hits = sum(one["flagged"] for one in report["keywords"]["categories"].values())
    if not report["keywords"]["categories"]:
        looked: Said = "the recipe names no list"
    else:
        looked = Alarm(f"yes, {count(hits)}") if hits else "no"
    yield "Were documents flagged for keywords?", looked, "Keywords"
    doubts = Alarm("yes") if report["unverified"] else "no"
    yield "Was something left unverified?", doubts, "What is not verified"


def _kept(pii: Mapping[str, Any]) -> Said:
    """Say whether a policy leaves what it finds, or what still tells whose it is."""
    actions = [pii["action"], *(rule["action"] for rule in pii["rules"])]
    found = [name for name in ("keep", "pseudonymise") if name in actions]
    return Alarm(f"yes: {' and '.join(found)}") if found else "no"


def _identity(report: Report) -> Chapter:
    corpus = report["corpus"]
    rows: list[tuple[Said, Said]] = [
        ("recipe", corpus["recipe"]),
        ("corpus", Code(corpus["fingerprint"])),
        ("lies at", Code(corpus["uri"])),
        ("build", Code(corpus["build"])),
        ("lock of the sources", Code(corpus["lock"]) if corpus["lock"] else NONE),
        ("contract of the stage", Code(f"v{corpus['contract']}")),
        ("key of the content ids", Code(report["content_key"])),
        ("dropped documents", dropped(report)),
    ]
    for role, made in corpus["inputs"].items():
        rows += [
            (role, Code(made["fingerprint"])),
            (f"{role}: lies at", Code(made["uri"])),
            (f"{role}: made", f"{made['started']} to {made['finished']}"),
            (f"{role}: by build", Code(made["build"])),
        ]
    versions = [(name, Code(version)) for name, version in corpus["versions"].items()]
    said = (
        "The record ",
        Code("artifact.json"),
        _RECORD,
    )
    return Chapter(
        "What it is",
        [said],
        [
            Table("The corpus and what it was made from.", ("what", "which"), rows),
            Table("Made with.", ("package", "version"), versions),
        ],
    )


def _sources(report: Report) -> Chapter:
    mirror = report["corpus"]["inputs"]["mirror"]
    said = (
        "Collected by the mirror between ",
        f"{mirror['started']} and {mirror['finished']}",
        " (UTC), from the addresses below or from this store's own copy of the same bytes. ",
        _BEFORE_AND_AFTER,
    )
    return Chapter(
        "Sources",
        [said],
        [_licences(report), collections(report), _fates(report), _files(report)],
    )


def _licences(report: Report) -> Table:
    rows = []
    for name, source in report["origin"].items():
        texts = source["licence_texts"]
        rows.append(
            (
                name,
                (f"{source['kind'] or NONE} ", Code(source["name"] or "")),
                source["version"] or NONE,
                source["licence"] or Alarm("none stated"),
                _texts(texts) if texts else Alarm("none"),
            )
        )
    return Table(
        "Licence as the recipe states it, and the licence texts in the mirror, under "
        "licences/<source>/.",
        ("source", "what", "version", "licence", "licence texts"),
        rows,
    )


def _texts(paths: list[str]) -> Said:
    pieces: list[str] = []
    for path in paths:
        pieces += [", "] * bool(pieces) + [Code(path)]
    return tuple(pieces)


def _fates(report: Report) -> Table:
    rows = []
    for name, source in report["sources"].items():
        origin = report["origin"].get(name, {})
        refused = [f"{reason} {count(n)}" for reason, n in origin.get("refused", {}).items()]
        dropped = [f"{step} {count(n)}" for step, n in source["dropped"].items()]
        rows.append(
            (
                name,
                ", ".join(refused) or NONE,
                count(source["documents"]["in"]),
                ", ".join(dropped) or NONE,
                count(source["documents"]["out"]),
                ", ".join(f"{lang} {count(n)}" for lang, n in source["languages"].items()) or NONE,
                source["domain"],
            )
        )
    return Table(
        "Checks after collection: what the mirror refused of each source's files, what curation "
        "read, what it dropped in which step, and what is left. In documents.",
        (
            "source",
            "refused by the mirror",
            Number("read"),
            "dropped",
            Number("left"),
            "languages left",
            "domain",
        ),
        rows,
    )


def _files(report: Report) -> Table:
    rows = [
        (
            name,
            Code(file["address"] or file["path"]),
            count(file["bytes"]),
            Code(file["sha256"] or NONE),
        )
        for name, source in report["origin"].items()
        for file in source["files"]
    ]
    return Table(
        "Collection record: every file that was fetched.",
        ("source", "address", Number("bytes"), "SHA-256"),
        rows,
    )


def _review(corpus: Mapping[str, Any]) -> Chapter:
    short = corpus["fingerprint"][:12]
    return Chapter(
        "Review",
        [
            _REVIEWS,
            (Code(f"hearth sample {short} --n 50"), " draws a sample to fill in,"),
            (Code("hearth review SAMPLE"), " for the share that they accept, with its interval"),
        ],
    )


def _limits(report: Report) -> Chapter:
    rows = [(said,) for said in report["unverified"]]
    return Chapter(
        "What is not verified",
        [*_LIMITS, *(() if rows else ("This run noted nothing beside these limits.",))],
        [Table("Noted by this run and by those that it builds on.", ("unverified",), rows)],
    )
