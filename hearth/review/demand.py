"""What a recipe's gate asks of reviews and keywords, and how a corpus stands against it.

Only reviews of samples of that very corpus count: another's fingerprint is another text. Of several
samples that are large enough the one with the latest verdicts counts, so that a review can be
repeated; how many there were is shown, because who draws until one pleases has not sampled.
"""

from __future__ import annotations

from typing import Final

from hearth.gate.decision import AcceptanceCheck, RuleCheck
from hearth.gate.spec import AcceptanceSection, Looked
from hearth.review.filing import load_preset
from hearth.review.reviews import Acceptance, Method, acceptances_of
from hearth.review.rules import Keywords, keyword_checks, source_checks
from hearth.review.sample import least_of, population_of
from hearth.storage import Store
from hearth.trace.corpora import Corpus

_WHO: Final = {Method.HUMAN: "people", Method.MACHINE: "programs"}
_SHORT: Final = 12


def with_figures(section: AcceptanceSection) -> AcceptanceSection:
    """Return a section with its preset's figures: a build must not depend on a file that changes.

    Raises:
        SpecError: there is no such preset, or it is wrong.
    """
    if section.preset is None:
        return section
    rules = load_preset(section.preset)
    human = Looked(share=rules.human.acceptance, sample=rules.human.items)
    machine = Looked(share=rules.machine.acceptance, part=rules.machine.share)
    return section.model_copy(
        update={
            "human": section.human or human,
            "machine": section.machine or machine,
            "illegal": section.illegal or rules.illegal,
            "keywords": section.keywords or rules.lists,
        }
    )


def checks(
    root: Store, corpus: Corpus, section: AcceptanceSection
) -> tuple[AcceptanceCheck | RuleCheck, ...]:
    """Return how a corpus and its reviews stand, as of now.

    Args:
        root: the root of the store.
        corpus: the candidate's.
        section: what is asked, with figures.
    """
    population, fingerprint = population_of(corpus), corpus.record.fingerprint
    found: list[AcceptanceCheck | RuleCheck] = []
    for method, rule in ((Method.HUMAN, section.human), (Method.MACHINE, section.machine)):
        if rule is None:
            continue
        said = acceptances_of(root, fingerprint, method)
        found.append(held_against(rule, method, fingerprint, population, said))
        best = _counting(said, _wanted(rule, population))
        if section.illegal is not None and best is not None:
            found += source_checks(section.illegal, best)
    if section.keywords is not None:
        found += keyword_checks(section.keywords, Keywords.of(corpus.record))
    return tuple(found)


def held_against(
    rule: Looked, method: Method, corpus: str, population: int, said: list[Acceptance]
) -> AcceptanceCheck:
    """Hold what reviewers said against a rule. Pure.

    Args:
        rule: what is asked.
        method: of whom.
        corpus: the corpus's fingerprint.
        population: its documents.
        said: what the reviews of its samples come to, the oldest first.
    """
    wanted = _wanted(rule, population)
    best = _counting(said, wanted)
    met, reason = _verdict(rule, method, corpus, wanted, best)
    return AcceptanceCheck(
        method=method,
        corpus=corpus,
        sample=best.sample if best else None,
        wanted=wanted,
        population=population,
        judged=best.total.judged if best else 0,
        accepted=best.total.accepted if best else 0,
        share=best.total.share if best else None,
        lower=best.total.lower if best else None,
        upper=best.total.upper if best else None,
        limit=rule.share,
        reviewers=best.reviewers if best else (),
        recorded=best.recorded if best else None,
        samples=len(said),
        met=met,
        reason=reason,
    )


def _wanted(rule: Looked, population: int) -> int:
    parts = least_of(population, rule.part) if rule.part is not None else 0
    return min(population, max(rule.sample or 0, parts))


def _counting(said: list[Acceptance], wanted: int) -> Acceptance | None:
    """Return what counts: of the samples that are large enough the last, else the largest."""
    large = [one for one in said if one.items >= wanted]
    return large[-1] if large else max(said, key=lambda one: one.items, default=None)


def _verdict(
    rule: Looked, method: Method, corpus: str, wanted: int, said: Acceptance | None
) -> tuple[bool | None, str]:
    who = _WHO[method]
    flag = " --machine" if method is Method.MACHINE else ""
    draw = (
        f"`hearth sample {corpus[:_SHORT]} --n {wanted}`, then `hearth review SAMPLE FILE{flag}`, "
        "then clear the task `gate`"
    )
    if said is None:
        return None, f"acceptance: no {who} have reviewed the corpus: {draw}"
    if said.items < wanted:
        return None, (
            f"acceptance: {who} reviewed a sample of {said.items}, {wanted} documents are asked "
            f"for: {draw}"
        )
    rejected = said.total.judged - said.total.accepted
    if (said.items - rejected) / said.items < rule.share:
        return False, (
            f"acceptance: {who} accept {_share(said)} of sample {said.sample}, {rule.share:.2%} is "
            "asked for"
        )
    if said.missing:
        return None, (
            f"acceptance: {len(said.missing)} of {said.items} documents of sample {said.sample} "
            f"are not judged yet: `hearth review {said.sample} FILE{flag}`, then clear the task "
            "`gate`"
        )
    return True, f"acceptance: {who} accept {_share(said)} of sample {said.sample}"


def _share(said: Acceptance) -> str:
    total = said.total
    if total.share is None or total.lower is None or total.upper is None:
        return "nothing"
    return f"{total.share:.2%} ({total.lower:.2%} to {total.upper:.2%})"
