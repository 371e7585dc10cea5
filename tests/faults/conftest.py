"""One real stack for all faults: store, Airflow, endpoint, and the `tiny` recipe built once.

The tests of this tier share it, in order. Each leaves it serving.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hearth.compute.jobdir import MARKER
from hearth.compute.process import marked
from hearth.settings import settings
from hearth.stack.ports import all_ports, is_free
from hearth.stack.stack import Stack
from tests.machine import Going, Machine, copied_config, free_ports

PROFILE = "local"


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    config = copied_config(folder / "config")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTH_HOME", str(folder / "home"))
        patch.setenv("HEARTH_CONFIG", str(config))
        patch.setenv("HEARTH_PROFILE", PROFILE)
        for name, number in free_ports().items():
            patch.setenv(f"HEARTH_{name}_PORT", str(number))
        settings.cache_clear()
        stack = Stack(settings(), watched=False)
        try:
            stack.up()
            machine = Machine(stack, config)
            machine.set_gate()
            yield machine
        finally:
            stack.stop(job_grace=5.0)
            settings.cache_clear()
    assert stack.processes() == set()
    assert [port for port in all_ports(stack.settings) if not is_free(port.number)] == []
    jobs = (folder / "home" / "jobs").glob("*/shim.json")
    markers = {json.loads(path.read_text())["marker"] for path in jobs}
    assert [marker for marker in markers if marked(MARKER, marker)] == []


@pytest.fixture(scope="session")
def first(machine: Machine) -> Going:
    """The first build, from nothing to an endpoint that answers."""
    return machine.build()
