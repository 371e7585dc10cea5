"""What a team gets that starts the compose file as it is, with the profile `monitoring`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.images.building import build, complete, failures, session
from tests.images.conftest import ROOT, Machine, machine
from tests.images.monitoring import firing, missing, monitoring, operands, query, rules

pytestmark = pytest.mark.timeout(2400, func_only=False)  # starting the stack is most of it


@pytest.fixture(scope="module")
def first(secrets: Path) -> Iterator[Machine]:
    with ExitStack() as stack:
        one = stack.enter_context(machine(secrets, "monitoring", HEARTH_MONITORING="True"))
        stack.enter_context(monitoring(one.compose.services, ROOT, one.folder / "watch"))
        one.compose.up()
        yield one


@pytest.fixture(scope="module")
def built(first: Machine) -> Machine:
    """The machine, once the recipe `tiny` went through it."""
    with session(first.secrets) as client:
        run = build(client, recipe="tiny")
        assert run["state"] == "success", failures(client, run)
    return first


def test_a_build_goes_through_to_an_endpoint_that_answers(built: Machine) -> None:
    assert built.compose.healthy("endpoint")
    assert complete()


def test_every_rule_finds_what_it_reads_in_the_series_of_a_real_build(built: Machine) -> None:
    assert "prometheus" in built.compose.services
    assert missing([*rules(ROOT, "record"), *rules(ROOT, "record").values()]) == []


def test_every_alert_compares_what_a_real_build_gives_it(built: Machine) -> None:
    """Each side of its comparisons has data; and the alert as a whole can be asked."""
    assert "prometheus" in built.compose.services
    alerts = rules(ROOT, "alert")
    compared = [part for expression in alerts.values() for part in operands(expression)]
    assert len(compared) >= len(alerts)
    assert missing(compared) == []
    for expression in alerts.values():
        query(expression)
    assert not firing() & {"HearthStageFailing", "HearthBuildFailed"}


def test_alerts_read_recorded_numbers_alone() -> None:
    recorded = set(rules(ROOT, "record"))
    for name, expression in rules(ROOT, "alert").items():
        assert set(re.findall(r"hearth:[\w:]+", expression)) <= recorded, name


def test_a_stack_goes_on_after_a_backup(built: Machine, backups: Path) -> None:
    done = built.script("backup", backups / "one")
    assert done.returncode == 0, done.stderr
    assert "api-server" in built.compose.running()
    assert (backups / "one" / "profiles").read_text() == "monitoring\n"


def test_no_backup_is_written_over(built: Machine, backups: Path) -> None:
    assert built.script("backup", backups / "one").returncode == 73


def test_nothing_is_restored_over_a_stack(built: Machine, backups: Path) -> None:
    assert built.script("restore", backups / "one").returncode == 75
