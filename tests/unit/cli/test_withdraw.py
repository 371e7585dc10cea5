"""`hearth withdraw`, and what other commands say of it."""

from __future__ import annotations

import json

from hearth.model import Stage
from hearth.tombstones import tombstones
from tests.unit.cli.conftest import Command
from tests.unit.lineage.library import ALICE, COPY, Library, serve


def test_a_dry_run_says_all_and_writes_nothing(command: Command, home: Library) -> None:
    done = command("withdraw", "--document", ALICE, "--reason", "asked for", "--dry-run")
    assert done.exit_code == 0, done.stderr
    for words in (
        "would be withdrawn: 1 documents and 2 copies", COPY, "corpus ", "rebuild, then purge",
        "hearth build tiny", "leave out --dry-run",
    ):  # fmt: skip
        assert words in done.stdout
    assert "\x1b" not in done.stdout
    assert tombstones(home.store) == ()


def test_a_withdrawal_is_told_by_every_command(command: Command, home: Library) -> None:
    version = serve(home)
    assert json.loads(command("status", "--json").stdout)["revoked"] is None
    done = command("withdraw", "--document", ALICE, "--reason", "asked for", "--by", "li", "--json")
    plan = json.loads(done.stdout)
    assert plan["wish"]["by"] == "li"
    assert {one["kind"] for one in plan["holdings"]} >= {"corpus", "model", "endpoint"}
    assert "withdrawn by key since" in command("why", ALICE).stdout
    status = command("status").stdout
    assert "what serves is revoked:" in status
    assert version.version in status
    shown = command("withdraw").stdout
    assert "asked for" in shown
    assert "replace" in shown


def test_an_exception_wants_a_reason_and_is_shown(command: Command, home: Library) -> None:
    serve(home)
    command("withdraw", "--document", ALICE)
    uri = home.store.url(f"artifacts/train/{home.plan(Stage.TRAIN).fingerprint}")
    assert command("withdraw", "--allow", uri).exit_code == 64
    done = command("withdraw", "--allow", uri, "--reason", "until Friday", "--by", "dpo")
    assert done.exit_code == 0, done.stderr
    assert "allowed by dpo: until Friday" in command("status").stdout
    events = json.loads(command("status", home.build.id, "--json").stdout)
    assert events[-1]["kind"] == "allowed"


def test_what_was_never_seen_is_a_clear_error(command: Command, home: Library) -> None:
    done = command("withdraw", "--source", "nonesuch")
    assert done.exit_code == 65
    assert "withdraw nonesuch: the store never saw it: searched" in done.stderr
    assert tombstones(home.store) == ()


def test_gc_purges_on_request(command: Command, home: Library) -> None:
    command("withdraw", "--document", ALICE)
    items = json.loads(command("gc", "--withdrawn", "--json").stdout)
    assert any("withdrawn document" in item["why"] for item in items)
    assert command("gc", "--withdrawn", "--delete").exit_code == 0
    assert json.loads(command("gc", "--withdrawn", "--json").stdout) == []


def test_help_has_an_example(command: Command) -> None:
    assert "Example: hearth withdraw" in command("withdraw", "--help").stdout
