"""Whatever these tests have Hearth ask of AWS, a role's policy must allow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.granted import granted, watched


@pytest.fixture(autouse=True)
def no_call_without_a_grant() -> Iterator[None]:
    """Jobs write what curation rejects; Airflow's tasks collect it when its time is over."""
    with watched() as asked:
        yield
    wanted = {action for needed in asked for action in needed}
    assert wanted - granted("airflow") - granted("curate") == set()
