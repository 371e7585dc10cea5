"""A store with a suite, a corpus and an untrained model; and the program on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import Artifact, InputRef
from hearth.attempt import Attempt, Exit
from hearth.documents import Document
from hearth.evaluate.__main__ import run
from hearth.evaluate.spec import CONTRACT, EvaluateSpec
from hearth.model import Stage
from hearth.storage import Store
from hearth.suite.dev import dev_plan
from hearth.suite.manifest import SuiteManifest
from hearth.suite.plan import passages, plan
from hearth.suite.spec import DevSection, Language, Lengths, SuiteSpec
from hearth.suite.tasks import write
from tests import artifacts
from tests.artifacts import below, execute, publish
from tests.prose import LANGUAGES, prose

WINDOW = 96


def documents(seed: int) -> list[Document]:
    random = np.random.default_rng(seed)
    return [
        Document(
            doc_key=f"{language}:{seed}/{chapter}",
            source=language,
            work=f"book{seed}",
            parallel=f"{seed}/{chapter}",
            language=language,
            licence="CC0",
            title=None,
            text=prose(random, language, 50),
        )
        for chapter in range(12)
        for language in LANGUAGES
    ]


@pytest.fixture(scope="session")
def suite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = SuiteSpec(
        name="small",
        reserved=("book1",),
        items=24,
        lengths={
            Language.ENGLISH: Lengths(passage=100, context=60, continuation=30),
            Language.CHINESE: Lengths(passage=40, context=24, continuation=10),
        },
        max_length=WINDOW,
        dev=DevSection(reserved=("book3",), items=4),
    )
    tasks = plan(passages(documents(1), spec), spec)
    _, dev = dev_plan(documents(3), tasks, spec)
    manifest = SuiteManifest(
        name=spec.name,
        version=spec.version,
        max_length=spec.max_length,
        dtype=spec.dtype,
        tasks=tuple(task.info for task in tasks),
        dev=tuple(task.info for task in dev),
        works=(),
    )
    folder = tmp_path_factory.mktemp("suite") / "suite"
    write(folder, manifest, (*tasks, *dev))
    return folder


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    split = folder / "corpus" / "split=train"
    split.mkdir(parents=True)
    rows = [{"doc_key": d.doc_key, "text": d.text} for d in documents(2)]
    pq.write_table(pa.Table.from_pylist(rows), split / "part-0.parquet")
    return folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained Qwen2 with a byte-level BPE: `model/` in a folder."""
    import torch  # noqa: PLC0415 - heavy
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM  # noqa: PLC0415

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    end = "<|endoftext|>"
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[end],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([d.text for d in documents(2)], trainer)
    folder = tmp_path_factory.mktemp("model") / "model"
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end).save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=WINDOW,
        eos_token_id=0,
        bos_token_id=0,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder.parent


@pytest.fixture
def inputs(store: Store) -> Callable[[Path, Path, Path], dict[str, InputRef]]:
    return lambda model, suite, corpus: {
        "model": publish(store, Stage.TRAIN, below(model)),
        "suite": publish(store, Stage.SUITE, below(suite)),
        "corpus": publish(store, Stage.CURATE, below(corpus)),
    }


Claim = Callable[[dict[str, InputRef]], Attempt]


@pytest.fixture
def claim(store: Store) -> Claim:
    spec = EvaluateSpec(baseline_order=2)
    return lambda inputs: artifacts.claim(store, Stage.EVALUATE, CONTRACT, spec, inputs)


@pytest.fixture
def program(claim: Claim) -> Callable[[dict[str, InputRef]], tuple[Artifact, Exit]]:
    return lambda inputs: execute(claim(inputs), Stage.EVALUATE, CONTRACT, EvaluateSpec, run)


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[Path, str, bytes | None], Path]:
    """A copy of a folder with one file replaced, or gone."""

    def copy(folder: Path, name: str, content: bytes | None) -> Path:
        other = tmp_path / f"edited-{folder.name}"
        for path in (p for p in folder.rglob("*") if p.is_file()):
            target = other / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        if content is None:
            (other / name).unlink()
        else:
            (other / name).write_bytes(content)
        return other

    return copy
