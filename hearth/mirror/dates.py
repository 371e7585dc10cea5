"""Days that sources state: the day on which a text was last changed, else published.

Only what is said in so many words counts: a page's meta elements, a PDF's information, a column
that the recipe names, a manual page's title line, a Debian package. Nothing is guessed from a text
or an address, and a month or a year alone is no day. Times are of the zone that they are written
in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

_WRITTEN: Final = re.compile(
    r"""(?:D:)?([12]\d{3})(?:
      ([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})
    | 年[ ]?(?P<zh_month>\d{1,2})[ ]?月[ ]?(?P<zh_day>\d{1,2})[ ]?日
    | (?P<month2>\d\d)(?P<day2>\d\d)(?:\d{4}|\d{6})?
    )(?!\d)""",
    re.VERBOSE,
)
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_NAMED: Final = re.compile(
    rf"""(?:\b(?P<before>\d{{1,2}})[ -])?\b(?P<month>{"|".join(_MONTHS)})[a-z]{{0,6}}\.?
    (?:[ ](?P<after>\d{{1,2}}),?)?[ -](?P<year>[12]\d{{3}})\b""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST: Final = 64
_UNSET: Final = date(1970, 1, 1)
"""What is written where no day was known."""

_METAS: Final = (
    "article:modified_time", "og:updated_time", "dcterms.modified", "dc.date.modified",
    "datemodified", "last-modified", "revised",
    "article:published_time", "dcterms.issued", "dc.date.issued", "dcterms.created",
    "dc.date.created", "dcterms.date", "dc.date", "datepublished", "pubdate", "publishdate",
    "date",
)  # fmt: skip
"""What meta elements call a day, what was changed before what was published. `PubDate` is what
GB/T 33476 has China's government sites write."""


def day(value: Any) -> str | None:
    """Return a day, however it is written, as ISO 8601 has it; None if it is none.

    Args:
        value: a date or a time of Python's; or text that begins with a day: ISO 8601, with slashes,
            Chinese, as a PDF writes it, or with the month's English name.
    """
    if isinstance(value, date):
        return _of(value.year, value.month, value.day)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()[:_LONGEST]
    if found := _WRITTEN.match(text):
        month, number = filter(None, found.groupdict().values())
        return _of(int(found[1]), int(month), int(number))
    named = _NAMED.search(text)
    if named is None or (number := named["before"] or named["after"]) is None:
        return None
    return _of(int(named["year"]), _MONTHS.index(named["month"].lower()) + 1, int(number))


def of_page(metas: Iterable[Mapping[str, str]]) -> str | None:
    """Return the day that a page's meta elements state, given their attributes."""
    said: dict[str, str] = {}
    for meta in metas:
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            if (name := meta.get(attribute)) and (content := meta.get("content")):
                said.setdefault(name.strip().lower(), content)
    return next((found for name in _METAS if (found := day(said.get(name)))), None)


def _of(year: int, month: int, number: int) -> str | None:
    try:
        found = date(year, month, number)
    except ValueError:
        return None
    return None if found == _UNSET else found.isoformat()
