"""What deduplication compares, made from the unredacted text and then all that is left of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from nemo_curator.backends.base import WorkerMetadata
from rensa import RMinHash

from hearth.curate.hashing import Hashes
from hearth.curate.keys import ContentKey, Domain
from hearth.curate.ledger import Step
from hearth.curate.near import SEED
from hearth.curate.paragraphs import Hashed, hashed
from hearth.curate.sections import DedupSection
from hearth.curate.shingles import BatchShingler
from hearth.curate.stages.marking import MarkingStage, Rows
from hearth.errors import SpecError

PARAGRAPHS = ("paragraphs", "passages", "passage_shingles", "passage_signatures")
"""Columns of a document's paragraphs: `hearth.curate.rows.Row` says what they hold."""


@dataclass
class HashContent(MarkingStage):
    """Write keyed hashes, shingles and MinHash signatures of text and paragraphs; drop the text.

    Attributes:
        key: The deployment's content key. Whoever knows it can test whether a text was there, so it
            has no default and may not be empty.
        section: Shingles and permutations.
        text: The column of the normalised, unredacted text: it is gone afterwards.
        redacted: The column, if there is one, of the redacted text, whose paragraphs are to be
            known by the hashes of the unredacted ones.
        language: The column that says whether shingles are of words or of characters.
    """

    key: ContentKey = field(kw_only=True)
    section: DedupSection = field(default_factory=DedupSection)
    text: str = "text"
    redacted: str = "redacted"
    language: str = "language"
    name: str = "hash_content"

    def __post_init__(self) -> None:
        """Refuse a key that everybody knows."""
        if not self.key.secret:
            message = "hash_content: key.secret is empty: hashes would tell what texts there are"
            raise SpecError(message)

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text, self.language]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], ["content_id", "characters", "shingles", "signature", *PARAGRAPHS]

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps its cache of words."""
        return {"is_actor_stage": True}

    def setup(self, _worker: WorkerMetadata | None = None) -> None:
        """Make the shingler."""
        self._shingler = BatchShingler(self.section, self.key.seed(Domain.SHINGLE))
        self._secret = self.key.digest(Domain.PARAGRAPH, "")

    def edit(self, frame: pd.DataFrame) -> None:
        """Hash every live row."""
        rows = Rows(frame, Step.EXACT)
        texts = rows.column(self.text)
        languages = rows.column(self.language)
        ids = rows.column("content_id")
        shingles: list[bytes | None] = rows.column("shingles")
        signatures: list[bytes | None] = rows.column("signature")
        parts: list[Hashed] = []
        redacted = rows.column(self.redacted) if self.redacted in frame else texts
        sets = self._shingler.many([(texts[place], languages[place]) for place in rows.live])
        for place, own in zip(rows.live, sets, strict=True):
            text = texts[place]
            ids[place] = self.key.content_id(text)
            shingles[place] = own.tobytes()
            parts.append(
                hashed(
                    text,
                    redacted[place],
                    self.section.paragraphs,
                    self._secret,
                    self._shingler,
                )
            )
        for place, signature in zip(rows.live, signed(sets, self.section), strict=True):
            signatures[place] = signature.tobytes()
        columns = {name: rows.column(name) for name in PARAGRAPHS}
        for place, values in zip(rows.live, _packed(parts, self.section), strict=True):
            for name, value in zip(PARAGRAPHS, values, strict=True):
                columns[name][place] = value
        sizes = [len(text) for text in texts]
        rows.store(
            content_id=ids, characters=sizes, shingles=shingles, signature=signatures, **columns
        )
        frame.drop(columns=self.text, inplace=True)  # noqa: PD002 - the frame is this stage's own


def _packed(
    parts: Sequence[Hashed], section: DedupSection
) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """Yield the columns `PARAGRAPHS` of each document."""
    sets = [shingles for part in parts for _, shingles in part.passages]
    signatures = iter(signed(sets, section))
    for part in parts:
        numbers = [(number, len(shingles)) for number, shingles in part.passages]
        yield (
            part.digests,
            np.array(numbers, dtype=np.int64).tobytes(),
            b"".join(shingles.tobytes() for _, shingles in part.passages),
            b"".join(next(signatures).tobytes() for _ in part.passages),
        )


def signed(sets: list[Hashes], section: DedupSection) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Return the MinHash signatures of sets of shingles, one row each (rensa's R-MinHash)."""
    if not sets:
        return np.empty((0, section.permutations), dtype=np.uint32)
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in sets])]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        np.concatenate(sets), offsets, section.permutations, SEED
    )
    # rensa hands over lists of integers, and packing those is the fastest way out of them.
    pack = struct.Struct(f"={section.permutations}I").pack
    packed = b"".join([pack(*row) for row in matrix.to_rows()])
    return np.frombuffer(packed, dtype=np.uint32).reshape(len(sets), section.permutations)
