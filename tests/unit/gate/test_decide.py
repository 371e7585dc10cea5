from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from hearth.errors import DataError, SpecError
from hearth.gate.decide import check_margins, decide
from hearth.gate.decision import AcceptanceCheck, Answer, GateDecision, Reference, RuleCheck
from hearth.gate.spec import Floors, GateSection, Margins
from hearth.suite.manifest import SuiteManifest, TaskKind
from hearth.suite.spec import SuiteSection

Scores = Callable[..., pa.Table]
SECTION = GateSection(resamples=2000)


def test_a_model_is_not_worse_than_itself(suite: SuiteManifest, scores: Scores) -> None:
    same = scores()
    decision = decide(same, same, same, suite, SECTION)
    assert decision.answer is Answer.PASS
    assert {c.against for c in decision.comparisons} == {Reference.SERVING, Reference.ANCHOR}
    assert all(c.difference == c.lower == c.upper == 0 for c in decision.comparisons)


def test_a_slightly_better_model_passes(suite: SuiteManifest, scores: Scores) -> None:
    better = scores(worse=-0.02, accuracy=0.52, seed=1)
    assert decide(better, scores(), None, suite, SECTION).answer is Answer.PASS


def test_a_much_worse_model_fails_and_the_numbers_say_where(
    suite: SuiteManifest, scores: Scores
) -> None:
    decision = decide(scores(worse=0.3), scores(), None, suite, SECTION)
    assert decision.answer is Answer.FAIL
    verdicts = {c.task: c.verdict for c in decision.comparisons}
    assert verdicts["bits_per_byte_en"] is verdicts["bits_per_byte_zh"] is Answer.FAIL
    assert verdicts["cloze_en"] is Answer.PASS
    assert any("bits_per_byte_en against serving: worse than -0.05" in r for r in decision.reasons)


def test_differences_are_oriented_so_that_higher_is_better(
    suite: SuiteManifest, scores: Scores
) -> None:
    decision = decide(scores(worse=-0.1, accuracy=0.6), scores(), None, suite, SECTION)
    for comparison in decision.comparisons:
        assert comparison.difference > 0
        lower_is_better = comparison.kind is TaskKind.BITS_PER_BYTE
        assert (comparison.candidate < comparison.reference) is lower_is_better


def test_one_task_that_is_not_clear_is_enough_to_be_inconclusive(
    suite: SuiteManifest, scores: Scores
) -> None:
    section = GateSection(resamples=2000, margins=Margins(bits_per_byte=0.05, cloze=0.001))
    decision = decide(scores(seed=1), scores(), None, suite, section)
    assert decision.answer is Answer.INCONCLUSIVE
    assert decision.items_needed is not None
    assert decision.items_needed > 400


def test_many_small_losses_are_stopped_by_the_anchor(suite: SuiteManifest, scores: Scores) -> None:
    # 0.04 worse than what serves is within the margin of 0.05; 0.2 worse than the anchor is not.
    anchor, serving, candidate = scores(), scores(worse=0.16), scores(worse=0.2)
    assert decide(candidate, serving, None, suite, SECTION).answer is Answer.PASS
    decision = decide(candidate, serving, anchor, suite, SECTION)
    assert decision.answer is Answer.FAIL
    assert all("against anchor" in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    ("worse", "answer"),
    [(0.0, Answer.PASS), (0.5, Answer.INCONCLUSIVE), (0.9, Answer.FAIL)],
)
def test_a_first_release_must_beat_the_baseline_in_bits_per_byte(
    suite: SuiteManifest, scores: Scores, worse: float, answer: Answer
) -> None:
    decision = decide(scores(worse=worse), None, None, suite, SECTION)
    assert decision.answer is answer
    assert [c.task for c in decision.comparisons] == ["bits_per_byte_en", "bits_per_byte_zh"]
    assert {c.margin for c in decision.comparisons} == {0.0}


