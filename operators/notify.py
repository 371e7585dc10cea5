"""Telling people that a task failed, once, whoever saw it first."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime
from typing import Any, NamedTuple

from airflow.sdk import BaseNotifier, Context

from hearth.build import EventKind, Run, build_id
from hearth.errors import HearthError
from hearth.notify import FailureNotice, Message, attempt_of, compose, job_seconds, next_step
from hearth.profile import Profile, load_profile, names_in
from hearth.settings import settings
from hearth.storage import Store
from operators.opened import Opened, open_named

log = logging.getLogger(__name__)


class Failure(NamedTuple):
    """A failed task, as Airflow knows it."""

    run: Run
    task: str
    try_number: int
    error: str
    code: int | None
    log_url: str
    by: str | None = None


class FailureNotifier(BaseNotifier):
    """Tells of a task's failure; never fails itself."""

    def notify(self, context: Context) -> None:
        """Tell of the failure that Airflow calls this for."""
        try:
            ti: Any = context["ti"]
            error = context.get("exception")
            cause = getattr(error, "__cause__", None) or error
            tell(
                Failure(
                    run=Run(dag_id=ti.dag_id, run_id=ti.run_id),
                    task=ti.task_id,
                    try_number=ti.try_number,
                    error=str(error or "the task was lost: its worker said nothing more"),
                    code=cause.exit_code if isinstance(cause, HearthError) else None,
                    log_url=str(getattr(ti, "log_url", "") or ""),
                ),
                str(context["params"].get("profile", "")) or None,
            )
        except Exception:
            log.exception("the failure could not be told")


def tell(failure: Failure, profile: str | None) -> bool:
    """Tell everybody that the build's profile names, and note the failure with the build.

    Args:
        failure: what failed.
        profile: where its build is; None looks through all profiles.

    Returns:
        False if there is no such build, or somebody else told of it first.
    """
    opened = find_build(failure.run, profile)
    if opened is None:
        # The first task failed before it could write a record: the error is all there is.
        return _tell_without_build(failure, profile)
    name = f"notices/{failure.task}-{failure.try_number}"
    events = opened.build.events()
    notice = FailureNotice(
        build=opened.record.id,
        recipe=opened.record.recipe_name,
        profile=opened.record.profile.name,
        task=failure.task,
        attempt=attempt_of(events, failure.task),
        error=failure.error,
        code=failure.code,
        log=failure.log_url or f"`hearth logs {failure.task}`",
        job_seconds=job_seconds(events),
        by=failure.by,
    )
    # Airflow calls from up to three processes; equal bytes would count as one's own retry.
    if opened.build.folder.exists(name) or not opened.build.folder.create(
        name, f"{uuid.uuid4().hex} {notice.model_dump_json()}".encode()
    ):
        return False
    opened.build.append(
        EventKind.FAILED,
        task=failure.task,
        error=failure.error,
        code=failure.code,
        by=failure.by,
        next=next_step(notice),
    )
    send(opened.record.profile, compose(notice))
    return True


def find_build(run: Run, profile: str | None = None) -> Opened | None:
    """Return the build that a DAG run is, if it has a record.

    Args:
        run: the DAG run.
        profile: where to look; None looks through all profiles.
    """
    for name in [profile] if profile else names_in(settings().profiles):
        try:
            root = Store.open(load_profile(name).storage)
            for id_ in root.folders("builds"):
                if id_.endswith(_ending(run)):
                    return open_named(name, id_)
        except HearthError as error:
            log.debug("profile %s is passed over: %s", name, error)
    return None


def send(profile: Profile, message: Message) -> int:
    """Send a message to every address of a profile; return how many took it."""
    if not profile.notify:
        log.warning("%s\n%s\n(profile %s names nobody to tell)", *message, profile.name)
        return 0
    import apprise  # noqa: PLC0415 - slow, and only failures need it

    told = 0
    for reference in profile.notify:
        try:
            channel = apprise.Apprise()
            taken = channel.add(reference.read().decode()) and channel.notify(
                title=message.title, body=message.body
            )
        except (HearthError, OSError, ValueError) as error:
            log.warning("a notice was not sent: %s", error)
            continue
        told += bool(taken)
        if not taken:
            # The address itself is a secret.
            log.warning("a notice was not taken: check the address behind `notify`")
    return told


def _tell_without_build(failure: Failure, profile: str | None) -> bool:
    try:
        where = load_profile(profile)
    except HearthError as error:
        log.warning("nobody is told of %s: %s", failure.task, error)
        return False
    notice = FailureNotice(
        build=failure.run.run_id,
        recipe=failure.run.dag_id,
        profile=where.name,
        task=failure.task,
        error=failure.error,
        code=failure.code,
        log=failure.log_url,
        by=failure.by,
    )
    send(where, compose(notice))
    return True


def _ending(run: Run) -> str:
    """Return how the id of a run's build ends."""
    return "-" + build_id("any", datetime.now(UTC), run).rsplit("-", 1)[1]
