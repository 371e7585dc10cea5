"""A real browser in front of a real Airflow, signed in as the generated administrator."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from hearth.stack.stack import Stack
from tests.own_stack import own_settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCREEN = {"width": 1280, "height": 1000}


def browser_path() -> str:
    """Return the system's Chromium: no test downloads one."""
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    assert found, "no browser: run `apt-get install chromium`, or `make test SKIP=browser`"
    return found[0]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(own_settings(tmp_path_factory.mktemp("home")), print)
    try:
        stack.up()
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Its sandbox needs user namespaces, which containers often lack; it sees our own pages alone.
    arguments = ["--no-sandbox", "--no-proxy-server", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def stranger(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page of somebody who is not signed in."""
    with browser.new_context(base_url=stack.airflow_url, viewport=SCREEN) as context:  # type: ignore[arg-type]
        yield context.new_page()


@pytest.fixture
def page(stranger: Page, stack: Stack) -> Page:
    """A page of the administrator."""
    stranger.goto("/")
    stranger.fill("input[name=username]", "admin")
    stranger.fill("input[name=password]", stack.secrets.admin_password())
    stranger.click("button[type=submit]")
    stranger.get_by_role("link", name="Dags").first.wait_for()
    return stranger
