from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.artifact import Artifact, canonical_json, fingerprint
from hearth.errors import DataError
from hearth.model import Stage
from hearth.storage import Store

# RFC 8785 follows ECMAScript: integers of 2**53 and beyond have no canonical form.
SAFE = 2**53 - 1
scalars = st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.text(max_size=8)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), json_values))
def test_key_order_does_not_affect_identity(spec: dict[str, Any]) -> None:
    backwards = dict(reversed(spec.items()))
    assert canonical_json(spec) == canonical_json(backwards)


def test_whatever_can_change_the_result_changes_the_fingerprint() -> None:
    base = fingerprint(Stage.TRAIN, 1, {"seed": 1}, {"corpus": "a"})
    others = [
        fingerprint(Stage.CURATE, 1, {"seed": 1}, {"corpus": "a"}),
        fingerprint(Stage.TRAIN, 2, {"seed": 1}, {"corpus": "a"}),
        fingerprint(Stage.TRAIN, 1, {"seed": 2}, {"corpus": "a"}),
        fingerprint(Stage.TRAIN, 1, {"seed": 1}, {"corpus": "b"}),
        fingerprint(Stage.TRAIN, 1, {"seed": 1}, {"suite": "a"}),
    ]
    assert len({base, *others}) == len(others) + 1


def test_no_record_no_artifact(store: Store) -> None:
    artifact = Artifact(store, Stage.MIRROR, "f" * 64)
    artifact.folder.put("attempts/1/documents/a.parquet", b"half")
    assert artifact.record() is None


def test_a_damaged_record_is_no_artifact_and_no_silence(store: Store) -> None:
    artifact = Artifact(store, Stage.MIRROR, "f" * 64)
    artifact.folder.put("artifact.json", b"{}")
    with pytest.raises(DataError, match="is not an artifact record"):
        artifact.record()
