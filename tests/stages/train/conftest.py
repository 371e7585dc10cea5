"""A store with a finished corpus of made-up sentences, and the train program on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import InputRef
from hearth.attempt import Attempt
from hearth.model import Stage
from hearth.stage.job import environment_for
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from hearth.train.sections import DEV
from hearth.train.spec import (
    CONTRACT,
    ModelSection,
    NumericsSection,
    OptimizerSection,
    ScheduleSection,
    TokenizerSection,
    TrainSpec,
)
from tests import artifacts

SENTENCES = {
    "en": ("The {a} {v} the {b}. ", "lamp yard river stone letter garden", "keeps finds opens"),
    "zh": ("{a}{v}了{b}。", "灯 院子 河 石头 信 花园 桥", "照亮 找到 打开"),
}
OPERATION = {"checkpoint_steps": 4, "keep_checkpoints": 2}


def sentences(language: str, count: int, seed: int) -> str:
    form, nouns, verbs = SENTENCES[language]
    random = np.random.default_rng(seed)
    said = []
    for _ in range(count):
        a, b = random.choice(nouns.split(), 2, replace=False)
        said.append(form.format(a=a, b=b, v=random.choice(verbs.split())))
    return "".join(said)


def made_up(documents: int, count: int, seed: int) -> list[dict[str, str]]:
    return [
        {
            "source": f"made-up-{language}",
            "language": language,
            "licence": "CC0-1.0",
            "text": sentences(language, count, seed + number),
        }
        for number in range(documents)
        for language in ("en", "zh")
    ]


def model_spec(**changes: object) -> TrainSpec:
    fields: dict[str, object] = {
        "tokenizer": TokenizerSection(vocabulary=320),
        "model": ModelSection(layers=1, hidden=32, intermediate=64, heads=2, key_value_heads=1),
        "sequence_length": 32,
        "steps": 120,
        "schedule": ScheduleSection(warmup_steps=4),
        "numerics": NumericsSection(global_batch=8, micro_batch=2),
        "optimizer": OptimizerSection(learning_rate=3e-3),
        "validations": 3,
        "validation_sequences": 8,
    }
    return TrainSpec.model_validate({**fields, **changes})


def suite_files(folder: Path) -> dict[str, Path]:
    """Write a suite whose gate no training may read: it is no JSON."""
    dev = {
        f"dev_bits_per_byte_{language}": {"kind": "bits_per_byte", "language": language}
        for language in SENTENCES
    } | {"dev_cloze_en": {"kind": "cloze", "language": "en"}}
    files = {
        "suite.json": json.dumps(
            {"max_length": 32, "dev": [{"task": t, **of} for t, of in dev.items()]}
        )
    }
    for language in SENTENCES:
        lines = [
            json.dumps({"item": f"{n}", "text": sentences(language, 4, 3000 + n)}) for n in range(3)
        ]
        files[f"data/dev_bits_per_byte_{language}.jsonl"] = "\n".join(lines)
    asked = {"context": "The lamp keeps the", "choices": [" 桥了。", " river."], "answer": 1}
    files["data/dev_cloze_en.jsonl"] = json.dumps({"item": "c", **asked})
    files["data/cloze_en.jsonl"] = "the gate's"
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return {name: folder / name for name in files}


class Program:
    """The train program on one corpus, as the next attempt of a spec."""

    def __init__(self, storage: StorageSettings, corpus: InputRef, suite: InputRef) -> None:
        self.storage = storage
        self.store = Store.open(storage)
        self.inputs = {"corpus": corpus, DEV: suite}

    @staticmethod
    def spec(**changes: object) -> TrainSpec:
        return model_spec(**changes)

    def claim(self, spec: TrainSpec, build: str = "build", **operation: object) -> Attempt:
        return artifacts.claim(
            self.store,
            Stage.TRAIN,
            CONTRACT,
            spec,
            self.inputs,
            build=build,
            settings={"operation": {**OPERATION, **operation}},
        )

    def start(self, attempt: Attempt, log: Path) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **environment_for(self.storage)}
        with log.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, "-m", "hearth.train", "--job", attempt.job_uri],
                env=environment,
                stdout=file,
                stderr=file,
            )


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> StorageSettings:
    return StorageSettings(uri=f"file://{tmp_path_factory.mktemp('train')}/store")


Publish = Callable[[str, dict[str, list[dict[str, str]]]], Program]


@pytest.fixture(scope="session")
def publish(storage: StorageSettings, tmp_path_factory: pytest.TempPathFactory) -> Publish:
    """Finish a corpus of the given splits; return the program on it."""

    def write(name: str, splits: dict[str, list[dict[str, str]]]) -> Program:
        schema = pa.schema(
            [(key, pa.string()) for key in ("source", "language", "licence", "text")]
        )
        files = {}
        for split, content in splits.items():
            local = tmp_path_factory.mktemp(name) / "shard.parquet"
            pq.write_table(pa.Table.from_pylist(content, schema), local)
            files[f"corpus/split={split}/00000.parquet"] = local
        corpus = artifacts.publish(Store.open(storage), Stage.CURATE, files)
        suite = artifacts.publish(
            Store.open(storage), Stage.SUITE, suite_files(tmp_path_factory.mktemp("suite"))
        )
        return Program(storage, corpus, suite)

    return write


@pytest.fixture(scope="session")
def program(publish: Publish) -> Program:
    return publish("good", {"train": made_up(20, 60, 0), "validation": made_up(2, 60, 1000)})


@pytest.fixture
def rows() -> Callable[[int, int, int], list[dict[str, str]]]:
    """Make documents up: how many of each language, sentences in each, seed."""
    return made_up


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """End every program that a test starts, and its ranks, whatever becomes of the test."""
    running: list[subprocess.Popen[bytes]] = []
    yield running
    for process in running:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.wait(10)
