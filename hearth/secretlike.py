"""What looks like a secret: a guard against pasting one where everybody can read it."""

from __future__ import annotations

import re
from typing import Any, Final

PATTERN: Final = (
    r"(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|gh[pousr]_[A-Za-z0-9]{20}|github_pat_|glpat-|hf_[A-Za-z0-9]{20}|sk-[A-Za-z0-9_-]{20}"
    r"|xox[abprs]-|eyJ[A-Za-z0-9_-]{10,}\."
    r"|(?:[Pp]ass(?:word|wd)?|PASSWORD|[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Aa]pi[_-]?[Kk]ey)\s*[=:]"
    r"|://[^/\s:@]+:[^/\s@]+@"
    r"|[A-Za-z0-9+/_=-]{40,}"
)
"""Known prefixes of keys, private keys, `name=value` pairs, passwords in addresses, and any run of
40 or more characters of base64: no value that a trigger takes is that long.

Without flags inside, so that JSON Schema, Python and a browser read it alike.
"""

_PATTERN: Final = re.compile(PATTERN)


def looks_like_a_secret(value: Any) -> bool:
    """Whether a value, or anything inside it, looks like a secret."""
    if isinstance(value, str):
        return _PATTERN.search(value) is not None
    if isinstance(value, dict):
        return any(looks_like_a_secret(part) for pair in value.items() for part in pair)
    if isinstance(value, (list, tuple)):
        return any(looks_like_a_secret(part) for part in value)
    return False
