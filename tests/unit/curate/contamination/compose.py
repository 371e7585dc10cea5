"""Composes the frozen set: `python -m tests.unit.curate.contamination.compose FOLDER`.

Run once, before anything was tuned; the files are what counts from then on, and their digests are
in the test. `items.jsonl` holds items of a suite, `plants.jsonl` documents that hold an item in a
disguise, `clean.jsonl` documents that hold none: their sentences are of the same forms as those of
the items, every fourth quotes an item to one word or character less than an n-gram, and a plain
comparison of runs, written apart from the detector, has found nothing in them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from hearth.curate.sections import DecontaminateSection
from tests.unit.curate.pii.persons import cn_mobile, cn_resident_id
from tests.unit.curate.pii.values import bank_card, email

LANGUAGES: Final = ("en", "zh")
ITEMS: Final = 30
SHORT: Final = 4
CLEAN: Final = 500
_QUOTES: Final = 4
_SEED: Final = "contamination, frozen"
_LIMITS: Final = DecontaminateSection()
_PAGE: Final = (2, 4)
_LINE: Final = {"en": 44, "zh": 22}
_WIDE: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
_UNSEEN: Final = "\u200b\u200d\ufeff\u00ad"
_PUNCTUATION: Final = re.compile(r"[^\w\s]")

Phrases = dict[str, list[str]]


def main() -> None:
    """Write the three files."""
    folder = Path(sys.argv[1])
    items, plants, clean = compose()
    for name, rows in (("items", items), ("plants", plants), ("clean", clean)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def compose() -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return items, plants and clean documents."""
    items, plants, clean = [], [], []
    for language in LANGUAGES:
        draw = Random(f"{_SEED} {language}")  # noqa: S311 - made-up text
        path = Path(__file__).with_name(f"phrases_{language}.yaml")
        phrases: Phrases = yaml.safe_load(path.read_text(encoding="utf-8"))
        mine = [
            {"item": f"{language}-{number}", "language": language, "text": text}
            for number, text in enumerate(_items(draw, phrases, language))
        ]
        runs = {run for item in mine for run in _item_runs(item["text"], language)}
        sizes = {len(run) for run in runs}
        items += mine
        for item in mine:
            for name, disguise in DISGUISES.items():
                text = disguise(item["text"], draw, phrases, language)
                if text is not None:
                    plants.append({**item, "disguise": name, "text": text})
        made = 0
        while made < CLEAN:
            quoted = draw.choice(mine)["text"] if made % _QUOTES == 0 else ""
            text = _clean(draw, phrases, language, quoted)
            tokens = _tokens(text, language)
            if not any(runs.intersection(_runs(tokens, size)) for size in sizes):
                clean.append({"language": language, "quotes": bool(quoted), "text": text})
                made += 1
    return items, plants, clean


def _items(draw: Random, phrases: Phrases, language: str) -> Iterator[str]:
    for number in range(ITEMS):
        said = [_said(draw, phrases, "sentences", language) for _ in range(draw.randint(1, 3))]
        if number % 3 == 0:
            said.insert(draw.randrange(len(said) + 1), _said(draw, phrases, "contact", language))
        yield _joined(said, language)
    for number in range(SHORT):
        yield _filled(draw, phrases, phrases["short"][number % len(phrases["short"])], language)


def _said(draw: Random, phrases: Phrases, kind: str, language: str) -> str:
    return _filled(draw, phrases, draw.choice(phrases[kind]), language)


def _filled(draw: Random, phrases: Phrases, template: str, language: str) -> str:
    def value(match: re.Match[str]) -> str:
        match name := match[1]:
            case "number":
                return str(draw.randint(3, 4_000))
            case "phone":
                return cn_mobile(draw, language)
            case "email":
                return email(draw, language)
            case "card":
                return (cn_resident_id if language == "zh" else bank_card)(draw, "en")
            case _:
                return draw.choice(phrases[name])

    return re.sub(r"\{(\w+)\}", value, template)


def _joined(parts: Iterable[str], language: str) -> str:
    return ("" if language == "zh" else " ").join(parts)


def _page(draw: Random, phrases: Phrases, language: str) -> str:
    paragraphs = [
        _joined(
            (_said(draw, phrases, "sentences", language) for _ in range(draw.randint(1, 3))),
            language,
        )
        for _ in range(draw.randint(*_PAGE))
    ]
    return "\n\n".join(paragraphs)


