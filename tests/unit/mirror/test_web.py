from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from hearth.errors import DataError, PolicyViolation, TransientError
from hearth.mirror.access import Access
from hearth.mirror.fetching import VanishedError, Wanted
from hearth.mirror.spec import HttpSource
from hearth.mirror.web import check_hops, fetch, resolve

BODY = "些许文字".encode() * 1000
HERE = Access(allowed_hosts=("127.0.0.1",))


def wanted(url: str, body: bytes = BODY, limit: int = 1 << 20) -> Wanted:
    return Wanted("s", "f.txt", url, hashlib.sha256(body).hexdigest(), HERE, limit)


def source(url: str) -> HttpSource:
    rule = {"files": "*", "format": "text"}
    return HttpSource.model_validate(
        {"id": "s", "kind": "http", "licence": "MIT", "extract": [rule], "url": url}
    )


def test_a_file_is_fetched_and_checked(web: Any, tmp_path: Path) -> None:
    local = fetch(wanted(web.serve("/f", BODY)), tmp_path)
    assert local.read_bytes() == BODY


def test_a_redirect_within_the_list_is_followed(web: Any, tmp_path: Path) -> None:
    web.serve("/f", BODY)
    assert fetch(wanted(web.redirect("/moved", "/f")), tmp_path).read_bytes() == BODY


def test_a_redirect_to_a_foreign_host_is_refused_before_it_is_asked(
    web: Any, tmp_path: Path
) -> None:
    # The same server under a name that is not on the list: it would answer.
    foreign = web.url("/f", host="localhost")
    web.serve("/f", BODY)
    with pytest.raises(PolicyViolation, match="host localhost is not in policy"):
        fetch(wanted(web.redirect("/moved", foreign)), tmp_path)
    assert web.asked == ["/moved"]
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_are_refused_by_name_and_both_hashes(web: Any, tmp_path: Path) -> None:
    file = wanted(web.serve("/f", b"tampered"))
    with pytest.raises(DataError) as caught:
        fetch(file, tmp_path)
    assert "f.txt" in str(caught.value)
    assert hashlib.sha256(b"tampered").hexdigest() in str(caught.value)
    assert file.sha256 in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_download_cut_short_is_tried_again_later(web: Any, tmp_path: Path) -> None:
    url = web.serve("/f", BODY[:500], Content_Length=str(len(BODY)))
    with pytest.raises(TransientError):
        fetch(wanted(url), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_over_the_limit_is_not_read_to_its_end(web: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"limits\.package_bytes"):
        fetch(wanted(web.serve("/f", BODY), limit=100), tmp_path)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, VanishedError),
        (410, VanishedError),
        (403, DataError),
        (429, TransientError),
        (503, TransientError),
    ],
)
def test_an_answer_says_whether_to_try_again(
    web: Any, tmp_path: Path, status: int, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"HTTP {status}"):
        fetch(wanted(web.serve("/f", b"", status)), tmp_path)


def test_a_circle_of_redirects_ends(web: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="redirects"):
        fetch(wanted(web.redirect("/a", "/a")), tmp_path)


def test_nobody_there_is_tried_again_later(tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        fetch(wanted("http://127.0.0.1:9/f"), tmp_path)


def test_a_floating_address_is_pinned_to_what_lies_there(web: Any) -> None:
    pin = resolve(source(web.serve("/data/f.txt?x=1", BODY)), HERE, 1 << 20)
    assert pin.files[0].name == "f.txt"
    assert pin.files[0].sha256 == hashlib.sha256(BODY).hexdigest()
    assert pin.files[0].bytes == len(BODY)


def test_resolving_asks_no_host_that_is_not_listed(web: Any) -> None:
    with pytest.raises(PolicyViolation):
        resolve(source(web.url("/f", host="localhost")), HERE, 1 << 20)
    assert web.asked == []


def test_hops_of_other_clients_are_walked_without_reading(web: Any) -> None:
    web.serve("/f", BODY)
    check_hops("s", web.redirect("/fine", "/f"), HERE)
    with pytest.raises(PolicyViolation):
        check_hops("s", web.redirect("/foul", web.url("/f", host="localhost")), HERE)
