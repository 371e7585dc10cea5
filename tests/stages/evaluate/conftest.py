"""A store with a suite, a corpus and an untrained model; and the program on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import Artifact, ArtifactRecord, InputRef, Output, fingerprint
from hearth.attempt import Attempt, Attempts, Exit
from hearth.documents import Document
from hearth.evaluate.__main__ import run
from hearth.evaluate.spec import CONTRACT, EvaluateSpec
from hearth.model import Stage
from hearth.profile import StorageSettings
from hearth.provenance import Meter, provenance
from hearth.stage.job import Job
from hearth.stage.program import main
from hearth.storage import Store
from hearth.suite.manifest import SuiteManifest
from hearth.suite.plan import passages, plan
from hearth.suite.spec import Language, Lengths, SuiteSpec
from hearth.suite.tasks import write

WORDS = {
    "en": (
        "lamp yard river stone winter letter garden bridge market teacher window morning",
        "keeps finds carries follows answers opens crosses repairs remembers paints",
    ),
    "zh": (
        "灯 院子 河 石头 冬天 信 花园 桥 集市 老师 窗户 早晨",
        "照亮 找到 带走 跟着 回答 打开 穿过 修好 记得 画出",
    ),
}
WINDOW = 96


def documents(seed: int) -> list[Document]:
    random = np.random.default_rng(seed)
    made = []
    for chapter in range(12):
        for language, (nouns, verbs) in WORDS.items():
            sentences = []
            for _ in range(50):
                who, what = random.choice(nouns.split(), 2, replace=False)
                verb = random.choice(verbs.split())
                english = language == "en"
                sentences.append(
                    f"The {who} {verb} the {what}. " if english else f"{who}{verb}了{what}。"
                )
            key = f"{language}:{seed}/{chapter}"
            text = "".join(sentences)
            made.append(
                Document(
                    key, language, f"book{seed}", f"{seed}/{chapter}", language, "CC0", None, text
                )
            )
    return made


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
    )
    tasks = plan(passages(documents(1), spec), spec)
    manifest = SuiteManifest(
        name=spec.name,
        version=spec.version,
        max_length=spec.max_length,
        dtype=spec.dtype,
        tasks=tuple(task.info for task in tasks),
        works=(),
    )
    folder = tmp_path_factory.mktemp("suite") / "suite"
    write(folder, manifest, tasks)
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
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    settings = StorageSettings(uri=f"file://{tmp_path}/store")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    return Store.open(settings)


Publish = Callable[[Stage, Path], InputRef]


@pytest.fixture
def publish(store: Store) -> Publish:
    """Publish a folder as a finished artifact."""

    def finish(stage: Stage, folder: Path) -> InputRef:
        artifact = Artifact(store, stage, fingerprint(stage, 1, {"folder": str(folder)}, {}))
        outputs = []
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder).as_posix()
            info = artifact.folder.upload(path, f"attempts/1/{name}")
            outputs.append(Output(path=info.path, bytes=info.bytes, sha256=info.sha256))
        artifact.publish(
            ArtifactRecord(
                stage=stage,
                name="small",
                contract=1,
                fingerprint=artifact.fingerprint,
                spec={},
                inputs={},
                attempt=1,
                outputs=tuple(outputs),
                metrics={},
                provenance=provenance(stage, "b", Meter().started, None, None),
                cost=Meter().read(),
            )
        )
        return artifact.ref()

    return finish


Program = Callable[[Path, Path, Path], tuple[Artifact, Exit]]


@pytest.fixture
def inputs(publish: Publish) -> Callable[[Path, Path, Path], dict[str, InputRef]]:
    return lambda model, suite, corpus: {
        "model": publish(Stage.TRAIN, model),
        "suite": publish(Stage.SUITE, suite),
        "corpus": publish(Stage.CURATE, corpus),
    }


Claim = Callable[[dict[str, InputRef]], Attempt]


@pytest.fixture
def claim(store: Store) -> Claim:
    def made_job(inputs: dict[str, InputRef]) -> Attempt:
        said = EvaluateSpec(baseline_order=2).model_dump(mode="json")
        made = fingerprint(
            Stage.EVALUATE, CONTRACT, said, {role: ref.fingerprint for role, ref in inputs.items()}
        )
        artifact = Artifact(store, Stage.EVALUATE, made)
        attempt, _ = Attempts(artifact).claim_or_join("build")
        job = Job(
            stage=Stage.EVALUATE,
            name="small",
            contract=CONTRACT,
            spec=said,
            fingerprint=made,
            inputs=inputs,
            attempt=attempt.number,
            artifact=artifact.uri,
            build="build",
        )
        store.put(store.relative(attempt.job_uri), job.model_dump_json().encode())
        return attempt

    return made_job


@pytest.fixture
def program(claim: Claim) -> Callable[[dict[str, InputRef]], tuple[Artifact, Exit]]:
    def start(inputs: dict[str, InputRef]) -> tuple[Artifact, Exit]:
        attempt = claim(inputs)
        code = main(Stage.EVALUATE, CONTRACT, EvaluateSpec, run, ["--job", attempt.job_uri])
        end = attempt.exit()
        assert end is not None
        assert end.code == code
        return attempt.artifact, end

    return start


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
