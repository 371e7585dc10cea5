"""The gate's rules.

Every task is compared item by item; groups of items are resampled; bounds are one-sided.

* Pass: on every task the lower bound of the difference is above minus the margin. All must clear,
  so that no correction is needed (intersection-union; Berger 1982).
* Fail: on at least one task the candidate is worse than minus the margin, with Holm's correction
  over the tasks (Holm 1979), because one false alarm among many would suffice.
* Else inconclusive, with the number of items that would decide.

The same holds against the anchor, a version pinned long ago, under margins of its own, so that a
row of "not worse" cannot drift down. Where nothing serves, the margin is zero and the reference is
the n-gram baseline, in bits per byte. Floors hold in any case. A model whose corpus gives away more
of a task's items than the limit fails, whatever it scores: its scores mean nothing. Where a recipe
asks reviewers of the corpus, too few accepted documents fail it; while they have not looked at
enough, the answer is inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from hearth.errors import SpecError
from hearth.evaluate.resample import interval, ratio_of_sums
from hearth.gate.decision import (
    AcceptanceCheck,
    Answer,
    Comparison,
    ExposureCheck,
    FloorCheck,
    GateDecision,
    Reference,
    RuleCheck,
)
from hearth.gate.pairing import Pairs, checked, pair, pair_with_baseline, score, value
from hearth.gate.spec import GateSection, Margins
from hearth.suite.manifest import SuiteManifest, TaskInfo, TaskKind
from hearth.suite.power import POWER, smallest_detectable
from hearth.suite.spec import SuiteSection

_UNDECIDABLE = 10**9


def decide(
    candidate: pa.Table,
    serving: pa.Table | None,
    anchor: pa.Table | None,
    suite: SuiteManifest,
    section: GateSection,
    exposed: Mapping[str, float] | None = None,
    accepted: Sequence[AcceptanceCheck | RuleCheck] = (),
) -> GateDecision:
    """Decide whether a candidate may serve. Pure: the same tables give the same decision.

    Args:
        candidate: its item scores (`hearth.evaluate.scores.SCHEMA`).
        serving: those of the version that serves now; None if nothing does.
        anchor: those of the pinned anchor version; None if there is none.
        suite: what all were asked.
        section: the recipe's rules.
        exposed: the share of each task's items that the candidate's corpus gives away, as its
            report says; None: not looked at.
        accepted: what reviewers said of that corpus, and how it stands against rules on sources
            and keywords, as far as the recipe asks for it.

    Raises:
        DataError: the tables are damaged, or not of the same suite.
    """
    ours = checked(candidate, "candidate", suite)
    comparisons: list[Comparison] = []
    if serving is None:
        measured = [task for task in suite.tasks if task.kind is TaskKind.BITS_PER_BYTE]
        comparisons += _holm(
            [
                _compare(pair_with_baseline(ours, task), task, Reference.BASELINE, 0.0, section)
                for task in measured
            ],
            section,
        )
    for reference, theirs, margins in (
        (Reference.SERVING, serving, section.margins),
        (Reference.ANCHOR, anchor, section.anchor_margins),
    ):
        if theirs is not None:
            comparisons += _holm(
                _against(
                    ours, checked(theirs, reference, suite), reference, margins, suite, section
                ),
                section,
            )
    exposures = _exposures(exposed, suite, section)
    floors = list(_floors(ours, suite, section))
    return _answer(comparisons, floors, exposures, accepted, section)


def check_margins(suite: SuiteSection, section: GateSection) -> None:
    """Refuse margins that the suite could not see: with them hardly any equal model would pass.

    Raises:
        SpecError: a margin is below the suite's smallest detectable difference.
    """
    for kind in TaskKind:
        least = smallest_detectable(kind, suite.items, confidence=section.confidence)
        for name, margins in (
            ("margins", section.margins),
            ("anchor_margins", section.anchor_margins),
        ):
            if margins.of(kind) < least:
                message = (
                    f"gate.{name}.{kind} = {margins.of(kind):g}: below {least:.4f}, the smallest "
                    f"difference that {suite.items} items can show with "
                    f"{section.confidence:.0%} confidence: raise the margin, or suite.items"
                )
                raise SpecError(message)


def _against(
    ours: pa.Table,
    theirs: pa.Table,
    reference: Reference,
    margins: Margins,
    suite: SuiteManifest,
    section: GateSection,
) -> list[Comparison]:
    return [
        _compare(
            pair(ours, theirs, reference, task), task, reference, margins.of(task.kind), section
        )
        for task in suite.tasks
    ]


def _compare(
    pairs: Pairs, task: TaskInfo, reference: Reference, margin: float, section: GateSection
) -> Comparison:
    gained = pairs.candidate - pairs.reference
    drawn = ratio_of_sums(
        gained, pairs.weight, pairs.groups, resamples=section.resamples, seed=section.seed
    )
    lower, upper = interval(drawn, section.confidence)
    difference = math.fsum(gained) / math.fsum(pairs.weight)
    groups = len(np.unique(pairs.groups))
    comparison = Comparison(
        task=task.task,
        kind=task.kind,
        against=reference,
        items=len(gained),
        groups=groups,
        candidate=value(pairs.candidate, pairs.weight, task.kind),
        reference=value(pairs.reference, pairs.weight, task.kind),
        difference=difference,
        lower=lower,
        upper=upper,
        margin=margin,
        p_worse=(1 + int(np.sum(drawn >= -margin))) / (1 + len(drawn)),
        verdict=Answer.INCONCLUSIVE,
        reason="",
    )
    if groups < section.least_groups:
        reason = (
            f"only {groups} groups of items, {section.least_groups} are needed for an interval: "
            "reserve works with more documents"
        )
        return comparison.model_copy(update={"reason": reason})
    if lower > -margin:
        reason = f"the lower bound {lower:+.4f} is above {0 - margin:+g}"
        return comparison.model_copy(update={"verdict": Answer.PASS, "reason": reason})
    needed = _items_needed(len(gained), difference + margin, float(np.std(drawn)), section)
    reason = f"the lower bound {lower:+.4f} is not above {0 - margin:+g}"
    return comparison.model_copy(update={"reason": reason, "items_needed": needed})


def _holm(family: Sequence[Comparison], section: GateSection) -> list[Comparison]:
    """Mark as failed what Holm's step-down procedure rejects; order is kept."""
    usable = [c for c in family if c.groups >= section.least_groups]
    alpha = 1 - section.confidence
    failed: dict[str, float] = {}
    for rank, comparison in enumerate(sorted(usable, key=lambda c: c.p_worse)):
        level = alpha / (len(family) - rank)
        if comparison.p_worse > level:
            break
        failed[comparison.task] = level
    return [
        comparison.model_copy(
            update={
                "verdict": Answer.FAIL,
                "reason": f"worse than {0 - comparison.margin:+g}: p = {comparison.p_worse:.4f}, "
                f"at most {failed[comparison.task]:.4f} is needed",
                "items_needed": None,
            }
        )
        if comparison.task in failed
        else comparison
        for comparison in family
    ]


