"""How a recipe says that files become documents."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

from pydantic import Field, model_validator

from hearth.mirror.patterns import check_template, compiled
from hearth.model import FrozenModel


class Format(StrEnum):
    """How the text lies in a file."""

    HTML = "html"
    """All that the page says, but what `skip` names."""
    ARTICLE = "article"
    """The main text of a web page of any layout, found by trafilatura."""
    TEXT = "text"
    MARKDOWN = "markdown"
    MAN = "man"
    FORTUNE = "fortune"
    PDF = "pdf"
    """Its text layer."""
    JSONL = "jsonl"
    PARQUET = "parquet"


STREAMED: Final = frozenset({Format.JSONL, Format.PARQUET})
"""Formats of many records, whose files may be as large as a package."""


class Encoding(StrEnum):
    """How text is written as bytes."""

    UTF_8 = "utf-8"
    GB18030 = "gb18030"
    BIG5 = "big5"
    LATIN_1 = "latin-1"


class Scope(StrEnum):
    """Within what a record's own key names one record."""

    FILE = "file"
    SOURCE = "source"


class RecordFields(FrozenModel):
    """Which fields of a line of JSON, or columns of Parquet, hold what."""

    text: str = "text"
    messages: str | None = Field(
        default=None,
        description="JSONL only: the field with a conversation, a list of {role, content}, which "
        "stands in for `text`; documents are its turns, whole, for `train.mode: sft`.",
    )
    key: str | None = Field(default=None, description="The record's own key; else its number.")
    title: str | None = None
    language: str | None = None
    work: str | None = Field(
        default=None, description="What it is part of; stands behind the rule's `work`."
    )
    parallel: str | None = Field(
        default=None, description="What its translations share; stands behind the rule's."
    )
    date: str | None = Field(
        default=None, description="When it was last changed, else published: a day, or a time."
    )
    unique: Scope = Field(
        default=Scope.FILE,
        description="`source`: a key names one record in all files, so that a document keeps "
        "its key however the records are spread over files.",
    )

    @model_validator(mode="after")
    def _numbers_are_of_a_file(self) -> Self:
        if self.unique is Scope.SOURCE and self.key is None:
            message = "fields.unique: source: needs fields.key: a record's number is its file's own"
            raise ValueError(message)
        return self

    def named(self) -> dict[str, str]:
        """Return role → field, of those that are named."""
        roles = ("text", "key", "title", "language", "work", "parallel", "date")
        return {role: name for role in roles if (name := getattr(self, role)) is not None}


class Extraction(FrozenModel):
    """One rule: these files of the package become documents like this."""

    files: str = Field(
        description="A path pattern: `doc/{part}/{page}.html` captures parts for the templates; "
        "`*` stays within a folder, `**` does not."
    )
    exclude: tuple[str, ...] = Field(default=(), description="Path patterns to leave out.")
    format: Format
    language: str | None = Field(
        default=None, pattern=r"^[a-z]{2,3}$", description="As declared; curation identifies it."
    )
    work: str = Field(
        default="{source}", description="Template of the parent work: a book, a manual."
    )
    parallel: str | None = Field(
        default=None, description="Template of what translations of each other share."
    )
    encoding: Encoding = Encoding.UTF_8
    skip: tuple[str, ...] = Field(
        default=(), description="HTML only: CSS selectors of what is not text."
    )
    fields: RecordFields = Field(default=RecordFields(), description="JSONL and Parquet only.")

    @model_validator(mode="after")
    def _templates_fit(self) -> Self:
        for pattern in (self.files, *self.exclude):
            compiled(pattern)
        check_template(self.work, self.files)
        if self.parallel is not None:
            check_template(self.parallel, self.files)
        if self.skip and self.format is not Format.HTML:
            message = f"skip: selectors are for format html, not {self.format}"
            raise ValueError(message)
        if self.fields.messages is not None and self.format is not Format.JSONL:
            message = f"fields.messages: is for the format jsonl, not {self.format}"
            raise ValueError(message)
        if self.fields != RecordFields() and self.format not in {Format.JSONL, Format.PARQUET}:
            message = f"fields: are for the formats jsonl and parquet, not {self.format}"
            raise ValueError(message)
        return self
