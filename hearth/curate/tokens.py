"""Count tokens with a byte-level BPE that has seen the train split only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from hearth.curate.plan import Split
from hearth.curate.spec import TokensSection

_BATCH: Final = 512


def count_tokens(rows: Sequence[dict[str, Any]], section: TokensSection) -> dict[str, Any]:
    """Return tokens per split and language, and characters per token.

    Args:
        rows: the corpus, with `text`, `language` and `split`.
        section: the vocabulary, and how much text the BPE learns from.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        _sample(rows, section.sample_characters),
        trainers.BpeTrainer(
            vocab_size=section.vocabulary,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokens: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        found = tokenizer.encode_batch_fast([row["text"] for row in batch])
        for row, encoding in zip(batch, found, strict=True):
            count = len(encoding.ids)
            tokens[str(row["split"])][row["language"]] += count
            totals[row["language"]][0] += count
            totals[row["language"]][1] += len(row["text"])
    return {
        "vocabulary": tokenizer.get_vocab_size(),
        "by_split": {split: dict(counts) for split, counts in sorted(tokens.items())},
        "characters_per_token": {
            language: round(characters / max(1, count), 3)
            for language, (count, characters) in sorted(totals.items())
        },
    }


def _sample(rows: Sequence[dict[str, Any]], limit: int) -> Iterator[str]:
    """Yield train texts, spread evenly over the corpus, up to `limit` characters."""
    train = [row["text"] for row in rows if row["split"] is Split.TRAIN]
    total = sum(map(len, train))
    every = max(1, -(-total // limit))
    yield from train[::every]
