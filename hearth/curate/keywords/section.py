"""What a recipe says about keywords: which lists, and what becomes of documents with hits."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from hearth.curate.keywords.risks import Scheme
from hearth.model import FrozenModel

CATEGORY: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Category = Annotated[str, StringConstraints(pattern=CATEGORY)]


class KeywordAction(StrEnum):
    """What becomes of a document with hits, the mildest last."""

    DROP = "drop"
    FLAG = "flag"
    """It stays, and its decision says that somebody should look."""
    COUNT = "count"


class Hits(NamedTuple):
    """What a document holds of a category.

    Attributes:
        category: Its id.
        hits: Places.
        distinct: Different entries.
        share: Of the characters that are not white space, those within hits.
    """

    category: str
    hits: int
    distinct: int
    share: float


class KeywordRule(FrozenModel):
    """What is done with documents that hold enough of some categories."""

    categories: tuple[Category, ...] = Field(
        (), description="Ids, or what ids begin with before a dot; none: every category."
    )
    action: KeywordAction
    hits: int = Field(1, ge=1, description="Places in the document, at least.")
    distinct: int = Field(1, ge=1, description="Different entries, at least.")
    share: float = Field(
        0.0, ge=0, le=1, description="Of the document's characters, within hits, at least."
    )

    def selects(self, found: Hits) -> bool:
        """Say whether the rule is about a category, and enough of it is there."""
        mine = not self.categories or any(
            found.category == one or found.category.startswith(f"{one}.") for one in self.categories
        )
        enough = found.hits >= self.hits and found.distinct >= self.distinct
        return mine and enough and found.share >= self.share


class KeywordSection(FrozenModel):
    """Which lists of keywords documents are held against, and what is done then."""

    lists: tuple[str, ...] = Field(
        (),
        max_length=100,
        description="Files of entries; relative paths start where those of `file` sources do. "
        "Their bytes are pinned when a build is resolved.",
    )
    scheme: Scheme | None = Field(
        None,
        description="The shipped scheme that categories are of: the 31 safety risks of GB/T "
        "45654-2025, annex A. A category that is neither of it nor named below is an error.",
    )
    categories: dict[Category, str] = Field(
        {}, max_length=1_000, description="Categories of one's own: id → what it is."
    )
    rules: tuple[KeywordRule, ...] = Field(
        (),
        max_length=100,
        description="For each category the first rule that it fulfils decides; none: it is "
        "counted. The hardest action of a document's categories is the document's.",
    )
    spaced: bool = Field(
        default=True,
        description="Look through blanks and marks such as * or · between Han: 关 键*词.",
    )

    @model_validator(mode="after")
    def _lists_once(self) -> Self:
        if twice := sorted({name for name in self.lists if self.lists.count(name) > 1}):
            message = f"lists: named twice: {', '.join(twice)}"
            raise ValueError(message)
        return self

    def action(self, found: Hits) -> KeywordAction:
        """Return what becomes of a document for what it holds of one category."""
        return next(
            (rule.action for rule in self.rules if rule.selects(found)), KeywordAction.COUNT
        )


def hardest(actions: Iterable[KeywordAction]) -> KeywordAction:
    """Return the action that decides: dropping over flagging over counting."""
    order = list(KeywordAction)
    return min(actions, key=order.index, default=KeywordAction.COUNT)
