"""Debian packages: apt, as it is set up on this machine, without root and without its own state.

apt keeps lists of what an archive has. Hearth keeps its own, so that resolving neither needs root
nor depends on when somebody last ran an update.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from hearth.errors import DataError, SpecError, TransientError
from hearth.lock import PinnedFile, PinnedSource
from hearth.mirror.access import Access
from hearth.mirror.client import Answer, run
from hearth.mirror.fetching import VanishedError, Wanted, verified
from hearth.mirror.spec import DebianSource

_HELPER: Final = "/usr/lib/apt/apt-helper"
_NEEDS: Final = "sources of kind debian need Debian or Ubuntu with apt"
_URI: Final = re.compile(r"^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$", re.MULTILINE)
_MISSING: Final = re.compile(
    r"Unable to locate package \S+|Version '[^']*' for '[^']*' was not found"
    r"|Release '[^']*' for '[^']*' was not found|Can't find a source to download \S+"
    r"|Package '?\S+ has no installation candidate"
)


def resolve(sources: Sequence[DebianSource], access: Access, home: Path) -> list[PinnedSource]:
    """Return the pins of Debian sources, from the archive's own signed lists.

    Args:
        sources: the sources.
        access: which hosts are allowed.
        home: where apt's lists are kept between calls.

    Raises:
        DataError: the archive has no such package or version.
        PolicyViolation: an archive's host is not allowed.
        TransientError: an archive did not answer.
    """
    with _own_lists(home) as options:
        _check_archives(access, options)
        answer = run(
            ["apt-get", *options, "-o", "APT::Update::Error-Mode=any", "--quiet=2", "update"],
            needs=_NEEDS,
        )
        if answer.code:
            message = f"apt-get update: {answer.complaint}: is the archive reachable? try again"
            raise TransientError(message)
        return [
            _pin(source, access, line)
            for source, line in zip(sources, _lines(sources, options), strict=True)
        ]


def fetch(wanted: Wanted, folder: Path) -> Path:
    """Download a pinned package by apt's own transport, which also checks the hash.

    Raises:
        VanishedError: the archive no longer has this version.
        DataError: the bytes are not the pinned ones.
        TransientError: the archive did not answer.
    """
    wanted.access.check(wanted.address, wanted.source, named_by_index=True)
    local = folder / wanted.name
    answer = run(
        [
            _HELPER,
            *_state(folder / ".apt"),
            *_redirects(wanted.access),
            "download-file",
            wanted.address,
            str(local),
            f"SHA256:{wanted.sha256}",
        ],
        needs=_NEEDS,
    )
    if answer.code == 0:
        return verified(wanted, local)
    if "Hash Sum mismatch" in answer.errors:
        broken = local.with_name(local.name + ".FAILED")
        verified(wanted, broken)
    if re.search(r"\b(404|410)\s+(Not Found|Gone)", answer.errors):
        message = f"source {wanted.source}: {wanted.address}: is gone from the archive"
        raise VanishedError(message)
    message = f"source {wanted.source}: {wanted.address}: {answer.complaint}: try again later"
    raise TransientError(message)


def _lines(sources: Sequence[DebianSource], options: list[str]) -> list[re.Match[str]]:
    # One call reads apt's lists once; a package asked for twice would be answered once.
    packages = [source.package for source in sources]
    if len(set(packages)) == len(packages):
        answer = _uris([_request(source) for source in sources], options)
        found = {line.group(2).split("_")[0]: line for line in _URI.finditer(answer.output)}
        if answer.code == 0 and found.keys() >= set(packages):
            return [found[package] for package in packages]
    return [_line(source, options) for source in sources]


def _line(source: DebianSource, options: list[str]) -> re.Match[str]:
    answer = _uris([_request(source)], options)
    line = _URI.search(answer.output)
    if line is not None and answer.code == 0:
        return line
    missing = _MISSING.search(answer.errors)
    said = missing.group(0) if missing else answer.complaint or "no SHA-256 for it"
    message = (
        f"source {source.id}: debian package {_request(source)}: {said}: "
        "check package, version and suite against the archive that apt is set up with"
    )
    raise DataError(message)


def _request(source: DebianSource) -> str:
    if source.version:
        return f"{source.package}={source.version}"
    return f"{source.package}/{source.suite}" if source.suite else source.package


def _uris(requests: list[str], options: list[str]) -> Answer:
    sha256 = ("-o", "Acquire::ForceHash=SHA256")
    return run(["apt-get", *options, *sha256, "download", "--print-uris", *requests], needs=_NEEDS)


def _pin(source: DebianSource, access: Access, line: re.Match[str]) -> PinnedSource:
    address, name, size, sha256 = line.groups()
    access.check(address, source.id, named_by_index=True)
    # name_version_architecture.deb, the version with its epoch escaped.
    version = unquote(name.split("_")[1])
    if source.version and version != source.version:
        message = f"source {source.id}: asked for {source.version}, the archive answered {version}"
        raise DataError(message)
    pinned = PinnedFile(name=name, address=address, sha256=sha256, bytes=int(size))
    return PinnedSource(id=source.id, kind=source.kind, version=version, files=(pinned,))


def _check_archives(access: Access, options: list[str]) -> None:
    if access.configured_index:
        return
    answer = run(["apt-get", *options, "indextargets", "--format", "$(SITE)"], needs=_NEEDS)
    for site in sorted(set(answer.output.split())):
        access.check(site, "apt")


@contextmanager
def _own_lists(home: Path) -> Iterator[list[str]]:
    folder = home / "apt"
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    status = Path("/var/lib/dpkg/status")
    if not status.is_file():
        message = f"{status}: is not here: {_NEEDS}"
        raise SpecError(message)
    with (folder / "lock").open("w") as lock:
        # apt's own lock is off, because it would ask for root: one resolve at a time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield [*_state(folder), "-o", f"Dir::State::status={status}"]


def _state(folder: Path) -> list[str]:
    (folder / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    settings = (
        f"Dir::State={folder}",
        f"Dir::State::Lists={folder / 'lists'}",
        f"Dir::Cache={folder}",
        "Debug::NoLocking=1",
        "APT::Sandbox::User=",
    )
    return [part for setting in settings for part in ("-o", setting)]


def _redirects(access: Access) -> list[str]:
    # Where hosts are listed one by one, apt must not follow a redirect to another.
    if access.configured_index:
        return []
    return ["-o", "Acquire::http::AllowRedirect=false", "-o", "Acquire::https::AllowRedirect=false"]
