"""Measures the detectors of personal information: what they find, and how fast they are.

From the repository, in either environment:

    python -m benchmarks.curate.pii recall [FOLDER_OF_DOCUMENTS]
    python -m benchmarks.curate.pii clean FOLDER_OF_DOCUMENTS [--most 100] [--show 5]
    python -m benchmarks.curate.pii speed [--documents 2000] [--runs 5]

`recall` scores the frozen sets of `tests/unit/curate/pii`, and misses where a kind's lower bound,
or the share of negatives that are kept, is below its bar; with a folder of Parquet files, as the
mirror writes them, each document of the sets stands in the midst of a real paragraph. `clean`
counts what is found in documents that are thought to hold little, and misses above `--most` a
million characters: Debian's documentation, with its mail addresses, holds 71. With `--show`
somebody can judge what was found, and then it is printed. `speed` compares with presidio's newest
release, in an environment of its own made by pip: both find and replace in the same documents, in
turns, and the medians of the seconds of CPU are compared: all 28 kinds with presidio's own pattern
recognizers for English, and the seven kinds that a lean presidio is given with those seven.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.curate import peers
from benchmarks.curate.paragraphs import within
from hearth.curate.pii.kinds import PiiKind
from hearth.curate.pii.redact import detect, redact
from tests.unit.curate.pii.score import BARS, FROZEN, KEPT, SECOND, documents, score

_PEER: Final = Path(__file__).with_name("pii_presidio.py")
_SENTENCES: Final = FROZEN.parent
_SIZES: Final = {"zh": 400, "en": 1_200}
"""Characters of a document of 1.2 kB."""
_WITH: Final = 0.2
"""Share of documents that hold something."""
_BAR: Final = 3.0
_LEAN: Final = (
    PiiKind.CN_RESIDENT_ID,
    PiiKind.CN_MOBILE,
    PiiKind.BANK_CARD,
    PiiKind.PASSPORT,
    PiiKind.CN_USCC,
    PiiKind.EMAIL,
    PiiKind.IPV4,
)
_OURS: Final = {"own": ("hearth", tuple(PiiKind)), "lean": ("hearth, the same seven", _LEAN)}


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = parser.add_subparsers(required=True)
    recall_parser = tasks.add_parser("recall")
    recall_parser.add_argument("folder", type=Path, nargs="?")
    recall_parser.set_defaults(run=recall)
    clean_parser = tasks.add_parser("clean")
    clean_parser.add_argument("folder", type=Path)
    clean_parser.add_argument("--most", type=float, default=100.0)
    clean_parser.add_argument("--show", type=int, default=0)
    clean_parser.set_defaults(run=clean)
    speed_parser = tasks.add_parser("speed")
    speed_parser.add_argument("--documents", type=int, default=2_000)
    speed_parser.add_argument("--runs", type=int, default=5)
    speed_parser.set_defaults(run=speed)
    arguments = parser.parse_args()
    return int(arguments.run(arguments, Console()))


def recall(arguments: argparse.Namespace, console: Console) -> int:
    """Print recall by kind with Wilson's lower bound, and the negatives that were kept."""
    missed = []
    for path in (FROZEN, SECOND):
        labelled = documents(path)
        if arguments.folder:
            labelled = within(labelled, arguments.folder)
        result = score(detect, labelled)
        table = Table("kind", "class", "found", "of", "named as such", "bound", title=path.name)
        for (kind, group), tally in result.recall.items():
            numbers = (tally.hits, tally.total, tally.named, f"{tally.bound:.3f}")
            table.add_row(kind, group, *map(str, numbers))
            if tally.bound < BARS[group]:
                missed.append(f"{path.stem}: {kind}, {group}: {tally.bound:.3f} < {BARS[group]}")
        console.print(table)
        kept = sum(tally.hits for tally in result.kept.values())
        total = sum(tally.total for tally in result.kept.values())
        console.print(f"negatives kept: {kept} of {total} ({kept / total:.3f})")
        if kept < KEPT * total:
            missed.append(f"{path.stem}: negatives kept: {kept / total:.3f} < {KEPT}")
        false = sum(result.false.values()) / result.characters * 1e6
        console.print(f"found where nothing is: {false:.1f} per million characters\n")
    for bar in missed:
        console.print(f"missed: {bar}")
    return 1 if missed else 0


