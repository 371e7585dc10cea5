"""Synthetic requests: one client that asks for completions and times the answers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from hearth.model import FrozenModel
from hearth.rollout.traffic import Traffic

MODEL: Final = "hearth"
"""What clients call the model, whichever version answers."""
VERSION_HEADER: Final = "X-Hearth-Version"
_OK: Final = 200


class Answer(FrozenModel):
    """What came back for one prompt."""

    seconds: float
    text: str | None = None
    version: str | None = None
    error: str | None = None


class Probe:
    """Asks one server, always the same way, prompt after prompt."""

    def __init__(self, url: str, prompts: tuple[str, ...], timeout: float) -> None:
        """Name the server.

        Args:
            url: its base URL.
            prompts: asked in turn, round and round.
            timeout: seconds after which a request has failed.
        """
        self._url = url.rstrip("/")
        self._prompts = itertools.cycle(prompts)
        # Proxies of the environment are for the outside, never for an endpoint of one's own.
        self._client = httpx.Client(timeout=timeout, trust_env=False)

    def ask(self, tokens: int, prompt: str | None = None) -> Answer:
        """Ask for a completion; failing is an answer too.

        Args:
            tokens: how many, at most.
            prompt: by default the next in turn.
        """
        body = {
            "model": MODEL,
            "prompt": prompt if prompt is not None else next(self._prompts),
            "max_tokens": tokens,
            "temperature": 0.8,
            "seed": 1,
        }
        start = time.monotonic()
        try:
            response = self._client.post(f"{self._url}/v1/completions", json=body)
        except httpx.HTTPError as error:
            seconds = time.monotonic() - start
            return Answer(seconds=seconds, error=f"{type(error).__name__}: {error}")
        seconds = time.monotonic() - start
        version = response.headers.get(VERSION_HEADER)
        if response.status_code != _OK:
            message = f"HTTP {response.status_code}: {response.text[:200]}"
            return Answer(seconds=seconds, version=version, error=message)
        try:
            text = str(response.json()["choices"][0]["text"])
        except (ValueError, LookupError, TypeError) as error:
            message = f"not a completion ({type(error).__name__}): {response.text[:200]}"
            return Answer(seconds=seconds, version=version, error=message)
        return Answer(seconds=seconds, text=text, version=version)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@contextmanager
def probing(url: str, prompts: tuple[str, ...], timeout: float) -> Iterator[Probe]:
    """Open a probe for a while."""
    probe = Probe(url, prompts, timeout)
    try:
        yield probe
    finally:
        probe.close()


def traffic_of(answers: list[Answer]) -> Traffic:
    """Count answers as traffic."""
    good = [answer.seconds for answer in answers if answer.error is None]
    return Traffic.of(good, failures=len(answers) - len(good))
