"""Evaluating what the candidate is compared with: the serving version, and the anchor."""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from hearth.gate.decision import Reference
from hearth.judgement import evaluation_plan, references
from hearth.model import Stage
from hearth.pipeline import StagePlan
from operators.opened import Opened
from operators.stage import StageOperator


class EvaluateReferenceOperator(StageOperator):
    """Evaluates a reference version on this build's suite; skipped where there is none."""

    def __init__(self, *, reference: str, **kwargs: Any) -> None:
        """Name the reference.

        Args:
            reference: `serving` or `anchor`.
            kwargs: as for every operator.
        """
        super().__init__(stage=Stage.EVALUATE, **kwargs)
        self.reference = reference

    def plan(self, opened: Opened) -> StagePlan:
        """Return the evaluation of what the endpoint's state names now."""
        version = references(opened.root, opened.record).get(Reference(self.reference))
        if version is None:
            message = f"endpoint {opened.record.profile.endpoint.name}: has no {self.reference}"
            raise AirflowSkipException(message)
        return evaluation_plan(opened.root, opened.record, version)

    def refuse_revoked(self, opened: Opened, plan: StagePlan) -> None:
        """Refuse nothing: what serves is compared with even if it is to be replaced for that."""
