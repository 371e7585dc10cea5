"""What goes wrong between a store and this machine, as our own errors."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from obstore.exceptions import (
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.exceptions import (
    NotFoundError as ObjectNotFound,
)

from hearth.errors import (
    EXIT_DATA,
    EXIT_SPEC,
    HearthError,
    NotFoundError,
    SpecError,
    TransientError,
)

_NO_ANSWER: Final = "error sending request"
_NO_ROOM: Final = 64 << 10
"""Bytes of free disk below which it counts as full."""
_FULL: Final = "no space left on the device"
_SIGNS: Final = ("No space left", "os error 28", "PytorchStreamWriter failed writing")
"""What libraries say of a full disk that do not pass on the error's number."""


def is_full_disk(error: BaseException) -> bool:
    """Say whether something failed because a disk, or one's share of it, is full."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    return any(sign in str(error) for sign in _SIGNS)


def full_disk(where: object) -> TransientError:
    """Return the error that says what there is no room for."""
    return TransientError(f"{where}: {_FULL}: free some and try again")


def named(error: BaseException, folder: Path) -> HearthError | None:
    """Return what an error means, in our own words; None: it is a defect.

    Args:
        error: whatever a program's work raised.
        folder: what was written to, if the error does not say.
    """
    if isinstance(error, HearthError):
        return error
    if is_full_disk(error):
        return full_disk(getattr(error, "filename", None) or folder)
    if isinstance(error, MemoryError):
        return TransientError("out of memory: give the stage more in the profile's resources")
    return None


def for_want_of_room(error: Exception, folder: Path) -> TransientError | None:
    """Return that a disk is full, if that is the reason for an error and it does not say so itself.

    Libraries say it by number, in a sentence, or not at all: so the disk is asked too.

    Args:
        error: whatever a program's work raised.
        folder: where it wrote; it is still there.
    """
    if isinstance(error, HearthError) and error.exit_code in {EXIT_SPEC, EXIT_DATA}:
        return None
    if isinstance(error, TransientError) and _FULL in str(error):
        return None  # it names a better path
    if is_full_disk(error) or shutil.disk_usage(folder).free < _NO_ROOM:
        return full_disk(getattr(error, "filename", None) or folder)
    return None


@contextmanager
def of_store(where: str) -> Iterator[None]:
    """Say what a store's failure at the URI `where` means.

    Raises:
        NotFoundError: there is no such object.
        SpecError: the store refuses access.
        TransientError: the store did not do it.
    """
    try:
        yield
    except (FileNotFoundError, ObjectNotFound) as error:
        message = f"{where}: is not in the store"
        raise NotFoundError(message) from error
    except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
        message = f"{where}: the store refused access: check the credentials and the policy"
        raise SpecError(message) from error
    except (BaseError, OSError) as error:
        first_line = str(error).split("\n", 1)[0]
        if is_full_disk(error):
            raise full_disk(where) from error
        if _NO_ANSWER in str(error):
            asked = re.search(r"https?://[^/\s]+", str(error))
            message = (
                f"{where}: the store{f' at {asked[0]}' if asked else ''} does not answer: "
                "is it up? (`make up` starts a local one)"
            )
            raise TransientError(message) from error
        message = f"{where}: the store did not do it ({first_line}): try again later"
        raise TransientError(message) from error


@contextmanager
def of_disk(local: Path) -> Iterator[None]:
    """Tell a full disk of this machine from a full store.

    Raises:
        TransientError: there is no room for `local`.
    """
    try:
        yield
    except OSError as error:
        if is_full_disk(error):
            raise full_disk(local) from error
        raise
