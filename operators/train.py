"""The operator of training: it also sees restarts, lost nodes and hangs, and acts on them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from hearth.attempt import Attempt, Exit, Outcome
from hearth.compute.backend import JobStatus
from hearth.compute.outcome import Cause, JobState
from hearth.errors import EXIT_TRANSIENT, HearthError, NotFoundError, TransientError
from hearth.execution import Execution, Look
from hearth.model import FrozenModel, Stage
from hearth.pipeline import StagePlan
from operators.opened import Opened
from operators.stage import StageOperator
from operators.told import Told
from operators.triggers import StageTrigger, Watched
from operators.watchdog import Place, Watchdog, place_of

if TYPE_CHECKING:
    from operators.hyperpod.watch import ClusterWatch

STALL: Final = "stall.json"
_SAME_ENDS: Final = 3


class Stall(FrozenModel):
    """Where an attempt got no further: a second one that ends there is not tried again."""

    step: str
    done: int


class TrainTrigger(StageTrigger):
    """Follows a training job through its restarts, and asks for the operator when it is in trouble.

    A job that lost a node, or gets no further, is a reason to look at the cluster, if the profile
    names one. What is to be done about it the operator does: here is only looked.
    """

    def __init__(
        self,
        *,
        stall_seconds: float | None,
        restarts: int = 0,
        worried: bool = False,
        **kwargs: Any,
    ) -> None:
        """Name the attempt.

        Args:
            stall_seconds: an attempt that gets no further for so long hangs; None: none ever does.
            restarts: those that were told of already.
            worried: whether the cluster was seen not to be well.
            kwargs: as for `StageTrigger`.
        """
        super().__init__(**kwargs)
        self.stall_seconds = stall_seconds
        self.restarts = restarts
        self.worried = worried
        self._watchdog = Watchdog()
        self._slow = self._lost = False
        self._cluster: ClusterWatch | None = None
        self._look_at = 0.0
        self._told = Told(self.log)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again."""
        _, arguments = super().serialize()
        names = ("stall_seconds", "restarts", "worried")
        own = {name: getattr(self, name) for name in names}
        return "operators.train.TrainTrigger", {**arguments, **own}

    def words(self, look: Look) -> tuple[str, str]:
        """Name the job too, and its restarts."""
        step, text = super().words(look)
        status = look.status
        if status is None or status.job is None:
            return step, text
        again = f" (restarts: {status.restarts})" if status.restarts else ""
        return step, f"job {status.job}{again}: {text}"

    def concern(self, watched: Watched, look: Look) -> dict[str, Any]:
        """Look for restarts, lost nodes and hangs; ask for what only the operator may do."""
        status = look.status
        if status is None:
            return {}
        self._see_losses(status)
        quiet = self._watchdog.quiet(look, time.monotonic())
        place = place_of(look)
        if place is not None and self._is_slow(quiet, place):
            return {"stalled": list(place), "seconds": quiet, **self._memory}
        self.worried = self.worried or self._slow or self._lost
        if self.worried and self._to_be_mended(watched, status):
            return {"repair": True, **self._memory}
        return {}

    @property
    def _memory(self) -> dict[str, Any]:
        """What the operator, and the trigger after this one, have to know."""
        return {"restarts": self.restarts, "told": self._told.lines}

    def _see_losses(self, status: JobStatus) -> None:
        lost = status.state is JobState.PENDING and status.cause is Cause.NODE_FAILED
        if lost and not self._lost:
            self._told.warning("job %s: %s", status.job, status.reason)
        if status.restarts > self.restarts:
            self.restarts = status.restarts
            self._told.warning("job %s restarted: %d", status.job, status.restarts)
            lost = True
        self._lost = lost or (self._lost and status.state is JobState.PENDING)

    def _is_slow(self, quiet: float, place: Place) -> bool:
        """Say so when half the time is up; return whether all of it is."""
        limit = self.stall_seconds
        slow = limit is not None and quiet > limit / 2
        if slow and not self._slow:
            minutes = (limit or 0) / 60
            self._told.warning(
                "attempt %d gets no further %s for %.0f s; after %g minutes it is ended",
                *(self.attempt, place, quiet, minutes),
            )
        self._slow = slow
        return limit is not None and quiet > limit

    def _to_be_mended(self, watched: Watched, status: JobStatus) -> bool:
        """Look at the cluster; return whether a node is to be repaired for this build's job."""
        now = time.monotonic()
        if now < self._look_at:
            return False
        try:
            if self._cluster is None:
                self._cluster = _watch_of(watched.opened, self._told)
            if self._cluster is None:
                self.worried = False
                return False
            self._look_at = now + self._cluster.poll_seconds
            seen = self._cluster.look()
        except Exception as error:  # noqa: BLE001 - the job goes on, whatever AWS says
            self._told.warning("how its cluster is cannot be told: %s", error)
            return False
        if seen.well and status.state is JobState.RUNNING and not self._slow:
            self.worried = self._lost = False
        return seen.mendable and watched.attempt.claim.owner == self.build


