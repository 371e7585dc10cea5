"""The n-grams of a text that stand there more than once.

Most n-grams of a text stand there once, and an n-gram can only stand twice if both shorter ones in
it do: so after pairs, hardly any are left to be looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

_TOKEN = re.compile(r"[A-Za-z0-9]+|[^\W_]")


class Grams:
    """The n-grams of some tokens."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self._repeated: dict[int, list[int]] = {1: list(range(len(tokens)))}

    def again(self, length: int) -> list[int]:
        """Return where n-grams stand that stood before, in order."""
        seen: set[tuple[str, ...]] = set()
        found = []
        for place in self._places(length):
            gram = tuple(self.tokens[place : place + length])
            if gram in seen:
                found.append(place)
            seen.add(gram)
        return found

    def top(self, length: int) -> tuple[tuple[str, ...], int]:
        """Return the most frequent n-gram and how often it is there; of equals, the first."""
        grams = [tuple(self.tokens[p : p + length]) for p in self._places(length)]
        if not grams:
            return tuple(self.tokens[:length]), 1
        counts = Counter(grams)
        gram = max(counts, key=counts.__getitem__)
        return gram, counts[gram]

    def _places(self, length: int) -> list[int]:
        """Return where n-grams stand that stand there more than once."""
        if length not in self._repeated:
            if length == 2:  # noqa: PLR2004 - pairs are made of all tokens: a zip is faster
                places = self._repeated[1][:-1]
                grams: list[tuple[str, ...]] = list(zip(self.tokens, self.tokens[1:], strict=False))
            else:
                shorter = self._places(length - 1)
                both, end = set(shorter), len(self.tokens) - length
                places = [p for p in shorter if p <= end and p + 1 in both]
                grams = [tuple(self.tokens[p : p + length]) for p in places]
            counts = Counter(grams)
            repeated = [p for p, gram in zip(places, grams, strict=True) if counts[gram] > 1]
            self._repeated[length] = repeated
        return self._repeated[length]


@lru_cache(maxsize=1)
def word_grams(text: str) -> Grams:
    """Return the n-grams of a text's words, by white space; one filter asks after the other."""
    return Grams(text.split())


@lru_cache(maxsize=1)
def token_grams(text: str) -> Grams:
    """Return those of its tokens: a character, or a run of ASCII letters and digits."""
    return Grams(_TOKEN.findall(text))
