"""A workspace with made-up tokens: documents of a few hundred tokens each, as the demo's are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from tokenizers import Tokenizer, models

from hearth.train.data import Boundary, mark, write_stream
from hearth.train.operation import TrainOperation
from hearth.train.run import Group, Request, Workspace, write_whole
from hearth.train.spec import END_OF_TEXT, Precision, TrainSpec

VOCABULARY: Final = 8192
_DOCUMENT: Final = 300
_DOCUMENTS: Final = 600


def spec(ranks: int, steps: int) -> TrainSpec:
    """Return the demo recipe's model and batch, with AdamW, which the bare loop has too.

    On a GPU in bf16, as every GPU that a profile names multiplies it; else in fp32.
    """
    low = Precision.BF16 if torch.cuda.is_available() else Precision.FP32
    return TrainSpec.model_validate(
        {
            "model": {"layers": 4, "hidden": 128, "intermediate": 384, "heads": 2}
            | {"key_value_heads": 2},
            "tokenizer": {"vocabulary": VOCABULARY},
            "sequence_length": 256,
            "steps": steps,
            "schedule": {"warmup_steps": 0},
            "optimizer": {"kind": "adamw", "learning_rate": 1e-3},
            "numerics": {"global_batch": 8, "world_size": ranks, "micro_batch": 8 // ranks}
            | {"precision": low},
            "validations": 1,
            "validation_sequences": 1,
        }
    )


def lay_out(root: Path, wanted: TrainSpec, **operation: Any) -> tuple[Workspace, Request]:
    """Write the tokens, a tokenizer, and the request."""
    workspace = Workspace(root)
    root.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    texts = [
        (mark(random.integers(1, VOCABULARY, _DOCUMENT), np.ones(_DOCUMENT, bool)), _DOCUMENT)
        for _ in range(_DOCUMENTS)
    ]
    write_stream(workspace.tokens(0), texts)
    write_stream(workspace.validation("en"), texts[:8])
    vocabulary = {END_OF_TEXT: 0, **{f"t{n}": n for n in range(1, VOCABULARY)}}
    Tokenizer(models.WordLevel(vocabulary, unk_token=END_OF_TEXT)).save(str(workspace.tokenizer))
    request = Request(
        spec=wanted,
        operation=TrainOperation.model_validate(operation),
        identity="a" * 64,
        vocabulary=VOCABULARY,
        boundary=Boundary(begin=0, end=0),
        groups=(Group(name="all", weight=1.0),),
        bytes_per_token={"en": 1.0},
    )
    write_whole(workspace.request, request)
    return workspace, request
