"""Text of the suite inside documents: n-grams of words, and of characters where no spaces are.

A Latin letter among Chinese characters is less than a character: else an address, or the names of
three programs, would be as long as a sentence.

Long n-grams are cut. GPT-3's rule (Brown et al. 2020, appendix C): an n-gram of 13 words that
occurs in an evaluation set is cut out, and a document that falls into more than ten pieces goes as
a whole. Here whole lines are cut, so that no half sentence stays.

Shorter n-grams are counted. What share of an item they cover in one document says how much of it
the document gives away: PaLM (Chowdhery et al. 2022) calls an item contaminated when 70 % of its
8-grams were seen, Llama 2 (Touvron et al. 2023) calls it clean below 20 %.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hearth.curate.hashing import Hashes, WordHasher, grams, letters, word_spans
from hearth.curate.sections import DecontaminateSection
from hearth.curate.spec import Language

_SEED: Final = 13
_SHORTEST: Final = 8 / 13
"""Of an n-gram's length; an item between this and that is matched whole (GPT-3: 8 of 13)."""
_LATIN: Final = 0.3
"""Characters that a Latin letter or a digit is as long as: 13 words have some 65, not 20."""
_ASCII: Final = 0x80
_ROUNDING: Final = 1e-6
_SIEVE: Final = 1 << 22
"""Cells of the table that rules out most n-grams of a text before they are looked up."""

Places = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]


class Reading(NamedTuple):
    """What an item says, normalised and redacted as documents are.

    `text` is everything that must not be trained on. `question` and `answer` are what is asked and
    what is right; where they are not known, all of the text is the question.
    """

    text: str
    question: str = ""
    answer: str = ""


