"""The reaper's task."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowRuntimeError

from hearth.build import Run
from hearth.errors import HearthError
from hearth.profile import load_profile, names_in, settings
from hearth.reap import reap
from hearth.storage import Store

_ACTIVE = frozenset({"queued", "running"})
_OVER = frozenset({"success", "failed"})


class ReapOperator(BaseOperator):
    """Cancels attempts whose owning build is no longer active, in the stores of all profiles."""

    def execute(self, context: Context) -> None:
        """Reap each store once."""
        stores: dict[str, Store] = {}
        for name in names_in(settings().profiles):
            try:
                storage = load_profile(name).storage
                stores.setdefault(storage.uri, Store.open(storage))
            except HearthError as error:
                self.log.warning("profile %s is passed over: %s", name, error)
        states: dict[tuple[str, str], bool | None] = {}

        def is_active(run: Run) -> bool | None:
            key = (run.dag_id, run.run_id)
            if key not in states:
                states[key] = self._is_active(context["ti"], run)
            return states[key]

        for uri, root in stores.items():
            try:
                for name in reap(root, is_active):
                    self.log.info("cancelled %s", name)
            except HearthError as error:
                self.log.warning("%s is passed over: %s", uri, error)

    def _is_active(self, ti: Any, run: Run) -> bool | None:
        try:
            count = ti.get_dr_count(dag_id=run.dag_id, run_ids=[run.run_id])
            if count == 0:
                return False  # deleted, which only a person does
            state = ti.get_dagrun_state(dag_id=run.dag_id, run_id=run.run_id)
        except (AirflowRuntimeError, OSError) as error:
            self.log.warning("the state of %s is not known: %s", run.run_id, error)
            return None
        name = str(getattr(state, "value", state))
        return True if name in _ACTIVE else False if name in _OVER else None