class TrainOperator(StageOperator):
    """Brings a model about, and says what becomes of its job: restarts, progress, loss, tokens/s.

    A lost node is tied to what the cluster says of it, and repaired within the profile's budget
    while the job waits to be started again. A job that gets no further is ended, and goes on from
    its newest checkpoint as the next attempt, unless the one before ended at the same place.
    Training that diverged fails at once, in its own words.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Make the operator.

        Args:
            kwargs: as for every operator.
        """
        super().__init__(**{**kwargs, "stage": Stage.TRAIN})

    def trigger(
        self, arguments: dict[str, Any], opened: Opened, event: dict[str, Any]
    ) -> StageTrigger:
        """Return what follows the job, knowing what was told of it before."""
        minutes = opened.record.profile.compute.resources_of(Stage.TRAIN).stall_minutes
        return TrainTrigger(
            **arguments,
            stall_seconds=None if minutes is None else minutes * 60,
            restarts=int(event.get("restarts", 0)),
            worried=bool(event.get("repair")),
        )

    def attend(
        self,
        opened: Opened,
        plan: StagePlan,
        execution: Execution,
        attempt: Attempt,
        event: dict[str, Any],
    ) -> None:
        """Repair what the trigger saw broken; end what it saw hang."""
        for line in event.get("told", ()):
            self.log.info("%s", line)
        if event.get("repair"):
            self._repair(opened)
        if event.get("stalled"):
            place = Place(*event["stalled"])
            self._end_stalled(opened, plan, execution, attempt, place, float(event["seconds"]))

    def explain(
        self, opened: Opened, plan: StagePlan, execution: Execution, attempt: Attempt, end: Exit
    ) -> str:
        """Say how an attempt ended; return where its log lies.

        Raises:
            HearthError: it ended where the two before it did: another would end there too.
        """
        where = super().explain(opened, plan, execution, attempt, end)
        places = {_died_at(execution, attempt.number - n) for n in range(_SAME_ENDS)}
        if None not in places and len(places) == 1:
            message = (
                f"train attempt {attempt.number}: {end.message}; {_SAME_ENDS} attempts ended at "
                f"the same step, so another is not tried: see its log ({where}), then clear the "
                "task"
            )
            raise HearthError(message)
        return where

    def _repair(self, opened: Opened) -> None:
        try:
            watch = _watch_of(opened, self.log)
            if watch is not None:
                watch.mend()
        except HearthError as error:
            # The job is not the worse for it, and the trigger looks again.
            self.log.warning("no node is repaired: %s", error)

    def _end_stalled(
        self,
        opened: Opened,
        plan: StagePlan,
        execution: Execution,
        attempt: Attempt,
        place: Place,
        seconds: float,
    ) -> None:
        """End an attempt that hangs.

        Raises:
            TransientError: it was ended: try again, from its newest checkpoint.
            HearthError: the one before hung at the same place.
        """
        look = execution.look(attempt)
        if look.over or place_of(look) != place:
            self.log.info("attempt %d goes on again", attempt.number)
            return
        if attempt.claim.owner != opened.record.id:
            self.log.warning("attempt %d hangs %s: its owner is to end it", attempt.number, place)
            return
        reason = f"no progress for {seconds / 60:.3g} minutes, {place}"
        stall = Stall(step=place.step, done=place.done)
        attempt.folder.create(STALL, stall.model_dump_json().encode())
        execution.cancel(attempt, opened.record.id, f"watchdog: {reason}")
        end = execution.close(attempt)
        if end is not None and end.outcome is Outcome.SUCCEEDED:
            return  # it came to its end in this very moment
        if end is not None:
            self.explain(opened, plan, execution, attempt, end)
        kept = ", ".join(sorted(attempt.folder.folders("checkpoints"))) or "none of this attempt"
        message = f"train attempt {attempt.number}: {reason}: it was ended; checkpoints: {kept}"
        if _stall_of(execution, attempt.number - 1) == stall:
            message += (
                f". Attempt {attempt.number - 1} hung at the same place, so another is not tried: "
                f"read `hearth logs train`, look at the nodes, then clear the task"
            )
            raise HearthError(message)
        raise TransientError(message)


def _died_at(execution: Execution, number: int) -> int | None:
    """Return the step at which an attempt died that nobody wanted gone; None for all others."""
    try:
        attempt = execution.attempts.get(number)
    except NotFoundError:
        return None
    end, progress = attempt.exit(), attempt.progress()
    if end is None or end.code != EXIT_TRANSIENT or attempt.cancel_request() is not None:
        return None
    if progress is None or progress.total is None:
        return None
    return progress.done or None  # without a step behind it, perhaps the store was away


def _stall_of(execution: Execution, number: int) -> Stall | None:
    try:
        return Stall.model_validate_json(execution.attempts.get(number).folder.get(STALL))
    except NotFoundError:
        return None


def _watch_of(opened: Opened, log: Any) -> ClusterWatch | None:
    if opened.record.profile.aws is None:
        return None
    # boto3 and the amazon provider are slow to import.
    from operators.hyperpod.watch import watch_of  # noqa: PLC0415

    return watch_of(opened, log)
