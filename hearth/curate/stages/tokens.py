"""How many tokens and words a text has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from nemo_curator.backends.base import WorkerMetadata
from tokenizers import Tokenizer

from hearth.curate.ledger import Step
from hearth.curate.stages.marking import MarkingStage, Rows


@dataclass
class CountTokens(MarkingStage):
    """Write the tokens of each live row, and its words: what stands between white space.

    In a pipeline of your own, with the tokenizer of a model:

        pipeline.add_stage(CountTokens(tokenizer=Path("model/tokenizer.json").read_text()))

    Attributes:
        tokenizer: What a `tokenizer.json` of Hugging Face's tokenizers says. Its special tokens
            are not counted.
        text: The column that is read.
        output: The column of tokens.
        words: The column of words.
    """

    tokenizer: str = field(default="", repr=False)
    text: str = "text"
    output: str = "tokens"
    words: str = "words"
    name: str = "count_tokens"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], [self.output, self.words]

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps its tokenizer."""
        return {"is_actor_stage": True}

    def setup(self, _worker: WorkerMetadata | None = None) -> None:
        """Load the tokenizer."""
        self._tokenizer = Tokenizer.from_str(self.tokenizer)

    def edit(self, frame: pd.DataFrame) -> None:
        """Count every live row."""
        rows = Rows(frame, Step.CLASSIFY)
        texts = rows.column(self.text)
        tokens, words = rows.column(self.output, 0), rows.column(self.words, 0)
        encoded = self._tokenizer.encode_batch_fast(
            [texts[place] for place in rows.live], add_special_tokens=False
        )
        for place, encoding in zip(rows.live, encoded, strict=True):
            tokens[place] = len(encoding.ids)
            words[place] = len(texts[place].split())
        rows.store(**{self.output: tokens, self.words: words})
