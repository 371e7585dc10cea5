"""The one way in which stages learn a tokenizer: a byte-level BPE, with one special token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tokenizers import Tokenizer

END_OF_TEXT: Final = "<|endoftext|>"
"""The special token: it stands before every document, and ends what a model writes."""


def learn(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Learn a tokenizer: every byte is a token, so no text is out of its vocabulary.

    Args:
        texts: What to learn from, in a fixed order.
        vocabulary: Tokens, the 256 bytes and the end of text among them; little text gives fewer.
    """
    from tokenizers import (  # noqa: PLC0415 - not in every environment
        Tokenizer,
        decoders,
        models,
        pre_tokenizers,
        trainers,
    )

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
