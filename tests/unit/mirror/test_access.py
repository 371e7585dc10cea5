from __future__ import annotations

import pytest
from pydantic import ValidationError

from hearth.errors import PolicyViolation
from hearth.mirror.access import Access


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("data.example.org", "https://data.example.org/x", True),
        ("data.example.org", "https://DATA.example.org./x", True),
        ("data.example.org", "https://data.example.org.evil.net/x", False),
        ("data.example.org", "https://data.example.org@evil.net/x", False),
        ("*.example.org", "https://a.b.example.org/x", True),
        ("*.example.org", "https://badexample.org/x", False),
        ("localhost:8080", "http://localhost:8080/x", True),
        ("localhost:8080", "http://localhost:9090/x", False),
        ("Data.Example.org", "https://data.example.org/x", True),
        ("configured-index", "https://configured-index/x", False),
        ("data.example.org", "file:///etc/passwd", False),
        ("data.example.org", "ftp://data.example.org/x", False),
    ],
)
def test_a_host_is_allowed_only_if_it_is_listed(entry: str, url: str, *, allowed: bool) -> None:
    access = Access(allowed_hosts=(entry,))
    if allowed:
        access.check(url, "s")
    else:
        with pytest.raises(PolicyViolation, match="allowed_hosts"):
            access.check(url, "s")


def test_the_configured_index_covers_only_what_the_index_named() -> None:
    access = Access(allowed_hosts=("configured-index",))
    access.check("https://mirror.example.org/p.whl", "s", named_by_index=True)
    with pytest.raises(PolicyViolation, match=r"host mirror\.example\.org is not in"):
        access.check("https://mirror.example.org/p.whl", "s")


def test_without_the_entry_an_index_gets_no_exception() -> None:
    with pytest.raises(PolicyViolation, match="add it to the profile"):
        Access(allowed_hosts=()).check("https://mirror.example.org/p", "s", named_by_index=True)


@pytest.mark.parametrize("entry", ["https://a.org", "*", "", "user@a.org"])
def test_an_entry_is_a_host(entry: str) -> None:
    with pytest.raises(ValidationError, match="allowed host"):
        Access(allowed_hosts=(entry,))
