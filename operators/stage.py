"""The operator of a stage: reuse its artifact, or have it made by exactly one job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow.sdk import AssetAlias, BaseOperator, Context

from hearth.artifact import ArtifactRecord
from hearth.attempt import Attempt, Exit
from hearth.build import EventKind
from hearth.errors import DataError, NotFoundError
from hearth.execution import Execution, was_cancelled
from hearth.lineage import key_metrics
from hearth.model import FrozenModel, Stage
from hearth.pipeline import StagePlan, stage_plans
from hearth.reap import REAPED
from hearth.withdrawal.revocation import refuse_plan
from operators import kill
from operators.assets import ALIASES, announce
from operators.opened import Opened, errors_for_airflow, open_build
from operators.triggers import StageTrigger, line_of

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

TRIES: Final = "task.json"


class TaskTries(FrozenModel):
    """Which task claimed an attempt, and how many tries Airflow granted it then."""

    task: str
    max_tries: int


class StageOperator(BaseOperator):
    """Brings one stage's artifact about, and leaves `{uri, fingerprint}` behind.

    A finished artifact is reused at once. Else an attempt is claimed, or the one that lives is
    joined, and the task defers until nothing of it runs any more. Which try of the task this is
    plays no part: every try finds what is there.
    """

    template_fields: Sequence[str] = ()
    ui_color = "#f6e3d1"

    def __init__(self, *, stage: str, **kwargs: Any) -> None:
        """Name the stage.

        Args:
            stage: a `hearth.model.Stage`.
            kwargs: as for every operator.
        """
        alias = ALIASES.get(stage)
        super().__init__(outlets=[AssetAlias(alias)] if alias else [], **kwargs)
        self.stage = stage
        self._running: tuple[Opened, Execution, Attempt, Any] | None = None
        self._made: tuple[ArtifactRecord, str] | None = None

    def execute(self, context: Context) -> dict[str, str]:  # noqa: RET503 - `_wait` never returns
        """Reuse the artifact, or wait for it."""
        with errors_for_airflow():
            opened = open_build(context)
            plan = self.plan(opened)
            self.refuse_revoked(opened, plan)
            execution = self._execution(opened, plan)
            record = execution.finished()
            if record is not None:
                return self._reuse(opened, plan, record)
            self._end_what_was_cleared(context, opened, execution)
            self._wait(context, opened, plan, execution)

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        """Go on after the end of an attempt: done, failed, or one's own turn now."""
        with errors_for_airflow():
            opened = open_build(context)
            plan = self.plan(opened)
            if plan.fingerprint != event["fingerprint"]:
                message = (
                    f"{plan.stage}: Hearth was upgraded while its job ran, and now makes "
                    f"{plan.fingerprint[:12]} of this build, not {event['fingerprint'][:12]}: "
                    "build again, or clear the tasks from `mirror` on"
                )
                raise DataError(message)
            execution = self._execution(opened, plan)
            attempt = execution.attempts.get(int(event["attempt"]))
            self._running = (opened, execution, attempt, context["ti"])
            self.attend(opened, plan, execution, attempt, event)
            end = execution.close(attempt)
            record = execution.finished()
            if record is not None:
                return self._finish(context, opened, plan, record, attempt)
            if end is None:
                self._defer(context, opened, plan, attempt, event)
            if was_cancelled(attempt, end):
                self.log.info("%s was cancelled by its owner: taking over", attempt.name)
                self._wait(context, opened, plan, execution)
            where = self.explain(opened, plan, execution, attempt, end)
            error = end.to_error()
            message = f"{plan.stage} attempt {attempt.number} {end.outcome}: {error} (log: {where})"
            raise type(error)(message)

    def on_kill(self) -> None:
        """Cancel what was just started, if a person took the task away; else let it go on."""
        if self._running is None:
            return
        opened, execution, attempt, task = self._running
        state = kill.ask(task, kill.WORKER_SECONDS)
        if kill.a_person_changed(state, kill.Side.WORKER):
            kill.cancel_if_ours(execution, attempt, opened.record.id, state)
        else:
            self.log.info("%s", kill.describe(kill.Side.WORKER, state))

    def plan(self, opened: Opened) -> StagePlan:
        """Return what is to be made."""
        return stage_plans(opened.record)[Stage(self.stage)]

    def refuse_revoked(self, opened: Opened, plan: StagePlan) -> None:
        """Refuse what holds a document that was withdrawn after this build was resolved."""
        refuse_plan(opened.root, plan)

    def attend(
        self,
        opened: Opened,
        plan: StagePlan,
        execution: Execution,
        attempt: Attempt,
        event: dict[str, Any],
    ) -> None:
        """See to what the trigger was concerned about while the attempt went on."""

    def trigger(
        self, arguments: dict[str, Any], opened: Opened, event: dict[str, Any]
    ) -> StageTrigger:
        """Return what waits for an attempt.

        Args:
            arguments: of `StageTrigger`.
            opened: the build.
            event: of the trigger that waited before; empty at first.
        """
        del opened, event
        return StageTrigger(**arguments)

    # Lineage --------------------------------------------------------------------------------------

    def get_openlineage_facets_on_complete(self, _ti: Any) -> OperatorLineage[Any, Any] | None:
        """Return the artifact and what it was made from, as OpenLineage has it."""
        from operators.lineage import lineage_of  # noqa: PLC0415 - OpenLineage's classes are slow

        return lineage_of(*self._made) if self._made else None

    # Inner ----------------------------------------------------------------------------------------

    def _execution(self, opened: Opened, plan: StagePlan) -> Execution:
        return Execution.of(opened.root, opened.record, plan.stage, plan.fingerprint)

    def _wait(
        self, context: Context, opened: Opened, plan: StagePlan, execution: Execution
    ) -> NoReturn:
        attempt, claimed = execution.begin(plan, opened.record)
        self._running = (opened, execution, attempt, context["ti"])
        owner = attempt.claim.owner
        mine = owner == opened.record.id
        self.log.info(
            "%s attempt %d of %s", "started" if claimed else "joined", attempt.number, plan.uri
        )
        if claimed or not mine:
            opened.build.append(
                EventKind.ATTEMPT_STARTED if claimed else EventKind.ATTEMPT_JOINED,
                plan.stage,
                task=self.task_id,
                attempt=attempt.number,
                job=attempt.name,
                owner=owner,
                artifact=plan.uri,
            )
        if claimed:
            tries = TaskTries(task=self.task_id, max_tries=context["ti"].max_tries)
            attempt.folder.create(TRIES, tries.model_dump_json().encode())
            opened.build.folder.delete(REAPED)
        self._defer(context, opened, plan, attempt)

    def _end_what_was_cleared(self, context: Context, opened: Opened, execution: Execution) -> None:
        """Cancel an attempt that this very task started before a person cleared it.

        Where the triggerer was down then, nobody has. Clearing raises `max_tries`; a retry does
        not.
        """
        latest = execution.attempts.latest()
        if latest is None or latest.claim.owner != opened.record.id or latest.exit() is not None:
            return
        try:
            then = TaskTries.model_validate_json(latest.folder.get(TRIES))
        except NotFoundError:
            return
        if then.task == self.task_id and then.max_tries < context["ti"].max_tries:
            self.log.info("%s was cleared: cancelling %s", self.task_id, latest.name)
            execution.cancel(latest, opened.record.id, "its task was cleared by a person")

    def _defer(
        self,
        context: Context,
        opened: Opened,
        plan: StagePlan,
        attempt: Attempt,
        event: dict[str, Any] | None = None,
    ) -> NoReturn:
        # Never with a timeout: that would fail the task without asking the operator, while the
        # job goes on. The backend's time limit rules.
        arguments = {
            "profile": str(context["params"]["profile"]),
            "build": opened.record.id,
            "stage": plan.stage,
            "fingerprint": plan.fingerprint,
            "attempt": attempt.number,
        }
        self.defer(trigger=self.trigger(arguments, opened, event or {}), method_name="resume")

    def _reuse(self, opened: Opened, plan: StagePlan, record: ArtifactRecord) -> dict[str, str]:
        made_by = record.provenance.build
        self.log.info("reused %s, which build %s made", plan.uri, made_by)
        opened.build.append(
            EventKind.STAGE_REUSED,
            plan.stage,
            task=self.task_id,
            uri=plan.uri,
            fingerprint=plan.fingerprint,
            made_by=made_by,
            unverified=list(record.unverified),
        )
        self._made = (record, plan.uri)
        return {"uri": plan.uri, "fingerprint": plan.fingerprint}

    def _finish(
        self,
        context: Context,
        opened: Opened,
        plan: StagePlan,
        record: ArtifactRecord,
        attempt: Attempt,
    ) -> dict[str, str]:

        metrics = key_metrics(record.metrics)
        self.log.info("made %s in %.1f s: %s", plan.uri, record.cost.wall_seconds, metrics)
        for doubt in record.unverified:
            self.log.warning("not verified: %s", doubt)
        opened.build.append(
            EventKind.STAGE_DONE,
            plan.stage,
            task=self.task_id,
            uri=plan.uri,
            fingerprint=plan.fingerprint,
            attempt=record.attempt,
            made_by=attempt.claim.owner,
            metrics=metrics,
            cost=record.cost.model_dump(mode="json"),
            unverified=list(record.unverified),
        )
        self._made = (record, plan.uri)
        # One artifact is one event, however many builds waited for it.
        if attempt.claim.owner == opened.record.id and attempt.number == record.attempt:
            announce(
                context, self.stage, opened.record.recipe_name, plan.uri, plan.fingerprint, metrics
            )
        return {"uri": plan.uri, "fingerprint": plan.fingerprint}

    def explain(
        self, opened: Opened, plan: StagePlan, execution: Execution, attempt: Attempt, end: Exit
    ) -> str:
        """Say how an attempt ended that made nothing; return where its log lies."""
        where = execution.log_address(attempt)
        tail = execution.log_tail(attempt)
        progress = attempt.progress()
        if progress is not None:
            self.log.error("attempt %d got as far as %s", attempt.number, line_of(progress))
        if tail:
            self.log.error("the last lines of its log (%s):\n%s", where, tail)
        self.log.error(
            "attempt %d %s with code %d: %s", attempt.number, end.outcome, end.code, end.message
        )
        opened.build.append(
            EventKind.ATTEMPT_ENDED,
            plan.stage,
            task=self.task_id,
            attempt=attempt.number,
            outcome=end.outcome,
            code=end.code,
            error=end.error,
            message=end.message,
            log=where,
            progress=progress.model_dump(mode="json") if progress else None,
            wall_seconds=(end.finished - attempt.claim.claimed).total_seconds(),
        )
        return where
