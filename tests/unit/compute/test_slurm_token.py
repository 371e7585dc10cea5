from __future__ import annotations

import base64
from typing import Any

import jwt
import pytest

from hearth.compute.slurm.token import TokenMint, sign
from hearth.errors import SpecError
from hearth.resources import SlurmRest

KEY = b"a key of at least thirty-two bytes"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def mint(clock: Clock, key: bytes = KEY, **changes: Any) -> TokenMint:
    rest = SlurmRest.model_validate({"url": "http://slurm.internal", **changes})
    return TokenMint("hearth", rest, lambda: key, clock)


def claims_of(headers: dict[str, str]) -> dict[str, Any]:
    options = {"verify_exp": False, "verify_iat": False}
    token = headers["X-SLURM-USER-TOKEN"]
    claims: dict[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"], options=options)
    return claims


def test_others_can_verify_what_we_sign() -> None:
    assert jwt.decode(sign({"sun": "火塘"}, KEY), KEY, algorithms=["HS256"]) == {"sun": "火塘"}


def test_a_token_names_its_user_and_its_end() -> None:
    clock = Clock()
    headers = mint(clock, token_seconds=600).headers()
    assert headers["X-SLURM-USER-NAME"] == "hearth"
    assert claims_of(headers) == {"sun": "hearth", "iat": 1_000_000, "exp": 1_000_600}


def test_pcs_gets_posix_claims_and_no_impersonation() -> None:
    headers = mint(Clock(), identity="claims", uid=1001, gid=1002).headers()
    assert set(headers) == {"X-SLURM-USER-TOKEN"}
    claims = claims_of(headers)
    assert (claims["sun"], claims["uid"], claims["gid"]) == ("hearth", 1001, 1002)
    assert set(claims["id"]) == {"gecos", "dir", "shell", "gids"}


def test_a_token_is_renewed_before_it_expires() -> None:
    clock = Clock()
    tokens = mint(clock, token_seconds=600)
    first = tokens.headers()
    clock.now += 299
    assert tokens.headers() == first
    clock.now += 2
    assert claims_of(tokens.headers())["exp"] == 1_000_901


def test_a_refused_token_is_not_used_again() -> None:
    clock = Clock()
    tokens = mint(clock)
    first = tokens.headers()
    clock.now += 60
    assert tokens.renew()
    assert tokens.headers() != first


def test_a_fresh_token_is_not_blamed() -> None:
    clock = Clock()
    tokens = mint(clock)
    first = tokens.headers()
    clock.now += 1
    assert not tokens.renew()
    assert tokens.headers() == first


def test_a_clock_that_was_set_back_does_not_keep_a_token() -> None:
    clock = Clock()
    tokens = mint(clock)
    tokens.headers()
    clock.now -= 7200
    assert claims_of(tokens.headers())["iat"] == 1_000_000 - 7200


def test_a_key_may_be_in_base64() -> None:
    headers = mint(Clock(), base64.b64encode(KEY), key_is_base64=True).headers()
    assert claims_of(headers)["sun"] == "hearth"
    with pytest.raises(SpecError, match="base64"):
        mint(Clock(), b"?", key_is_base64=True).headers()
