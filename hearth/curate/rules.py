"""The rules of quality, each with its published default and source; null switches one off."""

from __future__ import annotations

from pydantic import Field

from hearth.model import FrozenModel

GOPHER = "Gopher (Rae et al. 2021, table A1)"
CURATOR = "NeMo Curator's default"


class CommonRules(FrozenModel):
    """Rules that mean the same in every script."""

    max_numbers: float | None = Field(
        0.15, ge=0, le=1, description=f"Digits among characters. 0.15: {CURATOR}."
    )
    max_urls: float | None = Field(
        0.2, ge=0, le=1, description=f"Characters in URLs. 0.2: {CURATOR}, after C4."
    )
    max_brackets: float | None = Field(
        0.1, ge=0, le=1, description=f"Brackets among characters. 0.1: {CURATOR}."
    )
    max_bullet_lines: float | None = Field(
        0.9, ge=0, le=1, description=f"Lines that start with a bullet. 0.9: {GOPHER}."
    )
    max_ellipsis_lines: float | None = Field(
        0.3, ge=0, le=1, description=f"Lines that end with an ellipsis. 0.3: {GOPHER}."
    )
    min_unique_lines: float | None = Field(
        0.7, ge=0, le=1, description=f"Unique lines among lines. 0.7: {GOPHER}."
    )
    min_unique_paragraphs: float | None = Field(
        0.7, ge=0, le=1, description=f"Unique paragraphs among paragraphs. 0.7: {GOPHER}."
    )
    max_garbled: float | None = Field(
        0.001,
        ge=0,
        le=1,
        description="Replacement, private-use and unassigned characters (乱码). Hearth's own.",
    )


class EnglishRules(CommonRules):
    """Rules for text whose words stand apart."""

    min_words: int = Field(50, ge=0, description=f"Words at least. 50: {GOPHER}.")
    max_words: int = Field(100_000, ge=1, description=f"Words at most. 100,000: {GOPHER}.")
    min_mean_word: float | None = Field(
        3, ge=0, le=100, description=f"Mean letters of a word, at least. 3: {GOPHER}."
    )
    max_mean_word: float | None = Field(
        10, ge=0, le=100, description=f"Mean letters of a word, at most. 10: {GOPHER}."
    )
    max_symbol_words: float | None = Field(
        0.1, ge=0, le=1, description=f"Words that hold a hash sign. 0.1: {GOPHER}."
    )
    max_white_space: float | None = Field(
        0.25, ge=0, le=1, description=f"White space among characters. 0.25: {CURATOR}."
    )
    min_alphabetic_words: float | None = Field(
        0.8, ge=0, le=1, description=f"Words with a letter. 0.8: {GOPHER}."
    )
    min_common_words: int | None = Field(
        2, ge=0, le=8, description=f"Of the, be, to, of, and, that, have, with. 2: {GOPHER}."
    )
    max_top_2gram: float | None = Field(
        0.2, ge=0, le=1, description=f"Characters in the most frequent 2-gram. 0.2: {GOPHER}."
    )
    max_top_4gram: float | None = Field(
        0.16, ge=0, le=1, description=f"Characters in the most frequent 4-gram. 0.16: {GOPHER}."
    )
    max_repeated_5gram: float | None = Field(
        0.15, ge=0, le=1, description=f"Characters in repeated 5-grams. 0.15: {GOPHER}."
    )
    max_repeated_10gram: float | None = Field(
        0.1, ge=0, le=1, description=f"Characters in repeated 10-grams. 0.1: {GOPHER}."
    )


class ChineseRules(CommonRules):
    """Rules for text without spaces: characters instead of words."""

    min_characters: int = Field(
        20,
        ge=0,
        description="Letters and digits at least. Gopher's 50 words would be some 80 characters; "
        "20 is a quatrain of five characters a line. Hearth's own.",
    )
    max_characters: int = Field(
        200_000, ge=1, description="Letters and digits at most: Gopher's 100,000 words. Own."
    )
    min_han: float | None = Field(
        0.15,
        ge=0,
        le=1,
        description="Han among letters and digits: manuals name many programs. Hearth's own.",
    )
    max_punctuation: float | None = Field(
        0.35, ge=0, le=1, description="Punctuation and symbols among characters. Hearth's own."
    )
    max_top_gram: float | None = Field(
        0.2,
        ge=0,
        le=1,
        description="Characters in the most frequent 4-gram of tokens; a token is a character, or "
        f"a Latin word. Two words of two make a 2-gram. 0.2: {GOPHER}, tokens for words.",
    )
    max_repeated_gram: float | None = Field(
        0.15,
        ge=0,
        le=1,
        description="Characters in repeated 10-grams of tokens. Five words of two make a 5-gram. "
        f"0.15: {GOPHER}, tokens for words.",
    )
