"""Find spans, and put placeholders in their places."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from hearth.curate.pii.detectors import Detector, Finders
from hearth.curate.pii.fold import covered, fold
from hearth.curate.pii.kinds import PiiKind, Span

_PASSES: Final = 8


def detect(
    text: str,
    kinds: Iterable[PiiKind] = tuple(PiiKind),
    detectors: Sequence[Detector] = (),
) -> list[Span]:
    """Find personal information and secrets.

    Passes are repeated, with what was found masked, until one finds nothing new: covering one
    number can free the boundary of its neighbour, and the redacted text must hold nothing that is
    still detected. Where eight passes do not suffice, as in a chain of thousands of numbers, what
    is found takes its whole line, so that the time stays linear.

    Args:
        text: Any text. Full-width digits and letters are seen as their ASCII forms.
        kinds: What to look for.
        detectors: Further ones: they see what Hearth's own left.

    Returns:
        Spans in order, not overlapping, in characters of ``text``.
    """
    wanted = frozenset(kinds)
    view = fold(text)
    found: list[Span] = []
    for detector in (_own(wanted), *detectors):
        passes = 0
        while new := _claim(span for span in detector.detect(view) if span.kind in wanted):
            passes += 1
            if passes > _PASSES:
                new = _lines(view, new)
                inside = [(span.start, span.end) for span in new]
                found = [span for span in found if not _within(span, inside)]
            found += new
            view = covered(view, [(span.start, span.end) for span in new])
    return sorted(found)


def redact(text: str, spans: Iterable[Span]) -> str:
    """Replace each span by the placeholder of its kind.

    Args:
        text: The text that the spans were found in.
        spans: Spans in order, not overlapping.
    """
    pieces: list[str] = []
    position = 0
    for start, end, kind in spans:
        pieces += (text[position:start], kind.placeholder)
        position = end
    return "".join((*pieces, text[position:]))


def _lines(view: str, spans: Iterable[Span]) -> list[Span]:
    """Widen spans to their lines; of a line's the first stays."""
    wide: list[Span] = []
    for start, end, kind in spans:
        if not wide or start >= wide[-1].end:
            close = view.find("\n", end)
            wide.append(
                Span(view.rfind("\n", 0, start) + 1, close if close >= 0 else len(view), kind)
            )
    return wide


def _within(span: Span, places: Sequence[tuple[int, int]]) -> bool:
    number = bisect(places, (span.start, span.end))
    near = places[max(0, number - 1) : number + 1]
    return any(start <= span.start and span.end <= end for start, end in near)


@cache
def _own(kinds: frozenset[PiiKind]) -> Finders:
    return Finders(kinds)


def _claim(spans: Iterable[Span]) -> list[Span]:
    """Keep of overlapping spans the one that came first, that is, of the higher precedence."""
    taken: list[Span] = []
    for span in spans:
        place = bisect(taken, span)
        if place and taken[place - 1].end > span.start:
            continue
        if place < len(taken) and taken[place].start < span.end:
            continue
        taken.insert(place, span)
    return taken
