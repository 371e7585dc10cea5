"""Compares normalising and filtering with datatrove's steps, and with NeMo Curator's own.

From the repository, in the stages' environment:

    python -m benchmarks.curate.filters [FOLDER_OF_DOCUMENTS] [--documents 2000] [--runs 5] [--long]

Without a folder documents are made up, half English half Chinese, of 1.2 kB, without copies; with
one, the first characters of real documents are taken. `--long` makes each of 120 kB.

Each side runs its steps over documents that are in memory, in one process; seconds of CPU are
taken, in turns, and the medians compared. Nothing is read, written, identified or deduplicated.
- Hearth: `RepairText`, `CleanText`, `TakeChange` and `FilterByLanguage` as a Curator pipeline on
  the in-process executor, with Gopher's, C4's and FineWeb's rules on, those too that are off by
  default, in both languages; decisions and reasons are kept.
- datatrove: `filters_datatrove.py`, in an environment of its own made by pip: FTFY, Gopher
  repetition and quality, C4, FineWeb, in three settings that it describes.
- Curator: its `UnicodeReformatter` and a `ScoreFilter` for each of its filters that our English
  rules name, on the same executor; Chinese by jieba, as its filters have it.
Filters stop at the first that a document fails, on all sides: how many were kept is printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.stages.resources import Resources
from nemo_curator.stages.text.filters import ScoreFilter
from nemo_curator.stages.text.filters import heuristic as stock
from nemo_curator.stages.text.filters.heuristic import repetition
from nemo_curator.stages.text.modifiers import Modify
from nemo_curator.stages.text.modifiers.unicode import UnicodeReformatter
from nemo_curator.tasks import DocumentBatch
from rich.console import Console
from rich.table import Table

from benchmarks.curate import corpus, peers
from hearth.curate.executor import InProcessExecutor, quiet
from hearth.curate.passes import BATCH
from hearth.curate.rules import ChineseRules, EnglishRules
from hearth.curate.spec import QualitySection
from hearth.curate.stages.clean import CleanText, RepairText, TakeChange
from hearth.curate.stages.marking import SLICE
from hearth.curate.stages.quality import FilterByLanguage, filters_of
from hearth.documents import read_documents

PEER: Final = Path(__file__).with_name("filters_datatrove.py")
SETS: Final = ("published", "same", "split")
BAR: Final = 2.0
_SIZES: Final = {"en": 1_200, "zh": 400}
"""Characters of 1.2 kB."""
_LONG: Final = 100
_PUBLISHED: Final[dict[str, Any]] = {
    "max_short_lines": 0.67,
    "min_punctuated_lines": 0.12,
    "min_sentences": 3,
    "max_braces": 0.0,
    "max_duplicate_lines": 0.01,
}
"""Rules that are off by default, or looser."""


class Run(NamedTuple):
    """What one run took, and kept."""

    seconds: float
    kept: int


def main() -> int:
    """Measure, print, and say by the exit code whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--long", action="store_true")
    arguments = parser.parse_args()
    quiet()
    python = peers.environment("datatrove", ["datatrove[processing]", "spacy", "jieba"])
    rows = list(texts(arguments.folder, arguments.documents, long=arguments.long))
    runs: dict[str, list[Run]] = defaultdict(list)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = folder / "documents.jsonl"
        lines = (json.dumps({"language": lang, "text": text}) for lang, text in rows)
        path.write_text("\n".join(lines), encoding="utf-8")
        peer = stack.enter_context(peers.running(PEER, path, python=python))
        for _ in range(arguments.runs):
            runs["hearth"].append(run(ours(), rows))
            for name in SETS:
                runs[f"datatrove, {name}"].append(Run(**peer.ask(name)))
            runs["curator"].append(run_stock(rows))
    spent = {name: statistics.median(one.seconds for one in done) for name, done in runs.items()}
    size = sum(len(text.encode()) for _, text in rows) / len(rows)
    datatrove = peers.version(python, "datatrove")
    title = f"{len(rows)} documents of {size:,.0f} bytes; {datatrove}"
    table = Table("", "kept", "documents per CPU-second", "Hearth is faster by", title=title)
    for name, seconds in spent.items():
        kept, ratio = runs[name][0].kept, seconds / spent["hearth"]
        table.add_row(name, str(kept), f"{len(rows) / seconds:,.0f}", f"{ratio:.2f}")
    Console().print(table)
    # By the setting that is kindest to datatrove.
    return 0 if spent["datatrove, split"] / spent["hearth"] >= BAR else 1


