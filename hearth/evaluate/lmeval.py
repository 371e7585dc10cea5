"""Start lm-eval in a process of its own, and wait for its scores."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from hearth.errors import error_for_exit_code
from hearth.evaluate.plan import SuiteView
from hearth.evaluate.scoring import ERROR

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.25
_GRACE_SECONDS = 10


class Scoring:
    """A running lm-eval. Use as a context manager: leaving it ends the process."""

    def __init__(
        self, model: Path, suite: SuiteView, folder: Path, batch_size: int, scratch: Path
    ) -> None:
        """Start it.

        Args:
            model: the model's folder.
            suite: what to ask.
            folder: the suite's folder.
            batch_size: sequences that are scored at once.
            scratch: a folder for its files.
        """
        self._tasks = [task.task for task in suite.tasks]
        self._output = scratch / "scores"
        self._output.mkdir(parents=True)
        request = scratch / "request.json"
        request.write_text(
            json.dumps(
                {
                    "model": str(model),
                    "suite": str(folder),
                    "tasks": self._tasks,
                    "max_length": suite.max_length,
                    "dtype": suite.dtype,
                    "batch_size": batch_size,
                    "output": str(self._output),
                }
            ),
            encoding="utf-8",
        )
        # -P: the suite's folder is data, not a place to import from.
        command = [sys.executable, "-P", "-m", "hearth.evaluate.scoring", str(request)]
        self._process = subprocess.Popen(command, cwd=folder, env=offline(scratch / "hub"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def wait(self, progress: Callable[[int, int], None]) -> dict[str, list[dict[str, Any]]]:
        """Wait for all tasks; return task → what lm-eval said of each item.

        Args:
            progress: told how many tasks are done, of how many.

        Raises:
            HearthError: lm-eval failed; which kind says its exit code.
        """
        told = 0
        while (code := self._process.poll()) is None:
            done = sum(self._file(task).is_file() for task in self._tasks)
            if done > told:
                progress(done, len(self._tasks))
                told = done
            time.sleep(_POLL_SECONDS)
        if code:
            words = self._output / ERROR
            said = words.read_text(encoding="utf-8") if words.is_file() else "it said nothing"
            message = f"lm-eval ended with exit code {code}: {said}"
            raise error_for_exit_code(code, message)
        progress(len(self._tasks), len(self._tasks))
        return {task: json.loads(self._file(task).read_bytes()) for task in self._tasks}

    def _file(self, task: str) -> Path:
        return self._output / f"{task}.json"


def offline(hub: Path) -> dict[str, str]:
    """The environment in which no Hugging Face library asks a hub, or writes outside `hub`."""
    return {
        **os.environ,
        "HF_HOME": str(hub),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",
    }
