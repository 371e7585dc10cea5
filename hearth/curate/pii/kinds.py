"""What can be found, and the placeholder that takes its place."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class PiiKind(StrEnum):
    """One kind of personal information or secret."""

    CN_RESIDENT_ID = "cn_resident_id"
    CN_USCC = "cn_uscc"
    CN_MOBILE = "cn_mobile"
    BANK_CARD = "bank_card"
    PASSPORT = "passport"
    EMAIL = "email"
    IPV4 = "ipv4"
    URL_CREDENTIALS = "url_credentials"
    PRIVATE_KEY = "private_key"
    ACCESS_KEY = "access_key"
    PASSWORD = "password"  # noqa: S105  the name of a kind, not a password

    @property
    def placeholder(self) -> str:
        """What redacted text shows in its place; no detector matches it."""
        return f"<{self.name}>"


class Span(NamedTuple):
    """Where something was found, as in `text[start:end]`: never the text itself."""

    start: int
    end: int
    kind: PiiKind
