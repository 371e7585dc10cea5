"""Shingles of many texts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from hearth.curate.hashing import Hashes, gram_sets, letters, runs
from hearth.curate.lexicon import Lexicon
from hearth.curate.near import Shingler
from hearth.curate.sections import DedupSection
from hearth.curate.spec import Language

_BETWEEN: Final = "\n"
"""Stands between texts that are read as one: it is no letter."""
_TOGETHER: Final = 1 << 16
"""Characters that are read as one."""

Values = npt.NDArray[np.unsignedinteger]


class BatchShingler(Shingler):
    """A `Shingler` that takes a third of the time for a batch of short texts."""

    def __init__(self, section: DedupSection, seed: int) -> None:
        """Use `seed` as a `Shingler` does."""
        super().__init__(section, seed)
        self._lexicon = Lexicon(self._hasher, seed)

    def many(self, texts: Sequence[tuple[str, str]]) -> list[Hashes]:
        """Return the shingles of each (text, language)."""
        found: list[Hashes] = [np.empty(0, dtype=np.uint64)] * len(texts)
        values: dict[int, dict[int, Values]] = {}
        chinese = [n for n, (_, language) in enumerate(texts) if language == Language.ZH]
        for number, part in zip(chinese, _letters([texts[n][0] for n in chinese]), strict=True):
            self._put(values, number, part, self._section.shingle_characters)
        others = [n for n, (_, language) in enumerate(texts) if language != Language.ZH]
        for number, part in zip(
            others, self._lexicon.hashes([texts[n][0] for n in others]), strict=True
        ):
            self._put(values, number, part, self._section.shingle_words)
        for length, parts in values.items():
            for number, shingles in zip(
                parts, gram_sets(list(parts.values()), length, self._seed), strict=True
            ):
                found[number] = shingles
        return found

    def _put(
        self, values: dict[int, dict[int, Values]], number: int, part: Values, length: int
    ) -> None:
        """File a text by the length of its shingles; a short text is one shingle."""
        values.setdefault(max(1, min(length, len(part))), {})[number] = part


def _letters(texts: Sequence[str]) -> list[Values]:
    """Return the letters of each text."""
    found: list[Values] = []
    for some in runs(texts, _TOGETHER):
        points, places = letters(_BETWEEN.join(some))
        ends = np.cumsum([len(text) + 1 for text in some])
        found += np.split(points, np.searchsorted(places, ends[:-1]))
    return found
