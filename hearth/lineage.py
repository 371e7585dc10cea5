"""Artifacts as OpenLineage datasets: names, statistics and a facet of our own. Pure.

Names follow OpenLineage's naming convention: an S3 object is namespace `s3://bucket` and name
`prefix/key`; a local file is namespace `file` and its absolute path.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import Field

from hearth.artifact import ArtifactRecord
from hearth.errors import SpecError
from hearth.model import FrozenModel

PRODUCER: Final = "hearth"
FACET: Final = "hearth_artifact"


class Dataset(FrozenModel):
    """An artifact, as lineage names it."""

    namespace: str
    name: str
    fingerprint: str
    rows: int | None = Field(default=None, description="Records, where the outputs count them.")
    bytes: int | None = Field(default=None, description="Size of all outputs.")
    files: int | None = Field(default=None, description="Number of outputs.")
    metrics: dict[str, Any] = Field(default={}, description="Key metrics: numbers and short text.")


def dataset_name(uri: str) -> tuple[str, str]:
    """Return the namespace and name of what lies at `uri`.

    Raises:
        SpecError: the URI's scheme is none that a store has.
    """
    parts = urlsplit(uri)
    if parts.scheme == "s3":
        return f"s3://{parts.netloc}", parts.path.strip("/")
    if parts.scheme == "file":
        return "file", unquote(parts.path).rstrip("/")
    message = f"lineage: {uri!r}: must start with s3:// or file://: pass an artifact's URI"
    raise SpecError(message)


def inputs_of(record: ArtifactRecord) -> list[Dataset]:
    """Return the datasets an artifact was made from."""
    datasets = []
    for ref in record.inputs.values():
        namespace, name = dataset_name(ref.uri)
        datasets.append(Dataset(namespace=namespace, name=name, fingerprint=ref.fingerprint))
    return datasets


def output_of(record: ArtifactRecord, uri: str) -> Dataset:
    """Return the dataset an artifact is.

    Args:
        record: the artifact's record.
        uri: where the artifact lies.
    """
    namespace, name = dataset_name(uri)
    rows = [output.rows for output in record.outputs if output.rows is not None]
    return Dataset(
        namespace=namespace,
        name=name,
        fingerprint=record.fingerprint,
        rows=sum(rows) if rows else None,
        bytes=sum(output.bytes for output in record.outputs),
        files=len(record.outputs),
        metrics=key_metrics(record.metrics),
    )


def key_metrics(metrics: dict[str, Any], limit: int = 30) -> dict[str, Any]:
    """Return the scalars among `metrics`, at most `limit`: what a line or a form can show."""
    scalars = {
        key: value
        for key, value in metrics.items()
        if isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= 120)  # noqa: PLR2004 - one line
    }
    return dict(list(scalars.items())[:limit])
