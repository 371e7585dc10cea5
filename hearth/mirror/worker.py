"""The process that reads files: what they do to a parser, they do to a process that can be killed.

`python -m hearth.mirror.worker` takes requests on its input: a line each, and then the file itself
where it is small. It answers with messages, a line each: what the file holds, then `end`. It limits
its own memory. Everything else, such as how long it may take, is for `hearth.mirror.reader`, which
started it.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from hearth.mirror.extraction import STREAMED, Extraction
from hearth.mirror.formats import records
from hearth.mirror.records import Reason, Record, Refusal
from hearth.mirror.spec import Limits


def main() -> int:
    """Answer requests until there are no more."""
    # Ctrl-C is for the program that asked; it ends this one by closing the pipe, or by a signal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints must not come between the answers.
    os.dup2(2, 1)
    limits = Limits.model_validate_json(requests.readline())
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _say(answers, "ready")
    for line in requests:
        local, size, path, rule = json.loads(line)
        content = Path(local) if local is not None else requests.read(size)
        if not _answer(answers, content, path, _rule(rule), limits):
            return 0
    return 0


@lru_cache(maxsize=64)
def _rule(written: str) -> Extraction:
    return Extraction.model_validate_json(written)


def _answer(
    answers: IO[bytes], content: Path | bytes, path: str, rule: Extraction, limits: Limits
) -> bool:
    whole = True
    try:
        with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as stream:
            for found in records(stream, path, rule, limits):
                kind = "record" if isinstance(found, Record) else "refusal"
                _say(answers, kind, astuple(found), now=rule.format in STREAMED)
    except BrokenPipeError:
        raise
    except MemoryError:
        detail = f"reading it takes over limits.memory_bytes = {limits.memory_bytes}"
        _say(answers, "refusal", astuple(Refusal(Reason.MEMORY_LIMIT, detail)))
        whole = False
    except ImportError as error:
        _say(answers, "missing", f"{error}: build the stages' environment again (make envs)")
    except OSError as error:
        _say(answers, "os", [error.errno, error.strerror, str(error.filename or path)])
    except Exception as error:  # noqa: BLE001 - a parser's own way to fail on a file is a refusal
        detail = f"its parser failed: {type(error).__name__}: {error}"[:300]
        _say(answers, "refusal", astuple(Refusal(Reason.CRASHED, detail)))
    _say(answers, "end")
    return whole


def _say(answers: IO[bytes], kind: str, what: Any = None, *, now: bool = True) -> None:
    # Half of a surrogate pair, which a parser may let through, passes too.
    line = json.dumps([kind, what], ensure_ascii=False)
    answers.write(line.encode("utf-8", "surrogatepass") + b"\n")
    if now:
        # What was read before the process dies is not lost.
        answers.flush()


if __name__ == "__main__":
    sys.exit(main())
