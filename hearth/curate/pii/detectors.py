"""What detectors are, and the one that Hearth brings: its finders, in order of precedence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Protocol, runtime_checkable

from hearth.curate.pii import china, people, places, secrets, world
from hearth.curate.pii.finders import Finder
from hearth.curate.pii.kinds import PiiKind, Span

_LONG: Final = re.compile(r"\d(?:[ ().-]{0,2}\d){6}", re.ASCII)

FINDERS: Final[tuple[Finder, ...]] = (
    *secrets.FINDERS,
    *china.RESIDENT,
    *world.NAMED,
    *china.NAMED,
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

    def detect(self, view: str) -> Iterator[Span]:
        """Yield what one pass finds, in order of precedence."""
        lower = view.lower()
        long = _LONG.search(view) is not None
        for finder in self._finders:
            if (finder.long and not long) or (
                finder.needs and not any(word in lower for word in finder.needs)
            ):
                continue
            for span in finder.find(view):
                if span.kind in self._kinds:
                    yield span
