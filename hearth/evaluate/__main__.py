"""The program of the evaluate stage: score one model on one suite."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Any, cast

import pyarrow.parquet as pq

from hearth.evaluate.baseline import baseline_scores, training_texts
from hearth.evaluate.lmeval import Scoring
from hearth.evaluate.plan import check_model, join, read_suite
from hearth.evaluate.report import examples, render
from hearth.evaluate.scores import check, table
from hearth.evaluate.spec import CONTRACT, EvaluateSpec
from hearth.evaluate.summary import summarise
from hearth.model import Stage
from hearth.stage.context import Context
from hearth.stage.program import main


def run(context: Context) -> dict[str, Any]:
    """Score the model; metrics are each task's score, and the baseline's."""
    spec = cast("EvaluateSpec", context.spec)
    folder = context.input("suite").fetch()
    suite, items = read_suite(folder)
    model = context.input("model").fetch("model/*") / "model"
    check_model(model, suite)
    corpus = context.input("corpus").fetch("corpus/split=train/*") / "corpus" / "split=train"
    shards = sorted(corpus.glob("*.parquet"))

    with Scoring(model, suite, folder, spec.batch_size, context.scratch / "lm-eval") as scoring:
        # lm-eval takes long to start: the baseline is done meanwhile.
        context.progress("score", 0, len(suite.tasks), "tasks")
        texts = training_texts(shards, spec.baseline_characters)
        baseline = baseline_scores(texts, spec.baseline_order, suite, items)
        scored = scoring.wait(lambda done, total: context.progress("score", done, total, "tasks"))

    scores = table(join(suite, items, scored, baseline))
    check(scores, f"model {context.job.name}")
    summary = summarise(suite, scores)
    page = render(
        model=f"{context.job.name} ({context.input('model').record.fingerprint[:12]})",
        order=spec.baseline_order,
        summary=summary,
        scores=scores,
        examples=examples(suite, folder, scored),
        versions=versions(),
    )
    local = context.scratch / "out"
    local.mkdir()
    pq.write_table(scores, local / "items.parquet")
    (local / "summary.json").write_text(summary.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (local / "report.html").write_text(page, encoding="utf-8")
    context.publish(local / "items.parquet", "items.parquet", rows=len(scores))
    context.publish(local / "summary.json", "summary.json")
    context.publish(local / "report.html", "report.html")
    return summary.metrics() | {"versions": versions()}


def versions() -> dict[str, str]:
    """What scored: these run in a process of their own, which provenance does not see."""
    return {name: metadata.version(name) for name in ("lm_eval", "torch", "transformers")}


if __name__ == "__main__":
    sys.exit(main(Stage.EVALUATE, CONTRACT, EvaluateSpec, run))
