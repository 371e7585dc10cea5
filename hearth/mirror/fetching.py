"""What every way of fetching has in common: what to fetch, and what can become of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hearth.digest import sha256_of
from hearth.errors import DataError
from hearth.mirror.access import Access


class VanishedError(DataError):
    """The address no longer has what was pinned."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One pinned file."""

    source: str
    name: str
    address: str
    sha256: str
    access: Access
    limit: int
    """Bytes that it may have."""


def verified(wanted: Wanted, local: Path) -> Path:
    """Return a fetched file, which has the pinned bytes.

    Raises:
        DataError: it has not, or is over the limit.
    """
    if (size := local.stat().st_size) > wanted.limit:
        message = (
            f"source {wanted.source}: {wanted.name} has {size} bytes, over "
            f"limits.package_bytes = {wanted.limit}: raise it if that is meant"
        )
        raise DataError(message)
    return matching(wanted, sha256_of(local), local)


def matching(wanted: Wanted, got: str, local: Path) -> Path:
    """Return a file whose SHA-256 is known to be `got`, if that is the pinned one.

    Raises:
        DataError: it is not.
    """
    if got == wanted.sha256:
        return local
    message = (
        f"source {wanted.source}: {wanted.name} from {wanted.address}: SHA-256 is {got}, "
        f"the lock pins {wanted.sha256}: somebody replaced it, or it was damaged on its way; "
        "build again to resolve the source anew, and look at what moved"
    )
    raise DataError(message)
