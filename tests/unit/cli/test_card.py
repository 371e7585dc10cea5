"""`hearth card`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from hearth.artifact import Artifact, Output
from hearth.model import Stage
from tests.unit.cli.conftest import Command
from tests.unit.lineage.library import Library, serve

TEXTS = {
    "card.md": "# Data card | of 测试\n",
    "card.html": "<main>\n<p>测试\n</main>\n",
    "report.json": '{"a": 1}\n',
}
MADE = "c" * 64


def with_card(home: Library) -> Artifact:
    """A corpus like the library's, and its card."""
    artifact = Artifact(home.store, Stage.CURATE, MADE)
    outputs = list(home.corpus.record.outputs)
    for name, text in TEXTS.items():
        path = f"attempts/1/{name}"
        data = text.encode()
        artifact.folder.put(path, data)
        sha256 = hashlib.sha256(data).hexdigest()
        outputs.append(Output(path=path, bytes=len(data), sha256=sha256))
    for output in home.corpus.record.outputs:
        artifact.folder.put(output.path, home.corpus.artifact.folder.get(output.path))
    artifact.publish(
        home.corpus.record.model_copy(update={"fingerprint": MADE, "outputs": tuple(outputs)})
    )
    return artifact


def test_the_card_is_printed_as_it_was_written(command: Command, home: Library) -> None:
    with_card(home)
    done = command("card", MADE[:8])
    assert done.exit_code == 0, done.stderr
    assert done.stdout == TEXTS["card.md"]


def test_the_page_and_the_report_come_as_they_are(
    command: Command, home: Library, tmp_path: Path
) -> None:
    artifact = with_card(home)
    page = tmp_path / "pages" / "card.html"
    done = command("card", artifact.uri, "--html", page)
    assert done.exit_code == 0, done.stderr
    assert page.read_text(encoding="utf-8") == TEXTS["card.html"]
    assert json.loads(command("card", MADE, "--json").stdout) == {"a": 1}


def test_reviews_stand_beside_the_card_once_there_are_any(
    command: Command, home: Library, tmp_path: Path
) -> None:
    artifact = with_card(home)
    out = tmp_path / "sample.jsonl"
    sample = json.loads(command("sample", MADE, "--n", 2, "--out", out, "--json").stdout)
    rows = [json.loads(line) | {"verdict": "accept"} for line in out.read_text().splitlines()]
    out.write_text("\n".join(json.dumps(row) for row in rows))
    assert command("review", sample["id"], out, "--reviewer", "<li|wei>").exit_code == 0
    shown = command("card", artifact.uri).stdout
    assert shown.startswith(TEXTS["card.md"])
    assert f"| human: <li\\|wei> | {sample['id']} | 100.00% |" in shown
    for source in {row["doc_key"].partition(":")[0] for row in rows}:
        assert f"| {source} | human: <li\\|wei> | 100.00% |" in shown
    page = tmp_path / "card.html"
    command("card", MADE, "--html", page)
    text = page.read_text(encoding="utf-8")
    assert "<td>human: &lt;li|wei&gt;</td>" in text
    assert text.endswith("</section>\n</main>\n")


def test_a_card_that_was_changed_is_not_shown(command: Command, home: Library) -> None:
    artifact = with_card(home)
    artifact.folder.put("attempts/1/card.md", b"# Data card | of " + "无害".encode() + b"\n")
    done = command("card", MADE)
    assert done.exit_code == 65
    assert done.stdout == ""


def test_a_corpus_without_a_card_says_how_to_get_one(command: Command, home: Library) -> None:
    serve(home)
    done = command("card")
    assert done.exit_code == 65
    assert "--rebuild-from curate" in done.stderr


def test_help_has_an_example(command: Command) -> None:
    assert "Example: hearth card" in command("card", "--help").stdout
