"""Path patterns: which files of a package are meant, and what their names say.

`usr/share/doc/handbook/html/{edition}/{page}.html` matches one file per page and captures
`edition` and `page`; `{rest**}` captures across folders; `*` and `**` match without capturing.
The captured parts fill templates such as `handbook/{page}`.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(r"\{([a-z][a-z0-9_]*)(\*\*)?\}|(\*\*/)|(\*\*)|(\*)|(\?)")

BUILT_IN: Final = frozenset({"source", "path", "stem"})
"""What every template may use besides the captured parts."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the regular expression that a path pattern stands for.

    Raises:
        ValueError: the pattern is malformed.
    """
    if pattern.startswith("/") or ".." in pattern.split("/"):
        message = f"pattern {pattern!r}: is relative to the package, without a leading / or .."
        raise ValueError(message)
    names = [match.group(1) for match in _TOKEN.finditer(pattern) if match.group(1)]
    if len(names) != len(set(names)) or BUILT_IN & set(names):
        message = (
            f"pattern {pattern!r}: a name may stand once, and not be one of {sorted(BUILT_IN)}"
        )
        raise ValueError(message)
    parts, at = [], 0
    for match in _TOKEN.finditer(pattern):
        parts.append(_literal(pattern, pattern[at : match.start()]))
        parts.append(_expression(match))
        at = match.end()
    parts.append(_literal(pattern, pattern[at:]))
    return re.compile("".join(parts), re.DOTALL)


def names_in(pattern: str) -> frozenset[str]:
    """Return the names that a path pattern captures."""
    return frozenset(compiled(pattern).groupindex)


def matched(pattern: str, path: str) -> dict[str, str] | None:
    """Return what `pattern` captures from `path`; None if it does not match the whole path."""
    found = compiled(pattern).fullmatch(path)
    return None if found is None else found.groupdict()


def check_template(template: str, pattern: str) -> None:
    """Check that a template uses only what its pattern captures.

    Raises:
        ValueError: it does not.
    """
    known = names_in(pattern) | BUILT_IN
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        message = f"template {template!r}: {error}"
        raise ValueError(message) from error
    for _, name, spec, conversion in fields:
        if name is None:
            continue
        if name not in known or spec or conversion:
            message = (
                f"template {template!r}: {{{name}}} is not captured by {pattern!r}: "
                f"use one of {', '.join(sorted(known))}"
            )
            raise ValueError(message)


def filled(template: str, captured: dict[str, str], *, source: str, path: str) -> str:
    """Return a checked template with what was captured, the source's id, the path, its stem."""
    stem = path.rsplit("/", 1)[-1].split(".", 1)[0]
    return template.format_map({**captured, "source": source, "path": path, "stem": stem})


def _literal(pattern: str, text: str) -> str:
    if "{" in text or "}" in text:
        message = f"pattern {pattern!r}: a brace names a part: {{lower_case_name}}"
        raise ValueError(message)
    return re.escape(text)


def _expression(match: re.Match[str]) -> str:
    name, across, folders, anything, star, _ = match.groups()
    if name:
        return f"(?P<{name}>.+?)" if across else f"(?P<{name}>[^/]+?)"
    if folders:
        return "(?:.+/)?"
    if anything:
        return ".*"
    return "[^/]*" if star else "[^/]"
