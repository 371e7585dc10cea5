"""The rules of quality, each with its published default and source; null switches one off.

A rule that is off by default says so, and what was published: it was made for web pages, and
manuals, laws or verse fail it. Code and mathematics are exempt from all but the rules in
`EVERYWHERE`.
"""

from __future__ import annotations

from pydantic import Field

from hearth.model import FrozenModel

GOPHER = "Gopher (Rae et al. 2021, table A1)"
CURATOR = "NeMo Curator's default"
C4 = "C4 (Raffel et al. 2020)"
FINEWEB = "FineWeb (Penedo et al. 2024)"
CHINESE_WEB = "ChineseWebText (Chen et al. 2023)"

EVERYWHERE = frozenset({"garbled", "placeholders", "adverts"})
"""Rules that hold for code and mathematics too."""

ADVERTS = (
    "六合彩", "时时彩", "彩票平台", "博彩", "澳门赌场", "真人娱乐", "百家乐", "老虎机", "娱乐城",
    "代开发票", "代办证件", "刻章办证", "代孕", "包养", "裸聊", "成人影片", "点击领取", "加微信领",
    "扫码领红包", "online casino", "slot machine bonus", "free spins", "betting tips",
    "cheap viagra", "payday loan", "work from home and earn",
)  # fmt: skip
"""Terms of gambling and advertising lines. Hearth's own; short, since a user's list is long."""


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
    max_duplicate_lines: float | None = Field(
        0.2,
        ge=0,
        le=1,
        description=f"Characters in lines that stood before. 0.2: {GOPHER}; 0.01: {FINEWEB}.",
    )
    max_duplicate_paragraphs: float | None = Field(
        0.2, ge=0, le=1, description=f"Characters in paragraphs that stood before. 0.2: {GOPHER}."
    )
    max_short_lines: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Lines of at most 30 characters. Off: lists, tables and verse. "
        f"0.67: {FINEWEB}.",
    )
    min_punctuated_lines: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Lines that end a sentence. Off: headings and commands. "
        f"0.12: {FINEWEB}; 1, line by line: {C4}.",
    )
    min_sentences: int | None = Field(
        None,
        ge=0,
        description=f"Marks that end a sentence. Off: man pages, verse. 3 (5 lines): {C4}.",
    )
    max_braces: float | None = Field(
        None,
        ge=0,
        le=1,
        description=f"Curly brackets among characters. Off: manuals show code. 0: {C4}.",
    )
    max_placeholders: int | None = Field(
        0, ge=0, description=f"Times that `lorem ipsum` stands there. 0: {C4}."
    )
    max_adverts: float | None = Field(
        0.1,
        ge=0,
        le=1,
        description="Lines that hold one of `adverts`, among lines. Hearth's own; after the line "
        f"filters of {CHINESE_WEB}, which counts sensitive words (0.5 a line).",
    )
    adverts: tuple[str, ...] = Field(
        ADVERTS, description="Terms of gambling and advertising lines, as they are written."
    )
    max_garbled: float | None = Field(
        0.001,
        ge=0,
        le=1,
        description="Replacement, private-use and unassigned characters, and what text looks like "
        "that was decoded wrongly (乱码: 锟斤拷, 烫烫烫, Ã¤). Hearth's own.",
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
    min_stop_words: float | None = Field(
        None,
        ge=0,
        le=1,
        description="The words of `min_common_words`, among words. Off: that rule asks for two "
        "of them, as Gopher does. Stop-word ratios by language: FineWeb 2 "
        "(Penedo et al. 2025).",
    )
    max_top_2gram: float | None = Field(
        0.2, ge=0, le=1, description=f"Characters in the most frequent 2-gram. 0.2: {GOPHER}."
    )
    max_top_3gram: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Characters in the most frequent 3-gram. Off: 2 and 4 bracket it. "
        f"0.18: {GOPHER}.",
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
        description="Han among tokens; a token is a character, or a Latin word: manuals name many "
        "programs, and a page with fewer was never translated. Hearth's own; "
        f"{CHINESE_WEB} counts letters.",
    )
    min_mean_line: float | None = Field(
        None,
        ge=0,
        le=10_000,
        description="Mean characters of a line, at least. Off: verse has lines of five. "
        f"10: {CHINESE_WEB}.",
    )
    min_common_characters: int | None = Field(
        None,
        ge=0,
        le=16,
        description="Of 的了是在和有不为与及或之其以于而, how many stand there. Off: verse and "
        "short reference pages have none. Gopher's two of eight words would be 2.",
    )
    min_stop_characters: float | None = Field(
        None,
        ge=0,
        le=1,
        description="The same sixteen among Han characters. Off, since titles and verse have few: "
        "modern prose has about 0.1. Stop-word ratios by language: FineWeb 2 (Penedo et al. "
        "2025).",
    )
    max_symbols: float | None = Field(
        0.25,
        ge=0,
        le=1,
        description="Symbols (mathematical, currency, box-drawing: Unicode's classes S) among "
        "characters that are no white space. Hearth's own.",
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
