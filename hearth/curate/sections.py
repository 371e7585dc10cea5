"""What a recipe says about copies, splits and contamination; `hearth.curate.spec` has the rest."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from hearth.model import FrozenModel


class BoilerplateSection(FrozenModel):
    """Which lines of a source are boilerplate: navigation, credits, notices. Hearth's own."""

    share: float | None = Field(
        0.3,
        gt=0,
        le=1,
        description="Share of a source's documents that hold a line, from which it is cut; null "
        "cuts none.",
    )
    documents: int = Field(20, ge=2, le=1_000_000, description="Documents that hold it, at least.")
    characters: int = Field(
        12,
        ge=1,
        le=10_000,
        description="Letters and digits of the line, at least: shorter ones are headings.",
    )


class ParagraphSection(FrozenModel):
    """Which repeated paragraphs are cut; a paragraph is what stands between empty lines.

    Of equal paragraphs the one in the most held-out split stays, then the one in the document that
    `DedupSection.trust` and its order prefer.
    """

    words: int | None = Field(
        50,
        ge=5,
        le=10_000,
        description="Words from which a paragraph of English that stands elsewhere too, exactly or "
        "nearly, is cut; null cuts none. 50: Lee et al. 2022, whose tokens were subwords.",
    )
    characters: int | None = Field(
        80,
        ge=10,
        le=20_000,
        description="The same in letters and digits of Chinese: about as long as 50 English words. "
        "Hearth's own.",
    )
    leak_words: int = Field(
        13,
        ge=3,
        le=10_000,
        description="Words from which a paragraph of a held-out split leaves every split that is "
        "less held out: test over validation over train. 13: GPT-3's n-gram.",
    )
    leak_characters: int = Field(
        20, ge=5, le=20_000, description="The same in letters and digits of Chinese. Hearth's own."
    )


class DedupEngine(StrEnum):
    """What names the candidates for near-duplicates."""

    CPU = "cpu"
    CUDF = "cudf"


class DedupSection(FrozenModel):
    """How copies are found: exact by keyed hash, near by MinHash-LSH verified by exact Jaccard."""

    engine: DedupEngine = Field(
        DedupEngine.CPU,
        description="What names documents to compare: `cpu`, or `cudf`, NeMo Curator's workflow on "
        "a GPU of the Ray cluster that the profile names (**unverified**). It shingles 24 "
        "characters in every language, so it finds other candidates.",
    )
    permutations: int = Field(
        128, ge=16, le=1024, description="Values of a signature. 128: FineWeb used 112."
    )
    bands: int = Field(
        16,
        ge=1,
        le=256,
        description="Bands of the signature: two texts that agree in one are candidates. "
        "16 bands of 8 find a pair of Jaccard 0.8 with probability 0.95, one of 0.9 always.",
    )
    shingle_words: int = Field(
        5, ge=1, le=20, description="Words in a shingle of English. 5: FineWeb; GPT-3."
    )
    shingle_characters: int = Field(
        5, ge=2, le=40, description="Characters in a shingle of Chinese, white space left out."
    )
    threshold: float = Field(
        0.8,
        ge=0.3,
        le=1,
        description="Exact Jaccard from which two documents, or two paragraphs, are "
        "near-duplicates. 0.8: Lee et al. 2022; SlimPajama.",
    )
    trust: tuple[str, ...] = Field(
        (),
        description="Sources, the most trusted first: of copies, the one from the most trusted "
        "source stays; then the longest; then the newest by `date`, since a correction is newer "
        "than what it corrects, and any day before none; then the first by key.",
    )
    paragraphs: ParagraphSection = Field(
        ParagraphSection(), description="The same below the level of documents."
    )

    @model_validator(mode="after")
    def _bands_divide(self) -> Self:
        if self.permutations % self.bands:
            message = f"bands: {self.bands} must divide permutations, {self.permutations}"
            raise ValueError(message)
        return self


class SplitSection(FrozenModel):
    """How groups are dealt to the splits: see `hearth.curate.plan.assign`."""

    validation: float = Field(0.03, gt=0, le=0.3, description="Share of groups for validation.")
    test: float = Field(0.02, gt=0, le=0.3, description="Share of groups for the test split.")
    largest_held_out: float = Field(
        0.05,
        gt=0,
        le=0.5,
        description="A group that holds more than this share of a language's characters goes to "
        "train, unless a split would otherwise stay without that language.",
    )
    generation: int = Field(
        0,
        ge=0,
        description="Builds keep the splits of the recipe's last corpus of this generation; raise "
        "it to deal all of them anew. What was trained on may then judge.",
    )


class DecontaminateSection(FrozenModel):
    """How text that the suite will ask about is kept out."""

    words: int = Field(
        13, ge=5, le=50, description="Words in an n-gram of English. 13: GPT-3 (Brown et al. 2020)."
    )
    characters: int = Field(
        20,
        ge=6,
        le=80,
        description="Characters in an n-gram of Chinese, letters and digits only: about as long "
        "as 13 English words. A Latin letter or a digit counts as 0.3 of one. Hearth's own.",
    )
    near_words: int = Field(
        8,
        ge=3,
        le=50,
        description="Words in the shorter n-grams by which is measured how much of an English item "
        "a document gives away. 8: PaLM (Chowdhery et al. 2022).",
    )
    near_characters: int = Field(
        12,
        ge=4,
        le=80,
        description="The same in letters and digits of Chinese, as long as 8 words. Hearth's own.",
    )
    near_share: float = Field(
        0.2,
        gt=0,
        le=1,
        description="Share of an item's question and answer from which a document that stays is "
        "reported as a near miss. 0.2: below it Llama 2 (Touvron et al. 2023) calls an item clean.",
    )
    exposed_share: float = Field(
        0.7,
        gt=0,
        le=1,
        description="Share of an item's question and answer from which a document that stays in "
        "train exposes it: what the gate limits. 0.7: PaLM.",
    )
    max_pieces: int = Field(
        10,
        ge=1,
        le=1_000,
        description="A document cut into more pieces goes as a whole. 10: GPT-3.",
    )
    max_share: float = Field(
        0.2, gt=0, le=1, description="A document goes as a whole if more than this would be cut."
    )
