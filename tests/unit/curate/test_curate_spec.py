"""Laws of the spec, the ledger and the files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel, ValidationError

from hearth.curate import tables
from hearth.curate.ledger import Action, Decision, Ledger, Step
from hearth.curate.spec import CurateSection, CurateSpec
from hearth.errors import HearthError
from hearth.lock import Tombstone, TombstoneKind


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= models(field.annotation)
    return found


def test_every_threshold_has_a_default_and_a_description() -> None:
    for model in models(CurateSection):
        for name, field in model.model_fields.items():
            assert not field.is_required(), f"{model.__name__}.{name}"
            nested = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
            assert nested or field.description, f"{model.__name__}.{name}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"dedup": {"bands": 7}},
        {"dedup": {"threshold": 2}},
        {"split": {"test": -0.1}},
        {"quality": {"zh": {"min_words": 3}}},
        {"language": {"keep": ["fr"]}},
        {"surprise": 1},
    ],
)
def test_a_wrong_section_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CurateSection.model_validate(wrong)


def test_only_what_a_tombstone_matches_is_in_the_spec() -> None:
    graves = [
        Tombstone(kind=TombstoneKind.KEY, value=value, reason=reason, since=datetime.now(UTC))
        for value, reason in (("s:2", "asked"), ("s:1", "asked"), ("s:2", "asked again"))
    ]
    one = CurateSpec.of(CurateSection(), tombstones=graves, reserved=["b", "a"])
    other = CurateSpec.of(CurateSection(), tombstones=graves[::-1], reserved=["a", "b"])
    assert one == other
    assert [grave.value for grave in one.tombstones] == ["s:1", "s:2"]


def decision(key: str, action: Action, reason: str | None = None) -> Decision:
    return Decision(
        key, f"id-{key}", "en", 10, 0 if action is Action.DROPPED else 8, action, reason
    )


def test_what_enters_a_step_is_kept_or_dropped(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(Step.QUALITY, decision("a", Action.KEPT))
    ledger.add(Step.QUALITY, decision("b", Action.EDITED))
    ledger.add(Step.QUALITY, decision("c", Action.DROPPED, "words"))
    assert ledger.flow() == [
        {
            "step": "quality",
            "language": "en",
            "documents_in": 3,
            "documents_out": 2,
            "documents_edited": 1,
            "characters_in": 30,
            "characters_out": 16,
        }
    ]
    assert ledger.drops() == {"quality/words": 1}


def test_decisions_are_in_the_order_of_keys(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(Step.QUALITY, decision("b", Action.KEPT))
    with pytest.raises(HearthError, match="'a' comes after 'b'"):
        ledger.add(Step.QUALITY, decision("a", Action.KEPT))


def test_however_rows_come_in_equal_ones_make_equal_files(tmp_path: Path) -> None:
    rows = [f"{number:06}" for number in range(25_000)]
    for name, size in (("whole", 25_000), ("parts", 777)):
        writer = tables.Writer(tmp_path / name, tables.REMOVALS)
        for start in range(0, len(rows), size):
            writer.add({"id": rows[start : start + size]})
        ((path, count),) = writer.close()
        assert count == len(rows)
        assert pq.read_metadata(path).num_row_groups == 3
    one, other = (tmp_path / name / path.name for name in ("whole", "parts"))
    assert one.read_bytes() == other.read_bytes()


def test_a_step_that_nothing_reached_still_has_its_file(tmp_path: Path) -> None:
    files = Ledger(tmp_path).close()
    assert {path.parent.name for path, _ in files} == {f"step={step}" for step in Step}
    assert all(pq.read_schema(path).names == tables.DECISIONS.names for path, _ in files)
