"""Laws of sampling weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hearth.curate.mixture import (
    MixtureSection,
    MixtureTarget,
    Part,
    mixture,
    tokens_of,
    wanted,
    weigh,
    write,
)

EN, ZH, CODE = Part("en", "prose"), Part("zh", "prose"), Part("en", "code")
PARTS = st.dictionaries(
    st.sampled_from([EN, ZH, CODE, Part("zh", "code"), Part("zh", "maths")]),
    st.integers(1, 10**9),
    min_size=1,
)


def targets(*shares: tuple[str | None, str | None, float], most: float = 4.0) -> MixtureSection:
    made = [MixtureTarget(language=lang, domain=domain, share=s) for lang, domain, s in shares]
    return MixtureSection(targets=made, max_epochs=most)


@st.composite
def sections(draw: st.DrawFn) -> MixtureSection:
    weights = draw(st.lists(st.integers(1, 100), max_size=4))
    whole = sum(weights) + draw(st.integers(0, 100))
    named = [
        MixtureTarget(
            language=draw(st.sampled_from(["en", "zh"])),
            domain=draw(st.sampled_from([None, "prose", "code", "maths"])),
            share=weight / max(whole, 1),
        )
        for weight in weights
    ]
    return MixtureSection(targets=named, max_epochs=draw(st.floats(1, 20)))


@given(PARTS, sections())
def test_shares_add_up_and_no_part_is_repeated_too_often(
    tokens: dict[Part, int], section: MixtureSection
) -> None:
    length, weights = weigh(tokens, section)
    assert set(weights) == set(tokens)
    assert sum(share for _, share, _ in weights.values()) == pytest.approx(1)
    assert sum(target for target, _, _ in weights.values()) == pytest.approx(1)
    assert 0 < length <= sum(tokens.values()) + 1
    for part, (_, share, epochs) in weights.items():
        assert 0 <= epochs <= section.max_epochs
        assert epochs * tokens[part] == pytest.approx(share * length, rel=1e-3, abs=1)


@given(PARTS, sections())
def test_targets_are_reached_where_no_part_is_at_its_most(
    tokens: dict[Part, int], section: MixtureSection
) -> None:
    _, weights = weigh(tokens, section)
    if all(epochs < section.max_epochs * (1 - 1e-9) for *_, epochs in weights.values()):
        for target, share, _ in weights.values():
            assert share == pytest.approx(target)


@given(PARTS, sections())
def test_a_part_falls_short_of_its_target_only_at_its_most(
    tokens: dict[Part, int], section: MixtureSection
) -> None:
    _, weights = weigh(tokens, section)
    for target, share, epochs in weights.values():
        assert share >= target - 1e-9 or epochs == pytest.approx(section.max_epochs)


def test_without_targets_everything_is_shown_once() -> None:
    length, weights = weigh({EN: 300, ZH: 100}, MixtureSection())
    assert length == 400
    assert weights == {EN: (0.75, 0.75, 1.0), ZH: (0.25, 0.25, 1.0)}


def test_a_target_is_met_by_repeating_what_is_scarce() -> None:
    _, weights = weigh({EN: 750, ZH: 250}, targets(("zh", None, 0.5)))
    assert weights[ZH] == (0.5, 0.5, 2.0)
    assert weights[EN] == (0.5, 0.5, pytest.approx(2 / 3))


def test_what_a_part_cannot_fill_goes_to_the_others_and_then_the_pass_is_shorter() -> None:
    _, weights = weigh({EN: 900, ZH: 100}, targets(("zh", None, 0.8)))
    assert weights[ZH] == (pytest.approx(0.8), pytest.approx(0.4), 4.0)
    length, weights = weigh({EN: 900, ZH: 100}, targets(("zh", None, 0.5), ("en", "code", 0.5)))
    # Nothing is wanted of English prose, and all that Chinese may give is 400 tokens.
    assert length == 400
    assert weights[EN][1:] == (0.0, 0.0)


def test_a_target_shares_itself_out_by_tokens_and_the_first_that_selects_counts() -> None:
    section = targets(("en", "code", 0.2), ("en", None, 0.4))
    shares = wanted({EN: 300, Part("en", "maths"): 100, CODE: 5, ZH: 1}, section)
    assert shares == {
        CODE: pytest.approx(0.2),
        EN: pytest.approx(0.3),
        Part("en", "maths"): pytest.approx(0.1),
        ZH: pytest.approx(0.4),
    }


def test_what_is_wanted_of_nothing_is_shared_out() -> None:
    shares = wanted({EN: 10, ZH: 30}, targets((None, "code", 0.5), ("en", None, 0.25)))
    assert shares == {EN: pytest.approx(0.5), ZH: pytest.approx(0.5)}
    assert wanted({EN: 10, ZH: 30}, targets((None, "code", 1.0))) == {EN: 0.25, ZH: 0.75}
    assert wanted({EN: 0}, MixtureSection()) == {}


def test_targets_fit_into_one_and_select_something() -> None:
    with pytest.raises(ValidationError, match=r"add up to 1\.1"):
        targets(("en", None, 0.6), ("zh", None, 0.5))
    with pytest.raises(ValidationError, match="selects everything"):
        targets((None, None, 0.5))


def test_the_file_says_what_training_takes(tmp_path: Path) -> None:
    tokens = tokens_of([("en", "prose", 5), ("zh", "prose", 2), ("en", "prose", 1)])
    said = mixture(tokens, MixtureSection())
    assert json.loads(write(said, tmp_path).read_text()) == said
    assert said["weights"] == {"en/prose": 0.75, "zh/prose": 0.25}
    assert [part["tokens"] for part in said["parts"]] == [6, 2]
    assert mixture({}, MixtureSection())["parts"] == []
