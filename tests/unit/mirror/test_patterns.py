from __future__ import annotations

import pytest

from hearth.mirror.patterns import check_template, filled, matched, names_in


@pytest.mark.parametrize(
    ("pattern", "path", "captured"),
    [
        ("doc/{page}.html", "doc/ch01.html", {"page": "ch01"}),
        ("doc/{page}.html", "doc/en/ch01.html", None),
        ("doc/{page**}.html", "doc/en/ch01.html", {"page": "en/ch01"}),
        ("doc/**/*.html", "doc/a/b/c.html", {}),
        ("doc/**/*.html", "doc/c.html", {}),
        ("doc/*.html", "doc/c.html.gz", None),
        ("doc/?.txt", "doc/a.txt", {}),
        ("a+b/{x}", "aab/c", None),
        ("{part}/{page}", "说明/第一章", {"part": "说明", "page": "第一章"}),
    ],
)
def test_a_pattern_matches_whole_paths_and_captures_parts(
    pattern: str, path: str, captured: dict[str, str] | None
) -> None:
    assert matched(pattern, path) == captured


@pytest.mark.parametrize(
    "pattern", ["/etc/{x}", "a/../{x}", "{x}/{x}", "{Upper}", "{x", "{path}", "{}"]
)
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        names_in(pattern)


def test_translations_of_one_page_share_what_their_names_share() -> None:
    english = matched("html/en-US/{page}.html", "html/en-US/ch01.html")
    chinese = matched("html/zh-CN/{page}.html", "html/zh-CN/ch01.html")
    assert english is not None
    assert chinese is not None
    parallel = {
        filled("book/{page}", captured, source=source, path="p")
        for source, captured in (("a", english), ("b", chinese))
    }
    assert parallel == {"book/ch01"}


@pytest.mark.parametrize("template", ["{pages}", "{page!r}", "{page:>9}", "{", "{page.__class__}"])
def test_a_template_uses_only_what_its_pattern_captures(template: str) -> None:
    with pytest.raises(ValueError, match="template"):
        check_template(template, "{page}.html")


def test_templates_know_source_path_and_stem() -> None:
    check_template("{source}/{stem}", "*.html")
    assert filled("{source}/{stem}", {}, source="s", path="a/b.en.html") == "s/b"
