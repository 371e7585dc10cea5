"""The task that asks whether a build can run, before it costs anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context

from hearth.errors import PolicyViolation
from hearth.preflight.finding import Verdict, worst
from hearth.preflight.run import preflight
from hearth.profile import load_profile
from operators.opened import errors_for_airflow


class PreflightOperator(BaseOperator):
    """Probes the account and the cluster that the profile names, and starts nothing.

    A probe that says no fails the task, with what to do. One that cannot tell is a warning: only a
    build proves the rest.
    """

    template_fields: Sequence[str] = ("profile",)
    ui_color = "#dfe6ee"

    def __init__(self, *, profile: str = "{{ params.profile }}", **kwargs: Any) -> None:
        """Name the profile.

        Args:
            profile: its name.
            kwargs: as for every operator.
        """
        super().__init__(**kwargs)
        self.profile = profile

    def execute(self, context: Context) -> dict[str, int]:
        """Probe; return how many findings there are of each kind."""
        del context
        with errors_for_airflow():
            findings = preflight(load_profile(self.profile))
            for finding in findings:
                well = finding.verdict is Verdict.PASS
                (self.log.info if well else self.log.warning)("%s", finding)
            if not findings:
                self.log.info("profile %s names neither AWS nor Slurm", self.profile)
            if worst(findings) is Verdict.FAIL:
                failures = [str(one) for one in findings if one.verdict is Verdict.FAIL]
                message = "\n".join(["the build cannot run:", *failures])
                raise PolicyViolation(message)
        return {
            str(verdict): sum(one.verdict is verdict for one in findings) for verdict in Verdict
        }
