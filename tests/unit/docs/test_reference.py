"""Pages that come from the code say what it says, and links lead somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

import pytest
import yaml
from markdown_it import MarkdownIt

from hearth.build import HAPPENINGS, EventKind
from hearth.judgement import Judgement
from hearth.lineage import FACET
from hearth.rollout.outcome import RolloutResult, RolloutStep
from tests.documented import PAGES, ROOT
from tools.reference import pages

REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_generated_page_is_current(name: str) -> None:
    assert (REFERENCE / name).read_text("utf-8") == pages()[name], "run `make schemas`"


def test_every_kind_of_event_is_described_and_no_other() -> None:
    assert list(HAPPENINGS) == list(EventKind)
    assert f"`{FACET}`" in pages()["events.md"]


def appended() -> Iterator[tuple[EventKind, set[str] | None]]:
    """Give every event that the code appends, with the keys of its data; None: a model's."""
    for path in (*ROOT.glob("hearth/**/*.py"), *ROOT.glob("operators/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "append":
                kinds = [it.attr for arg in node.args for it in ast.walk(arg) if _is_kind(it)]
                keys = {word.arg for word in node.keywords}
                told = None if None in keys else {str(key) for key in keys}
                yield from ((EventKind[kind], told) for kind in kinds)


def _is_kind(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "EventKind"


MODELS = {
    EventKind.GATE: {*Judgement.model_fields},
    EventKind.ROLLOUT_STEP: {*RolloutStep.model_fields},
    EventKind.ROLLED_OUT: {*RolloutResult.model_fields} - {"steps"},
}
"""Events whose data is a model: `RolloutOperator` leaves the steps out, which are events too."""


def test_an_event_is_described_by_the_keys_that_the_code_gives_it() -> None:
    found = list(appended())
    assert {kind for kind, _ in found} == set(EventKind)
    for kind, keys in found:
        assert (MODELS[kind] if keys is None else keys) == set(HAPPENINGS[kind].data), kind


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


def navigation(entry: Any) -> Iterator[str]:
    """Give every page that `nav` names."""
    if isinstance(entry, str):
        yield entry
    else:
        for inner in entry.values() if isinstance(entry, dict) else entry:
            yield from navigation(inner)


def test_every_page_is_in_the_navigation_and_the_navigation_names_no_other() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    docs = ROOT / "docs"
    paths = {str(path.relative_to(docs)) for path in docs.rglob("*.md")}
    named = list(navigation(site["nav"]))
    assert sorted(named) == sorted(path for path in paths if not path.startswith("adr/0"))


def test_the_site_is_told_nothing_that_its_generator_does_not_read() -> None:
    """Zensical passes over keys that it does not know: https://zensical.org/docs/setup/basics/."""
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    assert set(site) <= {
        "site_name", "site_description", "docs_dir", "site_dir", "theme", "markdown_extensions",
        "validation", "nav",
    }  # fmt: skip
    assert site["validation"] == {
        "invalid_links": True,
        "invalid_link_anchors": True,
        "unresolved_references": False,
        "unresolved_footnotes": True,
        "unused_definitions": True,
        "unused_footnotes": True,
        "shadowed_definitions": True,
        "shadowed_footnotes": True,
    }
