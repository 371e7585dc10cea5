"""Read a YAML file into a model; an error says file, line, key, value and rule.

Anchors and aliases are refused (a few lines of them can expand to gigabytes), and so are
duplicate keys, of which YAML would silently keep the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from hearth.errors import SpecError

MAX_BYTES: Final = 1 << 20
"""Recipes and profiles are written by hand: a larger file is a mistake or an attack."""

MAX_DEPTH: Final = 32

_VARIABLE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_PLAIN_TAGS: Final = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_SHOWN_VALUE: Final = 80

BLANK: Final = "CHANGE-ME"
"""Stands in a shipped file for what only its user knows."""

Model = TypeVar("Model", bound=BaseModel)
Position = tuple[str | int, ...]


def load_model(path: Path, model: type[Model], variables: Mapping[str, str] | None = None) -> Model:
    """Read `path` and validate it as `model`.

    Args:
        path: a YAML file.
        model: the pydantic model that it must fit.
        variables: what `${NAME}` in a value stands for; None leaves such text alone.

    Raises:
        SpecError: the file is missing, not YAML, has blanks, or does not fit the model.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror}): check the name and the folder"
        raise SpecError(message) from error
    if len(raw) > MAX_BYTES:
        message = f"{path}: {len(raw)} bytes is over the limit of {MAX_BYTES}: split or shorten it"
        raise SpecError(message)
    data, lines = _parse(path, raw, variables)
    if blanks := list(_blanks(data, (), lines)):
        raise SpecError("\n".join(f"{path}:{blank}: fill it in" for blank in blanks))
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise SpecError(_explain(path, error, lines)) from error


def _parse(
    path: Path, raw: bytes, variables: Mapping[str, str] | None
) -> tuple[Any, dict[Position, int]]:
    lines: dict[Position, int] = {}
    try:
        text = raw.decode("utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                message = f"{path}:{_line(event)}: is nested too deeply: {MAX_DEPTH} levels will do"
                raise SpecError(message)
            if isinstance(event, yaml.AliasEvent):
                message = (
                    f"{path}:{_line(event)}: alias *{event.anchor}: "
                    "aliases are not allowed: write the value out"
                )
                raise SpecError(message)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            message = f"{path}: is empty: see docs/reference for what belongs in it"
            raise SpecError(message)
        return _construct(loader, path, node, (), lines, variables), lines
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 (byte {error.start}): save it as UTF-8"
        raise SpecError(message) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        message = f"{path}{where}: is not valid YAML: {problem}"
        raise SpecError(message) from error


def _construct(
    loader: yaml.SafeLoader,
    path: Path,
    node: yaml.Node,
    position: Position,
    lines: dict[Position, int],
    variables: Mapping[str, str] | None,
) -> Any:
    line = _line(node)
    lines.setdefault(position, line)
    if isinstance(node, yaml.CollectionNode) and node.tag not in _PLAIN_TAGS:
        message = f"{path}:{line}: is not valid YAML: tag {node.tag} is unknown"
        raise SpecError(message)
    if isinstance(node, yaml.MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line = _line(key_node)
            if not isinstance(key, str):
                message = f"{path}:{line}: key {key!r} is not text: put it in quotes"
                raise SpecError(message)
            if key in result:
                message = f"{path}:{line}: key {key!r} appears twice: keep one"
                raise SpecError(message)
            below = (*position, key)
            lines[below] = line
            result[key] = _construct(loader, path, value_node, below, lines, variables)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(loader, path, item, (*position, index), lines, variables)
            for index, item in enumerate(node.value)
        ]
    if variables is not None and isinstance(node.value, str) and "${" in node.value:
        return _substitute(path, node, variables)
    return loader.construct_object(node, deep=True)


def _line(node: yaml.Node | yaml.Event) -> int:
    return node.start_mark.line + 1 if node.start_mark else 1


def _substitute(path: Path, node: yaml.Node, variables: Mapping[str, str]) -> str:
    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in variables:
            message = (
                f"{path}:{_line(node)}: ${{{name}}} is not a setting of Hearth: "
                f"use one of {', '.join(sorted(variables))}"
            )
            raise SpecError(message)
        return variables[name]

    return _VARIABLE.sub(value_of, node.value)


def _blanks(data: Any, position: Position, lines: dict[Position, int]) -> Iterator[str]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _blanks(value, (*position, key), lines)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _blanks(value, (*position, index), lines)
    elif isinstance(data, str) and BLANK in data:
        yield f"{lines.get(position, 1)}: {'.'.join(map(str, position))} = {data!r}"


def _explain(path: Path, error: ValidationError, lines: dict[Position, int]) -> str:
    messages = []
    for problem in error.errors(include_url=False):
        location = tuple(problem["loc"])
        known = location
        while known and known not in lines:
            known = known[:-1]
        key = ".".join(str(part) for part in location) or "the file"
        value = repr(problem["input"])
        if len(value) > _SHOWN_VALUE:
            value = f"{value[:_SHOWN_VALUE]}…"
        shown = "" if problem["type"] == "missing" else f" = {value}"
        line = lines.get(known, 1)
        rule = "unknown key: remove it or correct its spelling"
        if problem["type"] != "extra_forbidden":
            rule = problem["msg"]
        messages.append(f"{path}:{line}: {key}{shown}: {rule}")
    return "\n".join(messages)
