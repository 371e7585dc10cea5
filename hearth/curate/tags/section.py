"""What a recipe says about tags: the rules by which documents get them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from hearth.curate.tags.words import JURISDICTIONS, TOPICS
from hearth.model import FrozenModel

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Words = Annotated[tuple[str, ...], Field(min_length=1, max_length=10_000)]


class LineKind(StrEnum):
    """What a line can be; the shipped patterns are linear in its length."""

    CLAUSE = "clause"
    """Begins with an article's or a chapter's number: 第三条, Article 3, § 3."""
    QUESTION = "question"
    """A short line that ends with a question mark, or begins with 问： or Q:."""
    TURN = "turn"
    """Begins with a speaker's name and a colon; at least two speak, each more than once."""
    ROW = "row"
    """Cells: between bars or tabs, or three or more set apart by blanks."""
    ITEM = "item"
    """Begins with a bullet or a number."""
    CODE = "code"
    """Looks like a statement, a tag or a command at a prompt."""
    MANUAL = "manual"
    """A heading of manual pages, or an option such as --all."""


class StructureRule(FrozenModel):
    """What a document is called whose lines are of some kinds."""

    name: Name
    lines: tuple[LineKind, ...] = Field(min_length=1, description="A line of any of them counts.")
    share: float = Field(0.0, ge=0, le=1, description="Of the lines with text, at least.")
    least: int = Field(3, ge=1, description="Such lines, at least.")


STRUCTURES: Final = (
    StructureRule(name="code", lines=(LineKind.CODE,), share=0.5),
    StructureRule(name="regulation", lines=(LineKind.CLAUSE,), share=0.1),
    StructureRule(name="questions", lines=(LineKind.QUESTION,), share=0.15),
    StructureRule(name="dialogue", lines=(LineKind.TURN,), share=0.5, least=4),
    StructureRule(name="table", lines=(LineKind.ROW,), share=0.5),
    StructureRule(name="manual", lines=(LineKind.MANUAL,), share=0.03, least=2),
    StructureRule(name="list", lines=(LineKind.ITEM,), share=0.5),
)


class TagSection(FrozenModel):
    """By which rules documents are told apart; all of Hearth's own."""

    structures: tuple[StructureRule, ...] = Field(
        STRUCTURES, max_length=100, description="The first that fits decides."
    )
    structure: Name = Field("article", description="What a document is that none fits.")
    topics: dict[Name, Words] = Field(
        TOPICS, max_length=1_000, description="Topic → words of it, in any language."
    )
    topic_hits: int = Field(3, ge=1, description="Places of a topic's words, at least.")
    topic_words: int = Field(2, ge=1, description="Different words of a topic, at least.")
    topics_most: int = Field(
        2, ge=0, le=100, description="Topics of a document, the most frequent first; 0: none."
    )
    jurisdictions: dict[Name, Words] = Field(
        JURISDICTIONS,
        max_length=1_000,
        description="Code → issuing bodies and words. The most frequent decides; of a part, such "
        "as CN-BJ, what counts for it counts for the whole, CN, and the part is named if no other "
        "part is. A document without any has its source's, as `pii.jurisdictions` names it.",
    )

    @model_validator(mode="after")
    def _structures_once(self) -> Self:
        names = [rule.name for rule in self.structures]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            message = f"structures: named twice: {', '.join(twice)}"
            raise ValueError(message)
        return self
