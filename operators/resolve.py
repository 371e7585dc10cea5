"""The first task of a build: turn what a person asked for into a record that never moves."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, Context

from hearth.errors import SpecError
from hearth.profile import load_profile
from hearth.resolution import Request, create_build
from operators.opened import errors_for_airflow, id_of, open_named, params_of, run_of


class ResolveOperator(BaseOperator):
    """Resolves floating sources to a lock and writes the build's record."""

    ui_color = "#e8e4d8"

    def execute(self, context: Context) -> dict[str, str]:
        """Write the record, or find the one that an earlier try wrote."""
        with errors_for_airflow():
            request = Request.of(params_of(context))
            self._refuse_without_cluster(request.profile)
            record = create_build(request, id_of(context), run_of(context), _who(context))
            for pin in record.lock.sources:
                self.log.info("%s: %s", pin.id, pin.version)
            self.log.info("splits: %s", record.previous)
            uri = open_named(request.profile, record.id).build.uri
            self.log.info("build %s: %s", record.id, uri)
            return {"uri": uri, "fingerprint": record.lock.digest}

    def _refuse_without_cluster(self, name: str) -> None:
        """Refuse a cluster's profile where the DAG has no task that starts one."""
        aws = load_profile(name).aws
        if aws is None or aws.hyperpod is None or not self.has_dag():  # type: ignore[no-untyped-call]
            return
        if not self.dag.has_task("cluster"):
            message = (
                f"profile {name}: runs on a cluster, and this machine's DAGs start none: set "
                f"HEARTH_PROFILE={name} for all of Airflow, or choose another profile"
            )
            raise SpecError(message)


def _who(context: Context) -> str:
    run: Any = context["dag_run"]
    kind = getattr(run.run_type, "value", run.run_type)
    return run.triggering_user_name or f"Airflow ({kind})"
