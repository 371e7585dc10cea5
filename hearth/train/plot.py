"""The loss curve as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Final

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
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
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
        for axes in (left, right):
            axes.set_xlabel("step")
            axes.grid(axis="y", linewidth=0.8)
            axes.legend(frameon=False)
        figure.suptitle(title)
        # Without this, matplotlib writes its version into the file.
        figure.savefig(path, dpi=140, metadata={"Software": None})
        plt.close(figure)


def smooth(values: tuple[float, ...]) -> list[float]:
    """Return an exponential moving average without its bias towards the start."""
    mean, smoothed = 0.0, []
    for count, value in enumerate(values, start=1):
        mean = _SMOOTH * mean + (1 - _SMOOTH) * value
        smoothed.append(mean / (1 - _SMOOTH**count))
    return smoothed
