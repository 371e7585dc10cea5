"""Measures how copies, and text of a suite, are found among real documents.

From the repository, in the stages' environment:

    python -m benchmarks.curate.copies near FOLDER_OF_DOCUMENTS [--documents 3000] [--runs 5]
    python -m benchmarks.curate.copies suite FOLDER_OF_DOCUMENTS ITEMS_PARQUET

`near` plants near-duplicates (words or characters replaced, one in ten to one in a hundred) among
documents of 1.2 kB, and compares the seconds of CPU from text to linked pairs with those of bare
signatures by the same library, in turns. `suite` plants every fourth item of a suite: as it is,
with other white space and case, with placeholders where a redaction was, and inside a page; and
counts the documents, none of a reserved work, in which a long n-gram of an item is found.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
from rensa import RMinHash

from hearth.curate.contamination import SuiteIndex, SuiteItem
from hearth.curate.hashing import Hashes, letters, words
from hearth.curate.near import SEED, Shingler, duplicates, jaccard
from hearth.curate.normalise import clean
from hearth.curate.plan import UnionFind
from hearth.curate.sections import DecontaminateSection, DedupSection
from hearth.curate.stages.hash import signed
from hearth.documents import read_documents

_SIZES: Final = {"en": 1_200, "zh": 400}
"""Characters of a document of 1.2 kB."""
_PLANTED: Final = 0.4
"""Share of documents that are planted a second time."""
_CHANGED: Final = (0.002, 0.005, 0.01, 0.02, 0.03)
"""Share of words or characters that are replaced."""
_EVERY: Final = 4
_SECTION: Final = DedupSection()


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = parser.add_subparsers(required=True)
    near_parser = tasks.add_parser("near")
    near_parser.add_argument("folder", type=Path)
    near_parser.add_argument("--documents", type=int, default=3_000)
    near_parser.add_argument("--runs", type=int, default=5)
    near_parser.set_defaults(run=near)
    suite_parser = tasks.add_parser("suite")
    suite_parser.add_argument("folder", type=Path)
    suite_parser.add_argument("items", type=Path)
    suite_parser.set_defaults(run=suite)
    arguments = parser.parse_args()
    return int(arguments.run(arguments))


def near(arguments: argparse.Namespace) -> int:
    """Measure recall, precision and speed of near-duplicates."""
    draw = random.Random(0)  # noqa: S311 - planted text
    texts = list(_pieces(arguments.folder))
    draw.shuffle(texts)
    texts = texts[: arguments.documents]
    planted = []
    for place in range(len(texts)):
        if draw.random() < _PLANTED:
            planted.append((place, len(texts)))
            texts.append((texts[place][0], _changed(*texts[place], draw)))
    whole, bare = [], []
    for _ in range(arguments.runs):
        start = time.process_time()
        _bare(texts)
        middle = time.process_time()
        sets = _shingled(texts)
        pairs = list(duplicates(signed(sets, _SECTION), sets, _SECTION))
        whole.append(time.process_time() - middle)
        bare.append(middle - start)
    joined = UnionFind(len(texts))
    for one, other, _ in pairs:
        joined.union(one, other)
    for low, high in ((0.9, 1.01), (0.8, 0.9)):
        there = [p for p in planted if low <= jaccard(sets[p[0]], sets[p[1]]) < high]
        found = sum(joined.find(one) == joined.find(other) for one, other in there)
        print(f"recall at Jaccard {low:g} to {min(high, 1):g}: {found} of {len(there)}")
    right = sum(jaccard(sets[one], sets[other]) >= _SECTION.threshold for one, other, _ in pairs)
    print(f"precision over linked pairs: {right} of {len(pairs)}")
    ours, theirs = (len(texts) / statistics.median(runs) for runs in (whole, bare))
    print(f"{len(texts)} documents: {ours:,.0f} a CPU-second from text to pairs,")
    print(f"{theirs:,.0f} for bare signatures: ratio {ours / theirs:.2f}")
    return 0


def suite(arguments: argparse.Namespace) -> int:
    """Measure recall of planted items, and how many other documents are met."""
    rows = pq.read_table(arguments.items).to_pylist()
    items = [
        SuiteItem(row["task"], row["item"], row["language"], clean(row["text"], narrow=True))
        for row in rows
    ]
    index = SuiteIndex(items, DecontaminateSection())
    pages = [text for _, text in _pieces(arguments.folder)]
    counts: dict[str, list[bool]] = {}
    for number, item in enumerate(items[::_EVERY]):
        around = pages[number % len(pages)]
        for name, text in _disguises(item, around):
            counts.setdefault(name, []).append(bool(index.look(text).matches))
    for name, found in counts.items():
        print(f"{name}: {sum(found)} of {len(found)} planted items found")
    met = [bool(index.look(page).matches) for page in pages]
    print(f"{sum(met)} of {len(met)} documents hold a long n-gram of an item")
    return 0


def _pieces(folder: Path) -> Iterator[tuple[str, str]]:
    for row in read_documents(sorted(folder.rglob("*.parquet")), ["language", "text"]):
        size = _SIZES.get(row["language"] or "", 0)
        if size and len(row["text"]) >= size:
            yield row["language"], clean(row["text"][:size], narrow=True)


def _changed(language: str, text: str, draw: random.Random) -> str:
    tokens = text.split(" ") if language == "en" else list(text)
    for _ in range(max(1, round(draw.choice(_CHANGED) * len(tokens)))):
        new = f"q{draw.randrange(999)}" if language == "en" else chr(draw.randrange(0x4E00, 0x9000))
        tokens[draw.randrange(len(tokens))] = new
    return (" " if language == "en" else "").join(tokens)


def _disguises(item: SuiteItem, around: str) -> Iterator[tuple[str, str]]:
    spaced = item.language == "en"
    tokens = item.text.split(" ") if spaced else list(item.text)
    yield "as it is", item.text
    yield "other white space and case", ("\n" if spaced else "  ").join(tokens).upper()
    step = 29 if spaced else 53
    redacted = ["<EMAIL>" if place % step == step - 1 else t for place, t in enumerate(tokens)]
    yield "redacted here and there", (" " if spaced else "").join(redacted)
    yield "inside a page", f"{around}\n{item.text}\n{around}"


def _bare(texts: list[tuple[str, str]]) -> None:
    """Sign as anybody would: shingles as strings, one signature a document."""
    for language, text in texts:
        if language == "zh":
            characters = "".join(map(chr, letters(text)[0].tolist()))
            length = _SECTION.shingle_characters
            shingles = [characters[i : i + length] for i in range(len(characters) - length + 1)]
        else:
            tokens, length = words(text), _SECTION.shingle_words
            shingles = [" ".join(tokens[i : i + length]) for i in range(len(tokens) - length + 1)]
        signature = RMinHash(_SECTION.permutations, SEED)
        signature.update(shingles)
        signature.digest()


def _shingled(texts: list[tuple[str, str]]) -> list[Hashes]:
    # A shingler remembers words: a new one each time, so that no run profits from the last.
    shingler = Shingler(_SECTION, 7)
    return [shingler.shingles(text, language) for language, text in texts]


if __name__ == "__main__":
    sys.exit(main())
