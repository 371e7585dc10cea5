"""The gate's task: taken anew by every build, in Airflow's worker."""

from __future__ import annotations

from airflow.sdk import BaseOperator, Context

from hearth.errors import GateFailed
from hearth.gate.decision import Answer
from hearth.judgement import describe, judge
from operators.opened import errors_for_airflow, open_build


class GateOperator(BaseOperator):
    """Decides whether the candidate may serve; fails if it may not."""

    ui_color = "#d8e4e8"

    def execute(self, context: Context) -> dict[str, str]:
        """Take the decision, log it with its numbers, keep it with the build."""
        with errors_for_airflow():
            opened = open_build(context)
            judgement = judge(opened.root, opened.build, opened.record)
            self.log.info("%s", describe(judgement))
            decision = judgement.decision
            if decision.answer is Answer.FAIL:
                message = (
                    f"model {judgement.candidate.fingerprint[:12]}: {'; '.join(decision.reasons)}: "
                    "it will not serve; change the recipe, or its margins, and build again"
                )
                raise GateFailed(message)
            return {"uri": opened.build.uri, "fingerprint": judgement.candidate.fingerprint}
