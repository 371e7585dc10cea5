"""The laws of naming artifacts in lineage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hearth.artifact import ArtifactRecord, Cost, InputRef, Output, Provenance
from hearth.errors import SpecError
from hearth.lineage import dataset_name, inputs_of, key_metrics, output_of
from hearth.model import Stage

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(**changes: Any) -> ArtifactRecord:
    fields = {
        "stage": Stage.CURATE,
        "name": "demo",
        "contract": 1,
        "fingerprint": "f" * 64,
        "spec": {},
        "inputs": {"mirror": InputRef(uri="s3://b/artifacts/mirror/aa", fingerprint="a" * 64)},
        "attempt": 1,
        "outputs": (
            Output(path="attempts/1/x", bytes=10, sha256="0" * 64, rows=3),
            Output(path="attempts/1/y", bytes=5, sha256="0" * 64),
        ),
        "metrics": {"documents": 3, "by_step": {"pii": 1}},
        "provenance": Provenance(
            git_revision=None, code_digest="c", lock_digest=None, packages={}, python="3.11",
            image=None, host={}, build="b", started=NOW, finished=NOW,
        ),
        "cost": Cost(wall_seconds=1, cpu_seconds=1, peak_rss_bytes=1),
    }  # fmt: skip
    return ArtifactRecord.model_validate({**fields, **changes})


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://bucket/a/b", ("s3://bucket", "a/b")),
        ("file:///srv/store/a%20b", ("file", "/srv/store/a b")),
    ],
)
def test_names_follow_openlineage(uri: Any, name: Any) -> None:
    assert dataset_name(uri) == name


def test_other_places_have_no_name() -> None:
    with pytest.raises(SpecError, match="https://example"):
        dataset_name("https://example.org/x")


def test_an_output_counts_rows_bytes_and_files() -> None:
    made = output_of(record(), "s3://b/artifacts/curate/ff")
    assert (made.rows, made.bytes, made.files) == (3, 15, 2)
    assert made.metrics == {"documents": 3}


def test_unknown_rows_stay_unknown() -> None:
    outputs = (Output(path="attempts/1/y", bytes=5, sha256="0" * 64),)
    assert output_of(record(outputs=outputs), "s3://b/x").rows is None


def test_inputs_keep_their_fingerprints() -> None:
    (one,) = inputs_of(record())
    assert (one.namespace, one.fingerprint) == ("s3://b", "a" * 64)


def test_key_metrics_are_few_and_scalar() -> None:
    metrics = {f"m{n}": n for n in range(50)} | {"text": "x" * 500, "nested": {}}
    assert list(key_metrics(metrics, limit=3)) == ["m0", "m1", "m2"]
    assert "text" not in key_metrics(metrics, limit=100)
