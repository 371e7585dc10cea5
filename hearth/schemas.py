"""The JSON Schemas of recipes and profiles, for editors and the reference."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from hearth.model import FrozenModel
from hearth.profile import Profile
from hearth.recipe import Recipe

SCHEMAS: Final[dict[str, type[FrozenModel]]] = {
    "recipe.schema.json": Recipe,
    "profile.schema.json": Profile,
}

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def render(model: type[FrozenModel]) -> str:
    """Return a model's JSON Schema as a file's text."""
    schema = {"$schema": DIALECT, **model.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write every schema into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in SCHEMAS.items():
        (folder / name).write_text(render(model), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
