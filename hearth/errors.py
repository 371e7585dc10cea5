"""The errors of Hearth, and the exit codes of its stage programs.

Every message names the thing, the value, the rule it broke and what to do. Exit codes follow
`sysexits.h`: they are what survives when a program's last words are lost.
"""

from __future__ import annotations

from typing import Final

EXIT_OK: Final = 0
EXIT_SPEC: Final = 64
EXIT_DATA: Final = 65
EXIT_DEFECT: Final = 70
EXIT_TRANSIENT: Final = 75


class HearthError(Exception):
    """Something went wrong that Hearth can name; on its own, a defect."""

    exit_code: int = EXIT_DEFECT


class SpecError(HearthError):
    """What was asked for is wrong: a recipe, a profile, a job. Trying again will not help."""

    exit_code = EXIT_SPEC


class DataError(HearthError):
    """The data is wrong: missing, damaged, or not what its record says."""

    exit_code = EXIT_DATA


class NotFoundError(DataError):
    """An object that should be in the store is not there."""


class PolicyViolation(DataError):  # noqa: N818 - the name that the design and operators' rules use
    """A rule of the profile's policy forbids this (a host, a format, a secret in the clear)."""


class GateFailed(DataError):  # noqa: N818 - the name that the design and operators' rules use
    """A candidate model was judged, and lost."""


class TransientError(HearthError):
    """The world was in the way: try the same thing again later."""

    exit_code = EXIT_TRANSIENT


class ConflictError(TransientError):
    """Somebody else changed the object first: read it again, then decide again."""


_BY_EXIT_CODE: Final[dict[int, type[HearthError]]] = {
    EXIT_SPEC: SpecError,
    EXIT_DATA: DataError,
    EXIT_TRANSIENT: TransientError,
}


def error_for_exit_code(code: int, message: str) -> HearthError:
    """Return the error that a stage program's exit code stands for.

    Args:
        code: the exit code; negative numbers and 128 + n mean "killed by signal n", which says
            nothing about the program, so the error is transient.
        message: what to say.
    """
    if code < 0 or code > 128:  # noqa: PLR2004 - the shells' convention for signals
        return TransientError(message)
    return _BY_EXIT_CODE.get(code, HearthError)(message)
