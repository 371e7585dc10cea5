"""Laws of the data card: it says what the report says, and nothing that it names can harm."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import pytest
from markdown_it import MarkdownIt

from hearth.curate import page as pages
from hearth.curate.chapters import page
from hearth.curate.clusters import Clusters, Level, Member
from hearth.curate.contents import Contents
from hearth.curate.database import Database
from hearth.curate.evidence import evidence
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.page import Alarm, Code, in_html, in_markdown
from hearth.curate.plan import Split
from hearth.curate.report import report as metrics_of
from hearth.curate.rows import Row
from hearth.curate.spec import CountedBy, CurateSpec
from hearth.curate.stock import Distinct, Stock
from hearth.curate.tails import Limits

CONTAMINATION = {
    "cloze_en": {
        "documents_cut": 11,
        "documents_dropped": 12,
        "characters_cut": 1_313,
        "near_misses": 14,
        "items": 400,
        "items_found": 16,
        "items_exposed": 3,
        "exposed": 0.0075,
    }
}
LIMITS = {("en", "prose"): Limits(1.5, 99.5)}
HOSTILE = [
    "<script>alert(1)</script>",
    "</code></td><img src=x onerror=alert(1)>",
    'a"onmouseover="alert(1)',
    "x | y | z",
    "a\n\n# Heading\n| a | b |",
    "[click](javascript:alert(1))",
    "`code` **bold** _it_ ~~no~~ &lt;b&gt; &amp;",
    "\u202egpj.exe",
    "back\\slash |",
]


def row(key: str, language: str = "en", **fields: Any) -> Row:
    """A document that was read; by default it stays, in train."""
    base: dict[str, Any] = dict.fromkeys(Row.__dataclass_fields__)
    text = fields.pop("text", "x" * 1_000)
    base |= {
        "doc_key": key,
        "source": key.partition(":")[0],
        "work": key,
        "language": language,
        "licence": "CC0-1.0",
        "size": len(text),
        "characters": len(text),
        "entered": len(text),
        "changed": False,
        "content_id": key,
        "spans": (),
        "step": "",
        "group": key,
        "split": Split.TRAIN,
        "perplexity": 12.5,
        "tokens": 250,
        "words": 200,
        "keywords": (),
        "topics": (),
    }
    return Row(**{**base, **fields})


def entered(rows: Iterable[Row], folder: Path) -> Ledger:
    """The decisions about rows that only their own step, if any, did something to."""
    ledger = Ledger(folder)
    for one in sorted(rows, key=lambda one: one.doc_key):
        for step in Step:
            if one.step == step:
                ledger.add(step, one.dropped(one.size, one.reason))
                break
            spans = one.spans if step is Step.PII else ()
            action = Action.EDITED if spans else Action.KEPT
            ledger.add(step, one.kept(one.size, one.size, action=action, spans=spans))
    return ledger


def counted(rows: Sequence[Row]) -> tuple[Stock, Distinct]:
    """What is counted of rows."""
    languages: dict[str | None, set[str]] = {}
    for one in rows:
        languages.setdefault(one.parallel or None, set()).add(one.language)
    languages.pop(None, None)
    both = {name for name, found in languages.items() if {"en", "zh"} <= found}
    stock = Stock(CurateSpec())
    for one in rows:
        one.twin = one.parallel in both
        stock.add(one)
    live = [one for one in rows if not one.step]
    works = Counter(one.source for one in rows if one.step != Step.READ)
    groups = Counter(one.split.value for one in live)
    kept = Counter(one.source for one in live)
    return stock, Distinct(groups, works, kept, len(both))


def report_of(
    rows: Sequence[Row],
    *,
    contamination: Mapping[str, Any] = CONTAMINATION,
    thresholds: Mapping[tuple[str, str], Limits] | None = None,
    entries: Mapping[str, Sequence[str]] = MappingProxyType({}),
    members: Sequence[Member] = (),
    unverified: Sequence[str] = (),
    origin: Mapping[str, Any] | None = None,
    recipe: str = "small",
) -> dict[str, Any]:
    """What `report.json` says of rows."""
    spec = CurateSpec()
    stock, distinct = counted(rows)
    found = Contents(spec, entries)
    for one in rows:
        found.add(one)
    with TemporaryDirectory() as folder:
        ledger, clusters = entered(rows, Path(folder)), Clusters(Path(folder))
        for one in members:
            clusters.add(one)
        clusters.write(Database(Path(folder)), Path(folder), Path(folder))
    made = {
        "uri": "s3://store/x",
        "fingerprint": "f" * 64,
        "build": "b-1",
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:01:00+00:00",
    }
    full = {
        **metrics_of(stock, distinct, ledger, clusters, contamination),
        "tokenizer": CountedBy.SAMPLE.value,
        **found.report(ledger, thresholds or LIMITS),
        **evidence(stock, distinct, ledger, clusters, spec),
        "content_key": "0123456789abcdef",
        "spec": spec.model_dump(mode="json"),
        "corpus": {
            **{name: made[name] for name in ("uri", "fingerprint", "build")},
            "recipe": recipe,
            "contract": 3,
            "lock": "e" * 64,
            "inputs": {"mirror": made},
            "versions": {"python": "3.11.7"},
        },
        "origin": origin or {},
        "unverified": list(unverified),
    }
    found: dict[str, Any] = json.loads(json.dumps(full, sort_keys=True))
    return found


def origin_of(text: str = "a") -> dict[str, Any]:
    return {
        text: {
            "kind": "http",
            "name": text,
            "licence": text,
            "collection": {
                "basis": "public-web",
                "authorised_by": text,
                "reference": text,
                "terms": text,
                "collected_from": "2026-01-31",
                "check": {"day": "2026-02-28", "by": text, "sampled": 421, "illegal": 19},
            },
            "version": text,
            "files": [{"path": text, "address": text, "bytes": 1_234_567, "sha256": text}],
            "licence_texts": [text],
            "refused": {text: 17},
        }
    }


def member(key: str, cluster: str, diameter: float) -> Member:
    return Member(cluster, Level.DOCUMENT, "near copy", key, None, "a:1", None, 0.9, diameter)


@pytest.fixture
def rows() -> list[Row]:
    email = (("email", 1, 5), ("email", 7, 9))
    return [
        *(row(f"a:{n}", parallel=f"p{n}", split=split) for n, split in enumerate(Split)),
        *(row(f"b:{n}", "zh", parallel=f"p{n}", text="字" * (300 + n)) for n in range(3)),
        row("c:1", spans=email),
        row("c:2", step="quality", reason="words", text="y" * 77),
        row("c:3", "other", step="language", reason="language fr"),
        row("d:1", "unknown", source=None, content_id=None, step="read", reason="incomplete"),
        row("e:1", step="near", reason="near copy"),
    ]


@pytest.fixture
def report(rows: list[Row]) -> dict[str, Any]:
    clusters = [member("a:1", "k", 0.15), member("e:1", "k", 0.15)]
    return report_of(
        rows, members=clusters, unverified=["the GPU path"], origin=origin_of("a source")
    )


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def numbers_of(report: Mapping[str, Any]) -> set[str]:
    """Every number of a report, in every way that a card may write it."""
    found: set[str] = set()
    for leaf in leaves(report):
        if isinstance(leaf, str):
            found.update(re.findall(r"\d[\d,.]*\d|\d", leaf))
        elif isinstance(leaf, int | float):
            found |= {f"{leaf:,}", f"{leaf:.4g}", f"{leaf * 100:.2f}", f"{leaf * 100:.4g}"}
            found.add(f"{leaf:,.0f}" if leaf == int(leaf) or abs(leaf) >= 1000 else "0")
    return found


def test_every_number_of_the_card_is_in_the_report(report: dict[str, Any]) -> None:
    text = pages.markdown(page(report))
    known = numbers_of(report)
    words = re.sub(r"`[^`]*`", " ", text)  # names and digests: below
    said = re.findall(r"(?<![\w.])\d[\d,.]*\d|(?<![\w.])\d", words.replace("Chapter", ""))
    fixed = {"256"}  # SHA-256
    assert len(said) > 200
    assert [number for number in said if number not in known | fixed] == []
    codes = {leaf for leaf in leaves(report) if isinstance(leaf, str)}
    names = {code.replace("\\", "") for code in re.findall(r"`([^`]*)`", text)}
    ours = {"report.json", "artifact.json", "hearth review SAMPLE", "v3"}
    assert names - codes - ours - {f"hearth sample {'f' * 12} --n 50"} == set()


def test_what_the_report_says_is_on_the_card(report: dict[str, Any]) -> None:
    text = pages.markdown(page(report))
    for line in (
        "| **7** | documents, of 11 read |",
        "| quality | words | 1 |",
        "| language | language fr | 1 |",
        "| c | 1 | 2 | email 2 |",
        "| to 0.2 | 1 | 0 |",
        "| cloze_en | 400 | 16 | 11 | 12 | 1,313 | 14 | **⚠ 3** | 0.75 % |",
        "| the GPU path |",
        "| a source | `a source` | 1,234,567 | `a source` |",
    ):
        assert line in text, line


def test_tokens_are_called_an_estimate_where_training_counts_by_another_tokenizer(
    report: dict[str, Any],
) -> None:
    assert report["tokenizer"] == CountedBy.SAMPLE
    text = pages.markdown(page(report))
    assert "tokens, estimated" in text
    assert "Tokens and fertility are estimates" in text
    exact = pages.markdown(page({**report, "tokenizer": CountedBy.BASE.value}))
    assert "estimate" not in exact
    assert "counted by the tokenizer of the model that training starts from" in exact


def test_a_step_that_takes_over_two_points_more_from_chinese_is_flagged() -> None:
    def flags(lost: int) -> list[str]:
        english = [row(f"a:{n}", parallel="p") for n in range(100)]
        chinese = [row(f"b:{n}", "zh", parallel="p") for n in range(100)]
        for one in chinese[:lost]:
            one.step, one.reason = Step.QUALITY.value, "characters"
        text = pages.markdown(page(report_of([*english, *chinese])))
        return re.findall(r"⚠ yes, in: (\w+)", text)

    assert flags(2) == []
    assert flags(3) == ["quality"]


def test_only_texts_in_both_languages_are_compared() -> None:
    rows = [row("a:1", parallel="p"), row("b:1", "zh", parallel="q"), row("b:2", "zh")]
    rows += [row("b:3", "zh", parallel="q", step="quality", reason="words")]
    report = report_of(rows)
    assert report["twins"]["texts"] == 0
    assert "cannot be compared" in pages.markdown(page(report))


def test_a_flag_comes_with_its_reasons() -> None:
    rows = [row("a:1", parallel="p"), row("a:2", parallel="p"), row("b:1", "zh", parallel="p")]
    rows.append(row("b:2", "zh", parallel="p", step="quality", reason="terminal marks"))
    text = pages.markdown(page(report_of(rows)))
    assert "**⚠ yes, in: quality**" in text
    assert "| +50.00 | **⚠ terminal marks 1,000** |" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    rows = [row("a:1", source=name), row("b:1", source=name, spans=((name, 1, 2),))]
    rows.append(row("b:2", source=name, step="quality", reason=name))
    report = report_of(rows, origin=origin_of(name), unverified=[name], recipe=name)
    made = page(report)
    harmless = page(report_of([], origin={}, contamination={}))
    html = pages.html(made, {})
    assert tags_of(html) <= tags_of(pages.html(harmless, {})) | {"td", "tr", "th", "tbody", "table"}
    assert attributes_of(html) <= {
        "lang", "charset", "name", "content", "http-equiv", "class", "id", "href", "scope",
        "aria-label",
    }  # fmt: skip
    rendered = (
        MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(pages.markdown(made))
    )
    assert tags_of(rendered) <= {
        "h1", "h2", "p", "code", "strong", "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip
    assert attributes_of(rendered) <= {"style"}
    assert rendered.count("<h1>") == 1
    assert rendered.count("<h2>") == len(made.chapters)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.values += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def tags_of(html: str) -> set[str]:
    return read(html).tags


def attributes_of(html: str) -> set[str]:
    return read(html).attributes


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", [str, Code, Alarm])
def test_what_is_written_is_what_is_read(name: str, kind: type[str]) -> None:
    plain = " ".join(name.replace("\u202e", " ").split())
    mark = "⚠ " if kind is Alarm else ""
    seen = "".join(read(str(in_html(kind(name)))).text)
    assert " ".join(seen.split()) == " ".join(f"{mark}{plain}".split())
    cell = f"| h |\n|---|\n| {in_markdown(kind(name))} |\n"
    tables = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(cell)
    shown = "".join(read(tables).text)
    expected = plain.replace("`", "ʹ") if kind is Code else plain
    assert " ".join(shown.split()) == " ".join(f"h {mark}{expected}".split())


def test_the_page_needs_nothing_from_anywhere(report: dict[str, Any]) -> None:
    html = pages.html(page(report), {"waterfall": "<svg></svg>"})
    reader = read(html)
    assert all(value.startswith("#") for value in reader.values)
    assert not reader.tags & {"script", "link", "img", "iframe", "object"}
    assert "url(" not in html
    assert "@import" not in html
    assert "<svg></svg>" in html


def test_a_corpus_of_one_language_without_a_suite_has_a_card() -> None:
    rows = [row(f"a:{split}", split=split, perplexity=None) for split in Split]
    report = report_of(rows, contamination={}, thresholds={})
    text = pages.markdown(page(report))
    assert "cannot be said: no suite was given" in text
    assert "Nothing was found." in text
    assert "Nothing was dropped." in text
    assert "zh" not in text
    assert "</html>" in pages.html(page(report), {})


def test_an_empty_corpus_has_a_card() -> None:
    text = pages.markdown(page(report_of([], contamination={})))
    assert "| **0** | documents, of 0 read |" in text


def test_the_order_of_rows_leaves_no_trace(rows: list[Row], report: dict[str, Any]) -> None:
    clusters = [member("e:1", "k", 0.15), member("a:1", "k", 0.15)]
    again = report_of(
        rows[::-1], members=clusters, unverified=["the GPU path"], origin=origin_of("a source")
    )
    assert pages.html(page(again), {}) == pages.html(page(report), {})
    assert pages.markdown(page(again)) == pages.markdown(page(report))


def test_sums_are_those_of_the_parts(report: dict[str, Any]) -> None:
    sources = report["sources"].values()
    assert sum(source["documents"]["out"] for source in sources) == report["documents"]["out"]
    assert sum(source["documents"]["in"] for source in sources) == report["documents"]["in"]
    assert sum(sum(source["dropped"].values()) for source in sources) == sum(
        report["drops"].values()
    )
    assert report["totals"]["pii"] == sum(report["pii"].values())
    assert report["mixture"]["total"]["characters"] == report["characters"]["out"]
    for way in ("language", "domain", "source"):
        parts = report["mixture"][way].values()
        assert sum(part["share"] for part in parts) == pytest.approx(1, abs=1e-5)
        assert sum(part["tokens"] for part in parts) == report["mixture"]["total"]["tokens"]
    last = report["waterfall"][-1]
    assert last["documents_out"] == report["documents"]["out"]
