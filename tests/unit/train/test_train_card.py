from __future__ import annotations

import yaml

from hearth.train.card import Lineage, card
from hearth.train.corpus import SourceShare
from hearth.train.run import History, Report, Times, Validation
from hearth.train.spec import TrainSection, TrainSpec


def made(resumed_from: int | None = None, **times: float) -> str:
    share = {"documents": 1200, "bytes": 34_000}
    sources = [
        SourceShare(source="handbook", licence="CC-BY-SA-3.0", language="zh", **share),
        SourceShare(source="poems", licence="public domain", language="en", **share),
    ]
    report = Report(
        history=History(
            losses=(9.0, 4.0),
            validations=(
                Validation(step=0, loss=9.0, bits_per_byte={"en": 3.5, "zh": 3.75}),
                Validation(step=2, loss=4.0, bits_per_byte={"en": 1.5, "zh": 1.75}),
            ),
        ),
        parameters=3_345_600,
        resumed_from=resumed_from,
        steps=2,
        tokens_per_second=100.0,
        stopped=False,
        times=Times(now=90, validations={int(step[1:]): at for step, at in times.items()}),
    )
    lineage = Lineage(
        name="demo", fingerprint="f" * 64, corpus="c" * 64, corpus_uri="s3://a/c", build="b-1"
    )
    return card(TrainSpec.of(TrainSection(steps=100)), report, sources, lineage)


def test_the_front_matter_is_what_hugging_face_reads() -> None:
    _, front, body = made().split("---\n", 2)
    data = yaml.safe_load(front)
    assert data["language"] == ["en", "zh"]
    assert data["library_name"] == "transformers"
    assert data["license"] == "other"
    assert body.startswith("\n# demo\n")


def test_the_card_tells_what_each_stretch_gained() -> None:
    # 2 bits in 2 steps of 16 × 256 tokens, in 40 seconds.
    text = made(_0=2.0, _2=42.0)
    assert "| 2 | 8,192 | en | 1.5000 | 1e+03 | 244 | 180 |" in text
    assert "It ended early, at step 2 of 100" in text
    assert "resumed" not in text


def test_the_card_of_a_resumed_run_says_what_its_hours_count() -> None:
    text = made(resumed_from=1, _2=42.0)
    assert "| 2 | 8,192 | en | 1.5000 | 1e+03 | 244 | – |" in text
    assert "Training was resumed, the last time after step 1:" in text


def test_the_card_tells_data_licences_numbers_recipe_and_lineage() -> None:
    text = made()
    assert "| handbook | zh | CC-BY-SA-3.0 | 1,200 | 34,000 |" in text
    assert "| validation, bits per byte, zh | 3.7500 | 1.7500 |" in text
    assert "3,345,600 parameters" in text
    assert "c" * 64 in text
    assert "f" * 64 in text
    recipe = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert recipe["numerics"]["global_batch"] == 16
