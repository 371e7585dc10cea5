"""Run lm-eval on one model and one suite, in a process of its own.

Its environment is set before any library is imported (nothing may reach for a hub), and its
working directory is the suite's folder, from which the tasks name their data. Called by the stage
program as `python -m hearth.evaluate.scoring REQUEST`.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any, Final

from hearth.errors import EXIT_OK, DataError, HearthError
from hearth.model import FrozenModel

log = logging.getLogger(__name__)

ERROR: Final = "error"
"""The file in the output folder that says what went wrong."""


class Request(FrozenModel):
    """What to score."""

    model: Path
    suite: Path
    tasks: tuple[str, ...]
    max_length: int
    dtype: str
    batch_size: int
    output: Path


def score(request: Request) -> None:
    """Score each task; `<task>.json` appears in the output folder when the task is done.

    Raises:
        DataError: the model or its tokenizer cannot be loaded.
    """
    import torch  # noqa: PLC0415 - heavy, and only this process has the environment for it
    from lm_eval import simple_evaluate  # noqa: PLC0415
    from lm_eval.models.huggingface import HFLM  # noqa: PLC0415
    from lm_eval.tasks import TaskManager  # noqa: PLC0415

    try:
        model = HFLM(
            pretrained=str(request.model),
            dtype=request.dtype,
            max_length=request.max_length,
            batch_size=request.batch_size,
            device="cuda" if torch.cuda.is_available() else "cpu",
        )
    except (OSError, ValueError, RuntimeError) as error:
        message = f"model {request.model.name}: transformers cannot load it: {error}: train again"
        raise DataError(message) from error
    manager = TaskManager(include_path=str(request.suite / "tasks"), include_defaults=False)
    for task in request.tasks:
        results = simple_evaluate(
            model=model, tasks=[task], task_manager=manager, log_samples=True, bootstrap_iters=0
        )
        if results is None:
            message = f"lm-eval gave no result for {task}: only the first rank reports; run one"
            raise HearthError(message)
        rows = [_row(sample) for sample in results["samples"][task]]
        aside = request.output / f".{task}.json"
        aside.write_text(json.dumps(rows), encoding="utf-8")
        aside.replace(request.output / f"{task}.json")


def _row(sample: dict[str, Any]) -> dict[str, Any]:
    """What is kept of one of lm-eval's samples."""
    document = sample["doc"]
    if "choices" not in document:
        loglikelihood, size = sample["bits_per_byte"]
        correct = None
        choices = None
    else:
        answer = document["answer"]
        choices = [float(response[0][0]) for response in sample["resps"]]
        loglikelihood = choices[answer]
        size = len(document["choices"][answer].encode())
        correct = sample["acc"] == 1
    return {
        "item": document["item"],
        "loglikelihood": float(loglikelihood),
        "bytes": int(size),
        "correct": correct,
        "choices": choices,
    }


def main(path: str) -> int:
    """Score what the request file at `path` says; return the exit code.

    What went wrong is left in the output folder, for the parent to pass on.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    request = Request.model_validate_json(Path(path).read_bytes())
    try:
        score(request)
    except HearthError as error:
        said, code = str(error), error.exit_code
    except Exception as error:  # the last line of defence; nothing is swallowed
        log.exception("lm-eval failed")
        said, code = f"{type(error).__name__}: {error}", HearthError.exit_code
    else:
        return EXIT_OK
    (request.output / ERROR).write_text(said, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
