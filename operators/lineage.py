"""Hearth's datasets in the classes of OpenLineage."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.openlineage.facet import (
    InputDataset,
    OutputDataset,
    OutputStatisticsOutputDatasetFacet,
)
from airflow.providers.openlineage.extractors import OperatorLineage
from attrs import define, field
from openlineage.client.facet_v2 import DatasetFacet

from hearth.artifact import ArtifactRecord
from hearth.lineage import FACET, inputs_of, output_of


@define
class ArtifactDatasetFacet(DatasetFacet):
    """What Hearth knows of an artifact: its identity, and its key metrics."""

    fingerprint: str = field(default="")
    metrics: dict[str, Any] = field(factory=dict)


def lineage_of(record: ArtifactRecord, uri: str) -> OperatorLineage[Any, Any]:
    """Return the lineage of an artifact.

    Args:
        record: its record.
        uri: where it lies.
    """
    made = output_of(record, uri)
    statistics = OutputStatisticsOutputDatasetFacet(
        rowCount=made.rows, size=made.bytes, fileCount=made.files
    )
    return OperatorLineage(
        inputs=[
            InputDataset(
                namespace=one.namespace,
                name=one.name,
                facets={FACET: ArtifactDatasetFacet(fingerprint=one.fingerprint)},
            )
            for one in inputs_of(record)
        ],
        outputs=[
            OutputDataset(
                namespace=made.namespace,
                name=made.name,
                facets={
                    FACET: ArtifactDatasetFacet(fingerprint=made.fingerprint, metrics=made.metrics)
                },
                outputFacets={"outputStatistics": statistics},
            )
        ],
    )