def texts(folder: Path | None, count: int, *, long: bool) -> Iterator[tuple[str, str]]:
    """Yield languages and texts, half of them English."""
    left = dict.fromkeys(_SIZES, count // 2)
    times = _LONG if long else 1
    parts: dict[str, list[str]] = defaultdict(list)
    for language, text in _some(folder, count * times):
        if left[language]:
            parts[language].append(text)
            if len(parts[language]) == times:
                yield language, "\n\n".join(parts.pop(language))
                left[language] -= 1


def _some(folder: Path | None, count: int) -> Iterator[tuple[str, str]]:
    if folder is None:
        for made in corpus.documents(2 * count):
            if corpus.original(made.doc_key) is None:
                yield made.language or "", made.text
        return
    for row in read_documents(sorted(folder.rglob("*.parquet")), ["language", "text"]):
        size = _SIZES.get(row["language"] or "", 0)
        if size and len(row["text"]) >= size:
            yield row["language"], row["text"][:size]


def ours(*, slim: bool = False) -> list[ProcessingStage]:
    """Return our stages; slim ones fit on Ray with two CPUs."""
    english = EnglishRules(**_PUBLISHED, max_top_3gram=0.18)
    # What is a line of 30 characters in English is one of 10 in Chinese.
    chinese = ChineseRules(
        **_PUBLISHED, min_mean_line=10, min_common_characters=2, min_stop_characters=0.01
    )
    share = Resources(cpus=SLICE if slim else 1.0)
    return [
        Modify(RepairText(), "text", "clean").with_(resources=share),
        Modify(CleanText(narrow=True), [["clean", "source"]], "clean").with_(resources=share),
        TakeChange(),
        FilterByLanguage(filters=filters_of(QualitySection(en=english, zh=chinese))),
    ]


def theirs(language: str) -> list[ProcessingStage]:
    """Return Curator's own stages."""
    spaced = language == "en"
    own: Mapping[str, Any] = {"lang": language}
    filters = [
        stock.WordCountFilter(**own),
        stock.MeanWordLengthFilter(*((3, 10) if spaced else (1, 10)), **own),
        stock.WordsWithoutAlphabetsFilter(**own),
        stock.NumbersFilter(),
        stock.UrlsFilter(),
        stock.ParenthesesFilter(),
        stock.BulletsFilter(),
        stock.EllipsisFilter(),
        repetition.RepeatedLinesFilter(),
        repetition.RepeatedParagraphsFilter(),
        repetition.RepeatedLinesByCharFilter(),
        repetition.RepeatedParagraphsByCharFilter(),
        *(
            repetition.RepeatingTopNGramsFilter(n, high, **own)
            for n, high in ((2, 0.2), (3, 0.18), (4, 0.16))
        ),
        *(
            repetition.RepeatingDuplicateNGramsFilter(n, high, **own)
            for n, high in ((5, 0.15), (10, 0.1))
        ),
    ]
    if spaced:
        # The first divides by nought where jieba returns white space.
        filters += [
            stock.SymbolsToWordsFilter(),
            stock.WhiteSpaceFilter(),
            stock.CommonEnglishWordsFilter(),
        ]
    repair = UnicodeReformatter(unescape_html=False, uncurl_quotes=False, normalization="NFC")
    return [Modify(repair, "text"), *(ScoreFilter(judge, "text") for judge in filters)]


def run(stages: list[ProcessingStage], rows: Sequence[tuple[str, str]]) -> Run:
    """Run stages over documents."""
    tasks = batches(rows)
    started = time.process_time()
    results = Pipeline(name="filters", stages=stages).run(InProcessExecutor(), initial_tasks=tasks)
    spent = time.process_time() - started
    frames = [task.to_pandas() for task in results or []]
    kept = sum(
        int((frame["step"] == "").sum()) if "step" in frame else len(frame) for frame in frames
    )
    return Run(spent, kept)


def run_stock(rows: Sequence[tuple[str, str]]) -> Run:
    """Run Curator's stages over each language."""
    done = [run(theirs(name), [row for row in rows if row[0] == name]) for name in _SIZES]
    return Run(sum(one.seconds for one in done), sum(one.kept for one in done))


def batches(rows: Sequence[tuple[str, str]]) -> list[DocumentBatch]:
    """Return documents as Curator takes them."""
    frame = pd.DataFrame(rows, columns=["language", "text"]).assign(source="")
    return [
        DocumentBatch(dataset_name="benchmark", data=frame.iloc[start : start + BATCH].copy())
        for start in range(0, len(frame), BATCH)
    ]


if __name__ == "__main__":
    sys.exit(main())
