"""What curation does, with every threshold, its default and where that default was published."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Self

from pydantic import Field

from hearth.curate.keywords.section import KeywordSection
from hearth.curate.mixture import MixtureSection
from hearth.curate.pii.section import PiiSection
from hearth.curate.rules import ChineseRules, EnglishRules
from hearth.curate.sections import (
    BoilerplateSection,
    DecontaminateSection,
    DedupSection,
    SplitSection,
)
from hearth.curate.tags.section import TagSection
from hearth.lock import PinnedList, Sketch, Tombstone, TombstoneKind
from hearth.model import FrozenModel, StageSpec

CONTRACT: Final = 7
"""Goes up when equal inputs and an equal spec give another result."""

PREVIOUS: Final = "previous"
"""The role of an earlier corpus whose splits are kept: nothing of its text comes along."""

SPLITS: Final = "splits"
"""The output that alone is read of it, and outlives the corpus."""

TOKENS: Final = 8_192
"""Tokens of the vocabulary that counts, where nothing says how many training's will have."""

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


class CountedBy(StrEnum):
    """What counts tokens."""

    BASE = "base"
    """The tokenizer of the model that training starts from: its counts are training's."""
    SAMPLE = "sample"
    """One learnt from a sample of train. Training learns its own of all: counts are estimates."""


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
    document_seconds: int = Field(
        120,
        ge=1,
        le=86_400,
        description="Processor time that a document may take in one pass: what takes longer, or "
        "ends the process that it is in, is rejected by name. A process that is killed from "
        "outside, as for want of memory, rejects nothing: the attempt fails, and is tried again.",
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
        description="A document is mixed if of the letters that are looked at (`sample_characters`)"
        " a share of Han is between this and the rest: Chinese beside another script, and not two "
        "languages of one script. Its paragraphs are identified one by one and counted in the "
        "report; nothing is dropped or treated otherwise for it. Hearth's own.",
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
        description="Of the train documents of a language and domain, weighted by characters; what "
        "lies above goes, except from test. 1 trims nothing. After CCNet (Wenzek et al. 2020), "
        "milder.",
    )
    low_quantile: float = Field(
        0.01,
        ge=0,
        le=0.5,
        description="The same from below: what lies under it is flagged as repetition, and stays. "
        "0 flags nothing. Hearth's own.",
    )
    min_documents: int = Field(
        20,
        ge=2,
        le=1_000_000,
        description="With fewer train documents of a language and domain nothing is trimmed or "
        "flagged there.",
    )
    trusted: tuple[str, ...] = Field(
        (),
        description="Sources whose train documents teach the model what good text is; none: all.",
    )
    exempt: tuple[str, ...] = Field(
        (),
        description="Sources that are scored and never trimmed: those meant to be unlike the "
        "rest, such as verse among manuals.",
    )


class TokensSection(FrozenModel):
    """How tokens are counted: by the base model's tokenizer, or by an estimate of training's own.

    That is a byte-level BPE as training learns it, of train only, but from a sample.
    """

    vocabulary: int | None = Field(
        None,
        ge=300,
        le=262_144,
        description="Tokens of the vocabulary; null: as many as `train.tokenizer` says.",
    )
    base: str | None = Field(
        None,
        description="The source of a mirrored model whose tokenizer counts instead; null: that of "
        "`train.base`, where the recipe has one.",
    )
    sample_characters: int = Field(
        2_000_000,
        ge=10_000,
        le=1_000_000_000,
        description="Characters of the train split that the BPE is learnt from. Training learns "
        "its own from the whole split, so that counts by this one are estimates.",
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
    keywords: KeywordSection = KeywordSection()
    perplexity: PerplexitySection = PerplexitySection()
    tags: TagSection = TagSection()
    tokens: TokensSection = TokensSection()
    mixture: MixtureSection = MixtureSection()

    def domain(self, source: str) -> Domain:
        """Return what a source holds."""
        return self.domains.get(source, Domain.PROSE)


class Grave(FrozenModel):
    """What of a tombstone can change the corpus: what it matches, not why or since when."""

    kind: TombstoneKind
    value: str
    key: str = ""
    sketch: Sketch | None = None

    @property
    def of_content(self) -> bool:
        """Whether it matches a content, which only the key that hashed it finds again."""
        return self.kind is TombstoneKind.CONTENT or self.sketch is not None


class CurateSpec(StageSpec, CurateSection):
    """Everything that can change a corpus, beside its inputs."""

    reserved: tuple[str, ...] = Field(
        (), description="Works that the suite is made of: they never enter the corpus."
    )
    tombstones: tuple[Grave, ...] = Field((), description="Documents that must not be used.")
    lists: tuple[PinnedList, ...] = Field(
        (), description="Lists of keywords, by their bytes; what they hold is in the store."
    )

    @classmethod
    def of(
        cls,
        section: CurateSection,
        *,
        reserved: Iterable[str] = (),
        tombstones: Iterable[Tombstone] = (),
        lists: Iterable[PinnedList] = (),
        vocabulary: int = TOKENS,
        base: str | None = None,
        generation: str | None = None,
    ) -> Self:
        """Build the spec of a recipe's section.

        Args:
            section: The recipe's.
            reserved: The suite's works.
            tombstones: A lock's.
            lists: A lock's, which stand for the section's paths.
            vocabulary: Tokens of training's vocabulary, where the section does not say.
            base: The model that training starts from, where it starts from one.
            generation: What makes an equal spec new.
        """
        graves = {
            grave.id: Grave(kind=grave.kind, value=grave.value, key=grave.key, sketch=grave.sketch)
            for grave in tombstones
        }
        fields = {name: getattr(section, name) for name in type(section).model_fields}
        fields["keywords"] = section.keywords.model_copy(update={"lists": ()})
        said = section.tokens
        used = {"vocabulary": said.vocabulary or vocabulary, "base": said.base or base}
        fields["tokens"] = said.model_copy(update=used)
        return cls(
            **fields,
            lists=tuple(lists),
            reserved=tuple(sorted(set(reserved))),
            tombstones=tuple(graves[name] for name in sorted(graves)),
            generation=generation,
        )
