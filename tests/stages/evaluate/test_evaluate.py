from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hearth.artifact import Artifact, InputRef
from hearth.attempt import Exit
from hearth.errors import EXIT_OK
from hearth.evaluate.ngram import CharacterNgram
from hearth.evaluate.spec import CONTRACT
from hearth.gate.decide import decide
from hearth.gate.decision import Answer
from hearth.gate.spec import GateSection
from hearth.suite.dev import PREFIX
from hearth.suite.manifest import SuiteManifest
from hearth.train.dev import windows
from tests.golden import check

GOLDEN = Path(__file__).with_name("golden.json")

Inputs = Callable[[Path, Path, Path], dict[str, InputRef]]
Program = Callable[[dict[str, InputRef]], tuple[Artifact, Exit]]


def test_an_untrained_model_is_scored_by_lm_eval_offline(
    model_folder: Path,
    suite_folder: Path,
    corpus_folder: Path,
    inputs: Inputs,
    program: Program,
) -> None:
    artifact, end = program(inputs(model_folder, suite_folder, corpus_folder))
    assert end.code == EXIT_OK, end.message
    record = artifact.record()
    assert record is not None
    outputs = {o.name: artifact.folder.get(o.path) for o in record.outputs}
    assert sorted(outputs) == ["items.parquet", "report.html", "summary.json"]
    scores = pq.read_table(BytesIO(outputs["items.parquet"]))
    rows = scores.to_pylist()

    # Every item of the suite, once; none of its dev part, which training has seen scores of.
    whole = pq.read_table(suite_folder / "items.parquet").to_pylist()
    asked = [row for row in whole if not row["task"].startswith(PREFIX)]
    assert len(asked) < len(whole)
    assert Counter((r["task"], r["item"]) for r in rows) == Counter(
        (r["task"], r["item"]) for r in asked
    )

    # What the model was asked, computed again without lm-eval.
    texts = {r["item"]: r["text"] for r in asked}
    passages = [r for r in rows if r["kind"] == "bits_per_byte"]
    expected = rolling(model_folder / "model", [texts[r["item"]] for r in passages])
    for row, loglikelihood in zip(passages, expected, strict=True):
        assert row["bytes"] == len(texts[row["item"]].encode())
        assert row["loglikelihood"] == pytest.approx(loglikelihood, rel=1e-4)
        assert row["correct"] is None

    # What the baseline was asked.
    corpus = pq.read_table(corpus_folder / "corpus" / "split=train" / "part-0.parquet")
    baseline = CharacterNgram.train(corpus["text"].to_pylist(), 2)
    answers = baseline.log_likelihoods([texts[r["item"]] for r in passages])
    assert [r["baseline_loglikelihood"] for r in passages] == pytest.approx(list(answers))

    # Cloze items: marked, and scored on the right answer.
    data = {
        task: {
            line["item"]: line
            for line in map(
                json.loads,
                (suite_folder / "data" / f"{task}.jsonl").read_text(encoding="utf-8").splitlines(),
            )
        }
        for task in ("cloze_en", "cloze_zh")
    }
    for row in (r for r in rows if r["kind"] == "cloze"):
        item = data[row["task"]][row["item"]]
        assert isinstance(row["correct"], bool)
        assert row["bytes"] == len(item["choices"][item["answer"]].encode())
        assert row["baseline_loglikelihood"] is None

    # Training asks in its own way, of which the same comes.
    assert as_in_training(model_folder / "model", suite_folder) == pytest.approx(
        {(r["task"], r["item"]): r["loglikelihood"] for r in rows}, rel=1e-4
    )

    summary = json.loads(outputs["summary.json"])
    values = {task["task"]: task["value"] for task in summary["tasks"]}
    # One cloze item may tip over on another processor.
    near = {task: 0.05 if task.startswith("cloze") else 1e-3 for task in values}
    check(GOLDEN, CONTRACT, values, near)
    assert record.metrics["bits_per_byte_en"] == pytest.approx(values["bits_per_byte_en"], abs=1e-6)

    page = outputs["report.html"].decode()
    assert page.count("<svg") == 3
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "<script" not in page
    assert "bits_per_byte_zh" in page

    # The gate reads what evaluation writes: a model that knows nothing does not beat the baseline.
    suite = SuiteManifest.model_validate_json((suite_folder / "suite.json").read_bytes())
    section = GateSection(resamples=1000, least_groups=5)
    assert decide(scores, scores, None, suite, section).answer is Answer.PASS
    assert decide(scores, None, None, suite, section).answer is Answer.FAIL


def as_in_training(folder: Path, suite: Path) -> dict[tuple[str, str], float]:
    """Log-likelihoods of all items of the gate, as training takes them of the dev part."""
    import torch  # noqa: PLC0415 - heavy
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    from hearth.train.asking import batches_of  # noqa: PLC0415
    from hearth.train.batches import row_losses  # noqa: PLC0415
    from hearth.train.dev import items_of  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    manifest = SuiteManifest.model_validate_json((suite / "suite.json").read_bytes())
    found = {}
    for task in manifest.tasks:
        path = suite / "data" / f"{task.task}.jsonl"
        names = [json.loads(line)["item"] for line in path.read_text("utf-8").splitlines()]
        items = list(
            items_of(
                path,
                lambda text: tokenizer(text).input_ids,
                tokenizer.eos_token_id,
                manifest.max_length,
            )
        )
        right = [row for item in items for row in item.choices[item.answer]]
        assert len(right) == len(names), "one window each"
        with torch.inference_mode():
            for places, batch in batches_of(right, 400):
                said = (-row_losses(model, batch)).tolist()
                for place, loglikelihood in zip(places, said, strict=True):
                    found[task.task, names[place]] = loglikelihood
    return found


def test_long_passages_are_cut_as_lm_eval_cuts_them() -> None:
    from lm_eval.utils import (  # noqa: PLC0415 - only where the stages' libraries are
        get_rolling_token_windows,
        make_disjoint_window,
    )

    for length, window in ((1, 4), (4, 4), (5, 4), (11, 4), (12, 4), (30, 7)):
        ids = list(range(1, length + 1))
        theirs = [
            make_disjoint_window(pair) for pair in get_rolling_token_windows(ids, 0, window, 1)
        ]
        assert [
            (row.ids[: len(row.ids) - row.scored], row.ids[-row.scored :])
            for row in windows(ids, 0, window)
        ] == [(tuple(context), tuple(scored)) for context, scored in theirs]


def rolling(folder: Path, texts: list[str]) -> list[float]:
    """Log-likelihoods of texts that fit into one window, after the end-of-text token."""
    import torch  # noqa: PLC0415 - heavy
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    with torch.inference_mode():
        for text in texts:
            tokens = tokenizer.encode(text, add_special_tokens=False)
            assert len(tokens) <= model.config.max_position_embeddings
            given = torch.tensor([[tokenizer.eos_token_id, *tokens]])
            logs = torch.log_softmax(model(given[:, :-1]).logits.double(), dim=-1)
            picked = logs.gather(-1, given[:, 1:, None]).sum().item()
            assert math.isfinite(picked)
            found.append(picked)
    return found
