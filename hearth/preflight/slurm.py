"""Whether Slurm answers, in the version that the profile names, and lets us in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx

from hearth.compute.slurm.token import TokenMint
from hearth.errors import HearthError
from hearth.preflight.finding import Finding, failed, passed, unknown
from hearth.profile import Profile
from hearth.resources import SlurmRest, SlurmSettings

_TIMEOUT: Final = 10.0
_OK: Final = 200
_NOT_FOUND: Final = 404
_UNAUTHORIZED: Final = frozenset({401, 403})
NAME: Final = "Slurm"

Get = Callable[[str, dict[str, str]], httpx.Response]


def slurm(profile: Profile, get: Get | None = None) -> Iterator[Finding]:
    """Whether slurmrestd answers `ping` to a token of ours.

    Args:
        profile: names the cluster.
        get: fetches a URL with headers; by default over the network.
    """
    settings = profile.compute.slurm
    if settings is None:
        return
    if settings.rest is None:
        way = f"{settings.login.user}@{settings.login.host}" if settings.login else "this machine"
        yield unknown(
            NAME, way, "is asked by its commands when a job is submitted", "run `sinfo` there"
        )
        return
    key = profile.secrets.get(settings.rest.token_key)
    if key is None:
        yield failed(
            NAME, settings.rest.token_key, "the profile's `secrets` name no such key", "name it"
        )
        return
    yield from _rest(settings, settings.rest, key.read, get or _get)


def _rest(
    settings: SlurmSettings, rest: SlurmRest, key: Callable[[], bytes], get: Get
) -> Iterator[Finding]:
    url = f"{str(rest.url).rstrip('/')}/slurm/{rest.api_version}/ping"
    try:
        headers = TokenMint(settings.user, rest, key).headers()
    except HearthError as error:
        yield failed(NAME, rest.token_key, str(error), "put the key there")
        return
    try:
        answer = get(url, headers)
    except httpx.HTTPError as error:
        yield unknown(
            NAME, url, repr(error), "is the cluster up, and reached from where Airflow runs?"
        )
        return
    if answer.status_code in _UNAUTHORIZED:
        yield failed(
            NAME, url, f"refuses the token of {settings.user} with {answer.status_code}",
            "compare the key with the controller's, the clocks, and compute.slurm.rest.identity",
        )  # fmt: skip
    elif answer.status_code == _NOT_FOUND:
        yield failed(
            NAME, url, f"has no API {rest.api_version}",
            "see which it has at /openapi/v3, and correct compute.slurm.rest.api_version",
        )  # fmt: skip
    elif answer.status_code != _OK:
        yield unknown(NAME, url, f"answers {answer.status_code}", "look at slurmrestd's log")
    else:
        yield passed(NAME, url, f"answers{_release(answer)}, and takes {settings.user}'s token")


def _release(answer: httpx.Response) -> str:
    try:
        meta: dict[str, Any] = answer.json().get("meta", {})
    except ValueError:
        return ""
    told = meta.get("slurm") or meta.get("Slurm") or {}
    return f" as Slurm {told['release']}" if told.get("release") else ""


def _get(url: str, headers: dict[str, str]) -> httpx.Response:
    return httpx.get(url, headers=headers, timeout=_TIMEOUT, trust_env=False)
