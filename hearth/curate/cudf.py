"""Candidates for near-duplicates from a GPU, by Curator's own workflow; `unverified`: none was had.

`dedup.engine: cudf` takes it. It stands where bands are grouped otherwise: what it says belongs
together is a bucket, whose members are then compared by exact Jaccard as ever. So copies are
chosen, clusters logged and ids to remove written (`hearth.curate.tables.REMOVALS`) by the same
code; only which texts are compared differs, since cuDF shingles characters in every language.

Curator reaches Ray by `RAY_ADDRESS`, and ends every session of its process: hence a cluster has to
be named. The workflow's files lie on the job's scratch, so that the cluster's GPUs must be on the
job's machine, or share that disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.index import Index
from hearth.curate.near import runs
from hearth.curate.sections import DedupSection
from hearth.errors import SpecError
from hearth.raycluster import RAY_HERE

UNVERIFIED: Final = "deduplication by cuDF: written against Curator 1.4, never run on a GPU"
"""For the record of whoever used it."""
_SHINGLE: Final = 24
"""Characters, Curator's default: below 20 it warns of false positives."""
_GROUP: Final = "_duplicate_group_id"
"""Curator's column; the module that names it imports cuDF."""
_ROWS: Final = 100_000
"""Texts in a file: what one worker reads at once."""
_TOGETHER: Final = 1_000
"""Texts that are written at once."""


def workflow() -> ModuleType:
    """Import Curator's workflow, which needs cuDF.

    Raises:
        SpecError: It cannot be imported here.
    """
    try:
        from nemo_curator.stages.deduplication.fuzzy import workflow as found  # noqa: PLC0415
    except ImportError as error:
        message = (
            f"curate.dedup.engine = cudf: cannot be used here ({error}): it needs a GPU and "
            "Curator's extra `deduplication_cuda12` in the environment of jobs; take `cpu`, which "
            "needs neither"
        )
        raise SpecError(message) from error
    module: ModuleType = found
    return module


def check(cluster: str | None) -> None:
    """Check ahead that the workflow could run.

    Args:
        cluster: The Ray cluster that the job was told of.

    Raises:
        SpecError: It could not.
    """
    workflow()
    if cluster in {None, RAY_HERE}:
        message = (
            "curate.dedup.engine = cudf: no Ray cluster is named, and Curator's workflow needs one "
            "with a GPU: start it, and name it in the profile, `compute.ray`; or take `cpu`"
        )
        raise SpecError(message)


def buckets(
    index: Index, distinct: npt.NDArray[np.bool_], section: DedupSection
) -> Iterator[list[int]]:
    """Yield the places of texts that cuDF holds for copies of each other.

    Args:
        index: All documents.
        distinct: The places that are compared.
        section: Permutations and bands.
    """
    # Imported here, so that whoever takes no GPU needs nothing of it.
    from nemo_curator.stages.deduplication.id_generator import (  # noqa: PLC0415
        CURATOR_DEDUP_ID_STR,
        IdGeneratorBase,
    )
    from nemo_curator.tasks import FileGroupTask  # noqa: PLC0415

    stock, work = workflow(), index.folder / "cudf"
    files = _write(index, np.flatnonzero(distinct), work)
    stock.FuzzyDeduplicationWorkflow(
        cache_path=str(work / "cache"),
        output_path=str(work / "found"),
        text_field="text",
        char_ngrams=_SHINGLE,
        num_bands=section.bands,
        minhashes_per_band=section.permutations // section.bands,
    ).run(initial_tasks=[FileGroupTask(dataset_name="cudf", data=[str(path)]) for path in files])
    # Curator numbers texts file by file, in whatever order files are read.
    numbered = IdGeneratorBase.from_disk(str(work / "found" / stock.ID_GENERATOR_OUTPUT_FILENAME))
    place = np.empty(numbered.next_id, dtype=np.uint32)
    for path in files:
        first, last = numbered.get_batch_range(files=[str(path)], key=None)
        place[first : last + 1] = pq.read_table(path, columns=["place"])["place"].to_numpy()
    # Where it found no copies there is no such folder.
    for path in sorted((work / "cache" / "ConnectedComponentsStage").glob("*.parquet")):
        found: Any = pq.read_table(path)
        at = place[found[CURATOR_DEDUP_ID_STR].to_numpy()]
        names = found[_GROUP].to_numpy()
        order = np.lexsort((at, names))
        yield from runs(names[order], at[order])


def _write(index: Index, places: npt.NDArray[np.int64], work: Path) -> list[Path]:
    """Write the redacted texts of places, some to a file."""
    work.mkdir()
    schema = pa.schema([("place", pa.uint32()), ("text", pa.string())])
    files = []
    for start in range(0, len(places), _ROWS):
        files.append(work / f"{start:012}.parquet")
        with pq.ParquetWriter(files[-1], schema) as file:
            mine = places[start : start + _ROWS]
            for first in range(0, len(mine), _TOGETHER):
                at = mine[first : first + _TOGETHER]
                pieces = (index.texts[number] for number in index.number[at].tolist())
                texts = [piece.decode("utf-8", "replace") for piece in pieces]
                columns = [pa.array(at.astype(np.uint32)), pa.array(texts, pa.string())]
                file.write_table(pa.table(columns, schema=schema))
    return files
