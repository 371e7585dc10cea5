"""Conversations as text: what the mirror writes, curation treats as any document, training reads.

A conversation is the paragraphs of its turns. Each turn begins with a line that names who speaks:

    [user]
    Where are manual pages installed?

    [assistant]
    Below /usr/share/man.

So whatever curation does to text (redact, drop a paragraph, compare with others) it does to
conversations, and nothing personal passes in a column that nobody looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one of them says."""

    role: Role
    content: str


_HEAD: Final = re.compile(rf"^\[({'|'.join(Role)})\][ \t]*$", re.MULTILINE)


def render(turns: Sequence[Turn]) -> str:
    """Return a conversation as text.

    Raises:
        ValueError: a turn is empty, or holds a line that would begin another turn.
    """
    for turn in turns:
        if not turn.content.strip():
            message = f"a turn of the {turn.role} is empty"
            raise ValueError(message)
        if _HEAD.search(turn.content):
            message = f"a turn of the {turn.role} holds a line that names a speaker, such as [user]"
            raise ValueError(message)
    return "\n\n".join(f"[{turn.role}]\n{turn.content.strip()}" for turn in turns)


def parse(text: str) -> list[Turn] | None:
    """Return the turns of a conversation; None if the text is none that can be learnt from.

    It is one if the user and the assistant take turns, the user first and the assistant last, after
    at most one turn of the system.
    """
    parts = _HEAD.split(text)
    if parts[0].strip():
        return None
    turns = [
        Turn(Role(role), content.strip())
        for role, content in zip(parts[1::2], parts[2::2], strict=True)
    ]
    spoken = turns[1:] if turns and turns[0].role is Role.SYSTEM else turns
    wanted = (Role.USER, Role.ASSISTANT)
    in_turn = all(turn.role is wanted[n % 2] for n, turn in enumerate(spoken))
    whole = all(turn.content for turn in turns)
    return turns if spoken and in_turn and whole and len(spoken) % 2 == 0 else None
