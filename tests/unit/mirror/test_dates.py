from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.mirror.dates import day, of_page
from hearth.mirror.man import man_date
from hearth.mirror.markdown import front_day

DAYS = st.dates(min_value=date(1971, 1, 1), max_value=date(2999, 12, 31))


@given(DAYS)
def test_a_day_is_the_same_day_however_it_is_written(written: date) -> None:
    ways = [
        written,
        datetime(written.year, written.month, written.day, 23, tzinfo=UTC),
        written.isoformat(),
        f"{written.isoformat()}T23:59:00Z",
        f"{written:%Y/%m/%d}",
        f"{written:%Y%m%d}",
        int(f"{written:%Y%m%d}"),
        f"D:{written:%Y%m%d}235900+08'00'",
        f"{written.year}年{written.month}月{written.day}日",
        f"{written.year}年{written.month:02} 月{written.day:02}日 08:00",
        f"{written:%d %B %Y}",
        f"{written:%a, %d %b %Y} 10:00:00 GMT",
        f"{written:%B} {written.day}, {written.year}",
    ]
    assert {day(way) for way in ways} == {written.isoformat()}


@pytest.mark.parametrize(
    "said",
    [None, "", True, 7, 1612345678, 1612345678123, 2023.5, "2023", "2023-04", "April 2023",
     "2023-02-30", "2023-13-01", "99999999", "1970-01-01", "1970-01-01T00:00:00Z", "Linux",
     "version 2023-04-05", "2023-04/05", "0001-01-01", ["2023-04-05"]],
)  # fmt: skip
def test_what_says_no_day_is_none(said: Any) -> None:
    assert day(said) is None


@given(st.one_of(st.text(), st.integers()))
def test_whatever_is_said_is_a_day_or_none(said: str | int) -> None:
    found = day(said)
    assert found is None or date.fromisoformat(found)


def test_a_page_was_changed_when_it_says_so_else_published() -> None:
    published = {"name": "PubDate", "content": "2024-01-02 10:00"}
    changed = {"property": "article:modified_time", "content": "2024-02-03T10:00:00+08:00"}
    broken = {"property": "article:modified_time", "content": "yesterday"}
    assert of_page([published, changed]) == "2024-02-03"
    assert of_page([broken, published]) == "2024-01-02"
    assert of_page([{"name": "generator", "content": "2024-01-02"}, {"name": "date"}]) is None


def test_markdown_has_the_day_of_its_front_matter() -> None:
    hugo = "---\ntitle: T\ndate: 2024-01-02T08:00:00Z\nlastmod: '2024-02-03'\n---\n"
    assert front_day(hugo + "date: 2025-01-01") == "2024-02-03"
    assert front_day('+++\r\ndate = "2024-01-02"\r\n+++\r\ntext') == "2024-01-02"
    assert front_day("---\ndate: 2024-01-02\nnever closed") is None
    assert front_day("---\ndate: soon\n---\n") is None
    assert front_day("date: 2024-01-02\n") is None


def test_a_manual_page_has_the_day_of_its_title_line() -> None:
    assert man_date('.\\" a comment\n.TH open 2 2024-05-02 "Linux man-pages 6.9"\n') == "2024-05-02"
    assert man_date('.TH LS 1 "5 March 2020" GNU\n') == "2020-03-05"
    assert man_date(".Dd March 5, 2020\n.Dt LS 1\n") == "2020-03-05"
    assert man_date('.TH LS 1 "March 2020" GNU\n') is None
    assert man_date(".TH LS 1\n") is None
    assert man_date("no title line 2020-01-01") is None
