"""How fast a model got better: what every stretch between two validations gained, by its cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from hearth.train.run import Report, Validation
from hearth.train.spec import Training

_HELD_OUT: Final = (
    "Bits per byte of held-out text at the recipe's fixed steps, and what was gained since the "
    "one before, per thousand steps, million tokens and hour of training, each stretch by the time "
    "that it took itself on the hardware that it ran on, validation left out."
)
_DEV: Final = (
    "The same of the suite's dev part: items like the gate's, of other works, none of which the "
    "corpus or the gate has. Accuracy is of cloze items, where more is better."
)
_RESUMED: Final = (
    " Training was resumed, the last time after step {step:,}: steps that were lost by that and "
    "taken again count once, and starting again is not counted; – where the time of a stretch is "
    "not known."
)
_HEAD: Final = "| per 1,000 steps | per 10⁶ tokens | per hour |"

Scores = Callable[[Validation], Mapping[str, float]]


def adaptation(spec: Training, report: Report) -> str:
    """Return the card's chapter: the curves as tables, and how training ended."""
    parts = [
        _HELD_OUT + _end(spec, report),
        _table(spec, report, "bits per byte", lambda validation: validation.bits_per_byte),
    ]
    if report.history.validations[0].dev is not None:
        parts += [
            _DEV,
            _table(spec, report, "bits per byte", _dev_bits),
            _table(spec, report, "accuracy", _dev_accuracy, better=1),
        ]
    return "\n\n".join(parts)


def _dev_bits(validation: Validation) -> Mapping[str, float]:
    return validation.dev.bits_per_byte if validation.dev else {}


def _dev_accuracy(validation: Validation) -> Mapping[str, float]:
    return validation.dev.accuracy if validation.dev else {}


def _end(spec: Training, report: Report) -> str:
    taken = len(report.history.losses)
    told = "" if report.resumed_from is None else _RESUMED.format(step=report.resumed_from)
    if taken == spec.steps:
        return told
    return (
        f"{told} It ended early, at step {taken:,} of {spec.steps:,}: {spec.patience} validations "
        "brought nothing."
    )


def _table(spec: Training, report: Report, what: str, scores: Scores, better: float = -1) -> str:
    per_step = spec.numerics.global_batch * spec.sequence_length
    rows = []
    for before, after in pairwise(report.history.validations):
        steps = after.step - before.step
        tokens = steps * per_step
        seconds = report.times.between(before.step, after.step)
        for language, score in sorted(scores(after).items()):
            gained = better * (score - scores(before)[language])
            hourly = f"{gained * 3600 / seconds:.3g}" if seconds else "–"
            rows.append(
                f"| {after.step:,} | {after.step * per_step:,} | {language} | {score:.4f} "
                f"| {gained / steps * 1000:.3g} | {gained / tokens * 1e6:.3g} | {hourly} |"
            )
    head = f"| step | tokens | language | {what} {_HEAD}"
    return "\n".join([head, "|--:|--:|---|--:|--:|--:|--:|", *rows])
