"""The train program: tokenizer, tokens, ranks under torchrun, model, card and curve."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

from hearth.errors import DataError, TransientError
from hearth.model import Stage
from hearth.stage.context import Context
from hearth.stage.program import main
from hearth.train import corpus
from hearth.train.base import BaseModel, fetch
from hearth.train.card import Lineage, card
from hearth.train.launch import Ranks
from hearth.train.operation import OPERATION, TrainOperation
from hearth.train.plot import plot
from hearth.train.prepare import prepare
from hearth.train.run import Pace, Report, Request, Workspace, write_whole
from hearth.train.spec import CONTRACT, TrainSpec
from hearth.train.transfer import Uploader, fetch_newest

log = logging.getLogger(__name__)

TENSORBOARD: Final = "tensorboard"


def run(context: Context) -> dict[str, Any]:
    """Train, and return the metrics."""
    spec = context.spec
    if not isinstance(spec, TrainSpec):
        raise TypeError(type(spec))
    operation = TrainOperation.model_validate(context.job.settings.get(OPERATION, {}))
    context.progress("fetch", 0, None, "files")
    folder = context.input("corpus").fetch("corpus/*") / "corpus"
    sources = corpus.shares(folder)
    workspace = Workspace(context.scratch / "run")
    workspace.root.mkdir()
    base = fetch(context, spec.base, workspace.base) if spec.base else None
    request, tokens = prepare(context, spec, operation, folder, workspace)
    if request.ranks != spec.numerics.world_size:
        context.unverified(
            f"trained on {request.ranks} ranks where the recipe says {spec.numerics.world_size}: "
            "the same sequences in every step, added up in another order, so bits may differ"
        )
    report = _train(context, request, workspace)
    _publish(context, spec, report, sources, base, workspace)
    return _metrics(spec, report, tokens, request)


def _train(context: Context, request: Request, workspace: Workspace) -> Report:
    keep = request.operation.keep_checkpoints
    uploader = Uploader(workspace.checkpoints, context.attempt, request.identity, keep)
    # Its own first: a scheduler that lost the node starts the same attempt again.
    left = [context.attempt, *context.earlier]
    resumed = fetch_newest(left, workspace.checkpoints, request.identity)
    if resumed is not None:
        uploader.skip(resumed.step)
    total = request.spec.steps
    context.progress("train", resumed.step if resumed else 0, total, "steps")
    ranks = Ranks(request, workspace)
    context.on_stop(ranks.stop)
    if context.stopping:  # it came before there was anybody to tell
        ranks.stop()

    def tick(pace: Pace | None) -> None:
        if pace is not None:
            context.progress("train", pace.step, total, "steps", str(pace), pace.metrics)
        try:
            uploader.run()
        except TransientError as error:
            # Training goes on without the store; the next tick tries again.
            log.warning("checkpoint is not uploaded: %s", error)

    try:
        return ranks.wait(tick)
    except DataError:
        # It diverged: what is left is for whoever looks into it.
        try:
            uploader.rest()
            context.publish_tree(workspace.events, TENSORBOARD)
        except TransientError as error:
            log.warning("not all checkpoints and curves are in the store: %s", error)
        raise


def _publish(
    context: Context,
    spec: TrainSpec,
    report: Report,
    sources: list[corpus.SourceShare],
    base: BaseModel | None,
    workspace: Workspace,
) -> None:
    job = context.job
    context.progress("publish", 0, None, "files")
    ref = job.inputs["corpus"]
    lineage = Lineage(
        name=job.name,
        fingerprint=job.fingerprint,
        corpus=ref.fingerprint,
        corpus_uri=ref.uri,
        build=job.build,
        base=base,
    )
    (workspace.model / "README.md").write_text(card(spec, report, sources, lineage), "utf-8")
    context.publish_tree(workspace.model, "model")
    curve = workspace.root / "loss.json"
    write_whole(curve, report.history)
    context.publish(curve, "loss.json", rows=len(report.history.losses))
    picture = workspace.root / "loss.png"
    plot(report.history, f"{job.name}: {report.parameters:,} parameters", picture)
    context.publish(picture, "loss.png")
    context.publish_tree(workspace.adapter, "adapter")
    context.publish_tree(workspace.events, TENSORBOARD)


def _metrics(spec: TrainSpec, report: Report, tokens: int, request: Request) -> dict[str, Any]:
    losses, validations = report.history.losses, report.history.validations
    published = report.history.published(spec.patience)
    return {
        "parameters": report.parameters,
        "vocabulary": request.vocabulary,
        "steps": len(losses),
        "ended_early": len(losses) < spec.steps,
        "corpus_tokens": tokens,
        "tokens": len(losses) * spec.numerics.global_batch * spec.sequence_length,
        "tokens_per_second": report.tokens_per_second,
        "mfu": report.utilisation,
        "memory_bytes": report.memory_bytes,
        "gradient_norm_end": report.history.gradient_norms[-1],
        "loss_start": losses[0],
        "loss_end": losses[-1],
        "validation_loss_start": validations[0].loss,
        "validation_loss": published.loss,
        "validation_bits_per_byte": published.bits_per_byte,
        "dev": published.dev.model_dump() if published.dev else None,
        "published_step": published.step,
        "resumed_from": report.resumed_from,
    }


if __name__ == "__main__":
    sys.exit(main(Stage.TRAIN, CONTRACT, TrainSpec, run))