def test_a_corpus_that_gives_the_suite_away_fails_whatever_the_scores(
    suite: SuiteManifest, scores: Scores
) -> None:
    clean = {task.task: 0.0 for task in suite.tasks}
    same = scores()
    decision = decide(same, same, None, suite, SECTION, clean)
    assert decision.answer is Answer.PASS
    assert {check.task for check in decision.exposures} == set(clean)
    decision = decide(same, same, None, suite, SECTION, {**clean, "cloze_en": 0.02})
    assert decision.answer is Answer.FAIL
    assert any("cloze_en: the corpus gives away 2.0%" in reason for reason in decision.reasons)
    loose = SECTION.model_copy(update={"exposed": 0.05})
    assert decide(same, same, None, suite, loose, {**clean, "cloze_en": 0.02}).answer is Answer.PASS


def test_a_corpus_that_was_not_searched_for_a_task_fails(
    suite: SuiteManifest, scores: Scores
) -> None:
    same = scores()
    decision = decide(same, same, None, suite, SECTION, {"bits_per_byte_en": 0.0})
    assert decision.answer is Answer.FAIL
    assert any("cloze_zh: the corpus was not searched" in reason for reason in decision.reasons)
    unlimited = SECTION.model_copy(update={"exposed": None})
    assert decide(same, same, None, suite, unlimited, {}).answer is Answer.PASS


def test_floors_hold_whatever_serves(suite: SuiteManifest, scores: Scores) -> None:
    section = GateSection(resamples=2000, floors=Floors(bits_per_byte=1.5, cloze=0.4))
    for serving in (None, scores()):
        decision = decide(scores(), serving, None, suite, section)
        assert decision.answer is Answer.FAIL
        assert {floor.task: floor.met for floor in decision.floors} == {
            "bits_per_byte_en": False,
            "bits_per_byte_zh": False,
            "cloze_en": True,
            "cloze_zh": True,
        }


def test_too_few_groups_decide_nothing(suite: SuiteManifest, scores: Scores) -> None:
    decision = decide(scores(groups=4), scores(groups=4), None, suite, SECTION)
    assert decision.answer is Answer.INCONCLUSIVE
    assert "only 4 groups" in decision.reasons[0]


def test_the_order_of_rows_changes_nothing(suite: SuiteManifest, scores: Scores) -> None:
    candidate, serving = scores(worse=0.03, seed=1), scores()
    order = np.random.default_rng(0).permutation(len(candidate))
    assert decide(candidate.take(order), serving, None, suite, SECTION) == decide(
        candidate, serving, None, suite, SECTION
    )


def test_equal_seeds_decide_equally(suite: SuiteManifest, scores: Scores) -> None:
    candidate, serving = scores(seed=1), scores()
    first = decide(candidate, serving, None, suite, SECTION)
    assert decide(candidate, serving, None, suite, SECTION) == first
    other = SECTION.model_copy(update={"seed": 1})
    assert decide(candidate, serving, None, suite, other) != first


def test_a_decision_survives_json(suite: SuiteManifest, scores: Scores) -> None:
    decision = decide(scores(seed=1), scores(), scores(seed=2), suite, SECTION)
    assert GateDecision.model_validate_json(decision.model_dump_json()) == decision


def test_a_model_at_the_margin_passes_rarely(suite: SuiteManifest, scores: Scores) -> None:
    # Truly worse by the whole margin on both bits-per-byte tasks: passing is the 5 % error.
    section = GateSection(resamples=500)
    passed = sum(
        decide(
            scores(worse=0.05, seed=2 * trial, noise=0.2),
            scores(seed=2 * trial + 1, noise=0.2),
            None,
            suite,
            section,
        ).answer
        is Answer.PASS
        for trial in range(40)
    )
    assert passed <= 4


def test_scores_of_other_items_are_refused(suite: SuiteManifest, scores: Scores) -> None:
    serving = scores()
    items = pa.array([f"{item}x" for item in serving["item"].to_pylist()])
    other = serving.set_column(1, serving.schema.field("item"), items)
    with pytest.raises(DataError, match="were asked different items"):
        decide(scores(), other, None, suite, SECTION)


