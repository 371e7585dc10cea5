"""Text of the suite inside documents: n-grams of words, and of characters where no spaces are.

GPT-3's rule (Brown et al. 2020, appendix C): an n-gram of 13 words that occurs in an evaluation set
is cut out, and a document that falls into more than ten pieces goes as a whole. Here whole lines
are cut, so that no half sentence stays.
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


class SuiteItem(NamedTuple):
    """An item of a suite, normalised and redacted as documents are."""

    task: str
    item: str
    language: str
    text: str


class Match(NamedTuple):
    """Where a document holds text of the suite, in characters, and the item it is from."""

    start: int
    end: int
    item: int


class Cut(NamedTuple):
    """A document after decontamination: what is left, and what was cut; `text` None: it goes."""

    text: str | None
    spans: list[tuple[int, int]]


class SuiteIndex:
    """All n-grams of a suite's items."""

    def __init__(self, items: Sequence[SuiteItem], section: DecontaminateSection) -> None:
        self.items = tuple(items)
        self._hasher = WordHasher(_SEED)
        found: dict[tuple[bool, int], list[tuple[Hashes, int]]] = defaultdict(list)
        for number, item in enumerate(self.items):
            spaced = item.language != Language.ZH
            values, _, _ = self._tokens(item.text, spaced=spaced)
            longest = section.words if spaced else section.characters
            length = min(longest, len(values))
            if length >= _SHORTEST * longest:
                found[spaced, length].append((grams(values, length, _SEED), number))
        self._grams = {key: _lookup(parts) for key, parts in found.items()}

    def matches(self, text: str) -> list[Match]:
        """Find every n-gram of the suite in a text."""
        found: list[Match] = []
        for spaced in (True, False):
            keys = [key for key in self._grams if key[0] is spaced]
            if not keys or (not spaced and text.isascii()):
                continue
            values, starts, ends = self._tokens(text, spaced=spaced)
            for key in keys:
                known, owners = self._grams[key]
                length = key[1]
                mine = grams(values, length, _SEED)
                if not len(mine):
                    continue
                where = np.minimum(np.searchsorted(known, mine), len(known) - 1)
                for place in np.flatnonzero(known[where] == mine).tolist():
                    first, last = int(starts[place]), int(ends[place + length - 1])
                    found.append(Match(first, last, int(owners[where[place]])))
        return sorted(found)

    def _tokens(
        self, text: str, *, spaced: bool
    ) -> tuple[npt.NDArray[np.unsignedinteger], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        if not spaced:
            values, places = letters(text)
            return values, places, places + 1
        spans = np.array(word_spans(text), dtype=np.int64).reshape(-1, 2)
        hashes = self._hasher.hashes([text[start:end] for start, end in spans.tolist()])
        return hashes, spans[:, 0], spans[:, 1]


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


def _lookup(parts: list[tuple[Hashes, int]]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    values = np.concatenate([part for part, _ in parts])
    owners = np.concatenate([np.full(len(part), number) for part, number in parts])
    known, first = np.unique(values, return_index=True)
    return known, owners[first]
