"""A workspace as the program leaves it to the ranks, and one rank in this process."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist
from tokenizers import Tokenizer

from hearth.resources import MetricsTarget
from hearth.train import worker
from hearth.train.data import Boundary, documents, write_stream
from hearth.train.dev import DevPart, Item, Kind, Task, continued, windows
from hearth.train.operation import TrainOperation
from hearth.train.run import Group, Report, Request, Workspace, write_whole
from hearth.train.spec import END_OF_TEXT, TokenizerSection, TrainSpec
from hearth.train.tokenizer import learn
from tests.stages.train.conftest import made_up

IDENTITY = "a" * 64


def lay_out(
    root: Path,
    spec: TrainSpec,
    groups: dict[str, float] | None = None,
    metrics: MetricsTarget | None = None,
    **operation: Any,
) -> tuple[Workspace, Request]:
    """Write tokens of made-up text, a group for each weight, a dev part, and the request."""
    workspace = Workspace(root)
    root.mkdir()
    rows = [row["text"] for row in made_up(12, 40, 0)]
    tokenizer = learn(rows, TokenizerSection(vocabulary=320))
    tokenizer.save(str(workspace.tokenizer))
    both = tokenizer.token_to_id(END_OF_TEXT)
    boundary = Boundary(begin=both, end=both)
    weights = groups or {"all": 1.0}
    for number in range(len(weights)):
        _write(workspace.tokens(number), rows[number:], tokenizer, boundary)
    held_out = [row["text"] for row in made_up(1, 40, 1000)]
    learnt, size = _write(workspace.validation("en"), held_out, tokenizer, boundary)
    request = Request(
        spec=spec,
        operation=TrainOperation.model_validate({"checkpoint_steps": 4, **operation}),
        identity=IDENTITY,
        vocabulary=tokenizer.get_vocab_size(),
        boundary=boundary,
        groups=tuple(Group(name=name, weight=weight) for name, weight in weights.items()),
        bytes_per_token={"en": size / learnt},
        dev=True,
        recipe="desk",
        metrics=metrics,
    )
    write_whole(workspace.dev, _dev(tokenizer, both))
    write_whole(workspace.request, request)
    return workspace, request


def _dev(tokenizer: Tokenizer, prefix: int) -> DevPart:
    """Return passages, and cloze items whose wrong answers no text of the corpus has."""

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text).ids
        return ids

    texts = [row["text"][:90] for row in made_up(3, 8, 2000) if row["language"] == "en"]
    passages = tuple(
        Item(choices=(tuple(windows(encode(text), prefix, 32)),), answer=0, bytes=len(text))
        for text in texts
    )
    cloze = tuple(
        Item(
            choices=tuple(
                (continued("The lamp keeps the", said, encode, 32),)
                for said in (" xq zzk.", f" {noun}.")
            ),
            answer=1,
            bytes=len(noun) + 2,
        )
        for noun in ("river", "stone", "garden")
    )
    return DevPart(
        tasks=(
            Task(kind=Kind.BITS_PER_BYTE, language="en", items=passages),
            Task(kind=Kind.CLOZE, language="en", items=cloze),
        )
    )


def _write(
    path: Path, texts: Iterable[str], tokenizer: Tokenizer, boundary: Boundary
) -> tuple[int, int]:
    return write_stream(path, documents(texts, tokenizer, boundary))


def place_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell this process that it is the only rank."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": 0, "WORLD_SIZE": 1}
    for name, value in {**place, "LOCAL_RANK": 0, "GLOO_SOCKET_IFNAME": "lo"}.items():
        monkeypatch.setenv(name, str(value))


def alone(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, request: Request) -> Report:
    """Train on one rank, in this process."""
    place_of_one(monkeypatch)
    before = signal.getsignal(signal.SIGTERM)
    try:
        worker._run(request, workspace)
    finally:
        signal.signal(signal.SIGTERM, before)
        if dist.is_initialized():  # a rank that failed leaves that to its end
            dist.destroy_process_group()
    return Report.model_validate_json(workspace.report.read_bytes())
