"""Wheels from the Python package index that pip is set up with. Nothing of them is executed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import unquote, urlsplit

from hearth.errors import DataError, TransientError
from hearth.lock import PinnedFile, PinnedSource
from hearth.mirror.access import Access
from hearth.mirror.client import Answer, run
from hearth.mirror.fetching import VanishedError, Wanted, matching, verified
from hearth.mirror.spec import PypiSource
from hearth.mirror.web import check_hops

NEEDS: Final = "this environment has no Python of its own"
_DEFAULT_INDEX: Final = "https://pypi.org/simple"
_QUIET: Final = ("--quiet", "--no-input", "--disable-pip-version-check")
_WHEELS: Final = ("--no-deps", "--only-binary", ":all:")
_INDEXES: Final = re.compile(r"^\S*?\.(index-url|extra-index-url|find-links)='(.*)'$", re.MULTILINE)
_GOT: Final = re.compile(r"Got\s+([0-9a-f]{64})")


def resolve(source: PypiSource, access: Access) -> PinnedSource:
    """Return the pin of a wheel: version, address and SHA-256 as the index states them.

    Raises:
        DataError: the index has no such wheel.
        PolicyViolation: the index, or the host of the wheel, is not allowed.
        TransientError: the index did not answer.
    """
    check_index(source.id, access)
    wanted = source.project + (f"=={source.version}" if source.version else "")
    with TemporaryDirectory(prefix="hearth-pip-") as target:
        # --target: an environment that its distribution manages refuses even a rehearsal without.
        answer = run(
            [
                *pip("install"), *_WHEELS, "--dry-run", "--ignore-installed",
                "--target", target, "--report", "-", wanted,
            ],
            needs=NEEDS,
        )  # fmt: skip
    if answer.code:
        what = f"source {source.id}: pypi project {wanted}"
        raise failure(what, answer)
    try:
        item = json.loads(answer.output)["install"][0]
        download, version = item["download_info"], item["metadata"]["version"]
        url, hashes = download["url"], download["archive_info"].get("hashes", {})
    except (ValueError, LookupError) as error:
        message = f"source {source.id}: pip's report cannot be read ({error}): pip 22.2 is needed"
        raise DataError(message) from error
    access.check(url, source.id, named_by_index=True)
    if "sha256" not in hashes:
        message = f"source {source.id}: the index states no SHA-256 for {url}: use another index"
        raise DataError(message)
    name = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    pinned = PinnedFile(name=name, address=url.split("#")[0], sha256=hashes["sha256"])
    return PinnedSource(id=source.id, kind=source.kind, version=version, files=(pinned,))


def fetch(wanted: Wanted, folder: Path) -> Path:
    """Download a pinned wheel by pip, which also checks the hash.

    Raises:
        VanishedError: the index no longer has it.
        DataError: the bytes are not the pinned ones.
        TransientError: the index did not answer.
    """
    wanted.access.check(wanted.address, wanted.source, named_by_index=True)
    if not wanted.access.configured_index:
        # pip follows redirects by itself, so they are walked before it may.
        check_hops(wanted.source, wanted.address, wanted.access)
    project = wanted.name.split("-")[0]
    answer = run(
        [
            *pip("download"), *_WHEELS, "--dest", folder,
            f"{project} @ {wanted.address}#sha256={wanted.sha256}",
        ],
        needs=NEEDS,
    )  # fmt: skip
    local = folder / wanted.name
    if answer.code == 0 and local.is_file():
        return verified(wanted, local)
    if "DO NOT MATCH THE HASHES" in answer.errors.upper():
        got = _GOT.search(answer.errors)
        return matching(wanted, got.group(1) if got else "another", local)
    if re.search(r"\b(404|410) (Client Error|Not Found|Gone)", answer.errors):
        message = f"source {wanted.source}: {wanted.address}: is gone from the index"
        raise VanishedError(message)
    what = f"source {wanted.source}: {wanted.address}"
    raise failure(what, answer)


def pip(command: str) -> list[str]:
    """Return the beginning of a command line of pip's."""
    return [sys.executable, "-m", "pip", command, *_QUIET]


def check_index(source: str, access: Access) -> None:
    """Check that the indexes which pip is set up with are allowed.

    Raises:
        PolicyViolation: one is not.
    """
    if access.configured_index:
        return
    answer = run([sys.executable, "-m", "pip", "config", "list"], needs=NEEDS)
    named = dict(_INDEXES.findall(answer.output))
    named.setdefault("index-url", _DEFAULT_INDEX)
    for address in " ".join(named.values()).replace("\\n", " ").split():
        access.check(address if "://" in address else f"file://{address}", source)


def failure(what: str, answer: Answer) -> DataError | TransientError:
    """Return the error that pip's complaint amounts to."""
    said = answer.complaint
    if re.search(r"No matching distribution|from versions:|not a supported wheel", said):
        message = f"{what}: {said}: check project and version; only wheels are taken"
        return DataError(message)
    return TransientError(f"{what}: {said or 'pip failed'}: try again later")
