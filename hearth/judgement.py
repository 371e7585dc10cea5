"""The gate of a build: which versions the candidate is compared with, and what comes of it.

A decision is taken from artifacts and from the state of the world now, and is never reused. It is
kept with the build, with the versions that it compared, so that a rollout can refuse to act on a
decision that the world has left behind.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hearth.artifact import Artifact, ArtifactRecord, InputRef, read_record
from hearth.build import Build, BuildRecord, EventKind
from hearth.errors import DataError, SpecError
from hearth.gate.decision import AcceptanceCheck, GateDecision, Reference, RuleCheck
from hearth.gate.spec import GateSection
from hearth.model import FrozenModel, Stage, parse
from hearth.pipeline import StagePlan, evaluation_of, recipe_of, stage_plans
from hearth.review.demand import checks
from hearth.rollout.state import Version, read_state
from hearth.storage import Store
from hearth.suite.manifest import SuiteManifest
from hearth.trace.corpora import Corpus

if TYPE_CHECKING:
    import pyarrow as pa

JUDGEMENT: Final = "gate.json"
ITEMS: Final = "items.parquet"
SUITE: Final = "suite.json"
_MET: Final = {True: "yes", False: "no", None: "open"}


class Judgement(FrozenModel):
    """A decision, and what it is about."""

    decision: GateDecision
    candidate: InputRef
    serving: Version | None
    anchor: Version | None


def references(root: Store, record: BuildRecord) -> dict[Reference, Version]:
    """Return the versions that a candidate is compared with now: serving and anchor, if any."""
    state = read_state(root, record.profile.endpoint.name)
    found = {Reference.SERVING: state.serving, Reference.ANCHOR: state.anchor}
    return {reference: version for reference, version in found.items() if version is not None}


def evaluation_plan(root: Store, record: BuildRecord, version: Version) -> StagePlan:
    """Return the evaluation of a version on this build's suite.

    Raises:
        NotFoundError: the version's model is no longer in the store.
    """
    model = read_record(root.sub(root.relative(version.model_uri)), version.fingerprint)
    corpus = model.inputs.get("corpus")
    if corpus is None:
        message = f"{version.model_uri}: its record names no corpus: it is not of the train stage"
        raise SpecError(message)
    ref = InputRef(uri=version.model_uri, fingerprint=version.fingerprint)
    return evaluation_of(record, ref, corpus)


def judge(root: Store, build: Build, record: BuildRecord) -> Judgement:
    """Take the decision and keep it with the build.

    Raises:
        DataError: an evaluation is missing or damaged.
    """
    # numpy and Arrow are slow to import, and only the gate's task needs them.
    from hearth.gate.decide import decide  # noqa: PLC0415

    plans = stage_plans(record)
    section = recipe_of(record).gate
    compared = references(root, record)
    scores = {
        reference: _scores(root, evaluation_plan(root, record, version), f"evaluate_{reference}")
        for reference, version in compared.items()
    }
    judgement = Judgement(
        decision=decide(
            _scores(root, plans[Stage.EVALUATE], "evaluate"),
            scores.get(Reference.SERVING),
            scores.get(Reference.ANCHOR),
            _suite(root, plans[Stage.SUITE]),
            section,
            _exposed(root, plans[Stage.CURATE]),
            _accepted(root, plans[Stage.CURATE], section),
        ),
        candidate=plans[Stage.TRAIN].ref(),
        serving=compared.get(Reference.SERVING),
        anchor=compared.get(Reference.ANCHOR),
    )
    build.folder.put(JUDGEMENT, judgement.model_dump_json(indent=1).encode())
    build.append(EventKind.GATE, **judgement.model_dump(mode="json"))
    return judgement


def judgement_of(build: Build) -> Judgement:
    """Return the last decision of a build.

    Raises:
        NotFoundError: there is none yet.
        DataError: it is damaged.
    """
    where, raw = build.folder.url(JUDGEMENT), build.folder.get(JUDGEMENT)
    return parse(Judgement, raw, where, "a decision", "clear the gate's task")


def describe(judgement: Judgement) -> str:
    """Return a decision as Markdown, with every number that a person needs to judge it."""
    decision = judgement.decision
    serving = judgement.serving.version if judgement.serving else "nothing"
    model = judgement.candidate.fingerprint[:12]
    lines = [
        f"The gate says **{decision.answer}** for model `{model}`; {serving} serves now.",
        "",
        *[f"* {reason}" for reason in decision.reasons],
        "",
        "| task | against | candidate | reference | difference | interval | margin | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.task} | {one.against} | {one.candidate:.4f} | {one.reference:.4f} "
        f"| {one.difference:+.4f} | {one.lower:+.4f} to {one.upper:+.4f} | {one.margin:g} "
        f"| {one.verdict} |"
        for one in decision.comparisons
    ]
    if decision.floors:
        lines += ["", "| task | candidate | floor | met |", "|---|---|---|---|"]
        lines += [
            f"| {one.task} | {one.candidate:.4f} | {one.floor:g} | {'yes' if one.met else 'no'} |"
            for one in decision.floors
        ]
    if decision.exposures:
        lines += ["", "| task | items given away | limit | met |", "|---|---|---|---|"]
        lines += [
            f"| {one.task} | {'unknown' if one.exposed is None else f'{one.exposed:.2%}'} "
            f"| {one.limit:.2%} | {'yes' if one.met else 'no'} |"
            for one in decision.exposures
        ]
    if decision.acceptances:
        lines += ["", "| reviewed by | sample | accepted | interval | asked for | judged | met |"]
        lines += ["|---|---|---|---|---|---|---|", *map(_reviewed, decision.acceptances)]
    if decision.rules:
        lines += ["", "| rule | asked for | found | met |", "|---|---|---|---|"]
        lines += [
            f"| {one.rule} | {one.wanted} | {one.found} | {_MET[one.met]} |"
            for one in decision.rules
        ]
    if decision.items_needed:
        lines += ["", f"About {decision.items_needed} items a task would decide it."]
    return "\n".join(lines)


def _reviewed(one: AcceptanceCheck) -> str:
    share = "–" if one.share is None else f"{one.share:.2%}"
    interval = "–" if one.lower is None else f"{one.lower:.2%} to {one.upper:.2%}"
    who = f"{one.method}: {', '.join(one.reviewers)}" if one.reviewers else one.method
    sample = one.sample or "–"
    if one.samples > 1:
        sample += f" (of {one.samples})"
    return (
        f"| {who} | {sample} | {share} | {interval} | {one.limit:.2%} "
        f"| {one.judged} of {one.wanted} wanted | {_MET[one.met]} |"
    )


def _record(root: Store, plan: StagePlan, task: str) -> tuple[Artifact, ArtifactRecord]:
    artifact = Artifact(root, plan.stage, plan.fingerprint)
    record = artifact.record()
    if record is None:
        message = (
            f"{plan.uri}: there is no such artifact; what serves may have changed since: clear the "
            f"task `{task}`, and the gate is taken again after it"
        )
        raise DataError(message)
    return artifact, record


def _fetch(root: Store, plan: StagePlan, task: str, name: str, folder: Path) -> Path:
    artifact, record = _record(root, plan, task)
    output = record.output(name)
    local = folder / name
    artifact.folder.download(output.path, local, expect=output.info)
    return local


def _scores(root: Store, plan: StagePlan, task: str) -> pa.Table:
    import pyarrow.parquet as pq  # noqa: PLC0415 - as in `judge`

    with tempfile.TemporaryDirectory(prefix="hearth-") as folder:
        return pq.read_table(_fetch(root, plan, task, ITEMS, Path(folder)))


def _exposed(root: Store, plan: StagePlan) -> dict[str, float]:
    """Return the share of each task's items that the corpus gives away."""
    _, record = _record(root, plan, "curate")
    report = record.metrics.get("contamination")
    shares: dict[str, float] = {}
    for task, found in report.items() if isinstance(report, dict) else ():
        share = found.get("exposed") if isinstance(found, dict) else None
        if isinstance(share, int | float):
            shares[task] = float(share)
    return shares


def _accepted(
    root: Store, plan: StagePlan, section: GateSection
) -> tuple[AcceptanceCheck | RuleCheck, ...]:
    """Return how the corpus and its reviews stand by now, as far as the recipe asks."""
    if section.acceptance is None:
        return ()
    _, record = _record(root, plan, "curate")
    return checks(root, Corpus(root, record), section.acceptance)


def _suite(root: Store, plan: StagePlan) -> SuiteManifest:
    with tempfile.TemporaryDirectory(prefix="hearth-") as folder:
        raw = _fetch(root, plan, "suite", SUITE, Path(folder)).read_bytes()
    return SuiteManifest.model_validate_json(raw)
