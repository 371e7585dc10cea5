"""What the documentation tells people to type does what it says, on a real stack."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hearth.cli import app
from tests.documented import commands
from tests.machine import RECIPE

pytestmark = [pytest.mark.network, pytest.mark.timeout(1500)]

NOT_RUN = {
    "--profile aws-cn": "needs AWS",
    "--rebuild-from": "minutes; tests/faults/test_ordeal.py",
    "--train-steps": "minutes; tests/faults/test_build.py builds with other values",
    "gc --delete": "deletes; tests/unit/core/test_gc.py",
    "gc --withdrawn --delete": "deletes; tests/unit/core/test_gc.py",
    "review": "needs people's answers; tests/unit/cli/test_review.py",
    "--allow": "needs a withdrawn document; tests/unit/cli/test_withdraw.py",
    "withdraw --source": "would end the recipe; tests/unit/cli/test_withdraw.py",
    "withdraw --document KEY --reason …": "would end it for later tests; operators' tests do it",
}
MEANT = {"demo": RECIPE, "house": RECIPE, "RECIPE": RECIPE, "NAME": RECIPE}


def _told() -> list[str]:
    """Return the commands to run, each once, as they are told."""
    found = {
        " ".join(MEANT.get(word, word) for word in command.words[1:]): None
        for command in commands()
        if command.words[0] == "hearth" and (len(command.words) > 2 or not command.mentioned)
    }
    for text in list(found):
        if any(f" {mark} " in f" {text} " for mark in NOT_RUN) and "--dry-run" not in text:
            del found[text]
    return sorted(found)


def _run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture(scope="module")
def key(machine: Any, first: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A document of the corpus that serves."""
    sheet = tmp_path_factory.mktemp("sheet") / "sheet.csv"
    result = _run("sample", RECIPE, "--n", "1", "--out", str(sheet))
    assert result.exit_code == 0, result.output
    (row,) = csv.DictReader(sheet.read_text("utf-8-sig").splitlines())
    return row["doc_key"]


@pytest.mark.parametrize("text", _told())
def test_a_documented_command_does_what_it_says(
    text: str,
    machine: Any,
    first: Any,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    meant = {"KEY": key, "BUILD": first.id}
    words = [
        key if word.startswith("debian-policy:") else meant.get(word, word)
        for word in text.split(" ")
    ]
    result = _run(*words)
    assert result.exit_code == 0, f"{words}: {result.output} {result.exception!r}"
    if "--json" in words:
        json.loads(result.stdout)
    for option in ("--html", "--out"):
        if option in words:
            assert (tmp_path / words[words.index(option) + 1]).stat().st_size > 0
