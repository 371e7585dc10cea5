"""Sources by address: httpx; every redirect is checked before it is followed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from urllib.parse import unquote, urlsplit

import httpx

from hearth.errors import DataError, TransientError
from hearth.lock import PinnedFile, PinnedSource
from hearth.mirror.access import Access
from hearth.mirror.fetching import VanishedError, Wanted, matching
from hearth.mirror.spec import HttpSource

HOPS: Final = 10
_CHUNK: Final = 1 << 20
_TIMEOUT: Final = httpx.Timeout(30.0, read=60.0)
_GONE: Final = frozenset({404, 410})
_LATER: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500


def resolve(source: HttpSource, access: Access, limit: int) -> PinnedSource:
    """Return the pin of a source; a floating one is read once to learn what lies there.

    Raises:
        PolicyViolation: its host, or one that it redirects to, is not allowed.
    """
    access.check(source.url, source.id)
    sha256, size = source.sha256, None
    if sha256 is None:
        sha256, size = _streamed(source.id, source.url, access, limit, None)
    name = unquote(urlsplit(source.url).path).rsplit("/", 1)[-1] or "index.html"
    return PinnedSource(
        id=source.id,
        kind=source.kind,
        version=f"sha256-{sha256[:12]}",
        files=(PinnedFile(name=name, address=source.url, sha256=sha256, bytes=size),),
    )


def fetch(wanted: Wanted, folder: Path) -> Path:
    """Download a pinned file, hashing as it streams; nothing is left behind if it is wrong.

    Raises:
        PolicyViolation: a redirect leads to a host that is not allowed.
        VanishedError: it is gone.
        DataError: the bytes are not the pinned ones.
        TransientError: the server or the network failed, or the download was cut short.
    """
    local = folder / Path(wanted.name).name
    try:
        with local.open("wb") as file:
            got, _ = _streamed(wanted.source, wanted.address, wanted.access, wanted.limit, file)
        return matching(wanted, got, local)
    except BaseException:
        local.unlink(missing_ok=True)
        raise


def check_hops(source: str, url: str, access: Access) -> None:
    """Follow an address's redirects without reading what is there, checking every host.

    For clients that follow redirects by themselves.
    """
    with _answer(source, url, access, method="HEAD"):
        pass


def _streamed(
    source: str, url: str, access: Access, limit: int, file: IO[bytes] | None
) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with _answer(source, url, access) as response:
        # The bytes as they were sent: a server's own compression would change their hash.
        for chunk in response.iter_raw(_CHUNK):
            size += len(chunk)
            if size > limit:
                message = (
                    f"source {source}: {url} has over limits.package_bytes = {limit}: "
                    "raise it if that is meant"
                )
                raise DataError(message)
            digest.update(chunk)
            if file is not None:
                file.write(chunk)
    return digest.hexdigest(), size


@contextmanager
def _answer(source: str, url: str, access: Access, method: str = "GET") -> Iterator[httpx.Response]:
    try:
        with httpx.Client(
            follow_redirects=False, timeout=_TIMEOUT, headers={"Accept-Encoding": "identity"}
        ) as client:
            for _ in range(HOPS):
                access.check(url, source)
                with client.stream(method, url) as response:
                    if response.next_request is None:
                        _refuse_errors(source, url, response.status_code)
                        yield response
                        return
                    target = str(response.next_request.url)
                    if url.startswith("https:") and not target.startswith("https:"):
                        message = f"source {source}: {url} redirects to plain {target}: refused"
                        raise DataError(message)
                    url = target
    except httpx.InvalidURL as error:
        message = f"source {source}: {url}: is not an address: {error}"
        raise DataError(message) from error
    except httpx.HTTPError as error:
        message = f"source {source}: {url}: {type(error).__name__}: {error}: try again later"
        raise TransientError(message) from error
    message = f"source {source}: {url}: more than {HOPS} redirects: is the address right?"
    raise DataError(message)


def _refuse_errors(source: str, url: str, status: int) -> None:
    if status in _GONE:
        message = f"source {source}: {url}: is gone (HTTP {status})"
        raise VanishedError(message)
    if status in _LATER or status >= _SERVER_ERROR:
        message = f"source {source}: {url}: HTTP {status}: try again later"
        raise TransientError(message)
    if not httpx.codes.is_success(status):
        message = f"source {source}: {url}: HTTP {status}: check the address and who may read it"
        raise DataError(message)
