"""What detectors are, and the one that Hearth brings: its finders, in order of precedence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Protocol, runtime_checkable

from hearth.curate.pii import china, columns, people, places, secrets, world
from hearth.curate.pii.finders import Finder
from hearth.curate.pii.kinds import PiiKind, Span

_LONG: Final = re.compile(r"\d(?:[ ().-]{0,2}\d){6}", re.ASCII)

FINDERS: Final[tuple[Finder, ...]] = (
    *secrets.FINDERS,
    *china.RESIDENT,
    *columns.FINDERS,
    *china.NAMED,
    *world.NAMED,
    *world.CHECKED,
    *china.CHECKED,
    *places.FINDERS,
    *people.FINDERS,
)
"""The first to claim a stretch of text keeps it."""


@runtime_checkable
class Detector(Protocol):
    """Finds spans: implement it to bring a model or patterns of your own.

    `detect` is called with the folded text, where what other detectors found is masked, and again
    with its own finds masked, until nothing new is found: it must find nothing in what it has
    found before. A folded text is as long as the text, and spans are in its characters.
    """

    def detect(self, view: str) -> Iterable[Span]:
        """Yield spans, perhaps overlapping, the surer ones first."""
        ...


class Finders:
    """Hearth's own detector."""

    def __init__(self, kinds: Iterable[PiiKind] = tuple(PiiKind)) -> None:
        self._kinds = frozenset(kinds)
        self._finders = tuple(f for f in FINDERS if f.kinds & self._kinds)
        # One bit a finder: which are tried always, in texts with long numbers, for which word.
        self._always = self._bits(not f.needs for f in self._finders)
        self._short = self._bits(not f.long for f in self._finders)
        words = sorted({word for f in self._finders for word in f.needs})
        owners = [(word, self._bits(word in f.needs for f in self._finders)) for word in words]
        self._words = tuple(owner for owner in owners if not owner[0].isascii())
        self._ascii = tuple(owner for owner in owners if owner[0].isascii())

    def detect(self, view: str) -> Iterator[Span]:
        """Yield what one pass finds, in order of precedence."""
        tried = self._tried(view)
        for number, finder in enumerate(self._finders):
            if tried >> number & 1:
                for span in finder.find(view):
                    if span.kind in self._kinds:
                        yield span

    def _tried(self, view: str) -> int:
        lower = view.lower()
        tried = self._always
        if not lower.isascii():
            for word, bits in self._words:
                if word in lower:
                    tried |= bits
            # Of a Chinese text little is left, and that is searched faster.
            lower = lower.encode("ascii", "ignore").decode("ascii")
        for word, bits in self._ascii:
            if word in lower:
                tried |= bits
        return tried if _LONG.search(view) else tried & self._short

    @staticmethod
    def _bits(flags: Iterable[bool]) -> int:
        return sum(flag << number for number, flag in enumerate(flags))
