"""Reviews of samples: who accepts which documents, and how much of a corpus that speaks for.

Reviews are only ever added: `samples/<id>/reviews/`, an object each. Of an item that was judged
twice the later verdict counts. The point estimate decides; the interval shows what it rests on.
"""

from __future__ import annotations

import math
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from pydantic import Field

from hearth.errors import ConflictError, DataError
from hearth.model import FrozenModel, parse
from hearth.review.sample import SAMPLES, Sample, samples
from hearth.review.verdicts import Judged, Verdict
from hearth.storage import Store

CONFIDENCE: Final = 0.95
_Z: Final = 1.959963984540054
"""The normal quantile of a two-sided interval of that confidence."""


class Method(StrEnum):
    """Who looked."""

    HUMAN = "human"
    MACHINE = "machine"


class Share(FrozenModel):
    """Accepted among judged, with Wilson's interval."""

    judged: int
    accepted: int
    share: float | None
    lower: float | None
    upper: float | None


class Acceptance(FrozenModel):
    """What the reviews of one sample come to."""

    corpus: str = Field(description="The corpus's fingerprint.")
    sample: str
    seed: int
    method: Method
    items: int
    total: Share
    sources: dict[str, Share]
    categories: dict[str, int] = Field(description="Rejected documents, by category.")
    rejected: dict[str, dict[str, int]] = Field(description="The same by source.")
    missing: tuple[str, ...] = Field(description="Documents that nobody judged yet.")
    reviewers: tuple[str, ...]
    recorded: datetime = Field(description="When the last verdicts came.")
    confidence: float = CONFIDENCE

    @property
    def complete(self) -> bool:
        """Whether every item of the sample was judged."""
        return not self.missing


class Review(FrozenModel):
    """Verdicts that came together, and what all verdicts came to then."""

    schema_version: int = 1
    sample: str
    method: Method
    recorded: datetime
    by: str
    verdicts: tuple[Judged, ...]
    acceptance: Acceptance


def wilson(accepted: int, judged: int) -> Share:
    """Return a share with its interval (Wilson 1927), 95 % two-sided."""
    if judged == 0:
        return Share(judged=0, accepted=0, share=None, lower=None, upper=None)
    share = accepted / judged
    centre = share + _Z**2 / (2 * judged)
    spread = _Z * math.sqrt(share * (1 - share) / judged + _Z**2 / (4 * judged**2))
    scale = 1 + _Z**2 / judged
    return Share(
        judged=judged,
        accepted=accepted,
        share=round(share, 6),
        lower=round(max(0.0, (centre - spread) / scale), 6),
        upper=round(min(1.0, (centre + spread) / scale), 6),
    )


def record_review(
    root: Store, sample: Sample, verdicts: Iterable[Judged], method: Method, by: str
) -> Review:
    """Add verdicts to a sample; return them with what all of them come to.

    Raises:
        DataError: there is no verdict.
    """
    new = tuple(verdicts)
    if not new:
        message = f"sample {sample.id}: the file holds no verdict: write accept or reject"
        raise DataError(message)
    now = datetime.now(UTC)
    before = [review for review in reviews(root, sample) if review.method is method]
    judged = {one.doc_key: one for review in before for one in review.verdicts}
    judged |= {one.doc_key: one for one in new}
    review = Review(
        sample=sample.id,
        method=method,
        recorded=now,
        by=by,
        verdicts=new,
        acceptance=_acceptance(sample, judged, method, now),
    )
    name = f"reviews/{now:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}.json"
    folder = root.sub(f"{SAMPLES}/{sample.id}")
    if not folder.create(name, review.model_dump_json(indent=1).encode()):
        message = f"{folder.url(name)}: exists already: reviews are never overwritten"
        raise ConflictError(message)
    return review


def reviews(root: Store, sample: Sample) -> list[Review]:
    """Return a sample's reviews, oldest first."""
    folder = root.sub(f"{SAMPLES}/{sample.id}")
    return [
        parse(Review, folder.get(info.path), folder.url(info.path), "a review")
        for info in folder.list("reviews")
    ]


def acceptance_of_sample(root: Store, sample: Sample, method: Method) -> Acceptance | None:
    """Return what a sample's reviews come to; None if there is none."""
    found = [review for review in reviews(root, sample) if review.method is method]
    return found[-1].acceptance if found else None


def acceptances_of(store: Store, corpus: str, method: Method) -> list[Acceptance]:
    """Return what the reviews of each sample of a corpus come to, the latest verdicts last.

    Args:
        store: the root of the store.
        corpus: its fingerprint or its URI.
        method: whose verdicts count.
    """
    fingerprint = corpus.rstrip("/").rpartition("/")[2]
    found = [
        acceptance
        for sample in samples(store)
        if sample.corpus.fingerprint == fingerprint
        and (acceptance := acceptance_of_sample(store, sample, method)) is not None
    ]
    return sorted(found, key=lambda one: one.recorded)


def acceptance_of(store: Store, corpus: str, method: Method = Method.HUMAN) -> Acceptance | None:
    """Return what the latest review of a corpus says.

    Args:
        store: the root of the store.
        corpus: its fingerprint or its URI.
        method: whose verdicts count.

    Returns:
        None if nobody reviewed a sample of it. Look at `missing` before relying on the share.
    """
    found = acceptances_of(store, corpus, method)
    return found[-1] if found else None


def _acceptance(
    sample: Sample, judged: Mapping[str, Judged], method: Method, now: datetime
) -> Acceptance:
    by_source: dict[str, list[Judged]] = defaultdict(list)
    for item in sample.items:
        if item.doc_key in judged:
            by_source[item.source].append(judged[item.doc_key])
    rejected = {
        source: dict(sorted(Counter(one.category for one in some if _no(one)).items()))
        for source, some in sorted(by_source.items())
    }
    return Acceptance(
        corpus=sample.corpus.fingerprint,
        sample=sample.id,
        seed=sample.seed,
        method=method,
        items=len(sample.items),
        total=_share(judged.values()),
        sources={source: _share(some) for source, some in sorted(by_source.items())},
        categories=dict(
            sorted(Counter(one.category for one in judged.values() if _no(one)).items())
        ),
        rejected={source: counts for source, counts in rejected.items() if counts},
        missing=tuple(item.doc_key for item in sample.items if item.doc_key not in judged),
        reviewers=tuple(sorted({one.reviewer for one in judged.values()})),
        recorded=now,
    )


def _no(one: Judged) -> bool:
    return one.verdict is Verdict.REJECT


def _share(some: Iterable[Judged]) -> Share:
    verdicts = [one.verdict for one in some]
    return wilson(verdicts.count(Verdict.ACCEPT), len(verdicts))