def clean(arguments: argparse.Namespace, console: Console) -> int:
    """Print what is found per million characters, and say whether that is little."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = defaultdict(list)
    characters = number = 0
    started = time.process_time()
    for path in sorted(arguments.folder.rglob("*.parquet")):
        for text in pq.read_table(path, columns=["text"]).column(0).to_pylist():
            number += 1
            characters += len(text)
            for start, end, kind in detect(text):
                counts[kind] += 1
                examples[kind].append(text[max(0, start - 20) : end + 8])
    spent = time.process_time() - started
    table = Table("kind", "found", "per million characters")
    for kind, count in counts.most_common():
        table.add_row(kind, str(count), f"{count / characters * 1e6:.2f}")
    rate = sum(counts.values()) / max(1, characters) * 1e6
    console.print(f"{number} documents, {characters} characters, {spent:.1f} s of CPU")
    console.print(f"{rate:.1f} found per million characters, at most {arguments.most:g}")
    console.print(table)
    draw = random.Random(0)  # noqa: S311 - a sample to look at
    for kind in counts if arguments.show else ():
        some = draw.sample(examples[kind], min(arguments.show, len(examples[kind])))
        console.print(kind, *map(repr, some), sep="\n    ", markup=False, highlight=False)
    return 0 if rate <= arguments.most else 1


def corpus(count: int) -> list[str]:
    """Make documents of 1.2 kB, half Chinese half English; a fifth of them hold something."""
    draw = random.Random("speed")  # noqa: S311 - made up
    fillers = {
        language: yaml.safe_load(
            (_SENTENCES / f"phrases_{language}.yaml").read_text(encoding="utf-8")
        )["filler"]
        for language in _SIZES
    }
    holding = {
        language: [made["text"] for made in documents() if made["language"] == language]
        for language in _SIZES
    }
    texts = []
    for number in range(count):
        language = "zh" if number % 2 else "en"
        parts: list[str] = []
        size = 0
        if draw.random() < _WITH:
            parts.append(draw.choice(holding[language]))
            size = len(parts[0])
        while size < _SIZES[language]:
            parts.append(draw.choice(fillers[language]))
            size += len(parts[-1])
        draw.shuffle(parts)
        texts.append(("" if language == "zh" else " ").join(parts))
    return texts


def speed(arguments: argparse.Namespace, console: Console) -> int:
    """Compare documents per CPU-second with presidio's, run by run in turns."""
    texts = corpus(arguments.documents)
    seconds: dict[str, list[float]] = defaultdict(list)
    found: dict[str, int] = {}
    names: dict[str, str] = {}
    python = peers.environment("presidio", ["presidio-analyzer", "presidio-anonymizer"])
    console.print(peers.version(python, "presidio-analyzer"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "documents.json"
        path.write_text(json.dumps(texts), encoding="utf-8")
        with peers.running(_PEER, path, python=python) as peer:
            for _ in range(arguments.runs):
                for name, kinds in _OURS.values():
                    started = time.process_time()
                    spans = [detect(text, kinds) for text in texts]
                    for text, here in zip(texts, spans, strict=True):
                        redact(text, here)
                    seconds[name].append(time.process_time() - started)
                    found[name] = sum(map(len, spans))
                for said in peer.ask():
                    names[said["set"]] = said["name"]
                    seconds[said["name"]].append(said["seconds"])
                    found[said["name"]] = said["found"]
    rates = {name: len(texts) / statistics.median(spent) for name, spent in seconds.items()}
    table = Table("", "found", "documents per CPU-second", "times the peer's")
    slowest = float("inf")
    for group, (name, _) in _OURS.items():
        ratio = rates[name] / rates[names[group]]
        slowest = min(slowest, ratio)
        table.add_row(name, str(found[name]), f"{rates[name]:,.0f}", f"{ratio:.1f}")
        table.add_row(names[group], str(found[names[group]]), f"{rates[names[group]]:,.0f}", "")
    console.print(table)
    return 0 if slowest >= _BAR else 1


if __name__ == "__main__":
    sys.exit(main())
