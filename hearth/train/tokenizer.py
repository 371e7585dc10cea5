"""The tokenizer: a byte-level BPE of the train split, as Hugging Face files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer

from hearth.stage import bpe
from hearth.train.spec import END_OF_TEXT, TokenizerSection


def learn(texts: Iterable[str], section: TokenizerSection) -> Tokenizer:
    """Learn a tokenizer: every byte is a token, so no text is out of its vocabulary.

    Args:
        texts: the train split, in a fixed order.
        section: how large it is to be; a small corpus may give fewer tokens.
    """
    return bpe.learn(texts, section.vocabulary)


def save(tokenizer_file: Path, folder: Path, sequence_length: int) -> None:
    """Write the files that transformers loads a tokenizer from.

    Args:
        tokenizer_file: the `tokenizer.json` of a learnt tokenizer.
        folder: where they go.
        sequence_length: how many tokens the model was trained to see at once.
    """
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - slow; only ranks load it

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file),
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        model_max_length=sequence_length,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.save_pretrained(folder)
