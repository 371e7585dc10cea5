from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hearth.errors import EXIT_TRANSIENT
from hearth.lock import Lock, PinnedFile, PinnedSource
from hearth.mirror.spec import MirrorSection
from hearth.model import Stage


def test_a_full_disk_is_named_and_may_be_tried_again(
    mirror: Any,
    web: Any,
    on_small_disk: Callable[..., tuple[int, str]],
    small_disk: Path,
) -> None:
    body = random.Random(0).randbytes(400_000)  # noqa: S311 - it must not shrink, that is all
    file = PinnedFile(
        name="f.txt", address=web.serve("/big", body), sha256=hashlib.sha256(body).hexdigest()
    )
    source = PinnedSource(id="big", kind="http", version="1", files=(file,))
    lock = Lock(recipe="test", resolved=datetime.now(UTC), sources=(source,))
    rule = {"files": "*.txt", "format": "text"}
    named = {"id": "big", "kind": "http", "licence": "CC0-1.0", "extract": [rule]}
    section = MirrorSection.model_validate({"sources": [{**named, "url": "https://h/big"}]})
    artifact, attempt = mirror.job(section, lock)
    code, said = on_small_disk(Stage.MIRROR, attempt.job_uri, mirror.storage, 256)
    end = attempt.exit()
    assert (code, end.code) == (EXIT_TRANSIENT, EXIT_TRANSIENT), said
    assert str(small_disk) in end.message
    assert "no space left on the device" in end.message
    assert artifact.record() is None
