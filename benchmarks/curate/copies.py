"""Measures how near-duplicates are found, against bare signatures by the same library.

From the repository, in the stages' environment:

    python -m benchmarks.curate.copies [FOLDER_OF_DOCUMENTS] [--documents 20000] [--runs 5]

Without a folder the made-up corpus is taken, with the copies that are planted in it; with one,
real documents cut to 1.2 kB, two in five of them planted again with one word or character in ten
to one in a hundred replaced.

Seconds of CPU, in turns: Hearth from the texts to the pairs as the program does it in one process
(shingles as keyed hashes onto a shelf on the disk, rensa's signatures, bands to Parquet and back,
grouped, exact Jaccard of every candidate from the shelf), and rensa as anybody would use
it, which stops at the signatures: words by white space or slices of characters, joined to strings,
one `RMinHash` a document with as many permutations.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from benchmarks.curate import corpus
from hearth.curate.near import SEED, Shingler, band_names, jaccard, pairs, write_bands
from hearth.curate.normalise import clean
from hearth.curate.passes import BATCH
from hearth.curate.plan import UnionFind
from hearth.curate.sections import DedupSection
from hearth.curate.sets import Sets
from hearth.curate.shingles import BatchShingler
from hearth.curate.stages.hash import signed
from hearth.documents import read_documents
from hearth.shelf import Shelf

SPEED: Final = 0.8
RECALL: Final = 0.97
PRECISION: Final = 0.99
_SIZES: Final = {"en": 1_200, "zh": 400}
"""Characters of a document of 1.2 kB."""
_PLANTED: Final = 0.4
"""Share of documents that are planted a second time."""
_CHANGED: Final = (0.002, 0.005, 0.01, 0.02, 0.03)
"""Share of words or characters that are replaced."""
_SECTION: Final = DedupSection()

Texts = Sequence[tuple[str, str]]


def main() -> int:
    """Measure, print, and say by the exit code whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    count, folder = arguments.documents, arguments.folder
    texts, planted = _real(folder, count) if folder else _made(count)
    whole, bare = [], []
    for _ in range(arguments.runs):
        start = time.process_time()
        _bare(texts)
        middle = time.process_time()
        found = _pairs(texts)
        whole.append(time.process_time() - middle)
        bare.append(middle - start)
    ours, theirs = (len(texts) / statistics.median(runs) for runs in (whole, bare))
    print(f"{len(texts)} documents: {ours:,.0f} a CPU-second from text to pairs,")
    print(f"{theirs:,.0f} for bare signatures: ratio {ours / theirs:.2f}, bar {SPEED}")
    good = _quality(texts, planted, found)
    return 0 if good and ours >= SPEED * theirs else 1


def _quality(
    texts: Texts, planted: Sequence[tuple[int, int]], pairs: Sequence[tuple[int, int, float]]
) -> bool:
    """Print recall and precision by exact Jaccard; say whether they clear their bars."""
    shingler = Shingler(_SECTION, 7)
    sets = [shingler.shingles(text, language) for language, text in texts]
    joined = UnionFind(len(texts))
    for one, other, _ in pairs:
        joined.union(one, other)
    good = True
    sure = _SECTION.threshold + 0.1
    for low, high in ((sure, 1.01), (_SECTION.threshold, sure)):
        there = [p for p in planted if low <= jaccard(sets[p[0]], sets[p[1]]) < high]
        found = sum(joined.find(one) == joined.find(other) for one, other in there)
        print(f"recall at Jaccard {low:.1f} to {min(high, 1):.1f}: {found} of {len(there)}")
        good = good and (low < sure or found >= RECALL * len(there))
    right = sum(jaccard(sets[one], sets[other]) >= _SECTION.threshold for one, other, _ in pairs)
    print(f"precision over linked pairs: {right} of {len(pairs)}")
    return good and right >= PRECISION * len(pairs)


def _made(count: int) -> tuple[Texts, list[tuple[int, int]]]:
    """Return texts of the made-up corpus, and the places of originals and copies."""
    made = list(corpus.documents(count))
    places = {document.doc_key: place for place, document in enumerate(made)}
    origins = [corpus.original(document.doc_key) for document in made]
    planted = [(places[key], place) for place, key in enumerate(origins) if key]
    return [(d.language or "", clean(d.text, narrow=True)) for d in made], planted


def _real(folder: Path, count: int) -> tuple[Texts, list[tuple[int, int]]]:
    """Return texts of a folder with changed copies of some, and the places of both."""
    draw = random.Random(0)  # noqa: S311 - planted text
    texts = list(_pieces(folder))
    draw.shuffle(texts)
    texts = texts[:count]
    planted = []
    for place in range(len(texts)):
        if draw.random() < _PLANTED:
            planted.append((place, len(texts)))
            texts.append((texts[place][0], _changed(*texts[place], draw)))
    return texts, planted


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


def _bare(texts: Texts) -> None:
    for language, text in texts:
        if language == "zh":
            characters, length = "".join(text.split()), _SECTION.shingle_characters
            shingles = [characters[i : i + length] for i in range(len(characters) - length + 1)]
        else:
            words, length = text.lower().split(), _SECTION.shingle_words
            shingles = [" ".join(words[i : i + length]) for i in range(len(words) - length + 1)]
        signature = RMinHash(_SECTION.permutations, SEED)
        signature.update(shingles)
        signature.digest()


def _pairs(texts: Texts) -> list[tuple[int, int, float]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Shelf(folder, "shingles") as shelf:
            write_bands(folder / "bands.parquet", _SECTION.bands, _banded(texts, shelf))
            shingles = Sets(shelf, np.arange(len(texts), dtype=np.uint32))
            sets = UnionFind(len(texts))
            return list(pairs(folder / "bands.parquet", _SECTION, shingles, sets))


def _banded(texts: Texts, shelf: Shelf) -> Iterator[tuple[npt.NDArray[np.uint32], bytes]]:
    """Put shingles on the shelf; yield places and the names of their bands."""
    # A shingler remembers words: a new one each time, so that no run profits from the last.
    shingler = BatchShingler(_SECTION, 7)
    for start in range(0, len(texts), BATCH):
        sets = shingler.many([(text, lang) for lang, text in texts[start : start + BATCH]])
        for own in sets:
            shelf.append(own.tobytes())
        places = np.arange(start, start + len(sets), dtype=np.uint32)
        yield places, band_names(signed(sets, _SECTION), _SECTION.bands).tobytes()


if __name__ == "__main__":
    sys.exit(main())
