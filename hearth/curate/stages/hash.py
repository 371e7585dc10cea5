"""What deduplication compares, made from the unredacted text and then all that is left of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from nemo_curator.backends.base import WorkerMetadata
from rensa import RMinHash

from hearth.curate.hashing import Hashes
from hearth.curate.keys import ContentKey, Domain
from hearth.curate.ledger import Step
from hearth.curate.near import SEED, Shingler
from hearth.curate.spec import DedupSection
from hearth.curate.stages.marking import MarkingStage, Rows


@dataclass
class HashContent(MarkingStage):
    """Write a keyed content id, keyed shingles and a MinHash signature; drop the text.

    Attributes:
        key: The deployment's content key.
        section: Shingles and permutations.
        text: The column of the normalised, unredacted text: it is gone afterwards.
        language: The column that says whether shingles are of words or of characters.
    """

    key: ContentKey = field(default_factory=lambda: ContentKey(b""))
    section: DedupSection = field(default_factory=DedupSection)
    text: str = "text"
    language: str = "language"
    name: str = "hash_content"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text, self.language]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], ["content_id", "characters", "shingles", "signature"]

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps its cache of words."""
        return {"is_actor_stage": True}

    def setup(self, _worker: WorkerMetadata | None = None) -> None:
        """Make the shingler."""
        self._shingler = Shingler(self.section, self.key.seed(Domain.SHINGLE))

    def edit(self, frame: pd.DataFrame) -> None:
        """Hash every live row."""
        rows = Rows(frame, Step.EXACT)
        texts = rows.column(self.text)
        languages = rows.column(self.language)
        ids = rows.column("content_id")
        shingles: list[bytes | None] = rows.column("shingles")
        signatures: list[bytes | None] = rows.column("signature")
        sets: list[Hashes] = []
        for place in rows.live:
            ids[place] = self.key.content_id(texts[place])
            sets.append(self._shingler.shingles(texts[place], languages[place]))
            shingles[place] = sets[-1].tobytes()
        for place, signature in zip(rows.live, signed(sets, self.section), strict=True):
            signatures[place] = signature.tobytes()
        sizes = [len(text) for text in texts]
        rows.store(content_id=ids, characters=sizes, shingles=shingles, signature=signatures)
        frame.drop(columns=self.text, inplace=True)  # noqa: PD002 - the frame is this stage's own


def signed(sets: list[Hashes], section: DedupSection) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Return the MinHash signatures of sets of shingles, one row each (rensa's R-MinHash)."""
    if not sets:
        return np.empty((0, section.permutations), dtype=np.uint32)
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in sets])]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        np.concatenate(sets), offsets, section.permutations, SEED
    )
    return np.array(matrix.to_rows(), dtype=np.uint32)
