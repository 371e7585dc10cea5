"""Conversations as tokens: by the base's own template, learning what the assistant says, only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from hearth.conversation import Role, Turn, parse
from hearth.errors import DataError
from hearth.train.data import Tokens, mark


def conversations(texts: Iterable[str], tokenizer: Any) -> Iterator[tuple[Tokens, int]]:
    """Yield the tokens of each text that is a conversation, and the bytes that are learnt of it.

    One that spells out a special token, which would end a turn, is left out.

    Args:
        texts: documents of a corpus, in a fixed order.
        tokenizer: of transformers, with a chat template.
    """
    special = [token for token in tokenizer.all_special_tokens if token]
    for text in texts:
        turns = parse(text)
        if turns is None or any(token in text for token in special):
            continue
        size = sum(len(turn.content.encode()) for turn in turns if turn.role is Role.ASSISTANT)
        yield encoded(turns, tokenizer), size


def encoded(turns: Sequence[Turn], tokenizer: Any) -> Tokens:
    """Return a conversation's tokens; what is learnt are the assistant's turns and their ends.

    Raises:
        DataError: the template is none that training can use.
    """
    ids: list[int] = []
    learnt: list[bool] = []
    said = ""
    for number, turn in enumerate(turns):
        if turn.role is not Role.ASSISTANT:
            continue
        # What stands before the turn is what the model will be given when it serves.
        asked = _rendered(turns[:number], tokenizer, prompt=True)
        whole = _rendered(turns[: number + 1], tokenizer, prompt=False)
        if not asked.startswith(said) or not whole.startswith(asked):
            message = (
                "base: its chat template writes a turn in another way once others follow, so what "
                "is learnt cannot be told from what is asked: use another base, or no sft"
            )
            raise DataError(message)
        for part, is_answer in ((asked[len(said) :], False), (whole[len(asked) :], True)):
            tokens = tokenizer(part, add_special_tokens=False).input_ids
            ids += tokens
            learnt += [is_answer] * len(tokens)
        said = whole
    return mark(np.array(ids), np.array(learnt))


def _rendered(turns: Sequence[Turn], tokenizer: Any, *, prompt: bool) -> str:
    messages = [{"role": str(turn.role), "content": turn.content} for turn in turns]
    try:
        return str(
            tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
        )
    except Exception as error:
        # Jinja's, and whatever a template raises by itself: that there may be no system turn.
        message = f"base: its chat template refuses a conversation: {error}"
        raise DataError(message) from error
