"""`hearth gc` and `hearth withdraw` on a profile that keeps what curation drops."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hearth.profile import load_profile
from hearth.rejects import Area
from hearth.settings import settings
from tests.unit.cli.conftest import Command
from tests.unit.lineage.library import ALICE, BOB, Library
from tests.unit.lineage.test_rejects import dropped, keys_in, made


@pytest.fixture
def area(command: Command, home: Library, tmp_path: Path) -> Area:
    path = tmp_path / "profiles" / "local.yaml"
    rejects = f"rejects: {{uri: 'file://{tmp_path}/apart', retention_days: 30}}\n"
    path.write_text(path.read_text() + rejects)
    settings.cache_clear()
    found = load_profile().reject_area
    assert found is not None
    return Area(found)


def test_gc_says_what_it_keeps_and_deletes_what_is_past_its_retention(
    command: Command, area: Area, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    area.write(made(1), dropped(tmp_path / "x", [ALICE]), now)
    area.write(made(2), dropped(tmp_path / "x", [BOB]), now - timedelta(days=31))
    shown = command("gc").stdout
    for words in ("kept", "its retention goes on", "could go", "past its retention"):
        assert words in shown
    assert sorted(keys_in(area)) == sorted([ALICE, BOB])
    assert command("gc", "--delete").exit_code == 0
    assert keys_in(area) == [ALICE]
    (kept,) = [one for one in json.loads(command("gc", "--json").stdout) if "until" in one]
    assert (kept["path"], kept["documents"]) == (area.uri(made(1)), 1)


def test_a_withdrawal_names_what_was_dropped_and_gc_takes_it_out(
    command: Command, area: Area, tmp_path: Path
) -> None:
    area.write(made(), dropped(tmp_path / "x", [ALICE, BOB]), datetime.now(UTC))
    done = command("withdraw", "--document", ALICE, "--reason", "asked for")
    assert done.exit_code == 0, done.stderr
    assert f"reject {area.uri(made())}" in done.stdout
    assert "among its documents are withdrawn ones" in command("gc", "--withdrawn").stdout
    assert command("gc", "--withdrawn", "--delete").exit_code == 0
    assert keys_in(area) == [BOB]
    assert "reject " not in command("withdraw").stdout
