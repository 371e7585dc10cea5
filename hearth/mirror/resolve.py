"""Resolve: turn a recipe's floating sources into the lock of a build."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hearth.lock import Lock, PinnedSource, Tombstone
from hearth.mirror import debian, folder, pypi, web
from hearth.mirror.access import Access
from hearth.mirror.spec import (
    DebianSource,
    FileSource,
    HttpSource,
    Limits,
    MirrorSource,
    PypiSource,
)

_AT_ONCE: Final = 4


def resolve(
    recipe: str,
    sources: Sequence[MirrorSource],
    tombstones: Iterable[Tombstone] = (),
    *,
    access: Access,
    home: Path,
    base: Path,
    limits: Limits | None = None,
) -> Lock:
    """Return the lock: each source's version, address and SHA-256 as of now.

    Args:
        recipe: the recipe's name.
        sources: its sources.
        tombstones: those in force.
        access: which hosts the profile's policy allows.
        home: a folder kept between calls, for what clients remember.
        base: where the relative paths of `file` sources start.
        limits: of the recipe; floating `http` sources are read to hash them.

    Raises:
        DataError: a source does not exist, or its registry states no hash.
        PolicyViolation: a host is not allowed.
        TransientError: a registry did not answer.
    """
    home.mkdir(parents=True, exist_ok=True)
    most = (limits or Limits()).package_bytes
    tasks: list[Callable[[], list[PinnedSource]]] = []
    packages = [source for source in sources if isinstance(source, DebianSource)]
    if packages:
        tasks.append(lambda: debian.resolve(packages, access, home))
    tasks += [
        lambda source=source: [_one(source, access, base, most)]  # type: ignore[misc]
        for source in sources
        if not isinstance(source, DebianSource)
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        waiting = [pool.submit(task) for task in tasks]
        pins = [pin for future in waiting for pin in future.result()]
    return Lock(
        recipe=recipe,
        resolved=datetime.now(UTC),
        sources=tuple(sorted(pins, key=lambda pin: pin.id)),
        tombstones=tuple(tombstones),
    )


def _one(
    source: PypiSource | HttpSource | FileSource, access: Access, base: Path, limit: int
) -> PinnedSource:
    match source:
        case PypiSource():
            return pypi.resolve(source, access)
        case HttpSource():
            return web.resolve(source, access, limit)
        case FileSource():
            return folder.resolve(source, base)
