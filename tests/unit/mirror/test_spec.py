from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from hearth.artifact import fingerprint
from hearth.errors import SpecError
from hearth.lock import Lock, PinnedFile, PinnedSource
from hearth.mirror.spec import CONTRACT, FetchPlan, MirrorSection, MirrorSpec, PinFile
from hearth.model import Stage

RULE = {"files": "{page}.txt", "format": "text"}
DEBIAN = {
    "id": "faq",
    "kind": "debian",
    "package": "debian-faq",
    "licence": "GPL-2.0-or-later",
    "extract": [RULE],
}


def section(**changes: Any) -> MirrorSection:
    return MirrorSection.model_validate({"sources": [DEBIAN | changes]})


def lock(address: str = "https://a.example.org/f.deb", sha: str = "a" * 64) -> Lock:
    file = PinnedFile(name="f.deb", address=address, sha256=sha)
    pin = PinnedSource(id="faq", kind="debian", version="1", files=(file,))
    return Lock(recipe="r", resolved=datetime.now(UTC), sources=(pin,))


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"kind": "ftp"},
        {"licence": ""},
        {"extract": []},
        {"id": "Has Space"},
        {"package": "-oAPT::Update::Pre-Invoke=x"},
        {"version": "1", "suite": "bookworm"},
        {"version": "--help"},
        {"kind": "pypi", "project": "x --index-url y"},
        {"extract": [RULE | {"work": "{chapter}"}]},
        {"extract": [RULE | {"files": "../{page}"}]},
        {"extract": [RULE | {"encoding": "utf-7"}]},
    ],
)
def test_a_wrong_source_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        section(**changes)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.org/x",
        "https:///x",
        "https://user:word@a.org/x",
        "http://a.org/unpinned",
        "file:///etc/passwd",
    ],
)
def test_an_unsafe_address_is_refused(url: str) -> None:
    source = {"id": "x", "kind": "http", "licence": "MIT", "extract": [RULE], "url": url}
    with pytest.raises(ValidationError):
        MirrorSection.model_validate({"sources": [source]})


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="faq stands twice"):
        MirrorSection.model_validate({"sources": [DEBIAN, DEBIAN]})


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "a//b"])
def test_a_pinned_file_stays_in_its_folder(name: str) -> None:
    with pytest.raises(ValidationError, match="plain relative path"):
        PinFile(name=name, sha256="a" * 64)


def identity(spec: MirrorSpec) -> str:
    return fingerprint(Stage.MIRROR, CONTRACT, spec.model_dump(mode="json"), {})


def test_where_the_bytes_lie_does_not_affect_identity() -> None:
    here = MirrorSpec.of(section(), lock("https://a.example.org/f.deb"))
    there = MirrorSpec.of(section(), lock("https://b.example.org/f.deb"))
    assert identity(here) == identity(there)


def test_other_bytes_are_another_mirror() -> None:
    assert identity(MirrorSpec.of(section(), lock(sha="a" * 64))) != identity(
        MirrorSpec.of(section(), lock(sha="b" * 64))
    )


def test_a_lock_without_the_source_is_refused() -> None:
    with pytest.raises(SpecError, match="resolve again"):
        MirrorSpec.of(section(id="other"), lock())


def test_the_fetch_plan_has_the_addresses_and_the_policy() -> None:
    plan = FetchPlan.of(lock(), ("a.example.org",))
    assert plan.addresses == {"faq": {"f.deb": "https://a.example.org/f.deb"}}
    assert plan.access.allowed_hosts == ("a.example.org",)
