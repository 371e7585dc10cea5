from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

from hearth.model import Stage
from tests.golden import check

STAGES = Path(__file__).resolve().parents[2] / "stages"


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    path = tmp_path / "golden.json"
    path.write_text(json.dumps({"contract": 3, "rows": "abc", "losses": [2.0, 1.0]}))
    return path


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_a_golden_output_of_its_present_contract(stage: Stage) -> None:
    golden = json.loads((STAGES / stage / "golden.json").read_text(encoding="utf-8"))
    assert golden["contract"] == import_module(f"hearth.{stage}.spec").CONTRACT
    assert len(golden) > 1


def test_an_equal_result_passes_within_its_tolerance(golden: Path) -> None:
    check(golden, 3, {"rows": "abc", "losses": [2.01, 1.0]}, {"losses": 0.02})


@pytest.mark.parametrize(
    "found",
    [
        {"rows": "abd", "losses": [2.0, 1.0]},
        {"rows": "abc", "losses": [2.1, 1.0]},
        {"rows": "abc"},
        {"rows": "abc", "losses": [2.0, 1.0], "more": 1},
    ],
)
def test_another_result_under_the_same_contract_fails_however_often(
    golden: Path, found: dict[str, object]
) -> None:
    before = golden.read_bytes()
    for _ in range(2):
        with pytest.raises(AssertionError, match="raise CONTRACT"):
            check(golden, 3, found, {"losses": 0.02})
    assert golden.read_bytes() == before


def test_another_result_under_a_raised_contract_is_shown_once(golden: Path) -> None:
    found = {"rows": "文", "losses": [1.0]}
    with pytest.raises(pytest.fail.Exception, match="contract 3 → 4"):
        check(golden, 4, found)
    check(golden, 4, found)
    assert "文" in golden.read_text(encoding="utf-8")


def test_a_contract_never_goes_back(golden: Path) -> None:
    with pytest.raises(AssertionError, match="contract 3"):
        check(golden, 2, {"rows": "abc", "losses": [2.0, 1.0]})
