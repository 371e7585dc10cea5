"""Settings of a stack of the tests' own, on ports that are free."""

from __future__ import annotations

import random
from pathlib import Path

from hearth.settings import Settings
from hearth.stack.ports import all_ports, is_free


def own_settings(home: Path) -> Settings:
    while True:
        first = random.randrange(20_000, 32_000)  # noqa: S311 - not a secret
        found = Settings(  # type: ignore[call-arg]
            _env_file=None,
            home=home,
            s3_port=first,
            airflow_port=first + 8,
            endpoint_port=first + 9,
        )
        if all(is_free(port.number) for port in all_ports(found)):
            return found
