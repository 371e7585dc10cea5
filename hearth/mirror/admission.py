"""Which sources a profile's policy lets in, by their collection records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hearth.errors import PolicyViolation
from hearth.mirror.spec import MirrorSource
from hearth.policy import Policy

_EXAMPLE = (
    "collection: {basis: open-licence, authorised_by: …, reference: …, contact: …, "
    "collected_from: 2026-01-31}"
)


def check_collections(sources: Sequence[MirrorSource], policy: Policy) -> None:
    """Refuse sources that a profile's policy does not let in.

    Raises:
        PolicyViolation: a source has no record or check that is required, or its check found too
            much illegal content; names them all, and what to add.
    """
    problems = list(_problems(sources, policy))
    if problems:
        raise PolicyViolation("; ".join(problems))


def _problems(sources: Sequence[MirrorSource], policy: Policy) -> Iterable[str]:
    bare = [source.id for source in sources if source.collection is None]
    if policy.require_collection and bare:
        yield (
            f"source {', '.join(bare)}: has no collection record, and policy.require_collection "
            f"asks for one: add to the source in the recipe {_EXAMPLE}"
        )
    records = {source.id: source.collection for source in sources}
    checks = {name: record.check if record else None for name, record in records.items()}
    unchecked = [name for name, check in checks.items() if check is None]
    if policy.require_source_check and unchecked:
        yield (
            f"source {', '.join(unchecked)}: was not checked before collection, and "
            "policy.require_source_check asks for that: look at a random sample of it and add to "
            "its collection record check: {day: 2026-01-31, by: …, sampled: …, illegal: …}"
        )
    for name, check in checks.items():
        if check is not None and check.share > policy.max_illegal_share:
            yield (
                f"source {name}: the check of {check.day} found illegal content in {check.illegal} "
                f"of {check.sampled} items ({check.share:.1%}), policy.max_illegal_share is "
                f"{policy.max_illegal_share:.1%}: leave the source out"
            )