def _clean(draw: Random, phrases: Phrases, language: str, quoted: str) -> str:
    page = _page(draw, phrases, language)
    if not quoted:
        return page
    tokens = quoted.split() if language == "en" else list(quoted)
    longest = _LIMITS.words if language == "en" else _LIMITS.characters
    start = draw.randrange(max(1, len(tokens) - longest))
    said = _joined(tokens[start : start + longest - 1], language)
    return f"{page}\n\n“{said}”"


def _tokens(text: str, language: str) -> list[str]:
    """Split as a reader would; apart from the detector's own way."""
    if language == "zh":
        return [character.lower() for character in text if character.isalnum()]
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def _item_runs(text: str, language: str) -> Iterator[tuple[str, ...]]:
    """Yield the n-grams of an item; a short one is one n-gram, a tiny one none."""
    tokens = _tokens(text, language)
    longest = _LIMITS.words if language == "en" else _LIMITS.characters
    if 13 * len(tokens) >= 8 * longest:
        yield from _runs(tokens, min(longest, len(tokens)))


def _runs(tokens: list[str], size: int) -> Iterator[tuple[str, ...]]:
    return (tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1))


def _verbatim(text: str, _draw: Random, _phrases: Phrases, _language: str) -> str:
    return text


def _case(text: str, draw: Random, _phrases: Phrases, _language: str) -> str | None:
    changed = draw.choice((str.upper, str.title, str.swapcase))(text)
    return changed if changed != text else None


def _white(text: str, draw: Random, _phrases: Phrases, language: str) -> str:
    gaps = (" ", "  ", "\t", "\n", "\n\n", "\u3000", "\xa0")
    parts = text.split(" ") if language == "en" else list(text)
    return "".join(part + draw.choice(gaps) for part in parts)


def _punctuation(text: str, draw: Random, _phrases: Phrases, _language: str) -> str:
    if draw.random() < 0.5:
        return _PUNCTUATION.sub(" ", text)
    changed = _PUNCTUATION.sub(lambda _: draw.choice("，；、——…·|*_~“”「」()[]/"), text)
    return f"**{changed}**"


def _wide(text: str, _draw: Random, _phrases: Phrases, _language: str) -> str:
    return text.translate(_WIDE)


def _lines(text: str, draw: Random, _phrases: Phrases, language: str) -> str:
    mark = draw.choice(("> ", "| ", "    ", "// ", "# "))
    lines, line = [], ""
    for part in re.findall(r"\S+\s*" if language == "en" else r"[!-~ ]+|.", text):
        if len(line) + len(part) > _LINE[language]:
            lines.append(line.rstrip())
            line = ""
        line += part
    return "\n".join(mark + line for line in [*lines, line])


def _unseen(text: str, draw: Random, _phrases: Phrases, _language: str) -> str:
    return "".join(c + draw.choice(_UNSEEN) if draw.random() < 0.2 else c for c in text)


def _redacted(text: str, draw: Random, _phrases: Phrases, _language: str) -> str | None:
    """Hide what is personal, as another publisher would have done."""
    hidden = draw.choice(("<PHONE>", "[REDACTED]", "***", "（已隐去）"))
    changed = re.sub(r"[\w.+-]+@[\w.-]+\w|\+?\d[\d \-]{6,}[\dXx]", hidden, text)
    return changed if changed != text else None


def _inside(text: str, draw: Random, phrases: Phrases, language: str) -> str:
    before, after = _page(draw, phrases, language), _page(draw, phrases, language)
    glue = draw.choice(("\n\n", "\n", "" if language == "zh" else " "))
    return f"{before}{glue}{text}{glue}{after}"


def _both(*disguises: Callable[..., str | None]) -> Callable[..., str | None]:
    def apply(text: str, draw: Random, phrases: Phrases, language: str) -> str | None:
        for disguise in disguises:
            changed = disguise(text, draw, phrases, language)
            if changed is None:
                return None
            text = changed
        return text

    return apply


DISGUISES: Final[dict[str, Callable[..., str | None]]] = {
    "verbatim": _verbatim,
    "case": _case,
    "white space": _white,
    "punctuation": _punctuation,
    "full-width": _wide,
    "line breaks": _lines,
    "invisible characters": _unseen,
    "redacted": _redacted,
    "inside a page": _inside,
    "redacted inside a page": _both(_redacted, _inside),
    "full-width in lines inside a page": _both(_wide, _lines, _inside),
}


if __name__ == "__main__":
    main()
