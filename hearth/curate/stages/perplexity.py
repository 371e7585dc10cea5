"""How surprising a text is to a character n-gram model that has not seen it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hearth.curate.ledger import Step
from hearth.curate.perplexity import UNSEEN, NgramModel
from hearth.curate.stages.marking import MarkingStage, Rows


@dataclass
class ScorePerplexity(MarkingStage):
    """Write the perplexity of each live row under the model of its language.

    The models travel with the stage, so that a worker on another machine needs no file of this one:
    on Ray once to each node, whose workers share them.

    Attributes:
        models: For each language, its model; a language without one is not scored.
        text: The column that is scored.
        language: The column of the language.
        fold: The column of the fold that must not judge the row, -1 where no fold holds it; None
            where the models saw none of the texts.
        output: The column that is written; empty where nothing was scored.
    """

    models: dict[str, NgramModel] = field(default_factory=dict, repr=False)
    text: str = "text"
    language: str = "language"
    fold: str | None = "fold"
    output: str = "perplexity"
    name: str = "score_perplexity"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        folds = [] if self.fold is None else [self.fold]
        return ["data"], [self.text, self.language, *folds]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], [self.output]

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps its models."""
        return {"is_actor_stage": True}

    def edit(self, frame: pd.DataFrame) -> None:
        """Score every live row."""
        rows = Rows(frame, Step.PERPLEXITY)
        texts, languages = rows.column(self.text), rows.column(self.language)
        folds = [UNSEEN] * len(frame) if self.fold is None else frame[self.fold].tolist()
        scores = rows.column(self.output)
        for place in rows.live:
            model = self.models.get(languages[place])
            if model is not None:
                scores[place] = model.perplexity(texts[place], folds[place])
        rows.store(**{self.output: scores})
