"""Bring a version's model from the store to this machine, byte for byte what its record says."""

from __future__ import annotations

import logging
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic import TypeAdapter, ValidationError

from hearth.artifact import Output, read_record
from hearth.digest import sha256_of
from hearth.errors import DataError, PolicyViolation
from hearth.rollout.probe import MODEL
from hearth.rollout.state import Version
from hearth.storage import Store

log = logging.getLogger(__name__)

_PUBLISHED: Final = "model"
_LISTING: Final = "files.json"
_WEIGHTS: Final = ".safetensors"
_SUFFIXES: Final = frozenset({_WEIGHTS, ".json", ".txt", ".md", ".jinja", ".model"})
_OUTPUTS: Final = TypeAdapter(tuple[Output, ...])


def fetch(store: Store, version: Version, folder: Path) -> Path:
    """Make `folder` the working directory of a server of `version`.

    The model lies in it under the name that clients use, so that every version is started, and
    answers, under the same name. What was fetched before is checked, not fetched again, so that a
    restart needs no store.

    Args:
        store: the root of the store.
        version: what to fetch.
        folder: this version's own.

    Returns:
        The model's folder.

    Raises:
        DataError: the artifact is missing or damaged, or holds no model.
        PolicyViolation: it holds a file that a model may not be made of.
        TransientError: the store did not answer.
    """
    model = folder / MODEL
    listing = folder / _LISTING
    if _intact(listing, model):
        return model
    artifact = store.sub(store.relative(version.model_uri))
    outputs = read_record(artifact, version.fingerprint).outputs_named(_PUBLISHED)
    if not any(output.name.endswith(_WEIGHTS) for output in outputs):
        message = f"{version.model_uri}: holds no {_PUBLISHED}/*{_WEIGHTS}: it is not a model"
        raise DataError(message)
    listing.unlink(missing_ok=True)
    for output in outputs:
        artifact.download(output.path, model / _inside(output, version), expect=output.info)
    wanted = {_inside(output, version) for output in outputs}
    for path in model.rglob("*"):
        if path.is_file() and path.relative_to(model) not in wanted:
            path.unlink()
    listing.write_bytes(_OUTPUTS.dump_json(outputs))
    return model


def _inside(output: Output, version: Version) -> Path:
    path = PurePosixPath(output.name).relative_to(_PUBLISHED)
    if path.suffix not in _SUFFIXES or ".." in path.parts:
        message = (
            f"{version.model_uri}: {output.name}: a served model is made of safetensors, JSON and "
            "text only: publish nothing else under model/"
        )
        raise PolicyViolation(message)
    return Path(path)


def _intact(listing: Path, model: Path) -> bool:
    try:
        outputs = _OUTPUTS.validate_json(listing.read_bytes())
    except (OSError, ValidationError):
        return False
    for output in outputs:
        path = model / PurePosixPath(output.name).relative_to(_PUBLISHED)
        if not path.is_file() or sha256_of(path) != output.sha256:
            log.warning("%s: is not what was fetched: fetching the model again", path)
            return False
    return True
