"""Ending the attempts of builds that are no longer active, and what is paid for on their behalf.

A safety net: a kill that nobody heard (the triggerer was down, a worker was gone) leaves a job that
no build waits for. Who is active is Airflow's to say; unsure means leave running.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from hearth.attempt import Attempt
from hearth.build import Build, BuildRecord, EventKind, Run, builds
from hearth.errors import HearthError, NotFoundError
from hearth.execution import Execution
from hearth.storage import Store

log = logging.getLogger(__name__)

REAPED: Final = "reaped.json"
"""In a build's folder: it is over and nothing of it runs. Claiming an attempt removes it."""

IsActive = Callable[[Run], bool | None]
"""Whether a DAG run is queued or runs; None if that is not known."""


class Orphan(NamedTuple):
    """An attempt that runs for a build that is over."""

    build: Build
    execution: Execution
    attempt: Attempt


def reap(root: Store, is_active: IsActive) -> list[str]:
    """Cancel what runs for builds that are over; return the names of the cancelled jobs.

    One damaged record does not keep the others from being reaped.
    """
    cancelled: list[str] = []
    for build in builds(root):
        if build.folder.exists(REAPED):
            continue
        try:
            record = build.record()
            if is_active(record.run) is not False:
                continue
            for orphan in orphans(root, build, record):
                reason = f"build {build.id} is no longer active"
                if orphan.execution.cancel(orphan.attempt, by="reaper", reason=reason):
                    cancelled.append(orphan.attempt.name)
            build.folder.put(REAPED, b"{}")
        except NotFoundError:
            continue  # its first task is about to write its record
        except HearthError as error:
            log.warning("build %s is not reaped: %s", build.id, error)
    return cancelled


def needs_its_cluster(root: Store, id_: str, is_active: IsActive) -> bool | None:
    """Whether a build that a cluster is marked with still runs; None if that is not known.

    A build whose record is gone was collected: a cluster is claimed after its record is written.
    """
    try:
        return is_active(Build(root, id_).record().run)
    except NotFoundError:
        return False
    except HearthError as error:
        log.warning("build %s: whether it runs is not known: %s", id_, error)
        return None


def orphans(root: Store, build: Build, record: BuildRecord) -> Iterator[Orphan]:
    """Yield the attempts that a build started and that have not ended."""
    for event in build.events():
        if event.kind is not EventKind.ATTEMPT_STARTED or event.stage is None:
            continue
        fingerprint = str(event.data["artifact"]).rsplit("/", 1)[-1]
        execution = Execution.of(root, record, event.stage, fingerprint)
        attempt = execution.attempts.get(int(str(event.data["attempt"])))
        if attempt.exit() is None:
            yield Orphan(build, execution, attempt)
