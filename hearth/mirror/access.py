"""The allow-list: which hosts sources may be fetched from.

Every address is checked before a byte is asked of it, and so is every redirect. The entry
`configured-index` stands for what pip and apt are set up with on this machine: their indexes are
mirrors as often as not, and what an index names is bound to it by the hash that it states.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from hearth.errors import PolicyViolation
from hearth.model import FrozenModel

CONFIGURED_INDEX: Final = "configured-index"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Access(FrozenModel):
    """The hosts that a profile's policy allows."""

    allowed_hosts: tuple[str, ...] = Field(
        default=(CONFIGURED_INDEX,),
        description="`host`, `host:port`, `*.domain` or `configured-index`.",
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _lower_case(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if "/" in host or "@" in host or host in {"", "*", "*."}:
                message = f"allowed host {host!r}: write a host name, host:port or *.domain"
                raise ValueError(message)
        return tuple(host.lower() for host in hosts)

    @property
    def configured_index(self) -> bool:
        """Whether the indexes this machine is set up with are allowed, whatever their hosts."""
        return CONFIGURED_INDEX in self.allowed_hosts

    def check(self, url: str, source: str, *, named_by_index: bool = False) -> None:
        """Check that `source` may be fetched from `url`.

        Args:
            url: an address, or where one redirects to.
            source: the id of the source, for the message.
            named_by_index: whether the machine's own package index named this address.

        Raises:
            PolicyViolation: it may not.
        """
        if named_by_index and self.configured_index:
            return
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"}:
            message = (
                f"source {source}: {url}: policy.allowed_hosts covers http and https only, "
                f"not {parts.scheme or 'an address without a scheme'}"
            )
            raise PolicyViolation(message)
        host = (parts.hostname or "").rstrip(".")
        if not any(_fits(entry, host, parts.port) for entry in self.allowed_hosts):
            allowed = ", ".join(self.allowed_hosts) or "none"
            message = (
                f"source {source}: host {host or url} is not in policy.allowed_hosts ({allowed}):"
                " add it to the profile if data may come from there, or use another source"
            )
            raise PolicyViolation(message)


def _fits(entry: str, host: str, port: int | None) -> bool:
    if entry == CONFIGURED_INDEX or not host:
        return False
    if entry.startswith("*."):
        return host.endswith(entry[1:])
    return entry in {host, f"{host}:{port}"}
