"""Fetching: what is refused, what is fetched again, and what a killed mirror leaves behind."""

from __future__ import annotations

import hashlib
import signal
from datetime import UTC, datetime
from typing import Any

import pytest

from hearth.lock import Lock, PinnedFile, PinnedSource
from hearth.mirror.spec import MirrorSection

ONE, TWO = "一个故事。".encode() * 40, b"another story. " * 40


def section(*names: str) -> MirrorSection:
    rule = {"files": "*.txt", "format": "text"}
    sources = [
        {"id": n, "kind": "http", "licence": "CC0-1.0", "extract": [rule], "url": f"https://h/{n}"}
        for n in names
    ]
    return MirrorSection.model_validate({"sources": sources})


def lock(**files: tuple[str, bytes]) -> Lock:
    pins = []
    for name, (url, body) in files.items():
        file = PinnedFile(name="f.txt", address=url, sha256=hashlib.sha256(body).hexdigest())
        pins.append(PinnedSource(id=name, kind="http", version="1", files=(file,)))
    return Lock(recipe="test", resolved=datetime.now(UTC), sources=tuple(pins))


def test_a_second_mirror_downloads_nothing(mirror: Any, web: Any) -> None:
    pins = lock(one=(web.serve("/one", ONE), ONE))
    assert mirror.run(section("one"), pins)[0] == 0
    code, said, record = mirror.run(section("one"), pins, "again")
    assert code == 0, said
    assert record.metrics["downloaded_bytes"] == 0
    assert web.asked == ["/one"]


def test_a_pin_that_vanished_is_served_from_the_store(mirror: Any, web: Any) -> None:
    pins = lock(one=(web.serve("/one", ONE), ONE))
    assert mirror.run(section("one"), pins)[0] == 0
    web.answers.clear()
    assert mirror.run(section("one"), pins, "again")[0] == 0


def test_a_pin_that_vanished_unseen_is_an_error_that_names_it(mirror: Any, web: Any) -> None:
    code, said, record = mirror.run(section("one"), lock(one=(web.url("/one"), ONE)))
    assert (code, record) == (65, None)
    assert "is gone (HTTP 404)" in said
    assert "the lock pins 1, no artifact of ours holds it" in said


def test_a_damaged_copy_in_the_store_is_fetched_again(mirror: Any, web: Any) -> None:
    pins = lock(one=(web.serve("/one", ONE), ONE))
    mirror.store.put(f"cache/{hashlib.sha256(ONE).hexdigest()}", b"flipped")
    code, said, record = mirror.run(section("one"), pins)
    assert code == 0, said
    assert "it is fetched again" in said
    assert record.metrics["downloaded_bytes"] == len(ONE)


def test_a_redirect_to_a_foreign_host_ends_the_mirror(mirror: Any, web: Any) -> None:
    web.serve("/one", ONE)
    url = web.redirect("/moved", web.url("/one", host="localhost"))
    code, said, record = mirror.run(section("one"), lock(one=(url, ONE)))
    assert (code, record) == (65, None)
    assert "PolicyViolation: source one: host localhost is not in policy.allowed_hosts" in said
    assert web.asked == ["/moved"]


def test_other_bytes_end_the_mirror(mirror: Any, web: Any) -> None:
    code, said, record = mirror.run(section("one"), lock(one=(web.serve("/one", TWO), ONE)))
    assert (code, record) == (65, None)
    assert hashlib.sha256(ONE).hexdigest() in said
    assert hashlib.sha256(TWO).hexdigest() in said
    assert not mirror.store.exists(f"cache/{hashlib.sha256(ONE).hexdigest()}")


def test_a_download_cut_short_may_be_tried_again(mirror: Any, web: Any) -> None:
    url = web.serve("/one", ONE[:99], Content_Length=str(len(ONE)))
    assert mirror.run(section("one"), lock(one=(url, ONE)))[0] == 75
    web.serve("/one", ONE)
    assert mirror.run(section("one"), lock(one=(url, ONE)))[0] == 0


def test_a_killed_mirror_goes_on_with_what_it_had(mirror: Any, web: Any) -> None:
    pins = lock(one=(web.serve("/one", ONE), ONE), two=(web.serve("/two", TWO), TWO))
    gate = web.hold("/two")
    artifact, attempt = mirror.job(section("one", "two"), pins)
    process = mirror.start(attempt)
    assert gate.reached.wait(60)
    cached = f"cache/{hashlib.sha256(ONE).hexdigest()}"
    while not mirror.store.exists(cached):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert artifact.record() is None
    attempt.settle(_lost())
    gate.opened.set()
    code, said, record = mirror.run(section("one", "two"), pins)
    assert code == 0, said
    assert record.attempt == 2
    assert web.asked.count("/one") == 1
    assert {row["source"] for row in mirror.rows(record, "documents")} == {"one", "two"}


def _lost() -> Any:
    from hearth.attempt import Outcome, exit_of  # noqa: PLC0415 - for this one test

    return exit_of(Outcome.LOST, 137, "killed by the test")


@pytest.mark.network
def test_real_packages_are_mirrored_by_their_own_clients(mirror: Any) -> None:
    html = {"format": "html", "language": "zh"}
    asked = MirrorSection.model_validate(
        {
            "sources": [
                {
                    "id": "faq-zh",
                    "kind": "debian",
                    "package": "debian-faq-zh-cn",
                    "licence": "GPL-2.0-or-later",
                    "extract": [{**html, "files": "usr/share/doc/debian/FAQ/zh-cn/{page}.html"}],
                },
                {
                    "id": "trac",
                    "kind": "pypi",
                    "project": "Trac",
                    "version": "1.6",
                    "licence": "BSD-3-Clause",
                    "extract": [
                        {
                            "files": "trac/wiki/default-pages/{page}",
                            "exclude": ["**/*.py"],
                            "format": "text",
                            "language": "en",
                        }
                    ],
                },
            ]
        }
    )
    code, said, record = mirror.run(asked, mirror.lock(asked, mirror.folder))
    assert code == 0, said
    languages = record.metrics["languages"]
    assert languages["zh"]["characters"] > 50_000
    assert languages["en"]["characters"] > 300_000
    names = {output.name for output in record.outputs}
    assert "licences/faq-zh/usr/share/doc/debian-faq-zh-cn/copyright" in names
    assert any(name.startswith("licences/trac/Trac-1.6.dist-info/") for name in names)
