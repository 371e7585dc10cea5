"""How often training should see what: sampling weights per language and domain.

`mixture.json` of a corpus is what training reads:

    {"version": 1, "tokens": 1200000, "max_epochs": 4.0,
     "weights": {"zh/prose": 0.6, …},
     "parts": [{"language": "zh", "domain": "prose", "tokens": 300000, "target": 0.6,
                "share": 0.6, "epochs": 2.4}, …]}

`tokens` of a part are those of its documents in train, `share` is the chance with which training
draws its next token's document from the part, and `epochs` how often the part is gone through
while `tokens` of the whole are seen: `share` × `tokens` of the whole / `tokens` of the part. The
shares add up to 1; `weights` has them under the names that `train.mixture` uses. A run over k times
as many tokens goes through each part k times as often. Documents belong to a part by their columns
`language` and `domain`; within one, all are alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from pydantic import Field, model_validator

from hearth.model import FrozenModel

VERSION: Final = 1
FILE: Final = "mixture.json"
_DIGITS: Final = 6
_EPSILON: Final = 1e-9


class Part(NamedTuple):
    """What a weight is given to."""

    language: str
    domain: str


class MixtureTarget(FrozenModel):
    """The share of some parts together."""

    language: str | None = Field(None, description="Of this language; null: of every.")
    domain: str | None = Field(None, description="And of this domain; null: of every.")
    share: float = Field(gt=0, le=1, description="Of the tokens that training sees.")

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if self.language is None and self.domain is None:
            message = "selects everything: name a language or a domain"
            raise ValueError(message)
        return self

    def selects(self, part: Part) -> bool:
        """Say whether a part counts towards the share."""
        return self.language in {None, part.language} and self.domain in {None, part.domain}


class MixtureSection(FrozenModel):
    """What training should be shown how much of; without targets, everything as often."""

    targets: tuple[MixtureTarget, ...] = Field(
        (),
        max_length=100,
        description="A part counts towards the first that selects it; within a target, and among "
        "parts of none, which get what the targets leave, by their tokens.",
    )
    max_epochs: float = Field(
        4.0,
        ge=1,
        le=100,
        description="How often a part may be gone through in one pass of the mixture; what it "
        "cannot fill goes to the others. 4: Muennighoff et al. 2023, up to which repeated data "
        "teach nearly as well as new.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (total := sum(target.share for target in self.targets)) > 1 + _EPSILON:
            message = f"targets: their shares add up to {total:g}: 1 is all there is"
            raise ValueError(message)
        return self


def wanted(tokens: Mapping[Part, int], section: MixtureSection) -> dict[Part, float]:
    """Return the share that the recipe wants of each part that is there; they add up to 1.

    What is wanted of a target without a part that is there is shared out among the rest.
    """
    members: dict[int, list[Part]] = {}
    for part in sorted(tokens):
        if tokens[part] > 0:
            places = (n for n, target in enumerate(section.targets) if target.selects(part))
            members.setdefault(next(places, len(section.targets)), []).append(part)
    left = max(0.0, 1 - sum(target.share for target in section.targets))
    shares = [*(target.share for target in section.targets), left]
    found = {
        part: shares[place] * tokens[part] / sum(tokens[one] for one in parts)
        for place, parts in members.items()
        for part in parts
    }
    total = sum(found.values())
    if total <= _EPSILON:  # the targets leave nothing to what there is
        found, total = {part: float(tokens[part]) for part in found}, 0.0
        total = sum(found.values())
    return {part: share / total for part, share in found.items()} if total else {}


def weigh(
    tokens: Mapping[Part, int], section: MixtureSection
) -> tuple[int, dict[Part, tuple[float, float, float]]]:
    """Return how many tokens a pass of the mixture has, and target, share and epochs by part.

    A pass is as long as train. A part that would be gone through more often than `max_epochs`
    gets that much, and the others what it leaves, in proportion to their targets, until none is
    over; where all are at their most, the pass is shorter.
    """
    targets = wanted(tokens, section)
    budget = float(sum(tokens[part] for part in targets))
    most = {part: section.max_epochs * tokens[part] for part in targets}
    given: dict[Part, float] = {}
    free = {part: share for part, share in targets.items() if share > 0}
    while free:
        scale = (budget - sum(given.values())) / sum(free.values())
        full = [part for part, share in free.items() if share * scale > most[part] + _EPSILON]
        if not full:
            given |= {part: share * scale for part, share in free.items()}
            break
        for part in full:
            given[part] = most[part]
            del free[part]
    length = sum(given.values())
    result = {}
    for part, target in targets.items():
        mine = given.get(part, 0.0)
        share = mine / length if length else 0.0
        result[part] = (target, share, min(section.max_epochs, mine / tokens[part]))
    return round(length), result


def mixture(tokens: Mapping[Part, int], section: MixtureSection) -> dict[str, Any]:
    """Return what `mixture.json` says."""
    length, weights = weigh(tokens, section)
    return {
        "version": VERSION,
        "tokens": length,
        "max_epochs": section.max_epochs,
        "weights": {
            f"{part.language}/{part.domain}": round(share, _DIGITS)
            for part, (_, share, _) in sorted(weights.items())
            if share > 0
        },
        "parts": [
            {
                "language": part.language,
                "domain": part.domain,
                "tokens": tokens[part],
                "target": round(target, _DIGITS),
                "share": round(share, _DIGITS),
                "epochs": round(epochs, _DIGITS),
            }
            for part, (target, share, epochs) in sorted(weights.items())
        ],
    }


def tokens_of(rows: Iterable[tuple[str, str, int]]) -> dict[Part, int]:
    """Add up (language, domain, tokens) by part."""
    sums: dict[Part, int] = {}
    for language, domain, count in rows:
        part = Part(language, domain)
        sums[part] = sums.get(part, 0) + count
    return sums


def write(said: Mapping[str, Any], folder: Path) -> Path:
    """Write `mixture.json`."""
    path = folder / FILE
    path.write_text(json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    return path
