"""What becomes of what was found: the recipe's decision, carried out on the text."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from hearth.curate.pii.detectors import Detector
from hearth.curate.pii.fold import fold
from hearth.curate.pii.kinds import DataClass, PiiAction, PiiKind, Span
from hearth.curate.pii.redact import detect, redact
from hearth.curate.pii.section import PII_KEY, PiiSection
from hearth.errors import SpecError

_KEY_BYTES: Final = 16
_DIGITS: Final = 16
_SHOWN: Final = 2
_LONG: Final = 8
_MOBILE_DIGITS: Final = 11


class Treated(NamedTuple):
    """A text after its treatment.

    Attributes:
        text: What is left; empty if the document goes.
        spans: What was found and not kept, in characters of the text as it was.
        dropped: The kind for which the document goes, if it does.
    """

    text: str
    spans: tuple[Span, ...]
    dropped: PiiKind | None = None


class Treatment:
    """Finds what a section looks for, and does what it says.

    Raises:
        SpecError: Something becomes a pseudonym, and there is no key, or a short one.
    """

    def __init__(
        self, section: PiiSection, key: bytes = b"", detectors: Sequence[Detector] = ()
    ) -> None:
        if section.pseudonymises and len(key) < _KEY_BYTES:
            message = (
                f"secret {PII_KEY!r}: has {len(key)} bytes, and pseudonyms need at least "
                f"{_KEY_BYTES}: name one under the profile's `secrets`, or redact instead"
            )
            raise SpecError(message)
        self._section = section
        self._key = key
        self._detectors = tuple(detectors)

    def __call__(self, text: str, source: str = "", *, droppable: bool = True) -> Treated:
        """Treat a text.

        Args:
            text: Any text.
            source: The source of its document.
            droppable: Whether it can go: where it cannot, as with a suite's item, what would drop
                it is redacted.
        """
        found = []
        for span in detect(text, self._section.kinds, self._detectors):
            action = self._section.decide(span.kind, source)
            if action is PiiAction.DROP and not droppable:
                action = PiiAction.REDACT
            if action is not PiiAction.KEEP:
                found.append((span, action))
        spans = tuple(span for span, _ in found)
        for span, action in found:
            if action is PiiAction.DROP:
                return Treated("", spans, span.kind)
        left = self._replaced(text, found)
        if any(action is PiiAction.MASK for _, action in found):
            # What a mask shows may make something of what stands beside it: an@ before mail.cn.
            again = detect(left, self._section.kinds, self._detectors)
            kept = (s for s in again if self._section.decide(s.kind, source) is not PiiAction.KEEP)
            left = redact(left, kept)
        return Treated(left, spans)

    def _replaced(self, text: str, found: Iterable[tuple[Span, PiiAction]]) -> str:
        pieces: list[str] = []
        position = 0
        for (start, end, kind), action in found:
            match action:
                case PiiAction.PSEUDONYMISE:
                    said = pseudonym(text[start:end], kind, self._key)
                case PiiAction.MASK:
                    said = mask(text[start:end], kind)
                case _:
                    said = kind.placeholder
            pieces += (text[position:start], said)
            position = end
        return "".join((*pieces, text[position:]))


def pseudonym(value: str, kind: PiiKind, key: bytes) -> str:
    """Return a placeholder that is the same for the same value, however it is written.

    Without the key nobody can tell, or test, whose it is. With it anybody can: it remains personal
    information (GB/T 35273-2020, 3.15; GDPR, article 4(5)).
    """
    bare = "".join(c for c in fold(value).casefold() if c.isalnum())
    if kind is PiiKind.CN_MOBILE:
        bare = bare[-_MOBILE_DIGITS:]
    said = f"pii\0{kind}\0{bare or value}".encode("utf-8", "surrogatepass")
    digest = hmac.new(key, said, hashlib.sha256).hexdigest()
    return f"<{kind.name}:{digest[:_DIGITS]}>"


def mask(value: str, kind: PiiKind) -> str:
    """Return a value with its letters and digits as stars, save the first and, of long ones, two.

    Nothing of a secret is left, not even its dots.
    """
    if kind.data_class is DataClass.SECRET:
        return "".join(character if character.isspace() else "*" for character in value)
    places = [place for place, character in enumerate(value) if character.isalnum()]
    shown = {*places[:1], *(places[-_SHOWN:] if len(places) >= _LONG else ())}
    return "".join(
        character if place in shown or not character.isalnum() else "*"
        for place, character in enumerate(value)
    )
