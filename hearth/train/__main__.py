"""The train program: tokenizer, tokens, ranks under torchrun, model, card and curve."""

from __future__ import annotations

import hashlib
import logging
import sys
from pathlib import Path
from typing import Any

from hearth.errors import DataError, TransientError
from hearth.model import Stage
from hearth.stage.context import Context
from hearth.stage.program import main
from hearth.train import corpus
from hearth.train.card import Lineage, card
from hearth.train.data import TokenStream, write_stream
from hearth.train.launch import Ranks
from hearth.train.plot import plot
from hearth.train.run import Pace, Report, Request, Workspace, write_whole
from hearth.train.spec import CONTRACT, END_OF_TEXT, OPERATION, TrainOperation, TrainSpec
from hearth.train.tokenizer import learn
from hearth.train.transfer import Uploader, fetch_newest

log = logging.getLogger(__name__)


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
    request, tokens = _prepare(context, spec, operation, folder, workspace)
    report = _train(context, request, workspace)
    _publish(context, spec, report, sources, workspace)
    return _metrics(spec, report, tokens, request)


def _prepare(
    context: Context,
    spec: TrainSpec,
    operation: TrainOperation,
    folder: Path,
    workspace: Workspace,
) -> tuple[Request, int]:
    """Learn the tokenizer and tokenise; return the ranks' request and the train split's tokens."""
    context.progress("tokenizer", 0, None, "documents")
    tokenizer = learn(corpus.texts(folder, "train"), spec.tokenizer)
    tokenizer.save(str(workspace.tokenizer))
    context.progress("tokenise", 0, None, "documents")
    tokens, _ = write_stream(workspace.tokens, corpus.texts(folder, "train"), tokenizer)
    TokenStream(workspace.tokens, spec.sequence_length)  # too little text is an error now
    request = Request(
        spec=spec,
        operation=operation,
        # The tokens too: equal fingerprints must mean equal tokens, and a checkpoint would hide it.
        identity=hashlib.sha256(
            context.job.fingerprint.encode() + workspace.tokens.read_bytes()
        ).hexdigest(),
        vocabulary=tokenizer.get_vocab_size(),
        boundary=tokenizer.token_to_id(END_OF_TEXT),
        bytes_per_token=_validation_streams(folder, workspace, tokenizer, spec),
    )
    write_whole(workspace.request, request)
    return request, tokens


def _validation_streams(
    folder: Path, workspace: Workspace, tokenizer: Any, spec: TrainSpec
) -> dict[str, float]:
    """Tokenise the validation split by language; return the bytes that a token stands for."""
    found = {}
    for language in corpus.languages(folder, "validation"):
        path = workspace.validation(language)
        texts = corpus.texts(folder, "validation", language)
        tokens, size = write_stream(path, texts, tokenizer)
        if tokens > spec.sequence_length:
            found[language] = size / tokens
        else:
            log.warning("validation: %d tokens of %s are too few, left out", tokens, language)
    if not found:
        message = (
            "corpus: its validation split holds no whole sequence of any language: raise "
            "curate.split.validation, or shorten sequence_length"
        )
        raise DataError(message)
    return found


def _train(context: Context, request: Request, workspace: Workspace) -> Report:
    keep = request.operation.keep_checkpoints
    uploader = Uploader(workspace.checkpoints, context.attempt, request.identity, keep)
    resumed = fetch_newest(context.earlier, workspace.checkpoints, request.identity)
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
            message = f"loss {pace.loss:.3f}, {pace.tokens_per_second:,.0f} tokens/s"
            context.progress("train", pace.step, total, "steps", message)
        try:
            uploader.run()
        except TransientError as error:
            # Training goes on without the store; the next tick tries again.
            log.warning("checkpoint is not uploaded: %s", error)

    return ranks.wait(tick)


def _publish(
    context: Context,
    spec: TrainSpec,
    report: Report,
    sources: list[corpus.SourceShare],
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
    )
    (workspace.model / "README.md").write_text(card(spec, report, sources, lineage), "utf-8")
    context.publish_tree(workspace.model, "model")
    curve = workspace.root / "loss.json"
    write_whole(curve, report.history)
    context.publish(curve, "loss.json", rows=len(report.history.losses))
    picture = workspace.root / "loss.png"
    plot(report.history, f"{job.name}: {report.parameters:,} parameters", picture)
    context.publish(picture, "loss.png")


def _metrics(spec: TrainSpec, report: Report, tokens: int, request: Request) -> dict[str, Any]:
    losses, validations = report.history.losses, report.history.validations
    return {
        "parameters": report.parameters,
        "vocabulary": request.vocabulary,
        "steps": len(losses),
        "corpus_tokens": tokens,
        "tokens": len(losses) * spec.numerics.global_batch * spec.sequence_length,
        "tokens_per_second": report.tokens_per_second,
        "loss_start": losses[0],
        "loss_end": losses[-1],
        "validation_loss_start": validations[0].loss,
        "validation_loss": validations[-1].loss,
        "validation_bits_per_byte": validations[-1].bits_per_byte,
        "resumed_from": report.resumed_from,
    }


if __name__ == "__main__":
    sys.exit(main(Stage.TRAIN, CONTRACT, TrainSpec, run))
