"""`hearth sample` and `hearth review`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import Command
from tests.unit.lineage.library import ALICE, BOB, Library


def test_a_sample_goes_out_comes_back_and_counts(
    command: Command, home: Library, tmp_path: Path
) -> None:
    out = tmp_path / "sample.jsonl"
    done = command("sample", "tiny", "--n", 2, "--seed", 7, "--out", out, "--json")
    assert done.exit_code == 0, done.stderr
    sample = json.loads(done.stdout)
    assert {item["doc_key"] for item in sample["items"]} == {ALICE, BOB}
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    rows[0]["verdict"] = "accept"
    out.write_text("\n".join(json.dumps(row) for row in rows))
    done = command("review", sample["id"], out, "--reviewer", "li.wei")
    assert done.exit_code == 0, done.stderr
    for words in ("100.00% (1 of 1 judged", "by human: li.wei", "1 not judged", rows[1]["doc_key"]):
        assert words in done.stdout
    gone = command("review", sample["id"], tmp_path / "gone.csv")
    assert (gone.exit_code, "gone.csv: No such file" in gone.stderr) == (65, True)
    later = json.loads(command("review", sample["id"], "--json").stdout)
    assert later["acceptance"]["total"]["share"] == 1


def test_the_filing_preset_draws_its_sizes_and_shows_what_is_open(
    command: Command, home: Library, tmp_path: Path
) -> None:
    out = tmp_path / "people.csv"
    done = command("sample", "tiny", "--preset", "cn-filing", "--out", out)
    assert "the corpus has no 4000 documents" in done.stdout
    name = f"{home.corpus.record.fingerprint[:12]}-4000-0"
    shown = command("review", name, "--preset", "cn-filing").stdout
    assert "≥ 96% (unconfirmed)" in shown
    assert "not reviewed" in shown
    assert "\x1b" not in shown
    machine = ("sample", "tiny", "--preset", "cn-filing", "--machine", "--json")
    drawn = json.loads(command(*machine, "--out", tmp_path / "machine.csv").stdout)
    assert drawn["wanted"] == 1


def test_ones_own_preset_goes_before_the_shipped_one(
    command: Command, home: Library, tmp_path: Path
) -> None:
    shipped = Path(__file__).resolve().parents[3] / "presets" / "cn-filing.yaml"
    (tmp_path / "presets").mkdir()
    own = shipped.read_text(encoding="utf-8").replace("items: 4000", "items: 1", 1)
    (tmp_path / "presets" / "cn-filing.yaml").write_text(own, encoding="utf-8")
    out = tmp_path / "people.csv"
    done = command("sample", "tiny", "--preset", "cn-filing", "--out", out, "--json")
    assert json.loads(done.stdout)["wanted"] == 1
    unknown = command("sample", "tiny", "--preset", "nonesuch")
    assert unknown.exit_code == 64
    assert "preset 'nonesuch': not found" in unknown.stderr
    assert "cn-filing" in unknown.stderr


def test_two_sizes_or_a_full_file_are_refused(
    command: Command, home: Library, tmp_path: Path
) -> None:
    assert command("sample", "tiny", "--n", 2, "--share", 0.5).exit_code == 64
    out = tmp_path / "sample.csv"
    assert command("sample", "tiny", "--out", out).exit_code == 0
    again = command("sample", "tiny", "--out", out)
    assert again.exit_code == 64
    assert "perhaps with verdicts" in again.stderr


def test_help_has_examples(command: Command) -> None:
    assert "Example: hearth sample" in command("sample", "--help").stdout
    assert "Example: hearth review" in command("review", "--help").stdout
