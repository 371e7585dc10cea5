"""Curator's executor on Ray Data; what goes wrong with the cluster is worth another try."""

from __future__ import annotations

from typing import Final

from nemo_curator.backends.ray_data import RayDataExecutor
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import Task
from ray.exceptions import RayError, RayTaskError

from hearth.errors import TransientError

_NOT_STARTED: Final = "node timed out during startup"


class RayExecutor(RayDataExecutor):
    """Runs pipelines on the cluster that RAY_ADDRESS names, or on one that it starts for each."""

    def execute(
        self, stages: list[ProcessingStage], initial_tasks: list[Task] | None = None
    ) -> list[Task]:
        """Run the pipeline; return what its last stage returned.

        Raises:
            TransientError: The cluster did not start, or a part of it that is needed died.
        """
        try:
            return list(super().execute(stages, initial_tasks))
        except RayTaskError:
            raise  # what a stage raised
        except (RayError, ConnectionError) as error:
            message = f"Ray: {type(error).__name__}: {error}: try again"
            raise TransientError(message) from error
        except Exception as error:
            if _NOT_STARTED in str(error):
                message = "Ray: its node did not start in time: try again, on an idler machine"
                raise TransientError(message) from error
            raise
