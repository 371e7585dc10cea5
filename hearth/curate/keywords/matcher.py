"""Many keywords at once: one pass over a text, however many there are (Aho and Corasick 1975)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation

from hearth.curate.keywords.fold import fold, in_word
from hearth.curate.keywords.section import Hits

_DIGITS: Final = 6


class Matcher:
    """Finds the entries of categories.

    Of entries of one category that overlap, the leftmost counts, and of those that start together
    the longest. An entry that starts or ends with a letter or digit of a script with spaces
    matches whole words only: `ass` is not in `class`. Chinese has no such borders.
    """

    def __init__(self, entries: Mapping[str, Iterable[str]], *, spaced: bool = True) -> None:
        """Build the automaton.

        Args:
            entries: Category → its entries, in any form.
            spaced: Whether to look through spaces and ornaments between Han characters.
        """
        self._spaced = spaced
        categories: dict[str, set[str]] = defaultdict(set)
        for category, some in entries.items():
            for entry in some:
                categories[fold(entry, spaced=spaced)].add(category)
        categories.pop("", None)
        self._entries = sorted(categories)
        self._categories = [sorted(categories[entry]) for entry in self._entries]
        self._borders = [(in_word(entry[0]), in_word(entry[-1])) for entry in self._entries]
        # The smallest automaton that is still fast; the default for many entries.
        self._find = AhoCorasick(
            self._entries, implementation=Implementation.ContiguousNFA, store_patterns=False
        ).find_matches_as_indexes

    def __call__(self, text: str) -> tuple[Hits, ...]:
        """Return what a text holds of each category, sorted; none of what it does not hold."""
        view = fold(text, spaced=self._spaced)
        # Leftmost first, the longest of those that start together first.
        found = sorted(self._find(view, overlapping=True), key=lambda hit: (hit[1], -hit[2]))
        until: dict[str, int] = defaultdict(int)
        hits: dict[str, list[int]] = defaultdict(list)
        covered: dict[str, int] = defaultdict(int)
        for entry, start, end in found:
            before, behind = self._borders[entry]
            if before and start and in_word(view[start - 1]):
                continue
            if behind and end < len(view) and in_word(view[end]):
                continue
            for category in self._categories[entry]:
                if start >= until[category]:
                    until[category] = end
                    hits[category].append(entry)
                    covered[category] += end - start
        if not hits:
            return ()
        size = max(1, len(view) - view.count(" "))
        return tuple(
            Hits(name, len(mine), len(set(mine)), min(1.0, round(covered[name] / size, _DIGITS)))
            for name, mine in sorted(hits.items())
        )
