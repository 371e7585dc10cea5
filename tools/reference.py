"""Writes the reference pages that come from the code.

`make schemas` calls it. A test refuses pages that are not what the code says now.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperGroup

from hearth.build import HAPPENINGS
from hearth.cli import app
from hearth.lineage import FACET
from hearth.model import FrozenModel
from hearth.profile import Profile
from hearth.recipe import Recipe
from hearth.resources import MetricsTarget
from hearth.train.gauges import GAUGES

SHORT: Final = 60
HEAD: Final = "<!-- Written by `make schemas` from the code: edit that. -->"


def _cell(value: object) -> str:
    """Return a text as a table's cell: on one line, with no bar or tag of its own."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def _kind(schema: dict[str, Any]) -> str:  # noqa: PLR0911 - one for each form of a schema
    """Say in a few words what a value may be; models become links to their section."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'], ensure_ascii=False)}`"
    if "enum" in schema:
        return ", ".join(f"`{item}`" for item in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_kind(item) for item in schema[several]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"map of {_kind(values)}" if isinstance(values, dict) else "map"
    return str(schema.get("type", "any"))


_BOUNDS: Final = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "minItems": "at least {} entries",
    "pattern": "as `{}`",
}


def _bounds(schema: dict[str, Any]) -> str:
    parts = [schema, *schema.get("anyOf", [])]
    found = [
        text.format(part[key]) for part in parts for key, text in _BOUNDS.items() if key in part
    ]
    return f" ({', '.join(found)})" if found else ""


def _default(schema: dict[str, Any], key: str, required: list[str]) -> str:
    if key in required:
        return "required"
    value = json.dumps(schema.get("default"), ensure_ascii=False)
    return f"`{value}`" if len(value) <= SHORT else "see the schema"


def _section(schema: dict[str, Any], title: str) -> Iterator[str]:
    yield from (f"## {title}", "")
    if text := schema.get("description"):
        yield from (str(text).strip().replace("<", "&lt;"), "")
    if "properties" not in schema:
        yield from (f"One of: {_kind(schema)}.", "")
        return
    yield from ("| key | what | default | |", "|---|---|---|---|")
    required = schema.get("required", [])
    for key, value in schema["properties"].items():
        cells = (
            f"`{key}`",
            _cell(_kind(value) + _bounds(value)),
            _cell(_default(value, key, required)),
            _cell(value.get("description", "")),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def model_page(model: type[FrozenModel], title: str, lead: str) -> str:
    """Return the page of a recipe's or profile's keys."""
    schema = model.model_json_schema()
    lines = [HEAD, f"# {title}", "", lead, "", *_section(schema, model.__name__)]
    for name, part in sorted(schema.get("$defs", {}).items()):
        lines += _section(part, name)
    return "\n".join(lines).rstrip() + "\n"


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        names = parameter.metavar or str(parameter.name).upper()
    else:
        names = ", ".join((*parameter.opts, *parameter.secondary_opts))
    must = "required" if parameter.required else ""
    default = parameter.default
    if not must and default not in (None, False, True) and not callable(default):
        must = f"`{default}`"
    return f"| `{_cell(names)}` | {_cell(getattr(parameter, 'help', None) or '')} | {_cell(must)} |"


def _command(name: str, command: Any) -> Iterator[str]:
    with typer.Context(command, info_name=f"hearth {name}") as context:
        pieces = " ".join(command.collect_usage_pieces(context))
        rows = [_parameter(it) for it in command.get_params(context) if it.name != "help"]
    yield from (f"## hearth {name}", "", str(command.help or "").strip(), "")
    yield from ("```text", f"hearth {name} {pieces}", "```", "")
    if rows:
        yield from ("| | what | default |", "|---|---|---|", *rows, "")
    if command.epilog:
        example = command.epilog.removeprefix("Example: ")
        yield from ("```sh", example, "```", "")


def cli_page() -> str:
    """Return the page of the commands, as their own help says them."""
    group = typer.main.get_command(app)
    if not isinstance(group, TyperGroup):
        raise TypeError(group)
    lines = [HEAD, "# Command line", "", str(group.help), ""]
    for name in sorted(group.commands):
        lines += _command(name, group.commands[name])
    return "\n".join(lines).rstrip() + "\n"


def metrics_page() -> str:
    """Return the page of a training's gauges."""
    target = MetricsTarget(host="127.0.0.1")
    rows = [f"| `{name}` | {_cell(one.unit)} | {_cell(one.when)} |" for name, one in GAUGES.items()]
    return f"""{HEAD}
# Metrics of a training

While a training runs, its first rank sends StatsD gauges over UDP to the address that the profile
names:

```yaml
metrics:
  host: {target.host}
  port: 9125      # where statsd_exporter listens; StatsD's own port is {target.port}
  prefix: {target.prefix}  # the default
```

A profile without `metrics` sends nothing. A gauge is called `<prefix>.train.<recipe>.<metric>`,
such as `{target.prefix}.train.demo.loss`.

| metric | unit | when |
|---|---|---|
{chr(10).join(rows)}

An interval is `train.operation.interval_steps` steps, and `train.validations` says how many
validations there are. With statsd_exporter's default mapping, dots become underscores:
`{target.prefix}_train_demo_loss`. A mapping for `{target.prefix}.train.*.*` makes the recipe a
label.

Sending never waits, neither for a network nor for a listener. When this machine refuses to send a
datagram, the log says so the first time, and at the end how many there were. Nobody notices what
is lost on a network; the same points are in the model's `tensorboard/`, all of them: its files lie
in every checkpoint, so a resumed training goes on with those of the run before it. A training that
diverged has no model; its `tensorboard/` lies in the folder of its attempt,
`attempts/<n>/tensorboard/`. The gauges of a finished training keep their last value until the
exporter forgets them (`ttl` in its mapping).
"""


