"""From a corpus to tokens on the disk, and the request that the ranks work from."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from hearth.digest import sha256_of
from hearth.errors import DataError
from hearth.resources import METRICS, MetricsTarget
from hearth.stage.context import Context
from hearth.train import corpus
from hearth.train.base import tokenizer_of
from hearth.train.chat import conversations
from hearth.train.data import Boundary, Tokens, TokenStream, documents, fitted, write_stream
from hearth.train.dev import dev_part
from hearth.train.gauges import resolved
from hearth.train.operation import TrainOperation
from hearth.train.run import Group, Request, Workspace, write_whole
from hearth.train.sections import DEV, Mode
from hearth.train.spec import END_OF_TEXT, TrainSpec
from hearth.train.tokenizer import learn

log = logging.getLogger(__name__)


@dataclass
class _Encoder:
    """What makes tokens of texts."""

    spec: TrainSpec
    boundary: Boundary
    ours: Tokenizer
    base: Any = None

    def __call__(self, texts: Iterable[str]) -> Iterator[tuple[Tokens, int]]:
        if self.spec.mode is Mode.SFT:
            whole = conversations(texts, self.base)
            return fitted(whole, self.spec.sequence_length, self.boundary.end)
        return documents(texts, self.ours, self.boundary)

    def published(self, text: str) -> list[int]:
        """Return a text's tokens, as the tokenizer of the published model gives them."""
        ids: list[int] = self.base(text).input_ids if self.base else self.ours.encode(text).ids
        return ids

    @property
    def prefix(self) -> int:
        """The token that an evaluation puts before a text: the tokenizer's, not the recipe's."""
        known = (self.base.bos_token_id, self.base.eos_token_id) if self.base else ()
        return next((token for token in known if token is not None), self.boundary.begin)


def prepare(
    context: Context,
    spec: TrainSpec,
    operation: TrainOperation,
    folder: Path,
    workspace: Workspace,
) -> tuple[Request, int]:
    """Make tokens of the corpus; return the ranks' request and how many tokens are learnt from.

    Raises:
        DataError: there is too little text, or none of a group.
    """
    context.progress("tokenizer", 0, None, "documents")
    encoder = _encoder(spec, folder, workspace)
    context.progress("tokenise", 0, None, "documents")
    mixture = spec.mixture or _stated(context)
    weights = corpus.groups(folder, mixture, spec.replay)
    tokens = 0
    identity = hashlib.sha256(context.job.fingerprint.encode())
    for number, name in enumerate(weights):
        path = workspace.tokens(number)
        tokens += write_stream(path, encoder(_of_group(folder, mixture, spec, name)))[0]
        _check(path, spec, tokens)
        # The tokens too: equal fingerprints must mean equal tokens, and a checkpoint would hide it.
        identity.update(sha256_of(path).encode())
    request = Request(
        spec=spec,
        operation=operation,
        identity=identity.hexdigest(),
        vocabulary=encoder.ours.get_vocab_size(),
        boundary=encoder.boundary,
        groups=tuple(Group(name=name, weight=weight) for name, weight in weights.items()),
        bytes_per_token=_validation_streams(folder, workspace, encoder, spec),
        dev=_dev(context, workspace, encoder),
        recipe=context.job.name,
        metrics=_metrics(context),
    )
    write_whole(workspace.request, request)
    return request, tokens


def _encoder(spec: TrainSpec, folder: Path, workspace: Workspace) -> _Encoder:
    if spec.base is not None:
        base, boundary = tokenizer_of(workspace.base, spec.base)
        return _Encoder(spec, boundary, base.backend_tokenizer, base)
    tokenizer = learn(corpus.texts(folder, "train"), spec.tokenizer)
    tokenizer.save(str(workspace.tokenizer))
    both = tokenizer.token_to_id(END_OF_TEXT)
    return _Encoder(spec, Boundary(begin=both, end=both), tokenizer)


def _stated(context: Context) -> dict[str, float] | None:
    given = context.input("corpus")
    said = any(output.name == corpus.MIXTURE for output in given.record.outputs)
    return corpus.stated_mixture(given.open(corpus.MIXTURE)) if said else None


def _dev(context: Context, workspace: Workspace, encoder: _Encoder) -> bool:
    if DEV not in context.job.inputs:
        return False
    write_whole(workspace.dev, dev_part(context, encoder.published, encoder.prefix))
    return True


def _metrics(context: Context) -> MetricsTarget | None:
    target = context.job.settings.get(METRICS)
    return resolved(MetricsTarget.model_validate(target)) if target else None


def _of_group(
    folder: Path, mixture: dict[str, float] | None, spec: TrainSpec, name: str
) -> Iterator[str]:
    return corpus.texts(
        folder, "train", lambda row: corpus.group_of(row, mixture, spec.replay) == name
    )


def _check(path: Path, spec: TrainSpec, learnt: int) -> None:
    if spec.mode is Mode.SFT and not learnt:
        message = (
            f"corpus: no conversation in it fits {spec.sequence_length} tokens: sft learns from "
            "documents that are conversations (a source with fields.messages); add some, or raise "
            "train.sequence_length"
        )
        raise DataError(message)
    TokenStream(path, spec.sequence_length)  # too little text is an error now


def _validation_streams(
    folder: Path, workspace: Workspace, encoder: _Encoder, spec: TrainSpec
) -> dict[str, float]:
    """Tokenise the validation split by language; return the bytes that a token stands for."""
    found = {}
    for language in corpus.languages(folder, "validation"):
        path = workspace.validation(language)
        texts = corpus.texts(folder, "validation", corpus.in_language(language))
        learnt, size = write_stream(path, encoder(texts))
        enough = 0 if spec.mode is Mode.SFT else spec.sequence_length
        if learnt > enough:
            found[language] = size / learnt
        else:
            log.warning("validation: %d tokens of %s are too few, left out", learnt, language)
    if not found:
        message = (
            "corpus: its validation split holds no whole sequence of any language: raise "
            "curate.split.validation, or shorten sequence_length"
        )
        raise DataError(message)
    return found
