"""What is recorded of how a result came to be: code, packages, machine, time and cost."""

from __future__ import annotations

import hashlib
import os
import platform
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Final

from hearth.artifact import Cost, Provenance
from hearth.model import Stage

_PACKAGE: Final = Path(__file__).resolve().parent
_HARNESS: Final = (
    "artifact.py",
    "digest.py",
    "documents.py",
    "failures.py",
    "model.py",
    "stage/*.py",
    "storage.py",
    "svg.py",
)


class Meter:
    """Measures what this process and its children use."""

    def __init__(self) -> None:
        """Start measuring."""
        self.started = datetime.now(UTC)
        self._clock = time.monotonic()

    def read(self) -> Cost:
        """Return what was used so far."""
        usages = [
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        return Cost(
            wall_seconds=round(time.monotonic() - self._clock, 3),
            cpu_seconds=round(sum(u.ru_utime + u.ru_stime for u in usages), 3),
            # Linux counts in KiB.
            peak_rss_bytes=max(u.ru_maxrss for u in usages) * 1024,
        )


@lru_cache(maxsize=8)
def code_digest(stage: Stage) -> str:
    """Return the SHA-256 over a stage's code and the harness that it runs in.

    Equal fingerprints with different digests mean: the code changed, its contract did not.
    """
    digest = hashlib.sha256()
    patterns = (*_HARNESS, f"{stage}/**/*.py")
    for path in sorted(path for pattern in patterns for path in _PACKAGE.glob(pattern)):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def git_revision() -> str | None:
    """Return the commit of this checkout, with `-dirty` if files differ; None if installed."""
    if not (_PACKAGE.parent / ".git").exists():
        # An environment may lie in somebody else's checkout, whose commit says nothing of Hearth.
        return None
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],  # noqa: S607
            cwd=_PACKAGE,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def imported_packages() -> dict[str, str]:
    """Return name → version of every distribution that this process has imported from."""
    owners = metadata.packages_distributions()
    names = {
        owner
        for module in {name.partition(".")[0] for name in sys.modules}
        for owner in owners.get(module, ())
    }
    return {name: metadata.version(name) for name in sorted(names)}


def provenance(
    stage: Stage, build: str, started: datetime, lock_digest: str | None, image: str | None
) -> Provenance:
    """Return how a stage's result came to be, up to now.

    Args:
        stage: which stage.
        build: the id of the build that ran it.
        started: when it started.
        lock_digest: what names the sources' pins.
        image: the container image's digest, if there is one.
    """
    return Provenance(
        git_revision=git_revision(),
        code_digest=code_digest(stage),
        lock_digest=lock_digest,
        packages=imported_packages(),
        python=platform.python_version(),
        image=image,
        host={
            "system": platform.system(),
            "machine": platform.machine(),
            "cpus": os.cpu_count() or 1,
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        },
        build=build,
        started=started,
        finished=datetime.now(UTC),
    )
