"""Keyed hashes: whoever reads a corpus cannot test whether it holds a text that he guesses."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum


class Domain(StrEnum):
    """What is hashed: equal bytes in different domains have different hashes."""

    CONTENT = "content"
    WORK = "work"
    PARALLEL = "parallel"
    GROUP = "group"
    FOLD = "fold"
    SHINGLE = "shingle"
    PARAGRAPH = "paragraph"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class ContentKey:
    """The key of a deployment, from a secret; HMAC-SHA256 under it.

    Attributes:
        secret: Keys the hashes of contents.
        pseudonyms: Keys the pseudonyms of personal information; empty where there are none.
    """

    secret: bytes = field(repr=False)
    pseudonyms: bytes = field(default=b"", repr=False)

    def digest(self, domain: Domain, value: str) -> bytes:
        """Return the 32 bytes for `value` in `domain`."""
        message = f"{domain.value}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, message, hashlib.sha256).digest()

    def name(self, domain: Domain, value: str) -> str:
        """Return the digest in hexadecimal."""
        return self.digest(domain, value).hex()

    def content_id(self, text: str) -> str:
        """Return the identity of a normalised, unredacted text."""
        return self.name(Domain.CONTENT, text)

    def seed(self, domain: Domain) -> int:
        """Return 64 bits for hashes that must be fast, and yet not those of a stranger."""
        return int.from_bytes(self.digest(domain, "seed")[:8], "big")

    @property
    def fingerprint(self) -> str:
        """Return a short name of the key, by which two corpora show that they share it."""
        return self.name(Domain.KEY, "")[:16]


def fraction(digest: str) -> float:
    """Return a hexadecimal digest as a number from 0 to below 1."""
    return int(digest[:13], 16) / 16**13
