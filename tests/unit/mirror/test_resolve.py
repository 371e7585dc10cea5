from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hearth.errors import DataError, PolicyViolation, SpecError
from hearth.lock import Lock, diff
from hearth.mirror import client
from hearth.mirror.access import Access
from hearth.mirror.resolve import resolve
from hearth.mirror.spec import MirrorSection

RULE = {"files": "*", "format": "text"}


def sources(*items: dict[str, object]) -> MirrorSection:
    named = [
        {"id": f"s{n}", "licence": "MIT", "extract": [RULE], **item} for n, item in enumerate(items)
    ]
    return MirrorSection.model_validate({"sources": named})


def lock(section: MirrorSection, home: Path, *hosts: str) -> Lock:
    access = Access(allowed_hosts=hosts or ("configured-index",))
    return resolve("r", section.sources, access=access, home=home / "home", base=home)


def test_a_lock_has_every_source_by_name(tmp_path: Path) -> None:
    for name in "ba":
        (tmp_path / name).write_text(name)
    section = sources({"kind": "file", "path": "b"}, {"kind": "file", "path": "a"})
    one = lock(section, tmp_path)
    assert [pin.id for pin in one.sources] == ["s0", "s1"]
    assert not diff(one, lock(section, tmp_path))


def test_the_first_error_of_a_source_is_raised(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="source s0"):
        lock(sources({"kind": "file", "path": "nowhere"}), tmp_path)


def test_a_client_that_is_not_there_is_a_wrong_machine() -> None:
    with pytest.raises(SpecError, match="needs apt"):
        client.run(["no-such-client"], needs="it needs apt")


def test_clients_are_run_without_a_shell() -> None:
    answer = client.run([sys.executable, "-c", "import sys; print(sys.argv[1])", "$(id)"], needs="")
    assert answer.output == "$(id)\n"


def test_an_index_outside_the_list_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(PolicyViolation, match="allowed_hosts"):
        lock(sources({"kind": "pypi", "project": "Trac"}), tmp_path, "data.example.org")


def test_an_archive_outside_the_list_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises((PolicyViolation, SpecError)):
        lock(sources({"kind": "debian", "package": "debian-faq"}), tmp_path, "data.example.org")


@pytest.mark.network
def test_floating_sources_are_pinned_by_their_registries(tmp_path: Path) -> None:
    section = sources(
        {"kind": "debian", "package": "debian-faq-zh-cn"},
        {"kind": "debian", "package": "maint-guide-zh-cn"},
        {"kind": "pypi", "project": "Trac", "version": "1.6"},
    )
    pins = lock(section, tmp_path).sources
    assert [pin.files[0].name.split("_")[0].split("-1")[0] for pin in pins] == [
        "debian-faq-zh-cn",
        "maint-guide-zh-cn",
        "Trac",
    ]
    assert all(len(pin.files[0].sha256) == 64 for pin in pins)


@pytest.mark.network
@pytest.mark.parametrize(
    "item",
    [
        {"kind": "debian", "package": "no-such-package-anywhere"},
        {"kind": "debian", "package": "debian-faq", "version": "0.0.1"},
        {"kind": "pypi", "project": "Trac", "version": "0.0.0.1"},
    ],
)
def test_what_a_registry_does_not_have_is_named(tmp_path: Path, item: dict[str, object]) -> None:
    with pytest.raises(DataError, match=r"source s0: .*check"):
        lock(sources(item), tmp_path)
