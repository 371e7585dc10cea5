"""The loss curve as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np

from hearth.train.run import History

mpl.use("Agg")  # no display where this runs

from matplotlib import pyplot as plt

_INK: Final = "#30343b"
_LOSS: Final = "#b8432f"
_LANGUAGES: Final = ("#1f6f8b", "#c98a1b", "#5b7f3a", "#74508f")
_SMOOTH: Final = 0.9


def plot(history: History, title: str, path: Path) -> None:
    """Draw training and validation loss, and bits per byte by language, over the steps.

    Args:
        history: of the run.
        title: what stands above.
        path: a PNG.
    """
    style = {
        "axes.edgecolor": _INK,
        "axes.labelcolor": _INK,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "grid.color": "#d9dce1",
        "text.color": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
    with plt.rc_context(style):
        asked = history.validations[0].dev is not None
        panels = 3 if asked else 2
        size = (5.5 * panels, 4.2)
        figure, every = plt.subplots(1, panels, figsize=size, layout="constrained")
        left, right = every[:2]
        steps = np.arange(1, len(history.losses) + 1)
        validated = [validation.step for validation in history.validations]
        left.plot(steps, history.losses, color=_LOSS, alpha=0.2, linewidth=0.8)
        left.plot(steps, smooth(history.losses), color=_LOSS, linewidth=1.6, label="training")
        left.plot(
            validated,
            [validation.loss for validation in history.validations],
            color=_INK,
            marker="o",
            markersize=4,
            linewidth=1.2,
            label="validation",
        )
        left.set_ylabel("loss (nats per token)")
        languages = sorted({key for v in history.validations for key in v.bits_per_byte})
        for language, colour in zip(languages, _LANGUAGES * len(languages), strict=False):
            values = [v.bits_per_byte[language] for v in history.validations]
            label = f"{language}, {values[-1]:.2f} at the end"
            right.plot(validated, values, color=colour, marker="o", markersize=4, label=label)
        right.set_ylabel("validation, bits per byte")
        if asked:
            _dev(every[2], history)
        for axes in every:
            axes.set_xlabel("step")
            axes.grid(axis="y", linewidth=0.8)
            axes.legend(frameon=False)
        figure.suptitle(title)
        # Without this, matplotlib writes its version into the file.
        figure.savefig(path, dpi=140, metadata={"Software": None})
        plt.close(figure)


def _dev(axes: Any, history: History) -> None:
    """Draw the dev part: accuracy, and bits per byte beside it, on an axis of its own."""
    points = [(v.step, v.dev) for v in history.validations if v.dev is not None]
    steps = [step for step, _ in points]
    beside = axes.twinx()
    for language, colour in zip(sorted(points[0][1].accuracy), _LANGUAGES, strict=False):
        right = [dev.accuracy[language] for _, dev in points]
        axes.plot(steps, right, color=colour, marker="o", markersize=4, label=f"{language}, cloze")
    for language, colour in zip(sorted(points[0][1].bits_per_byte), _LANGUAGES, strict=False):
        bits = [dev.bits_per_byte[language] for _, dev in points]
        beside.plot(steps, bits, color=colour, linestyle=":", linewidth=1.4)
    axes.set_ylabel("dev part, accuracy")
    beside.set_ylabel("bits per byte (dotted)")
    beside.spines["right"].set_visible(True)


def smooth(values: tuple[float, ...]) -> list[float]:
    """Return an exponential moving average without its bias towards the start."""
    mean, smoothed = 0.0, []
    for count, value in enumerate(values, start=1):
        mean = _SMOOTH * mean + (1 - _SMOOTH) * value
        smoothed.append(mean / (1 - _SMOOTH**count))
    return smoothed