def test_scores_of_another_suite_are_refused(suite: SuiteManifest, scores: Scores) -> None:
    with pytest.raises(DataError, match="evaluate the model on this suite"):
        decide(scores(), scores().slice(0, 1000), None, suite, SECTION)


def test_an_item_that_comes_twice_is_refused(suite: SuiteManifest, scores: Scores) -> None:
    twice = pa.concat_tables([scores(), scores().slice(0, 1)])
    with pytest.raises(DataError, match="comes 2 times"):
        decide(twice, None, None, suite, SECTION)


def test_a_score_that_is_no_number_is_refused(suite: SuiteManifest, scores: Scores) -> None:
    table = scores()
    values = table["loglikelihood"].to_pylist()
    values[7] = float("nan")
    broken = table.set_column(5, table.schema.field("loglikelihood"), pa.array(values))
    with pytest.raises(DataError, match="must be finite"):
        decide(broken, None, None, suite, SECTION)


def test_a_margin_that_the_suite_cannot_see_is_refused() -> None:
    suite = SuiteSection(name="s", reserved=("work",), items=400)
    check_margins(suite, GateSection())
    with pytest.raises(SpecError, match=r"gate.margins.cloze = 0.01: below 0.0622.*400 items"):
        check_margins(suite, GateSection(margins=Margins(cloze=0.01)))
    with pytest.raises(SpecError, match=r"gate.anchor_margins.bits_per_byte"):
        check_margins(suite, GateSection(anchor_margins=Margins(bits_per_byte=0.001)))


def reviewed(*, met: bool | None) -> AcceptanceCheck:
    return AcceptanceCheck(
        method="human",
        corpus="c" * 64,
        wanted=10,
        population=100,
        limit=0.96,
        met=met,
        reason=f"acceptance: {met}",
    )


@pytest.mark.parametrize(
    ("met", "answer"),
    [(True, Answer.PASS), (None, Answer.INCONCLUSIVE), (False, Answer.FAIL)],
)
def test_what_reviewers_have_not_said_is_open_and_what_they_refuse_fails(
    suite: SuiteManifest, scores: Scores, met: Any, answer: Answer
) -> None:
    same = scores()
    checks = [reviewed(met=True), reviewed(met=met)]
    decision = decide(same, same, None, suite, SECTION, None, checks)
    assert decision.answer is answer
    assert decision.acceptances == tuple(checks)
    assert (f"acceptance: {met}" in decision.reasons) is (met is not True)
    assert decision.items_needed is None


@pytest.mark.parametrize(
    ("met", "answer"),
    [(True, Answer.PASS), (None, Answer.INCONCLUSIVE), (False, Answer.FAIL)],
)
def test_a_rule_on_sources_and_keywords_decides_as_a_review_does(
    suite: SuiteManifest, scores: Scores, met: Any, answer: Answer
) -> None:
    same = scores()
    rule = RuleCheck(rule="a rule", wanted="5", found="4", met=met, reason="too few")
    decision = decide(same, same, None, suite, SECTION, None, [reviewed(met=True), rule])
    assert decision.answer is answer
    assert (decision.acceptances, decision.rules) == ((reviewed(met=True),), (rule,))
    assert ("too few" in decision.reasons) is (met is not True)


def test_a_model_that_fails_fails_whatever_reviewers_have_not_said_yet(
    suite: SuiteManifest, scores: Scores
) -> None:
    decision = decide(scores(worse=0.3), scores(), None, suite, SECTION, None, [reviewed(met=None)])
    assert decision.answer is Answer.FAIL


@pytest.mark.parametrize(
    "wrong", [{}, {"human": {"share": 0.9}}, {"human": {"share": 1.1, "sample": 4}}]
)
def test_a_demand_that_asks_nobody_or_for_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GateSection.model_validate({"acceptance": wrong})
