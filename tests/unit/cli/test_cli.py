"""The command line, run as a program: what it prints and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROFILE = """
name: local
storage: {{uri: "file://{home}/store"}}
endpoint: {{url: "http://127.0.0.1:1"}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "recipes").mkdir()
    (tmp_path / "profiles" / "local.yaml").write_text(PROFILE.format(home=tmp_path))
    tiny = (ROOT / "recipes" / "tiny.yaml").read_text(encoding="utf-8")
    (tmp_path / "recipes" / "tiny.yaml").write_text(tiny, encoding="utf-8")
    return tmp_path


def hearth(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HEARTH_CONFIG": str(config),
        "HEARTH_HOME": str(config / "home"),
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, "-c", "from hearth.cli import app; app()", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_help_shows_every_command_and_an_example(config: Path) -> None:
    done = hearth(config, "--help")
    for command in (
        "plan",
        "build",
        "status",
        "logs",
        "trace",
        "why",
        "sample",
        "review",
        "withdraw",
        "gc",
    ):
        assert command in done.stdout
    assert "hearth plan demo" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("steps:", "stepz:", r"stepz = \d+: unknown key"),
        ("items: ", "items: x", r"suite\.items = 'x\d+': .*integer"),
        ("margins: {bits_per_byte: ", "margins: {bits_per_byte: -", r"margins\.bits_per_byte = -"),
        ("mirror:", "mirrors:", r"mirror: Field required"),
    ],
)
def test_a_wrong_recipe_is_told_by_file_line_key_value_and_rule(
    config: Path, old: str, new: str, rule: str
) -> None:
    path = config / "recipes" / "tiny.yaml"
    text = path.read_text(encoding="utf-8")
    assert f"\n  {old}" in text or f"\n{old}" in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = hearth(config, "plan", "tiny")
    assert done.returncode == 64
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert re.search(rf"tiny\.yaml:\d+: .*{rule}", done.stderr), done.stderr


def test_an_unknown_recipe_is_told_with_those_that_are_known(config: Path) -> None:
    done = hearth(config, "plan", "nonesuch")
    assert done.returncode == 64
    assert "there are: tiny" in done.stderr


def test_an_override_out_of_bounds_stops_the_plan(config: Path) -> None:
    done = hearth(config, "plan", "tiny", "--train-steps", "0")
    assert done.returncode == 64
    assert "train_steps" in done.stderr


def test_a_build_without_a_stack_says_how_to_start_one(config: Path) -> None:
    done = hearth(config, "build", "tiny")
    assert done.returncode == 75
    assert "make up" in done.stderr


def test_an_empty_store_has_no_builds_and_no_garbage(config: Path) -> None:
    status = json.loads(hearth(config, "status", "--json").stdout)
    assert status["builds"] == []
    assert status["endpoint"]["serving"] is None
    assert json.loads(hearth(config, "gc", "--json").stdout) == []


def test_tracing_before_anything_serves_is_a_clear_error(config: Path) -> None:
    done = hearth(config, "trace", "endpoint")
    assert done.returncode == 65
    assert "nothing serves yet" in done.stderr


def test_what_is_piped_has_no_colours(config: Path) -> None:
    assert "\x1b" not in hearth(config, "status").stdout
