"""Approval by a person, where the gate leaves it open or the build was asked for that way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param

from hearth.build import EventKind
from hearth.gate.decision import Answer
from hearth.judgement import describe, judgement_of
from operators.opened import errors_for_airflow, open_build

REASON: Final = "reason"
_LONGEST_REASON: Final = 2000


class ApproveOperator(ApprovalOperator):
    """Goes on at once after a pass; else asks a person, who has until the profile's time limit.

    No answer counts as a rejection. Rejecting skips the rollout: no traffic moves, and the run ends
    as a success, because a decision was asked for and made.
    """

    ui_color = "#f3d9d9"

    def __init__(self, *, params: Any = None, **kwargs: Any) -> None:
        """Make the form.

        Args:
            params: the DAG's, which Airflow passes to every operator. They are left out: whoever
                approves would have to fill in the form of the trigger again.
            kwargs: as for every operator.
        """
        del params
        super().__init__(
            subject="May this model serve?",
            defaults=ApprovalOperator.REJECT,
            params={
                REASON: Param(
                    "",
                    source="task",
                    type="string",
                    maxLength=_LONGEST_REASON,
                    title="Why",
                    description="Kept with the build, next to who decided. No secrets here.",
                )
            },
            **kwargs,
        )

    def execute(self, context: Context) -> Any:
        """Go on, or ask."""
        with errors_for_airflow():
            opened = open_build(context)
            judgement = judgement_of(opened.build)
            by_hand = opened.record.approve_by_hand
            if judgement.decision.answer is Answer.PASS and not by_hand:
                self.log.info("the gate passed it: nobody needs to be asked")
                return None
            why = "the build asks for it" if by_hand else "the gate is inconclusive"
            self.subject = f"May {opened.record.recipe_name} serve? ({why})"
            self.body = describe(judgement)
            self.response_timeout = timedelta(hours=opened.record.profile.policy.approval_hours)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Keep who decided what, and why; a rejection skips what follows."""
        with errors_for_airflow():
            opened = open_build(context)
            if "error" not in event:
                approved = event["chosen_options"] == [self.APPROVE]
                user = event.get("responded_by_user")
                opened.build.append(
                    EventKind.APPROVAL,
                    approved=approved,
                    by=_name(user) if user else "nobody: the time limit passed",
                    reason=str((event.get("params_input") or {}).get(REASON, "")),
                    responded=str(event.get("responded_at", "")),
                )
                self.log.info("%s", "approved" if approved else "rejected: nothing is rolled out")
        super().execute_complete(context, event)
        return None


def _name(user: Any) -> str:
    known = user if isinstance(user, dict) else vars(user)
    return str(known.get("name") or known.get("id"))