def events_page() -> str:
    """Return the page of a build's events, and of what lineage is told."""
    rows = [
        f"| `{kind}` | {_cell(one.when)} | {', '.join(f'`{key}`' for key in one.data)} |"
        for kind, one in HAPPENINGS.items()
    ]
    return f"""{HEAD}
# Events and lineage

## Events of a build
`builds/<id>/events/` in the store is append-only. Each event is an object of JSON with `kind`,
`at` (UTC), `stage` where there is one, and `data`. `hearth status BUILD --json` prints them.

| kind | when | keys of `data` |
|---|---|---|
{chr(10).join(rows)}

`task` is the task in Airflow, `made_by` and `owner` are builds, `uri` and `artifact` are
addresses in the store. `unverified` lists what could not be checked where the artifact was made.

## OpenLineage
Airflow's OpenLineage provider sends an event when a task starts, completes or fails. It goes to
the transport that the profile's `lineage.transport` names; by default to the file
`HEARTH_HOME/lineage/events.jsonl`. For a task with an artifact the event has

| part | what |
|---|---|
| `inputs`, `outputs` | an artifact as a dataset: namespace `s3://<bucket>`, name its folder; a local file has namespace `file` |
| facet `{FACET}` | `fingerprint`; for outputs also `metrics`: numbers and short text |
| facet `outputStatistics` | `rowCount` where outputs count rows, `size` in bytes, `fileCount` |

A reused artifact is told as an output too, because the run ended with it. Airflow gets an asset
event for a new artifact only.

Gauges of a training: [Metrics](metrics.md).
"""  # noqa: E501 - a row of a table is a line


@cache
def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    return {
        "recipe.md": model_page(
            Recipe,
            "Recipe",
            "What a build makes: a file in `recipes/`. "
            "[Your own recipe and corpus](../own-recipe.md) shows how to write one; editors take "
            "the same as [JSON Schema](recipe.schema.json).",
        ),
        "profile.md": model_page(
            Profile,
            "Profile",
            "Where a build runs: a file in `profiles/`. Editors take the same as "
            "[JSON Schema](profile.schema.json).",
        ),
        "cli.md": cli_page(),
        "metrics.md": metrics_page(),
        "events.md": events_page(),
    }


def write(folder: Path) -> None:
    """Write every generated page into `folder`."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
