"""The plots of an evaluation's report, as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hearth.evaluate.plan import BITS_PER_BYTE
from hearth.evaluate.summary import Summary, TaskSummary
from hearth.svg import inline_svg

_MODEL, _BASELINE = "#2b6cb0", "#c05621"


def plots(summary: Summary, scores: pa.Table) -> list[str]:
    """One SVG for each kind of task, and one for the spread of bits per byte over items."""
    measured = [task for task in summary.tasks if task.kind == BITS_PER_BYTE]
    asked = [task for task in summary.tasks if task.kind != BITS_PER_BYTE]
    drawn = []
    if measured:
        drawn += [
            _bars(measured, "Bits per byte (lower is better)", {"ngram": "n-gram"}),
            _spread(measured, scores),
        ]
    if asked:
        shown = {"chance": "chance", "shortest": "shortest answer"}
        drawn.append(_bars(asked, "Accuracy (higher is better)", shown))
    return drawn


def _bars(tasks: Sequence[TaskSummary], title: str, baselines: dict[str, str]) -> str:
    figure, axes = _figure(title)
    names = ["model", *baselines]
    width = 0.8 / len(names)
    places = np.arange(len(tasks))
    for index, name in enumerate(names):
        model = name == "model"
        values = [task.value if model else task.baselines.get(name, math.nan) for task in tasks]
        bounds = [
            [task.value - task.low for task in tasks],
            [task.high - task.value for task in tasks],
        ]
        axes.bar(
            places + index * width,
            values,
            width * 0.9,
            label=baselines.get(name, name),
            color=_MODEL if model else _BASELINE,
            alpha=1 if index < 2 else 0.5,  # noqa: PLR2004 - the third bar is paler
            yerr=np.maximum(bounds, 0) if model else None,
            capsize=4,
        )
    axes.set_xticks(places + width * (len(names) - 1) / 2, [task.task for task in tasks])
    axes.margins(y=0.3)  # Room for the legend.
    axes.legend(loc="upper right", ncols=len(names))
    return inline_svg(figure, title)


def _spread(tasks: Sequence[TaskSummary], scores: pa.Table) -> str:
    title = "Bits per byte of the items"
    figure, axes = _figure(title)
    for task, style in zip(tasks, ("-", "--", ":", "-.") * len(tasks), strict=False):
        rows = scores.filter(pc.equal(scores["task"], task.task))
        size = rows["bytes"].to_numpy() * -math.log(2)
        for column, name, colour in (
            ("loglikelihood", "model", _MODEL),
            ("baseline_loglikelihood", "n-gram", _BASELINE),
        ):
            values = np.sort(rows[column].to_numpy() / size)
            share = np.arange(1, len(values) + 1) / len(values)
            axes.plot(values, share, style, color=colour, label=f"{name}, {task.language}")
    axes.set_xlabel("bits per byte")
    axes.set_ylabel("share of items at or below")
    axes.legend()
    return inline_svg(figure, title)


def _figure(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.grid(visible=True, axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
