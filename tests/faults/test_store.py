"""The object store may go away for a while."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hearth.build import EventKind
from hearth.model import Stage

pytestmark = [pytest.mark.network, pytest.mark.timeout(1500)]

AWAY_SECONDS = 20


def test_a_build_survives_a_store_that_is_away_during_curation(machine: Any, first: Any) -> None:
    machine.open_gate()
    going = machine.trigger(rebuild_from="curate")

    def running() -> bool:
        if not going.resolved:
            return False
        attempt = going.attempts(Stage.CURATE).latest()
        return attempt is not None and bool(machine.processes_of(attempt))

    machine.until("curation runs", 120, running)
    machine.stack.kill("store")
    time.sleep(AWAY_SECONDS)  # this is the fault
    machine.stack.restart("store")
    machine.finish(going)
    assert going.events(EventKind.STAGE_DONE, stage=Stage.CURATE)
    assert machine.complete().headers["X-Hearth-Version"] == machine.serving()
