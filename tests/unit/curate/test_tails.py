"""Laws of both ends of perplexity."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hearth.curate.ledger import Action
from hearth.curate.plan import Split
from hearth.curate.spec import PerplexitySection
from hearth.curate.tails import HIGH, LOW, Limits, Scored, limits, verdict

SECTION = PerplexitySection(min_documents=5, quantile=0.9, low_quantile=0.1)


def scored(perplexity: float | None, **more: object) -> Scored:
    fields = {"language": "en", "domain": "prose", "source": "a", "split": Split.TRAIN}
    return Scored(**{**fields, "perplexity": perplexity, "characters": 10, **more})  # type: ignore[arg-type]


def test_thresholds_are_those_of_train_by_language_and_domain() -> None:
    prose = [scored(float(n)) for n in range(1, 11)]
    code = [scored(100.0 + n, domain="code") for n in range(10)]
    other = [scored(900.0, split=Split.TEST), scored(800.0, split=Split.VALIDATION)]
    few = [scored(5.0, language="zh")] * 4
    found = limits([*prose, *code, *other, *few], SECTION)
    assert found == {("en", "prose"): Limits(1.0, 9.0), ("en", "code"): Limits(100.0, 108.0)}


def test_exempt_sources_say_nothing_and_lose_nothing() -> None:
    section = SECTION.model_copy(update={"exempt": ("verse",)})
    verse = [scored(1_000.0, source="verse")] * 9
    found = limits([*(scored(float(n)) for n in range(1, 11)), *verse], section)
    assert found[("en", "prose")].high == 9.0
    assert verdict(verse[0], found, section.exempt) == (Action.KEPT, None)


def test_the_high_tail_goes_and_the_low_one_is_flagged() -> None:
    known = {("en", "prose"): Limits(2.0, 9.0)}
    assert verdict(scored(9.5), known, ()) == (Action.DROPPED, HIGH)
    assert verdict(scored(1.5), known, ()) == (Action.FLAGGED, LOW)
    for within in (2.0, 9.0, None):
        assert verdict(scored(within), known, ()) == (Action.KEPT, None)
    assert verdict(scored(9.5, domain="code"), known, ()) == (Action.KEPT, None)


@given(st.floats(1, 1e6), st.sampled_from(["en", "zh"]), st.sampled_from(["prose", "code"]))
def test_test_is_never_trimmed(perplexity: float, language: str, domain: str) -> None:
    known = {("en", "prose"): Limits(2.0, 9.0), ("zh", "code"): Limits(None, 3.0)}
    one = scored(perplexity, language=language, domain=domain, split=Split.TEST)
    assert verdict(one, known, ())[0] is not Action.DROPPED


def test_no_quantile_from_below_flags_nothing() -> None:
    section = SECTION.model_copy(update={"low_quantile": 0.0})
    assert limits([scored(float(n)) for n in range(9)], section)[("en", "prose")].low is None
