r"""What finders are made of.

Boundaries are ASCII look-arounds and never `\b`: a Chinese character is a word character to `re`,
so `\b` finds no boundary in `电话13912345678`. Every repeat is bounded, so that the time is linear
in the text: `re` cannot be interrupted. Finders see the text folded: see `hearth.curate.pii.fold`.

What must not stand before a match is asked after its first character, `[1-8](?<![0-9A-Za-z].)`:
`re` skips quickly to a first character, and slowly to a look-behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hearth.curate.pii.fold import MASK
from hearth.curate.pii.kinds import PiiKind, Span

FREE = r"(?<![0-9A-Za-z].)"
"""After the first character of a number: no ASCII letter or digit stands before it."""
END = r"(?![0-9A-Za-z])"
"""After a number."""
FIELD = r"(?<![A-Za-z_<])"
"""A field's English name is no part of a longer name."""
GAP = rf"[^\n0-9A-Za-z<。！？,;、{MASK}]{{0,12}}"
"""What stands between a field's Chinese name and its value: 号码："""
OF = (
    r"(?:[ _:#=(.,\"'-]{1,3}(?i:numbers?|num|no|nr|card|code|id|identifier|account|is|was|reads)"
    r"(?![A-Za-z])){0,4}[ :#=(.,\"'*-]{1,4}"
)
"""The same in English: ` number is: `"""
SEPARATORS = str.maketrans("", "", " -.()")

Find = Callable[[str], Iterator[Span]]


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds spans of some kinds.

    Attributes:
        kinds: What it finds.
        find: Yields them, in a folded text.
        needs: It is not tried where none of these, in lower case, is in the text.
        long: It is not tried where no number of seven digits is in the text.
    """

    kinds: frozenset[PiiKind]
    find: Find
    needs: tuple[str, ...] = ()
    long: bool = False


def finder(
    *kinds: PiiKind, needs: Iterable[str] = (), long: bool = False
) -> Callable[[Find], Finder]:
    """Make a finder of a function, as a decorator."""

    def made(find: Find) -> Finder:
        return Finder(frozenset(kinds), find, tuple(needs), long)

    return made


def pattern(
    kind: PiiKind,
    expression: str,
    validate: Callable[[str], bool] | None = None,
    *,
    needs: Iterable[str] = (),
    long: bool = False,
) -> Finder:
    """Make a finder of a pattern: what it finds is group 1, or all where there is no group.

    Args:
        kind: What it finds.
        expression: The pattern.
        validate: The check that what was found must pass, separators removed.
        needs: As in `Finder`.
        long: As in `Finder`.
    """
    compiled = re.compile(expression, re.ASCII)
    group = 1 if compiled.groups else 0

    def find(view: str) -> Iterator[Span]:
        for match in matches(compiled, view, group, validate):
            yield Span(*match.span(group), kind)

    return Finder(frozenset([kind]), find, tuple(needs), long)


def matches(
    compiled: re.Pattern[str],
    view: str,
    group: int = 0,
    validate: Callable[[str], bool] | None = None,
) -> Iterator[re.Match[str]]:
    """Yield what matches and is valid; what starts inside an invalid match is tried too."""
    if validate is None:
        yield from compiled.finditer(view)
        return
    match = compiled.search(view)
    while match:
        if validate(match[group].translate(SEPARATORS)):
            yield match
            match = compiled.search(view, match.end())
        else:
            match = compiled.search(view, match.start() + 1)


def words(*alternatives: str) -> str:
    """Return an alternation."""
    return f"(?:{'|'.join(alternatives)})"
