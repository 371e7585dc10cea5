"""Pages that come from the code say what it says, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from hearth.build import EventKind
from hearth.lineage import FACET
from tests.documented import PAGES, ROOT
from tools.reference import pages

REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_generated_page_is_current(name: str) -> None:
    assert (REFERENCE / name).read_text("utf-8") == pages()[name], "run `make schemas`"


def test_every_kind_of_event_is_described_and_no_other() -> None:
    text = (REFERENCE / "events.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)`", text.partition("## OpenLineage")[0], re.MULTILINE) == [
        str(kind) for kind in EventKind
    ]
    assert f"`{FACET}`" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_to_a_file(page: Path) -> None:
    tokens = [
        child
        for token in MarkdownIt().enable("table").parse(page.read_text("utf-8"))
        for child in token.children or ()
    ]
    links = [str(it.attrs.get("href") or it.attrs.get("src") or "") for it in tokens]
    links += re.findall(r'(?:src|srcset|href)="([^"]+)"', page.read_text("utf-8"))
    local = [link.partition("#")[0] for link in links if link and ":" not in link]
    assert [link for link in local if link and not (page.parent / link).exists()] == []


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs" / "adr" / "index.md").read_text("utf-8")
    decisions = {path.name for path in (ROOT / "docs" / "adr").glob("0*.md")}
    assert set(re.findall(r"\((0\d+[\w-]+\.md)\)", index)) == decisions


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    docs = ROOT / "docs"
    paths = {str(path.relative_to(docs)) for path in docs.rglob("*.md")}
    pages_alone = {path for path in paths if not path.startswith("adr/0")}
    assert {path for path in pages_alone if f": {path}" not in navigation} == set()
