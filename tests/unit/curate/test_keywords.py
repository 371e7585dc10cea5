"""Laws of lists of keywords: how they are read and pinned, and what rules make of hits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from hearth.curate.keywords.fold import fold
from hearth.curate.keywords.lists import merged, pin_lists, read_list
from hearth.curate.keywords.risks import Scheme, risks
from hearth.curate.keywords.section import (
    Hits,
    KeywordAction,
    KeywordRule,
    KeywordSection,
    hardest,
)
from hearth.curate.spec import CurateSection, CurateSpec
from hearth.errors import DataError
from hearth.lock import Lock

HEAD = "# version: 2026-11\n"
ENTRY = "禁词甲"


def test_a_list_is_read_by_category_folded_and_each_entry_once() -> None:
    text = HEAD + "[A.1.a]\n# a comment\nＡＢＣ 词\nabc  词\n\n[A.1.b]\n" + ENTRY
    found = read_list("x.txt", text.encode())
    assert found.version == "2026-11"
    assert found.entries == {"A.1.a": ["abc 词"], "A.1.b": [ENTRY]}
    table = HEAD + f'category,keyword,note\nA.1.a,"ab,c",x\nA.1.b,{ENTRY},\nA.1.b, ,\n'
    assert read_list("x.csv", table.encode("utf-8-sig")).entries == {
        "A.1.a": ["ab,c"],
        "A.1.b": [ENTRY],
    }
    assert merged([found, found]) == found.entries


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("x.txt", f"[a]\n{ENTRY}", "says no version"),
        ("x.txt", f"{HEAD}{ENTRY}", "x.txt:2: stands under no category"),
        ("x.txt", f"{HEAD}[a b]\n{ENTRY}", "x.txt:3: a category is made of"),
        ("x.txt", f"{HEAD}[a]\n{ENTRY * 30}", "1 to 64 characters"),
        ("x.txt", HEAD, "has no entry"),
        ("x.csv", f"{HEAD}a,b\n{ENTRY},x", "has no columns"),
    ],
)
def test_a_list_that_is_wrong_is_refused_and_no_entry_is_told(
    name: str, text: str, why: str
) -> None:
    with pytest.raises(DataError, match=why) as caught:
        read_list(name, text.encode())
    assert ENTRY not in str(caught.value)
    with pytest.raises(DataError, match="not UTF-8"):
        read_list(name, b"\xff")


def test_pins_follow_the_bytes_and_hold_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "keywords" / "house.txt"
    path.parent.mkdir()
    path.write_text(f"{HEAD}[A.1.a]\n{ENTRY}\n")
    section = KeywordSection(lists=("keywords/house.txt",), scheme=Scheme.GBT_45654_2025)
    [(pin, data)] = pin_lists(section, tmp_path)
    assert (pin.name, pin.version, pin.entries) == ("house.txt", "2026-11", 1)
    assert data == path.read_bytes()
    spec = CurateSpec.of(CurateSection(keywords=section), lists=[pin])
    assert ENTRY not in spec.model_dump_json()
    assert "keywords/house.txt" not in spec.model_dump_json()
    path.write_text(f"{HEAD}[A.1.a]\n{ENTRY}乙\n")
    [(other, _)] = pin_lists(section, tmp_path)
    assert other.sha256 != pin.sha256
    assert CurateSpec.of(CurateSection(keywords=section), lists=[other]) != spec


def test_a_category_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text(f"{HEAD}[gambling]\n{ENTRY}\n")
    section = KeywordSection(lists=("own.txt",), scheme=Scheme.GBT_45654_2025)
    with pytest.raises(DataError, match="gambling") as caught:
        pin_lists(section, tmp_path)
    assert ENTRY not in str(caught.value)
    assert pin_lists(section.model_copy(update={"categories": {"gambling": "赌博"}}), tmp_path)
    assert pin_lists(section.model_copy(update={"scheme": None}), tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        pin_lists(section.model_copy(update={"lists": ("gone.txt",)}), tmp_path)


def test_a_lock_without_lists_has_the_digest_that_it_always_had() -> None:
    fields = {"recipe": "r", "resolved": "2026-01-01T00:00:00Z", "sources": []}
    pin = {"name": "a", "version": "1", "sha256": "0" * 64, "bytes": 1, "entries": 1}
    bare = Lock.model_validate(fields)
    always = rfc8785.dumps({"recipe": "r", "sources": [], "tombstones": []})
    assert bare.digest == hashlib.sha256(always).hexdigest()
    assert Lock.model_validate({**fields, "lists": [pin]}).digest != bare.digest


@given(st.text(max_size=50))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    for spaced in (False, True):
        once = fold(text, spaced=spaced)
        assert fold(once, spaced=spaced) == once


def test_width_case_and_what_nobody_sees_make_no_difference() -> None:
    assert fold("ＶＰＮ\u200b\u00ad软\ufeff件") == fold("vpn软件")
    assert fold("关 键*词", spaced=True) == "关键词"
    assert fold("关 键*词") == "关 键*词"
    assert fold("key word", spaced=True) == "key word"


def test_the_first_rule_that_is_fulfilled_decides_and_the_hardest_action_is_taken() -> None:
    section = KeywordSection(
        rules=(
            KeywordRule(categories=("A.1",), action=KeywordAction.DROP, hits=5, distinct=2),
            KeywordRule(categories=("A.1", "own"), action=KeywordAction.FLAG),
            KeywordRule(action=KeywordAction.DROP, share=0.5),
        )
    )
    for hits, action in (
        (Hits("A.1.a", 5, 2, 0.0), KeywordAction.DROP),
        (Hits("A.1.a", 5, 1, 0.0), KeywordAction.FLAG),
        (Hits("A.10.a", 9, 9, 0.4), KeywordAction.COUNT),
        (Hits("own", 1, 1, 0.6), KeywordAction.FLAG),
        (Hits("A.2.a", 1, 1, 0.6), KeywordAction.DROP),
    ):
        assert section.action(hits) is action, hits
    assert hardest([KeywordAction.COUNT, KeywordAction.FLAG]) is KeywordAction.FLAG
    assert hardest([]) is KeywordAction.COUNT


def test_the_shipped_scheme_has_31_risks_in_five_sections() -> None:
    known = risks(Scheme.GBT_45654_2025)
    counts = [sum(r.section == name for r in known.risks.values()) for name in known.sections]
    assert counts == [8, 9, 5, 7, 2]
    assert not known.confirmed
