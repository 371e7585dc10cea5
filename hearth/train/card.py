"""The model card: what the model is, of what it was made, by what, how well it does, its limits.

Hugging Face's format: https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import yaml

from hearth.model import FrozenModel
from hearth.train.adaptation import adaptation
from hearth.train.base import BaseModel
from hearth.train.corpus import SourceShare
from hearth.train.run import Report
from hearth.train.sections import Mode
from hearth.train.spec import Training

_MADE: Final = {
    Mode.PRETRAIN: "trained from scratch",
    Mode.CONTINUE: "pretrained further from a base",
    Mode.SFT: "fine-tuned from a base to answer",
}
_TAGS: Final = {
    Mode.PRETRAIN: "pretrained-from-scratch",
    Mode.CONTINUE: "continued-pretraining",
    Mode.SFT: "sft",
}


class Lineage(FrozenModel):
    """What names the model and what it was made from."""

    name: str
    fingerprint: str
    corpus: str
    corpus_uri: str
    build: str
    base: BaseModel | None = None


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
        "tags": _tags(spec),
    }
    if lineage.base is not None:
        front["base_model"] = lineage.base.source
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    parts = [
        f"# {lineage.name}",
        f"A language model of {report.parameters:,} parameters, {_MADE[spec.mode]} by Hearth.",
        *(("## Base", _base(spec, lineage.base)) if lineage.base else ()),
        *("## Data", _data(sources)),
        *("## Numbers", _numbers(spec, report)),
        *("## Rate of adaptation", adaptation(spec, report)),
        *("## Recipe", _recipe(spec)),
        *("## Lineage", _lineage(lineage)),
        *("## Limits", _limits(spec, languages)),
    ]
    return f"---\n{head}---\n\n" + "\n\n".join(parts) + "\n"


def _tags(spec: Training) -> list[str]:
    architecture = [] if spec.base else [spec.model.architecture.value]
    return ["hearth", *architecture, _TAGS[spec.mode], *(["lora"] if spec.lora else [])]


def _base(spec: Training, base: BaseModel) -> str:
    if spec.lora is None:
        moved = "All of its weights were trained."
    else:
        moved = (
            f"Adapters of rank {spec.lora.rank} were trained and merged; they also lie apart, in "
            "`adapter/` beside this folder."
        )
    return (
        f"`{base.source}`, version {base.version}, under {base.licence}, from the mirror "
        f"`{base.artifact}`. {moved} What it was trained on before, and under which terms, its own "
        "makers say; its licence text lies in the mirror and applies to this model too."
    )


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
    first, last = report.history.validations[0], report.history.published(spec.patience)
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
    if spec.patience is not None:
        text += f" These are the weights after step {last.step:,}, the best that were validated."
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
            *([f"- base: `{lineage.base.artifact}`"] if lineage.base else []),
            f"- build: `{lineage.build}`",
        ]
    )


def _limits(spec: Training, languages: Sequence[str]) -> str:
    known = "its sources say" if spec.base is None else "its base and its sources say"
    does = (
        f"It was taught to answer in {' and '.join(languages)}, not to be safe"
        if spec.mode is Mode.SFT
        else f"It completes text in {' and '.join(languages)}; it was not taught here to follow "
        "instructions or to be safe"
    )
    return (
        f"{does}, and it knows only what {known}. It was trained on at most "
        f"{spec.sequence_length} tokens at once. Personal information was redacted by patterns, "
        "which miss some. See the evaluation's report before it serves anybody."
    )
