"""The model card: what the model is, of what it was made, by what, how well it does, its limits.

Hugging Face's format: https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from hearth.model import FrozenModel
from hearth.train.corpus import SourceShare
from hearth.train.run import Report
from hearth.train.spec import Training


class Lineage(FrozenModel):
    """What names the model and what it was made from."""

    name: str
    fingerprint: str
    corpus: str
    corpus_uri: str
    build: str


def card(spec: Training, report: Report, sources: Sequence[SourceShare], lineage: Lineage) -> str:
    """Return the text of the model's README.md."""
    languages = sorted({source.language for source in sources})
    front: dict[str, Any] = {
        "language": languages,
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "license": "other",
        "license_name": "see-sources",
        "license_link": "#data",
        "tags": ["hearth", spec.model.architecture.value, "pretrained-from-scratch"],
    }
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    parts = [
        f"# {lineage.name}",
        f"A language model of {report.parameters:,} parameters, trained from scratch by Hearth.",
        *("## Data", _data(sources)),
        *("## Numbers", _numbers(spec, report)),
        *("## Recipe", _recipe(spec)),
        *("## Lineage", _lineage(lineage)),
        *("## Limits", _limits(spec, languages)),
    ]
    return f"---\n{head}---\n\n" + "\n\n".join(parts) + "\n"


def _data(sources: Sequence[SourceShare]) -> str:
    rows = [
        f"| {s.source} | {s.language} | {s.licence} | {s.documents:,} | {s.bytes:,} |"
        for s in sources
    ]
    head = ["| source | language | licence | documents | bytes |", "|---|---|---|--:|--:|"]
    text = (
        "The train split of a curated corpus. Each source's licence applies to its text; the "
        "licence files lie in the mirror."
    )
    return "\n".join([text, "", *head, *rows])


def _numbers(spec: Training, report: Report) -> str:
    first, last = report.history.validations[0], report.history.validations[-1]
    rows = [
        f"| validation loss, nats per token | {first.loss:.4f} | {last.loss:.4f} |",
        *(
            f"| validation, bits per byte, {language} | {first.bits_per_byte[language]:.4f} "
            f"| {value:.4f} |"
            for language, value in sorted(last.bits_per_byte.items())
        ),
    ]
    seen = len(report.history.losses) * spec.numerics.global_batch * spec.sequence_length
    text = f"{len(report.history.losses):,} steps over {seen:,} tokens."
    return "\n".join([text, "", "| | before | after |", "|---|--:|--:|", *rows])


def _recipe(spec: Training) -> str:
    data = spec.model_dump(mode="json", exclude={"operation", "generation"})
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    return f"```yaml\n{text}```"


def _lineage(lineage: Lineage) -> str:
    return "\n".join(
        [
            f"- model: `{lineage.fingerprint}`",
            f"- corpus: `{lineage.corpus}` ({lineage.corpus_uri})",
            f"- build: `{lineage.build}`",
        ]
    )


def _limits(spec: Training, languages: Sequence[str]) -> str:
    return (
        f"It completes text in {' and '.join(languages)}; it was not taught to follow "
        f"instructions or to be safe, and it knows only what its sources say. It sees at most "
        f"{spec.sequence_length} tokens. Personal information was redacted by patterns, which "
        "miss some. See the evaluation's report before it serves anybody."
    )
