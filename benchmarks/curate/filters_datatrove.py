"""The peer of `filters.py`, run by datatrove's own Python: FineWeb's steps, as datatrove has them.

Reads JSONL of documents (language, text); for each line on standard input, the name of a set of
steps, runs all documents through them and prints JSON: seconds of CPU, how many were kept.
Documents go through datatrove's own steps one after the other, as its executors chain them; nothing
is read or written meanwhile. The words are split once a document, as datatrove caches them.

`published`: the steps with their defaults, words by spaCy's rules, Chinese ones by jieba.
`same`: only the n-grams that Hearth's rules ask for.
`split`: the same n-grams, and words by white space, Chinese text by characters: no segmenter at
all, which datatrove does not do by itself.
"""

# It runs where datatrove is, and its types are not needed for anything.
# ruff: noqa: ANN001, ANN201, ANN204, D102
from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.formatters import FTFYFormatter
from datatrove.utils import word_tokenizers

CHINESE = "cmn_Hani"
STOP = ["的", "了", "是", "在", "和", "有", "不", "为"]
TOKEN = re.compile(r"[A-Za-z0-9]+|[^\w\s]|[^\W_]")
SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]?")


class Split(word_tokenizers.WordTokenizer):
    """No segmenter: white space, or characters."""

    def __init__(self, find):
        super().__init__()
        self._find = find

    def word_tokenize(self, text):
        return self._find(text)

    def sent_tokenize(self, text):
        return SENTENCE.findall(text)

    def span_tokenize(self, text):
        return [match.span() for match in SENTENCE.finditer(text)]


def steps(name):
    """Return the steps by language."""
    english, chinese = "eng", CHINESE
    if name == "split":
        english, chinese = Split(str.split), Split(TOKEN.findall)
    grams = {} if name == "published" else {"dup_n_grams": ((5, 0.15), (10, 0.10))}
    longer = (
        {} if name == "published" else {"dup_n_grams": ((10, 0.15),), "top_n_grams": ((4, 0.2),)}
    )
    return {
        "en": [
            FTFYFormatter(),
            GopherRepetitionFilter(language=english, **grams),
            GopherQualityFilter(language=english),
            C4QualityFilter(language=english, filter_no_terminal_punct=False),
            FineWebQualityFilter(language=english),
        ],
        # C4's filter ends lines in ASCII marks: FineWeb 2 leaves it out for Chinese too.
        "zh": [
            FTFYFormatter(),
            GopherRepetitionFilter(language=chinese, **longer),
            GopherQualityFilter(language=chinese, min_avg_word_length=1, stop_words=STOP),
            FineWebQualityFilter(language=chinese),
        ],
    }


def main():
    """Answer every line."""
    with Path(sys.argv[1]).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for line in sys.stdin:
        kept = 0
        started = time.process_time()
        for language, chain in steps(line.strip()).items():
            data = (
                Document(text=row["text"], id=str(number))
                for number, row in enumerate(rows)
                if row["language"] == language
            )
            for step in chain:
                data = step.run(data)
            kept += sum(1 for _ in data)
        spent = time.process_time() - started
        print(json.dumps({"seconds": spent, "kept": kept}), flush=True)


if __name__ == "__main__":
    main()
