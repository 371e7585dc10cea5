"""Where things come from: from an endpoint, a model or a corpus back to its sources."""

from __future__ import annotations

from pydantic import Field, JsonValue

from hearth.artifact import ArtifactRecord, read_record
from hearth.build import Build
from hearth.curate.spec import PREVIOUS
from hearth.errors import NotFoundError
from hearth.model import FrozenModel, Stage
from hearth.rollout.state import Version, read_state
from hearth.storage import Store
from hearth.trace.corpora import Corpus
from hearth.trace.descent import Descent
from hearth.trace.why import Decided, why


class Node(FrozenModel):
    """An artifact and what it was made from."""

    uri: str
    stage: Stage
    fingerprint: str
    build: str
    finished: str
    metrics: dict[str, JsonValue]
    unverified: tuple[str, ...]
    sources: dict[str, str] = {}
    inputs: dict[str, Node] = {}
    splits_of: str | None = Field(
        default=None, description="The earlier corpus whose splits it keeps; no text is from there."
    )


class Ancestry(FrozenModel):
    """Where something comes from; `version` if it serves, or served."""

    version: Version | None
    approved: tuple[dict[str, JsonValue], ...] = ()
    artifact: Node


def trace(root: Store, uri: str, endpoint: str) -> Ancestry:
    """Walk from something back to its sources.

    Args:
        root: the root of the store.
        uri: an artifact's URI, or `endpoint` for what serves now.
        endpoint: the endpoint's name.

    Raises:
        NotFoundError: there is no such thing.
    """
    if uri in {"endpoint", endpoint}:
        version = read_state(root, endpoint).serving
        if version is None:
            message = f"endpoint {endpoint}: nothing serves yet: build something first"
            raise NotFoundError(message)
        approvals = tuple(
            event.model_dump(mode="json")
            for event in Build(root, version.build).events()
            if event.kind in {"gate", "approval"}
        )
        node = _node(root, version.model_uri, {})
        return Ancestry(version=version, approved=approvals, artifact=node)
    return Ancestry(version=None, artifact=_node(root, uri, {}))


def document(root: Store, ancestry: Ancestry, key: str) -> tuple[Decided, ...]:
    """Return what each step of curation decided about a document.

    Raises:
        NotFoundError: nothing in this ancestry was curated, or it never saw the document.
    """
    node = _find(ancestry.artifact, Stage.CURATE)
    if node is None:
        message = f"{ancestry.artifact.uri}: no corpus is among what it was made from"
        raise NotFoundError(message)
    record = read_record(root.sub(root.relative(node.uri)), node.fingerprint)
    return why(root, Corpus(root, record), key, descent=Descent(root, [])).steps


def _node(root: Store, uri: str, seen: dict[str, Node]) -> Node:
    if uri not in seen:
        record = read_record(root.sub(root.relative(uri)))
        earlier = record.inputs.get(PREVIOUS)
        seen[uri] = Node(
            uri=uri,
            stage=record.stage,
            fingerprint=record.fingerprint,
            build=record.provenance.build,
            finished=record.provenance.finished.isoformat(timespec="seconds"),
            metrics={k: v for k, v in record.metrics.items() if not isinstance(v, dict | list)},
            unverified=record.unverified,
            sources=_sources(record),
            inputs={
                role: _node(root, ref.uri, seen)
                for role, ref in record.inputs.items()
                if role != PREVIOUS
            },
            splits_of=earlier.uri if earlier else None,
        )
    return seen[uri]


def _sources(record: ArtifactRecord) -> dict[str, str]:
    pins = record.spec.get("pins")
    if record.stage is not Stage.MIRROR or not isinstance(pins, dict):
        return {}
    return {name: str(pin["version"]) for name, pin in pins.items() if isinstance(pin, dict)}


def _find(node: Node, stage: Stage) -> Node | None:
    if node.stage is stage:
        return node
    return next(filter(None, (_find(below, stage) for below in node.inputs.values())), None)
