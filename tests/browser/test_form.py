"""What the data team sees: the graphs, and the form that triggers a build."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from hearth.model import Stage
from hearth.profile import names_in
from hearth.settings import settings

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def form(page: Page) -> Locator:
    page.goto("/dags/build_llm")
    page.get_by_role("button", name="Trigger").first.click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    return dialog


def unfold(form: Locator, section: str) -> None:
    form.get_by_role("button", name=section).click()


def choices(page: Page, field: Locator) -> list[str]:
    """Open a list; return what it offers."""
    field.click()
    page.get_by_role("option").first.wait_for()
    found = [text.strip() for text in page.get_by_role("option").all_inner_texts()]
    page.keyboard.press("Tab")  # Escape would close the form too
    return found


def test_a_stranger_sees_the_login_and_nothing_else(stranger: Page) -> None:
    stranger.goto("/dags/build_llm")
    stranger.locator("input[name=password]").wait_for()
    expect(stranger.get_by_text("build_llm")).to_have_count(0)


def test_every_graph_is_listed_and_the_schedules_are_off(page: Page) -> None:
    page.goto("/dags")
    for name in ("build_llm", "reap", "weekly_demo"):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    page.goto("/dags/weekly_demo")
    expect(page.get_by_role("checkbox").first).not_to_be_checked()
    page.goto("/dags/build_llm")
    expect(page.get_by_role("checkbox").first).to_be_checked()


def test_recipe_and_profile_are_chosen_from_lists(page: Page, form: Locator) -> None:
    unfold(form, "What to build")
    recipe, profile = form.get_by_role("combobox").all()[:2]
    assert choices(page, recipe) == names_in(settings().recipes)
    assert choices(page, profile) == names_in(settings().profiles)


def test_a_stage_to_rebuild_from_is_chosen_from_a_list_and_none_is_the_default(
    page: Page, form: Locator
) -> None:
    unfold(form, "How to run")
    field = form.get_by_role("combobox").first
    expect(form.get_by_text("none: reuse whatever did not change")).to_be_visible()
    assert choices(page, field)[1:] == [str(stage) for stage in Stage]


def test_every_field_is_described_and_numbers_say_their_range(form: Locator) -> None:
    unfold(form, "Changes to the recipe")
    for field in ("Train steps", "Train seed"):
        expect(form.get_by_text(field)).to_be_visible()
    expect(form.get_by_text(re.compile(r"Optimizer steps\. 1 to 10,000,000\."))).to_be_visible()
