"""Assets, what other DAGs can be scheduled on: each recipe's corpus and model, each endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow.sdk import Asset, AssetAlias, Context
from pydantic import JsonValue

ENDPOINT: Final = "endpoint"

ALIASES: Final = {
    "curate": "hearth-corpus",
    "train": "hearth-model",
    ENDPOINT: "hearth-endpoint",
}
"""Stage, or `endpoint` → the alias under which its assets appear. Which recipe a run builds is
known only when it runs, so a DAG declares the alias and its tasks add the asset."""


def asset(kind: str, name: str) -> Asset:
    """Return the asset of a recipe's corpus or model, or of an endpoint.

    Args:
        kind: a key of `ALIASES`.
        name: of the recipe, or of the endpoint.
    """
    noun = ALIASES[kind].removeprefix("hearth-")
    return Asset(name=f"{noun} {name}", uri=f"hearth://{noun}/{name}", group="hearth")


def announce(
    context: Context, kind: str, name: str, uri: str, fingerprint: str, metrics: Mapping[str, Any]
) -> None:
    """Say that an asset is new; kinds without an asset say nothing.

    Args:
        context: of the task, whose outlets must hold the alias.
        kind: a key of `ALIASES`, or another stage.
        name: of the recipe, or of the endpoint.
        uri: where it lies now.
        fingerprint: its fingerprint.
        metrics: its key metrics.
    """
    if kind not in ALIASES:
        return
    extra: dict[str, JsonValue] = {"uri": uri, "fingerprint": fingerprint, "metrics": dict(metrics)}
    context["outlet_events"][AssetAlias(ALIASES[kind])].add(asset(kind, name), extra=extra)
