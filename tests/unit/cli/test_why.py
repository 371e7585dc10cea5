"""`hearth why`."""

from __future__ import annotations

import json

from tests.unit.cli.conftest import Command
from tests.unit.lineage.library import ALICE, COPY, Library, serve


def test_without_a_corpus_the_one_of_what_serves_is_asked(command: Command, home: Library) -> None:
    before = command("why", ALICE)
    assert before.exit_code == 65
    assert "nothing serves yet" in before.stderr
    serve(home)
    done = command("why", ALICE)
    assert done.exit_code == 0, done.stderr
    for word in ("split train", "GPL-2.0-or-later", "debian-faq/alice", "EMAIL 9–26", "serving"):
        assert word in done.stdout
    assert "alice@example.org" not in done.stdout
    assert "\x1b" not in done.stdout


def test_a_build_and_json_are_understood(command: Command, home: Library) -> None:
    way = json.loads(command("why", COPY, "--build", home.build.id, "--json").stdout)
    assert way["stand_in"]["document"] == ALICE
    assert way["steps"][-1]["canonical"] == ALICE


def test_an_unknown_document_is_a_clear_error(command: Command, home: Library) -> None:
    done = command("why", "nonesuch:x", "--corpus", "tiny")
    assert done.exit_code == 65
    assert done.stdout == ""
    steps = len(home.corpus.steps())
    assert f"document nonesuch:x: no step saw it: searched {steps} steps" in done.stderr


def test_tracing_a_document_shares_the_answer(command: Command, home: Library) -> None:
    serve(home)
    rows = json.loads(command("trace", "endpoint", "--document", COPY, "--json").stdout)
    way = json.loads(command("why", COPY, "--json").stdout)
    assert rows == way["steps"]


def test_help_has_an_example(command: Command) -> None:
    assert "Example: hearth why" in command("why", "--help").stdout
