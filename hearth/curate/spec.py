"""What curation does, with every threshold, its default and where that default was published."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Self

from pydantic import Field

from hearth.curate.pii.section import PiiSection
from hearth.curate.rules import ChineseRules, EnglishRules
from hearth.curate.sections import (
    BoilerplateSection,
    DecontaminateSection,
    DedupSection,
    SplitSection,
)
from hearth.lock import Tombstone, TombstoneKind
from hearth.model import FrozenModel, StageSpec

CONTRACT: Final = 5
"""Goes up when equal inputs and an equal spec give another result."""

PREVIOUS: Final = "previous"
"""The role of an earlier corpus whose splits are kept: nothing of its text comes along."""

SPLITS: Final = "splits"
"""The output that alone is read of it, and outlives the corpus."""

CONTENT_KEY: Final = "content_key"
"""The secret under which contents, groups and shingles are hashed."""


class Language(StrEnum):
    """The languages that curation has rules for."""

    EN = "en"
    ZH = "zh"


class Domain(StrEnum):
    """What a source holds."""

    PROSE = "prose"
    CODE = "code"
    MATHS = "maths"


class UnicodeForm(StrEnum):
    """A Unicode normalisation form (UAX 15)."""

    NFC = "NFC"
    NFKC = "NFKC"


class ReadSection(FrozenModel):
    """What is rejected before anything parses it."""

    max_characters: int = Field(
        5_000_000, ge=1_000, le=100_000_000, description="Longest document, in characters."
    )
    max_line_characters: int = Field(
        1_000_000,
        ge=1_000,
        le=100_000_000,
        description="Longest line, in characters: a longer one is data, not text.",
    )


class LanguageSection(FrozenModel):
    """How the language of a document is identified: by script, then by fastText's lid.176."""

    keep: tuple[Language, ...] = Field(
        (Language.EN, Language.ZH), min_length=1, description="Languages that stay."
    )
    min_confidence: float = Field(
        0.65,
        ge=0,
        le=1,
        description="fastText's confidence below which the declared language counts, if any, and "
        "the document goes otherwise. 0.65: FineWeb (Penedo et al. 2024).",
    )
    min_han_share: float = Field(
        0.3,
        gt=0,
        le=1,
        description="Share of Han among all letters from which a text without kana or hangul is "
        "Chinese, whatever fastText says of verse, terms and mixed text. Hearth's own.",
    )
    sample_characters: int = Field(
        2_000, ge=100, le=1_000_000, description="Characters of a document that are looked at."
    )
    mixed_share: float = Field(
        0.1,
        ge=0,
        le=0.5,
        description="A document whose share of Han lies between this and the rest is mixed, and "
        "its paragraphs are identified one by one, for the report. Hearth's own.",
    )
    paragraph_characters: int = Field(
        80, ge=1, le=1_000_000, description="Shorter paragraphs are taken for the document's own."
    )


class NormaliseSection(FrozenModel):
    """How text is cleaned: ftfy, Unicode form, control and zero-width characters, white space."""

    form: UnicodeForm = Field(
        UnicodeForm.NFC,
        description="NFKC also folds full-width punctuation and ligatures; code ends in NFC.",
    )
    narrow: bool = Field(
        default=True,
        description="Full-width digits and letters become ASCII; code keeps its own, and "
        "punctuation stays.",
    )
    boilerplate: BoilerplateSection = Field(
        BoilerplateSection(), description="Lines that a source repeats."
    )


class PerplexitySection(FrozenModel):
    """The trim by perplexity under a character n-gram model of the train split, cross-fitted."""

    order: int = Field(4, ge=2, le=8, description="Characters of the longest n-gram.")
    strength: float = Field(
        2.0,
        gt=0,
        le=1_000,
        description="Pseudo-counts of the shorter n-gram in the estimate of the longer "
        "(hierarchical Dirichlet smoothing: MacKay and Peto 1995).",
    )
    bits: int = Field(
        21, ge=16, le=26, description="Counts of one order are kept in 2^bits hashed cells."
    )
    folds: int = Field(
        4, ge=2, le=20, description="A train document is scored by a model of the other folds."
    )
    quantile: float = Field(
        0.99,
        ge=0.5,
        le=1,
        description="Of a language's train documents, weighted by characters; what lies above "
        "goes, except from test. 1 trims nothing. After CCNet (Wenzek et al. 2020), milder.",
    )
    min_documents: int = Field(
        20, ge=2, le=1_000_000, description="With fewer train documents nothing is trimmed."
    )
    exempt: tuple[str, ...] = Field(
        (),
        description="Sources that are scored and never trimmed: those meant to be unlike the "
        "rest, such as verse among manuals.",
    )


class TokensSection(FrozenModel):
    """How tokens are counted: by a byte-level BPE trained on the train split."""

    vocabulary: int = Field(8_192, ge=300, le=262_144, description="Tokens of the vocabulary.")
    sample_characters: int = Field(
        2_000_000,
        ge=10_000,
        le=1_000_000_000,
        description="Characters of the train split that the BPE is trained on.",
    )


class QualitySection(FrozenModel):
    """Rules of quality, one set a language: Chinese is never judged by its white space."""

    en: EnglishRules = EnglishRules()
    zh: ChineseRules = ChineseRules()


class CurateSection(FrozenModel):
    """What a recipe says about curation."""

    domains: dict[str, Domain] = Field(
        {}, description="Sources that are not prose: what is true of prose is not asked of them."
    )
    read: ReadSection = ReadSection()
    language: LanguageSection = LanguageSection()
    normalise: NormaliseSection = NormaliseSection()
    pii: PiiSection = PiiSection()
    dedup: DedupSection = DedupSection()
    split: SplitSection = SplitSection()
    decontaminate: DecontaminateSection = DecontaminateSection()
    quality: QualitySection = QualitySection()
    perplexity: PerplexitySection = PerplexitySection()
    tokens: TokensSection = TokensSection()

    def domain(self, source: str) -> Domain:
        """Return what a source holds."""
        return self.domains.get(source, Domain.PROSE)


class Grave(FrozenModel):
    """What of a tombstone can change the corpus: what it matches, not why or since when."""

    kind: TombstoneKind
    value: str


class CurateSpec(StageSpec, CurateSection):
    """Everything that can change a corpus, beside its inputs."""

    reserved: tuple[str, ...] = Field(
        (), description="Works that the suite is made of: they never enter the corpus."
    )
    tombstones: tuple[Grave, ...] = Field((), description="Documents that must not be used.")

    @classmethod
    def of(
        cls,
        section: CurateSection,
        *,
        reserved: Iterable[str] = (),
        tombstones: Iterable[Tombstone] = (),
        generation: str | None = None,
    ) -> Self:
        """Build the spec of a recipe's section, of the suite's works and of a lock's tombstones."""
        graves = {(grave.kind, grave.value) for grave in tombstones}
        return cls(
            **{name: getattr(section, name) for name in type(section).model_fields},
            reserved=tuple(sorted(set(reserved))),
            tombstones=tuple(Grave(kind=kind, value=value) for kind, value in sorted(graves)),
            generation=generation,
        )
