from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hearth.errors import PolicyViolation
from hearth.mirror.admission import check_collections
from hearth.mirror.collection import Collection
from hearth.mirror.spec import MirrorSection
from hearth.policy import Policy
from hearth.recipe import load_recipe
from hearth.review.filing import load_preset
from hearth.settings import settings

RECORD = {"basis": "open-licence", "authorised_by": "its authors", "reference": "COPYING"}
CHECK = {"day": "2026-01-31", "by": "li.wei", "sampled": 400, "illegal": 20}


def section(*records: dict[str, Any] | None) -> MirrorSection:
    sources = [
        {
            "id": f"s{number}",
            "kind": "file",
            "path": "x",
            "licence": "CC0-1.0",
            "extract": [{"files": "*", "format": "text"}],
            "collection": record,
        }
        for number, record in enumerate(records)
    ]
    return MirrorSection.model_validate({"sources": sources})


def refusal(policy: Policy, *records: dict[str, Any] | None) -> str:
    with pytest.raises(PolicyViolation) as refused:
        check_collections(section(*records).sources, policy)
    return str(refused.value)


def test_without_a_policy_a_source_needs_no_record() -> None:
    check_collections(section(None, RECORD).sources, Policy())


def test_a_policy_refuses_sources_without_a_record_and_says_what_to_add() -> None:
    policy = Policy(require_collection=True)
    check_collections(section(RECORD).sources, policy)
    said = refusal(policy, RECORD, None, None)
    assert "s1, s2" in said
    assert "s0" not in said
    assert "collection: {basis:" in said


def test_a_policy_refuses_sources_that_were_not_checked() -> None:
    policy = Policy(require_source_check=True)
    check_collections(section(RECORD | {"check": CHECK}).sources, policy)
    assert "s1" in refusal(policy, RECORD | {"check": CHECK}, RECORD)


def test_a_source_with_too_much_illegal_content_is_refused_whatever_is_required() -> None:
    check_collections(section(RECORD | {"check": CHECK}).sources, Policy())
    said = refusal(Policy(), RECORD | {"check": CHECK | {"illegal": 21}})
    assert "s0" in said
    assert "21 of 400 items" in said


def test_the_limit_is_that_of_the_filing_practice() -> None:
    assert Policy().max_illegal_share == load_preset("cn-filing").sources.illegal_share


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"basis": "public-web"}, "robots.txt"),
        ({"basis": "user-content"}, "agreed"),
        ({"collected_from": "2026-02-01", "collected_until": "2026-01-01"}, "collected_until"),
        ({"check": CHECK | {"illegal": 401}}, "illegal"),
        ({"reference": ""}, "reference"),
    ],
)
def test_a_record_says_what_its_basis_needs(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Collection.model_validate(RECORD | wrong)


@pytest.mark.parametrize("name", ["tiny", "demo"])
def test_the_shipped_recipes_have_a_record_of_every_source(name: str) -> None:
    assert settings().recipes.is_dir()
    check_collections(load_recipe(name).mirror.sources, Policy(require_collection=True))