def _items_needed(items: int, gap: float, error: float, section: GateSection) -> int | None:
    """Items at which a true gap of this size would be seen in four of five tries.

    The standard error shrinks with the root of the items (as in `hearth.suite.power`).
    """
    normal = NormalDist()
    quantiles = normal.inv_cdf(section.confidence) + normal.inv_cdf(POWER)
    if abs(gap) * math.sqrt(_UNDECIDABLE) <= quantiles * error * math.sqrt(items):
        return None
    return max(items + 1, math.ceil(items * (quantiles * error / gap) ** 2))


def _floors(ours: pa.Table, suite: SuiteManifest, section: GateSection) -> Iterable[FloorCheck]:
    for task in suite.tasks:
        floor = section.floors.of(task.kind)
        if floor is not None:
            reached = score(ours, task)
            met = reached <= floor if task.kind is TaskKind.BITS_PER_BYTE else reached >= floor
            yield FloorCheck(
                task=task.task, kind=task.kind, candidate=reached, floor=floor, met=met
            )


def _exposures(
    exposed: Mapping[str, float] | None, suite: SuiteManifest, section: GateSection
) -> list[ExposureCheck]:
    limit = section.exposed
    if exposed is None or limit is None:
        return []
    shares = {task.task: exposed.get(task.task) for task in suite.tasks}
    return [
        ExposureCheck(
            task=task, exposed=share, limit=limit, met=share is not None and share <= limit
        )
        for task, share in shares.items()
    ]


def _answer(
    comparisons: Sequence[Comparison],
    floors: Sequence[FloorCheck],
    exposures: Sequence[ExposureCheck],
    accepted: Sequence[AcceptanceCheck | RuleCheck],
    section: GateSection,
) -> GateDecision:
    missed = [floor for floor in floors if not floor.met]
    bare = [check for check in exposures if not check.met]
    said = {check.met for check in accepted}
    verdicts = {comparison.verdict for comparison in comparisons}
    if missed or bare or False in said or Answer.FAIL in verdicts:
        answer = Answer.FAIL
    elif verdicts == {Answer.PASS} and None not in said:
        answer = Answer.PASS
    else:
        answer = Answer.INCONCLUSIVE
    reasons = [
        f"{floor.task}: {floor.candidate:.4f} does not reach the floor {floor.floor:g}"
        for floor in missed
    ]
    reasons += [
        f"{check.task}: the corpus was not searched for its items: curate with this suite"
        if check.exposed is None
        else f"{check.task}: the corpus gives away {check.exposed:.1%} of its items, at most "
        f"{check.limit:.1%} may be: see the corpus' contamination report"
        for check in bare
    ]
    reasons += [check.reason for check in accepted if not check.met]
    reasons += [
        f"{comparison.task} against {comparison.against}: {comparison.reason}"
        for comparison in comparisons
        if comparison.verdict is not Answer.PASS
    ]
    undecided = [c for c in comparisons if c.verdict is Answer.INCONCLUSIVE]
    known = [c.items_needed for c in undecided if c.items_needed is not None]
    decidable = answer is Answer.INCONCLUSIVE and len(known) == len(undecided)
    return GateDecision(
        answer=answer,
        reasons=tuple(reasons) or ("every bound clears its margin",),
        comparisons=tuple(comparisons),
        floors=tuple(floors),
        exposures=tuple(exposures),
        acceptances=tuple(one for one in accepted if isinstance(one, AcceptanceCheck)),
        rules=tuple(one for one in accepted if isinstance(one, RuleCheck)),
        confidence=section.confidence,
        items_needed=max(known, default=None) if decidable else None,
    )