class SuiteItem(NamedTuple):
    """An item of a suite.

    `text`, `question` and `answer` are its reading in most documents; `others` are those in sources
    whose documents are normalised or redacted otherwise.
    """

    task: str
    item: str
    language: str
    text: str
    question: str = ""
    answer: str = ""
    others: tuple[Reading, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Return all that a document may say where it holds this item."""
        return (Reading(self.text, self.question, self.answer), *self.others)


class Match(NamedTuple):
    """Where a document holds text of the suite, in characters, and the item it is from."""

    start: int
    end: int
    item: int


class Met(NamedTuple):
    """How much of an item a document gives away, and between which characters."""

    item: int
    question: float
    answer: float
    whole: float
    """Of question and answer together."""
    start: int
    end: int


class Found(NamedTuple):
    """What of the suite is in a text: what must be cut, in order, and what it gives away."""

    matches: list[Match]
    met: list[Met]


def packed(met: Sequence[Met]) -> bytes:
    """Write what is met as bytes, which any executor hands on as they are."""
    return np.array(met, dtype=np.float64).tobytes()


def unpacked(data: bytes) -> list[Met]:
    """Read what `packed` wrote."""
    rows = np.frombuffer(data, dtype=np.float64).reshape(-1, len(Met._fields)).tolist()
    return [
        Met(int(item), question, answer, whole, int(start), int(end))
        for item, question, answer, whole, start, end in rows
    ]


class Cut(NamedTuple):
    """A document after decontamination: what is left, and what was cut; `text` None: it goes."""

    text: str | None
    spans: list[tuple[int, int]]


class _Tokens(NamedTuple):
    values: npt.NDArray[np.unsignedinteger]
    starts: Places
    ends: Places
    weights: Weights


class _Table:
    """N-grams of one length, each with all (item, position) that have it."""

    def __init__(self, parts: Sequence[tuple[Hashes, int]]) -> None:
        values = np.concatenate([part for part, _ in parts])
        owners = np.concatenate([np.full(len(part), number) for part, number in parts])
        places = np.concatenate([np.arange(len(part)) for part, _ in parts])
        order = np.argsort(values, kind="stable")
        self.values, self.owners, self.places = values[order], owners[order], places[order]
        self._sieve = np.zeros(_SIEVE, dtype=bool)
        self._sieve[values % np.uint64(_SIEVE)] = True

    def look_up(self, mine: Hashes) -> tuple[Places, Places, Places]:
        """Return where in a text known n-grams are, and from where to where they stand here."""
        maybe = np.flatnonzero(self._sieve[mine % np.uint64(_SIEVE)])
        low = np.searchsorted(self.values, mine[maybe], side="left")
        high = np.searchsorted(self.values, mine[maybe], side="right")
        there = high > low
        return maybe[there], low[there], high[there]


class SuiteIndex:
    """All n-grams of a suite's items."""

    def __init__(self, items: Sequence[SuiteItem], section: DecontaminateSection) -> None:
        self.items = tuple(items)
        self._section = section
        self._hasher = WordHasher(_SEED)
        self._enough: dict[int, float] = {}
        """Of each item that can be matched: the weight of a match."""
        self._asked: list[tuple[int, Weights, int]] = []
        """Of each reading that can be met: its item, its tokens' weights, how many of these are
        the question's."""
        long: dict[tuple[bool, int], list[tuple[Hashes, int]]] = defaultdict(list)
        short: dict[bool, list[tuple[Hashes, int]]] = defaultdict(list)
        for number, item in enumerate(self.items):
            spaced = item.language != Language.ZH
            for reading in item.readings:
                tokens = self._tokens(reading.text, spaced=spaced)
                longest = section.words if spaced else section.characters
                length = min(longest, len(tokens.values))
                weight = float(tokens.weights.sum())
                if weight >= _SHORTEST * longest:
                    enough = min(longest, weight) - _ROUNDING
                    self._enough[number] = min(enough, self._enough.get(number, enough))
                    long[spaced, length].append((grams(tokens.values, length, _SEED), number))
                question = self._tokens(reading.question or reading.text, spaced=spaced)
                answer = self._tokens(reading.answer, spaced=spaced)
                asked = np.concatenate([question.values, answer.values])
                found = grams(asked, self._near(spaced=spaced), _SEED)
                if len(found):
                    weights = np.concatenate([question.weights, answer.weights])
                    short[spaced].append((found, len(self._asked)))
                    self._asked.append((number, weights, len(question.values)))
        self._long = {key: _Table(parts) for key, parts in long.items()}
        self._short = {spaced: _Table(parts) for spaced, parts in short.items()}

    def look(self, text: str) -> Found:
        """Find the suite in a text."""
        matches: list[Match] = []
        met: list[Met] = []
        for spaced in (True, False):
            if not spaced and text.isascii():
                continue
            tokens = self._tokens(text, spaced=spaced)
            for (kind, length), table in self._long.items():
                if kind is spaced:
                    matches += self._matches(tokens, length, table)
            if spaced in self._short:
                matched = {match.item for match in matches}
                met += self._met(tokens, matched, spaced=spaced)
        unmet = {match.item: match for match in matches}
        for one in met:
            unmet.pop(one.item, None)
        met += [Met(match.item, 0.0, 0.0, 0.0, *match[:2]) for match in unmet.values()]
        return Found(sorted(matches), sorted(met))

    def _met(self, tokens: _Tokens, matched: set[int], *, spaced: bool) -> Iterable[Met]:
        """Return the items that are matched, or given away for more than the section's share.

        Of an item's readings the one that is given away most counts.
        """
        length, table = self._near(spaced=spaced), self._short[spaced]
        where, lows, highs = table.look_up(grams(tokens.values, length, _SEED))
        covered: dict[int, npt.NDArray[np.bool_]] = {}
        bounds: dict[int, tuple[int, int]] = {}
        for place, low, high in zip(where.tolist(), lows.tolist(), highs.tolist(), strict=True):
            for number, at in zip(
                table.owners[low:high].tolist(), table.places[low:high].tolist(), strict=True
            ):
                if number not in covered:
                    covered[number] = np.zeros(len(self._asked[number][1]), dtype=bool)
                covered[number][at : at + length] = True
                first, last = int(tokens.starts[place]), int(tokens.ends[place + length - 1])
                start, end = bounds.get(number, (first, last))
                bounds[number] = (min(start, first), max(end, last))
        most: dict[int, Met] = {}
        for number, mask in covered.items():
            item, weights, question = self._asked[number]
            whole = _share(mask, weights)
            if item in most and most[item].whole >= whole:
                continue
            if whole >= self._section.near_share or item in matched:
                most[item] = Met(
                    item,
                    _share(mask[:question], weights[:question]),
                    _share(mask[question:], weights[question:]),
                    whole,
                    *bounds[number],
                )
        return most.values()

    def _matches(self, tokens: _Tokens, length: int, table: _Table) -> Iterable[Match]:
        where, lows, highs = table.look_up(grams(tokens.values, length, _SEED))
        if not len(where):
            return
        # Of each owner, for texts of a suite share sentences: the first and the last place of
        # n-grams one after the other. They are one match, which must be long enough as a whole.
        runs: dict[int, list[list[int]]] = defaultdict(list)
        for place, low, high in zip(where.tolist(), lows.tolist(), highs.tolist(), strict=True):
            for owner in table.owners[low:high].tolist():
                mine = runs[owner]
                if mine and mine[-1][1] >= place - 1:
                    mine[-1][1] = place
                else:
                    mine.append([place, place])
        before = np.concatenate([[0.0], np.cumsum(tokens.weights)])
        for owner, mine in runs.items():
            for first, last in mine:
                if before[last + length] - before[first] >= self._enough[owner]:
                    end = int(tokens.ends[last + length - 1])
                    yield Match(int(tokens.starts[first]), end, owner)

    def _near(self, *, spaced: bool) -> int:
        return self._section.near_words if spaced else self._section.near_characters

    def _tokens(self, text: str, *, spaced: bool) -> _Tokens:
        if not spaced:
            points, places = letters(text)
            weights = np.where(points < _ASCII, _LATIN, 1.0)
            return _Tokens(points.astype(np.uint64), places, places + 1, weights)
        spans = np.array(word_spans(text), dtype=np.int64).reshape(-1, 2)
        hashes = self._hasher.hashes([text[start:end] for start, end in spans.tolist()])
        return _Tokens(hashes, spans[:, 0], spans[:, 1], np.ones(len(hashes)))


def cut(text: str, matches: Iterable[Match], section: DecontaminateSection) -> Cut:
    """Cut the lines that hold text of the suite, or give up the document.

    Args:
        text: The document.
        matches: In order.
        section: Above which pieces or share the document goes.
    """
    spans: list[tuple[int, int]] = []
    for match in matches:
        start = text.rfind("\n", 0, match.start) + 1
        end = text.find("\n", match.end)
        end = len(text) if end < 0 else end + 1
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    if not spans:
        return Cut(text, spans)
    removed = sum(end - start for start, end in spans)
    bounds = [0, *(bound for span in spans for bound in span), len(text)]
    pieces = [text[bounds[i] : bounds[i + 1]] for i in range(0, len(bounds), 2)]
    left = sum(bool(piece.strip()) for piece in pieces)
    if left == 0 or left > section.max_pieces or removed > section.max_share * len(text):
        return Cut(None, spans)
    return Cut("".join(pieces).strip("\n"), spans)


def _share(mask: npt.NDArray[np.bool_], weights: Weights) -> float:
    return float(weights[mask].sum() / weights.sum()) if len(weights) else 0.0
