"""Near-duplicates on a GPU, by Curator's own workflows; `unverified`: it never ran on one.

The contract is that of the CPU's path and of Curator: a Parquet file of ids to remove, here the
`doc_key`s, column `id` (`hearth.curate.tables.REMOVALS`). Curator's `TextDuplicatesRemovalStage`
takes it as it is.

What differs: cuDF shingles characters in every language, takes what its bands say for a duplicate
without verifying it, and keeps any one copy, not the most trusted. So its ids are not those of the
CPU's path, and a recipe does not switch between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from hearth.curate import tables
from hearth.curate.sections import DedupSection

UNVERIFIED: Final = "deduplication by cuDF: written against Curator 1.4, never run on a GPU"
"""For the record of whoever used it."""
_SHINGLE: Final = 24
"""Characters, Curator's default: below 20 it warns of false positives."""


def removals(
    files: Sequence[Path], work: Path, out: Path, section: DedupSection
) -> list[tuple[Path, int]]:
    """Find the documents to remove as near-duplicates, and write their ids.

    Args:
        files: Parquet files with `doc_key` and `text`, normalised. They hold unredacted text, so
            they and `work` belong on an encrypted disk.
        work: A folder for what is forgotten afterwards.
        out: Where the ids are written.
        section: Permutations and bands.

    Returns:
        The files that were written, with the rows of each.
    """
    # Both import cudf, and need a GPU.
    from nemo_curator.stages.deduplication.fuzzy.workflow import (  # noqa: PLC0415
        ID_GENERATOR_OUTPUT_FILENAME,
        FuzzyDeduplicationWorkflow,
    )
    from nemo_curator.stages.text.deduplication.removal_workflow import (  # noqa: PLC0415
        TextDuplicatesRemovalWorkflow,
    )

    paths = [str(path) for path in files]
    found, left = work / "found", work / "left"
    FuzzyDeduplicationWorkflow(
        cache_path=str(work / "cache"),
        output_path=str(found),
        input_path=paths,
        text_field="text",
        char_ngrams=_SHINGLE,
        num_bands=section.bands,
        minhashes_per_band=section.permutations // section.bands,
    ).run()
    # Curator numbers documents by file; only its own removal knows which number is whose.
    TextDuplicatesRemovalWorkflow(
        input_path=paths,
        ids_to_remove_path=str(found / "FuzzyDuplicateIds"),
        output_path=str(left),
        duplicate_id_field="_curator_dedup_id",
        id_generator_path=str(found / ID_GENERATOR_OUTPUT_FILENAME),
        output_fields=["doc_key"],
    ).run()
    kept = _keys(sorted(left.glob("*.parquet")))
    return tables.write(out, tables.REMOVALS, {"id": sorted(_keys(files) - kept)})


def _keys(files: Sequence[Path]) -> set[str]:
    return {
        key for path in files for key in pq.read_table(path, columns=["doc_key"])[0].to_pylist()
    }
