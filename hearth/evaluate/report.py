"""Write the report: one HTML file that needs nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
from markupsafe import Markup

from hearth.evaluate.plan import BITS_PER_BYTE, SuiteView
from hearth.evaluate.plots import plots
from hearth.evaluate.summary import Summary

_EXAMPLES = 3  # Of each task.


def render(
    *,
    model: str,
    order: int,
    summary: Summary,
    scores: pa.Table,
    examples: Sequence[dict[str, Any]],
    versions: dict[str, str],
) -> str:
    """The report as HTML; all text from items is escaped.

    Args:
        model: what to call the model.
        order: of the n-gram baseline.
        summary: the scores.
        scores: the item scores.
        examples: what `examples` chose.
        versions: of the libraries that scored.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hearth.evaluate", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html.j2").render(
        model=model,
        order=order,
        summary=summary,
        # Made by matplotlib from numbers and fixed words.
        plots=[Markup(plot) for plot in plots(summary, scores)],  # noqa: S704
        examples=examples,
        versions=versions,
        labels={"ngram": "n-gram"},
    )


def examples(
    suite: SuiteView, folder: Path, scored: dict[str, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """A few items of each task with what the model made of them.

    Args:
        suite: the suite.
        folder: where it lies.
        scored: task → what lm-eval said of each item.
    """
    chosen = []
    for task in suite.tasks:
        lines = (folder / "data" / f"{task.task}.jsonl").read_text(encoding="utf-8").splitlines()
        asked = {row["item"]: row for row in map(json.loads, lines)}
        show = _passage if task.kind == BITS_PER_BYTE else _cloze
        chosen += [
            {"task": task.task, "item": row["item"], "group": asked[row["item"]]["group"]}
            | show(asked[row["item"]], row)
            for row in _spread(task.kind, scored[task.task])
        ]
    return chosen


def _spread(kind: str, rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The easiest, a middling and the hardest passage; of cloze items, right and wrong ones."""
    if kind == BITS_PER_BYTE:
        ordered = sorted(rows, key=lambda row: (-row["loglikelihood"] / row["bytes"], row["item"]))
        yield from (ordered[place] for place in sorted({0, len(ordered) // 2, len(ordered) - 1}))
        return
    right = [row for row in rows if row["correct"]]
    wrong = [row for row in rows if not row["correct"]]
    half = (_EXAMPLES + 1) // 2
    yield from (right[:half] + wrong[: _EXAMPLES - min(half, len(right))])[:_EXAMPLES]


def _passage(item: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    bits = -row["loglikelihood"] / math.log(2) / row["bytes"]
    return {"verdict": f"{bits:.3f} bits per byte", "text": item["text"], "choices": []}


def _cloze(item: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    chosen = max(range(len(row["choices"])), key=row["choices"].__getitem__)
    return {
        "verdict": "right" if row["correct"] else "wrong",
        "text": item["context"],
        "choices": [
            {"text": text, "answer": index == item["answer"], "chosen": index == chosen}
            for index, text in enumerate(item["choices"])
        ],
    }
