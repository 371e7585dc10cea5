"""The rollout's task: bring the endpoint to the candidate, in Airflow's worker."""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetAlias, BaseOperator, Context

from operators.assets import ALIASES, ENDPOINT, announce
from operators.opened import errors_for_airflow, open_build


class RolloutOperator(BaseOperator):
    """Moves the endpoint's traffic to the candidate, step by step, or back."""

    ui_color = "#d9e8d8"

    def __init__(self, **kwargs: Any) -> None:
        """Declare the endpoint's asset.

        Args:
            kwargs: as for every operator.
        """
        super().__init__(outlets=[AssetAlias(ALIASES[ENDPOINT])], **kwargs)
