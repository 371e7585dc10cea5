"""Laws of what becomes of personal information."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hearth.curate.pii.kinds import DataClass, PiiAction, PiiKind, Span
from hearth.curate.pii.policy import Treatment, mask, pseudonym
from hearth.curate.pii.redact import detect, redact
from hearth.curate.pii.section import PiiRule, PiiSection
from hearth.errors import SpecError
from tests.unit.curate.pii.score import documents

KEY = b"a key of pseudonyms, of a test"
TEXT = "姓名：张伟，电话13912345678，邮箱zhang.wei@mail.example.cn，密码：Happy@2870。"
LETTERS = [(document["text"], document["spans"]) for document in documents()][::7]


def section(**fields: object) -> PiiSection:
    return PiiSection.model_validate(fields)


def test_by_default_everything_is_redacted() -> None:
    treat = Treatment(PiiSection())
    assert treat(TEXT).text == (
        "姓名：<PERSON_NAME>，电话<CN_MOBILE>，邮箱<EMAIL>，密码：<PASSWORD>。"
    )
    for text, _ in LETTERS:
        assert treat(text).text == redact(text, detect(text))


def test_the_first_rule_that_selects_decides() -> None:
    chosen = section(
        action="mask",
        rules=[
            {"kinds": ["email"], "sources": ["letters"], "action": "keep"},
            {"classes": ["contact"], "jurisdictions": ["EU"], "action": "pseudonymise"},
            {"classes": ["contact"], "action": "redact"},
            {"sources": ["tickets"], "action": "drop"},
        ],
        jurisdictions={"letters": "CN", "mail": "EU"},
    )
    decided = {
        (kind, source): chosen.decide(PiiKind(kind), source).value
        for kind in ("email", "cn_mobile", "iban")
        for source in ("letters", "mail", "tickets", "")
    }
    assert decided == {
        ("email", "letters"): "keep",
        ("email", "mail"): "pseudonymise",
        ("email", "tickets"): "redact",
        ("email", ""): "redact",
        ("cn_mobile", "letters"): "redact",
        ("cn_mobile", "mail"): "pseudonymise",
        ("cn_mobile", "tickets"): "redact",
        ("cn_mobile", ""): "redact",
        ("iban", "letters"): "mask",
        ("iban", "mail"): "mask",
        ("iban", "tickets"): "drop",
        ("iban", ""): "mask",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"rules": [{"action": "drop"}]},
        {"rules": [{"kinds": ["email"]}]},
        {"rules": [{"kinds": ["shoe_size"], "action": "drop"}]},
        {"rules": [{"jurisdictions": ["EU"], "action": "drop"}]},
        {"rules": [{"kinds": ["email"], "action": "burn"}]},
        {"rules": [{"kinds": ["email"], "action": "keep"}] * 101},
        {"action": "encrypt"},
        {"jurisdiction": {"a": "CN"}},
    ],
)
def test_a_wrong_policy_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        section(**wrong)


def test_a_document_is_dropped_for_what_it_holds_and_says_for_what() -> None:
    treat = Treatment(section(rules=[{"classes": ["secret"], "action": "drop"}]))
    treated = treat(TEXT)
    assert (treated.text, treated.dropped) == ("", PiiKind.PASSWORD)
    assert len(treated.spans) == 4
    assert treat("电话13912345678。").dropped is None
    kept = treat(TEXT, droppable=False)
    assert kept.dropped is None
    assert kept.text.endswith("密码：<PASSWORD>。")


def test_what_is_kept_stays_and_leaves_no_span() -> None:
    treated = Treatment(section(rules=[{"kinds": ["email"], "action": "keep"}]))(TEXT)
    assert "zhang.wei@mail.example.cn" in treated.text
    assert PiiKind.EMAIL not in {span.kind for span in treated.spans}


def test_a_pseudonym_is_the_same_however_the_value_is_written() -> None:
    treat = Treatment(section(action="pseudonymise"), KEY)
    said = {
        treat(f"电话{number}。").text
        for number in (
            "13912345678",
            "139-1234-5678",
            "+86 139 1234 5678",
            "１３９１２３４５６７８",
        )
    }
    assert len(said) == 1
    assert said != {treat("电话13912345679。").text}
    assert said != {Treatment(section(action="pseudonymise"), KEY[::-1])("电话13912345678。").text}


@pytest.mark.parametrize("key", [b"", b"short"])
def test_pseudonyms_need_a_key(key: bytes) -> None:
    with pytest.raises(SpecError, match=r"pii_key.*at least 16"):
        Treatment(section(action="pseudonymise"), key)
    with pytest.raises(SpecError, match="pii_key"):
        Treatment(section(rules=[{"kinds": ["email"], "action": "pseudonymise"}]), key)
    assert Treatment(PiiSection(), key)(TEXT).spans


@pytest.mark.parametrize("action", ["redact", "pseudonymise", "mask"])
def test_nothing_of_the_frozen_set_is_found_again_after_its_treatment(action: str) -> None:
    treat = Treatment(section(action=action), KEY)
    for text, _ in LETTERS:
        treated = treat(text)
        assert detect(treated.text) == [], treated.text
        assert treat(treated.text).text == treated.text


@pytest.mark.parametrize("action", ["redact", "pseudonymise", "mask"])
def test_no_value_survives_its_treatment(action: str) -> None:
    treat = Treatment(section(action=action), KEY)
    for text, spans in LETTERS:
        left = treat(text).text
        for start, end, kind, _ in spans:
            assert kind == "address" or text[start:end] not in left


def test_what_a_mask_shows_joins_with_nothing() -> None:
    text = "zhang.san@mail.gov.cnzhang.san@mail.gov.cn"
    assert detect(Treatment(section(action="mask"))(text).text) == []


@given(st.text(), st.sampled_from(PiiKind))
def test_a_mask_keeps_the_length_and_nothing_of_a_secret(value: str, kind: PiiKind) -> None:
    shown = mask(value, kind)
    assert len(shown) == len(value)
    letters = sum(character.isalnum() for character in shown)
    assert letters <= (0 if kind.data_class is DataClass.SECRET else 3)


@given(st.text(), st.sampled_from(PiiKind))
def test_a_pseudonym_is_a_placeholder_that_no_detector_finds(value: str, kind: PiiKind) -> None:
    said = pseudonym(value, kind, KEY)
    assert detect(f"密码：{said}，身份证号{said}。") == []


def test_every_kind_has_a_class() -> None:
    assert {kind.data_class for kind in PiiKind} == set(DataClass)


def test_a_detector_of_ones_own_sees_what_hearths_left() -> None:
    class Shouting:
        def detect(self, view: str) -> list[Span]:
            start = view.find("ALICE")
            return [Span(start, start + 5, PiiKind.PERSON_NAME)] if start >= 0 else []

    treat = Treatment(PiiSection(), detectors=[Shouting()])
    assert treat("ALICE met ALICE@example.org and ALICE").text == (
        "<PERSON_NAME> met <EMAIL> and <PERSON_NAME>"
    )


def test_rules_are_values() -> None:
    rule = PiiRule(kinds=(PiiKind.EMAIL,), action=PiiAction.DROP)
    assert PiiRule.model_validate_json(rule.model_dump_json()) == rule
