"""Whether Slurm answers, in the version that the profile names, and lets us in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx

from hearth.compute.slurm.commands import Commands
from hearth.compute.slurm.rest import refusal_in
from hearth.compute.slurm.token import TokenMint
from hearth.errors import HearthError, SpecError, TransientError
from hearth.preflight.finding import Finding, failed, passed, unknown
from hearth.profile import Profile
from hearth.resources import SlurmRest, SlurmSettings

_TIMEOUT: Final = 10.0
_OK: Final = 200
_NOT_FOUND: Final = 404
_UNAUTHORIZED: Final = frozenset({401, 403})
_UNSPECIFIED: Final = -1
_AUTHENTICATION: Final = frozenset({1007, 2002, 5005})
"""slurm/slurm_errno.h: authentication failed, access denied, the credential is invalid."""
_COMPARE: Final = (
    "compare the key with the controller's, the clocks, and compute.slurm.rest.identity"
)
_REFUSALS: Final = (
    "Permission denied", "Host key verification failed", "No such file", "uthentication",
    "nvalid user", "ccess denied",
)  # fmt: skip
"""What ssh, env, scontrol and munge say that waiting will not mend."""
_SHOWN: Final = 200
NAME: Final = "Slurm"

Get = Callable[[str, dict[str, str]], httpx.Response]


def slurm(profile: Profile, get: Get | None = None) -> Iterator[Finding]:
    """Whether Slurm answers to us, which it is, and whether jobs of several nodes could work.

    Args:
        profile: names the cluster.
        get: fetches a URL with headers; by default over the network.
    """
    settings = profile.compute.slurm
    if settings is None:
        return
    try:
        profile.compute.check()
    except SpecError as error:
        yield failed(NAME, "shared", str(error), "mount one file system on all nodes, and name it")
    if settings.rest is None:
        yield from _by_commands(settings)
        return
    key = profile.secrets.get(settings.rest.token_key)
    if key is None:
        yield failed(
            NAME, settings.rest.token_key, "the profile's `secrets` name no such key", "name it"
        )
        return
    yield from _rest(settings, settings.rest, key.read, get or _get)


def _by_commands(settings: SlurmSettings) -> Iterator[Finding]:
    login = settings.login
    way = f"{login.user}@{login.host}" if login else "this machine"
    commands = Commands(settings)
    try:
        version, nodes = commands.version(), commands.node_count()
    except TransientError as error:
        if any(words in str(error) for words in _REFUSALS):
            yield failed(
                NAME, way, str(error),
                "compare compute.slurm.login (user, key, known_hosts, environment) with the login "
                "node, and what Slurm knows of that user",
            )  # fmt: skip
        else:
            yield unknown(NAME, way, str(error), "is the cluster up, and reached from Airflow?")
        return
    partition = settings.partition or "its default partition"
    if not nodes:
        yield failed(
            NAME, partition, f"Slurm {version} has no nodes in it",
            "see `sinfo`, and correct compute.slurm.partition",
        )  # fmt: skip
        return
    yield passed(NAME, way, f"answers as Slurm {version}, and knows us; nodes: {nodes}")


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
            _COMPARE,
        )  # fmt: skip
    elif answer.status_code == _NOT_FOUND:
        yield failed(
            NAME, url, f"has no API {rest.api_version}",
            "see which it has at /openapi/v3, and correct compute.slurm.rest.api_version",
        )  # fmt: skip
    elif answer.status_code != _OK:
        yield _refusal(url, answer, settings.user)
    elif _no_controller(answer):
        yield unknown(
            NAME, url, f"answers{_release(answer)}, and its slurmctld does not",
            "start the controller, or look at its log",
        )  # fmt: skip
    else:
        yield passed(NAME, url, f"answers{_release(answer)}, and takes {settings.user}'s token")


def _refusal(url: str, answer: httpx.Response, user: str) -> Finding:
    number, words = refusal_in(_body(answer))
    said = words or " ".join(answer.text.split())[:_SHOWN] or "without a word"
    detail = f"answers {answer.status_code}: {said}"
    if number in _AUTHENTICATION:
        return failed(NAME, url, f"{detail}: it does not take the token of {user}", _COMPARE)
    fix = "look at slurmrestd's log"
    if number == _UNSPECIFIED:
        fix += f"; v0.0.38 says so of a bad token too: {_COMPARE}"
    return unknown(NAME, url, detail, fix)


def _no_controller(answer: httpx.Response) -> bool:
    pings = _body(answer).get("pings") or []
    return bool(pings) and all("DOWN" in {p.get("ping"), p.get("pinged")} for p in pings)


def _release(answer: httpx.Response) -> str:
    meta: dict[str, Any] = _body(answer).get("meta") or {}
    told = meta.get("slurm") or meta.get("Slurm") or {}
    return f" as Slurm {told['release']}" if told.get("release") else ""


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _get(url: str, headers: dict[str, str]) -> httpx.Response:
    return httpx.get(url, headers=headers, timeout=_TIMEOUT, trust_env=False)
