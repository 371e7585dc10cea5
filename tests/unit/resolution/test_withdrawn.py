"""What a plan says after a withdrawal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hearth.cli import show
from hearth.lock import Tombstone, TombstoneKind
from hearth.model import Stage
from hearth.preview import preview
from hearth.tombstones import bury
from tests.unit.resolution.conftest import REQUEST, Machine


def test_a_plan_names_what_was_withdrawn_and_makes_the_corpus_anew(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.build(*Stage)
    grave = Tombstone(
        kind=TombstoneKind.KEY, value="notes:a#1", reason="asked for", since=datetime.now(UTC)
    )
    bury(machine.root, "one", [grave])
    found = preview(REQUEST)
    show.preview(found)
    by_stage = {one.stage: one for one in found.stages}
    assert [stage for stage in Stage if by_stage[stage].reuse] == [Stage.MIRROR, Stage.SUITE]
    assert by_stage[Stage.CURATE].why == "changed: tombstones"
    assert [grave.value for grave in found.moved.buried] == ["notes:a#1"]
    assert "withdrawn: key notes:a#1 (asked for)" in capsys.readouterr().out
