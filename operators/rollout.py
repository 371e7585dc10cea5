"""The rollout's task: bring the endpoint to the candidate, in Airflow's worker."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import AssetAlias, BaseOperator, Context

from hearth.build import EventKind
from hearth.judgement import judgement_of
from hearth.pipeline import recipe_of
from hearth.rollout.outcome import STEP, RolloutFailed, RolloutStep
from hearth.rollout.state import Version
from hearth.withdrawal.revocation import refuse
from operators.assets import ALIASES, ENDPOINT, announce
from operators.opened import Opened, errors_for_airflow, open_build


class RolloutOperator(BaseOperator):
    """Moves the endpoint's traffic to the candidate step by step, or all of it back.

    It converges: where the candidate serves already, it only asks the endpoint itself. A try that
    follows one that was interrupted goes on from the endpoint's state.
    """

    ui_color = "#d9e8d8"

    def __init__(self, **kwargs: Any) -> None:
        """Declare the endpoint's asset.

        Args:
            kwargs: as for every operator.
        """
        super().__init__(outlets=[AssetAlias(ALIASES[ENDPOINT])], **kwargs)

    def execute(self, context: Context) -> dict[str, str]:
        """Roll out, and note every step with the build."""
        from hearth.rollout.controller import roll_out  # noqa: PLC0415 - httpx

        with errors_for_airflow():
            opened = open_build(context)
            judgement = judgement_of(opened.build)
            model, target = judgement.candidate, opened.record.profile.endpoint
            candidate = Version.of(
                model.uri, model.fingerprint, opened.record.id, datetime.now(UTC)
            )
            refuse(opened.root, model, "serve")
            try:
                result = roll_out(
                    opened.root,
                    target,
                    candidate,
                    judgement.serving.version if judgement.serving else None,
                    recipe_of(opened.record).rollout,
                    lambda step: self._note(opened, step),
                )
            except RolloutFailed as failure:
                opened.build.append(
                    EventKind.ROLLED_BACK, version=candidate.version, reason=str(failure)
                )
                raise
            numbers = result.model_dump(mode="json", exclude={"steps"})
            opened.build.append(EventKind.ROLLED_OUT, **numbers)
            self.log.info("version %s serves at %s", result.version, result.url)
            if result.changed:
                announce(context, ENDPOINT, target.name, model.uri, model.fingerprint, numbers)
            return {"uri": model.uri, "fingerprint": model.fingerprint}

    def _note(self, opened: Opened, step: RolloutStep) -> None:
        if step.name == STEP:
            # What was withdrawn since it began must not take over.
            refuse(opened.root, judgement_of(opened.build).candidate, "serve")
        self.log.info("%s at %d %%: %s", step.name, step.weight, step.message)
        opened.build.append(EventKind.ROLLOUT_STEP, **step.model_dump(mode="json"))
