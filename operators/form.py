"""The form that triggers a build: typed, bounded, described; nothing else can be set.

Airflow stores and shows what a run is triggered with. So no field takes free text, and the first
task refuses keys that are not here and values that look like secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from airflow.sdk import Param

from hearth.model import Stage
from hearth.recipe import Overrides

_WHAT: Final = "What to build"
_CHANGES: Final = "Changes to the recipe"
_HOW: Final = "How to run"
_RULES: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum")


def build_form(recipes: Sequence[str], profiles: Sequence[str], profile: str) -> dict[str, Param]:
    """Return the fields of the form.

    Args:
        recipes: the names of recipes to choose from; the first is the default.
        profiles: the names of profiles to choose from.
        profile: the default among them.
    """
    return {
        "recipe": Param(
            recipes[0] if recipes else "",
            type="string",
            enum=list(recipes),
            title="Recipe",
            description="What to build: a file in `recipes/`.",
            section=_WHAT,
        ),
        **profile_field(profiles, profile),
        **_override_fields(),
        "rebuild_from": Param(
            None,
            type=["null", "string"],
            enum=[None, *map(str, Stage)],
            title="Rebuild from stage",
            description="Make this stage and all that follow anew, even if nothing changed.",
            values_display={"null": "none: reuse whatever did not change"},
            section=_HOW,
        ),
        "approve_by_hand": Param(
            False,  # noqa: FBT003 - the field's default
            type="boolean",
            title="Approve by hand",
            description="Ask a person before the rollout, even if the gate says pass.",
            section=_HOW,
        ),
    }


def profile_field(profiles: Sequence[str], profile: str) -> dict[str, Param]:
    """Return the field that chooses a profile.

    Args:
        profiles: the names to choose from.
        profile: the default among them.
    """
    return {
        "profile": Param(
            profile,
            type="string",
            enum=list(profiles),
            title="Profile",
            description="Where to run it: a file in `profiles/`.",
            section=_WHAT,
        )
    }


def _override_fields() -> dict[str, Param]:
    schemas = Overrides.model_json_schema()["properties"]
    fields = {}
    for name, schema in schemas.items():
        kinds: list[dict[str, Any]] = schema.get("anyOf", [schema])
        rules: dict[str, Any] = {
            rule: kind[rule] for kind in kinds for rule in _RULES if rule in kind
        }
        fields[name] = Param(
            None,
            type=["null", *(kind["type"] for kind in kinds if kind["type"] != "null")],
            title=name.replace("_", " ").capitalize(),
            description=f"{schema['description']} {_range(rules)} Empty: as the recipe says.",
            section=_CHANGES,
            **rules,
        )
    return fields


def _range(rules: dict[str, Any]) -> str:
    return f"{rules['minimum']:,} to {rules['maximum']:,}."
