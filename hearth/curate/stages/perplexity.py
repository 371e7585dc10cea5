"""How surprising a text is to a character n-gram model that has not seen it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from nemo_curator.backends.base import WorkerMetadata

from hearth.curate.ledger import Step
from hearth.curate.perplexity import UNSEEN, NgramModel
from hearth.curate.spec import PerplexitySection
from hearth.curate.stages.marking import MarkingStage, Rows


@dataclass
class ScorePerplexity(MarkingStage):
    """Write the perplexity of each live row under the model of its language.

    Attributes:
        models: For each language, the file of its model; a language without one is not scored.
        section: How the models were made.
        text: The column that is scored.
        language: The column of the language.
        fold: The column, if there is one, of the fold that must not judge the row; -1: none.
        output: The column that is written; empty where nothing was scored.
    """

    models: dict[str, Path] = field(default_factory=dict)
    section: PerplexitySection = field(default_factory=PerplexitySection)
    text: str = "text"
    language: str = "language"
    fold: str = "fold"
    output: str = "perplexity"
    name: str = "score_perplexity"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text, self.language]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], [self.output]

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps its models."""
        return {"is_actor_stage": True}

    def setup(self, _worker: WorkerMetadata | None = None) -> None:
        """Load the models."""
        self._models = {
            language: NgramModel.load(path, self.section) for language, path in self.models.items()
        }

    def edit(self, frame: pd.DataFrame) -> None:
        """Score every live row."""
        rows = Rows(frame, Step.PERPLEXITY)
        texts, languages = rows.column(self.text), rows.column(self.language)
        folds, scores = rows.column(self.fold, UNSEEN), rows.column(self.output)
        for place in rows.live:
            model = self._models.get(languages[place])
            if model is not None:
                scores[place] = model.perplexity(texts[place], folds[place])
        rows.store(**{self.output: scores})
