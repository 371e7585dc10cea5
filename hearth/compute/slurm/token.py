"""Tokens for slurmrestd: minted here from the cluster's key, and renewed before they expire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from hearth.errors import SpecError
from hearth.resources import SlurmIdentity, SlurmRest

_RENEW_SHARE: Final = 0.5  # of its life, after which a token is not handed out any more
_FRESH: Final = 10.0  # seconds
_HEADER: Final = {"alg": "HS256", "typ": "JWT"}


class TokenMint:
    """The tokens of one user."""

    def __init__(
        self,
        user: str,
        rest: SlurmRest,
        read_key: Callable[[], bytes],
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Mint nothing yet.

        Args:
            user: who asks.
            rest: how long tokens live and what they say.
            read_key: returns the secret; asked for each token, so that a rotated key is found.
            clock: the time in seconds since 1970; by default this machine's.
        """
        self._user = user
        self._rest = rest
        self._read_key = read_key
        self._clock = clock or time.time
        self._lock = threading.Lock()
        self._token, self._minted, self._renew_at = "", 0.0, 0.0

    def headers(self) -> dict[str, str]:
        """Return the headers of a request.

        Raises:
            TransientError: the key's keeper does not answer.
        """
        with self._lock:
            now = self._clock()
            # A clock set back makes a token older than it looks.
            if not now < self._renew_at <= now + self._rest.token_seconds:
                self._token = sign(self._claims(int(now)), self._key())
                self._minted = now
                self._renew_at = now + self._rest.token_seconds * _RENEW_SHARE
            token = self._token
        if self._rest.identity is SlurmIdentity.CLAIMS:
            return {"X-SLURM-USER-TOKEN": token}
        return {"X-SLURM-USER-TOKEN": token, "X-SLURM-USER-NAME": self._user}

    def renew(self) -> bool:
        """Drop a token that was perhaps refused; say whether the next one differs.

        Slurm answers many a trouble as it answers a bad token: a fresh one is not to blame.
        """
        with self._lock:
            age = self._clock() - self._minted
            if 0 <= age < _FRESH:
                return False
            self._renew_at = 0.0
            return True

    def _key(self) -> bytes:
        raw = self._read_key()
        if not self._rest.key_is_base64:
            return raw
        try:
            return base64.b64decode(raw, validate=True)
        except ValueError as error:
            message = f"secret {self._rest.token_key}: is not base64: set key_is_base64: false"
            raise SpecError(message) from error

    def _claims(self, now: int) -> dict[str, Any]:
        claims: dict[str, Any] = {
            "iat": now,
            "exp": now + self._rest.token_seconds,
            "sun": self._user,
        }
        if self._rest.identity is SlurmIdentity.CLAIMS:
            # https://docs.aws.amazon.com/pcs/latest/userguide/slurm-rest-api-authenticate.html
            claims |= {
                "uid": self._rest.uid,
                "gid": self._rest.gid,
                "id": {
                    "gecos": self._user,
                    "dir": f"/home/{self._user}",
                    "shell": "/bin/bash",
                    "gids": [self._rest.gid],
                },
            }
        return claims


def sign(claims: dict[str, Any], key: bytes) -> str:
    """Return a JSON Web Token (RFC 7519) over `claims`, signed with HMAC-SHA-256."""
    signed = b".".join(_encode(json.dumps(part).encode()) for part in (_HEADER, claims))
    return b".".join((signed, _encode(hmac.digest(key, signed, hashlib.sha256)))).decode()


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
