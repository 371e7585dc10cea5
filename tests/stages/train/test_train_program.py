from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from hearth.artifact import Artifact, ArtifactRecord
from hearth.attempt import Attempt
from hearth.errors import EXIT_OK, EXIT_TRANSIENT
from hearth.model import Stage
from hearth.train.checkpoint import MANIFEST
from hearth.train.run import History
from hearth.train.spec import CONTRACT
from tests.golden import check

if TYPE_CHECKING:
    from tests.stages.train.conftest import Program

GOLDEN = Path(__file__).with_name("golden.json")
Running = list["subprocess.Popen[bytes]"]


def record_of(program: Program, attempt: Attempt) -> ArtifactRecord:
    artifact = Artifact(program.store, Stage.TRAIN, attempt.artifact.fingerprint)
    record = artifact.record()
    assert record is not None
    return record


def content(attempt: Attempt, record: ArtifactRecord, name: str) -> bytes:
    return attempt.artifact.folder.get(record.output(name).path)


def checkpoints(attempt: Attempt) -> list[int]:
    found = (info.path for info in attempt.folder.list("checkpoints"))
    return sorted(int(path.split("/")[1][5:]) for path in found if path.endswith(MANIFEST))


def until(happened: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for something that a running program does."""
    deadline = time.monotonic() + 180
    while not happened():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def ranks(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    return [
        child
        for child in children
        if "hearth.train.worker" in (line := child.cmdline())
        and "torch.distributed.run" not in line
    ]


def told_how_to_stop(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the ranks run and catch SIGTERM; before, it ends them at once."""
    bit = 1 << (signal.SIGTERM - 1)
    masks = []
    for rank in ranks(process):
        status = Path(f"/proc/{rank.pid}/status").read_text("ascii")
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        masks.append(int(caught.split()[1], 16))
    return len(masks) == 2 and all(mask & bit for mask in masks)


@pytest.fixture(scope="module")
def reference(
    program: Program, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Attempt, ArtifactRecord]:
    """Return a run that nobody disturbed."""
    attempt = program.claim(program.spec())
    log = tmp_path_factory.mktemp("log") / "log"
    code = program.start(attempt, log).wait(240)
    assert code == EXIT_OK, log.read_text()
    return attempt, record_of(program, attempt)


def test_the_model_is_one_that_transformers_loads(
    reference: tuple[Attempt, ArtifactRecord], tmp_path: Path
) -> None:
    attempt, record = reference
    for output in record.outputs_named("model"):
        attempt.artifact.folder.download(output.path, tmp_path / Path(output.name).name)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    prompt = tokenizer("The lamp keeps the", return_tensors="pt")
    told = model.generate(**prompt, max_new_tokens=8, do_sample=False)
    assert tokenizer.decode(told[0]).startswith("The lamp keeps the")
    assert tokenizer.decode(tokenizer("桥照亮了河。🔥").input_ids) == "桥照亮了河。🔥"
    assert tokenizer.bos_token == tokenizer.eos_token == "<|endoftext|>"  # noqa: S105 - no secret
    assert model.config.bos_token_id == tokenizer.bos_token_id
    assert model.generation_config.do_sample, "as the spec says, where a request says nothing"
    assert model.generation_config.repetition_penalty == 1.1


def test_it_learns(reference: tuple[Attempt, ArtifactRecord]) -> None:
    attempt, record = reference
    history = History.model_validate_json(content(attempt, record, "loss.json"))
    assert len(history.losses) == 120
    assert [v.step for v in history.validations] == [0, 40, 80, 120]
    assert record.metrics["validation_loss"] < 0.7 * record.metrics["validation_loss_start"]
    assert set(record.metrics["validation_bits_per_byte"]) == {"en", "zh"}
    assert content(attempt, record, "loss.png").startswith(b"\x89PNG")
    card = content(attempt, record, "model/README.md").decode()
    assert "made-up-zh" in card
    # The dev part came along; the gate's, which is no suite here, was not read.
    first, *_, last = (v.dev for v in history.validations)
    assert first is not None
    assert last is not None
    assert record.metrics["dev"] == last.model_dump()
    assert all(last.bits_per_byte[name] < bits for name, bits in first.bits_per_byte.items())
    assert f"| 120 | 30,720 | zh | {last.bits_per_byte['zh']:.4f} |" in card
    assert f"| 120 | 30,720 | en | {last.accuracy['en']:.4f} |" in card


def test_the_result_is_the_golden_one(reference: tuple[Attempt, ArtifactRecord]) -> None:
    attempt, record = reference
    history = History.model_validate_json(content(attempt, record, "loss.json"))
    # Weights agree bit for bit on equal hardware only; losses agree anywhere to two digits.
    found = {
        "tokenizer": hashlib.sha256(content(attempt, record, "model/tokenizer.json")).hexdigest(),
        "parameters": record.metrics["parameters"],
        "corpus_tokens": record.metrics["corpus_tokens"],
        "losses": [round(loss, 2) for loss in history.losses[::10]],
    }
    check(GOLDEN, CONTRACT, found, {"losses": 0.03})


def test_killed_and_stopped_and_damaged_it_ends_with_the_uninterrupted_weights(
    program: Program,
    reference: tuple[Attempt, ArtifactRecord],
    started: Running,
    tmp_path: Path,
) -> None:
    # The same fingerprint in a store of its own would do; a generation makes it another artifact,
    # and is no part of what the ranks compute.
    spec = program.spec(generation="again")
    log = tmp_path / "log"

    first = program.claim(spec)
    process = program.start(first, log)
    started.append(process)
    until(lambda: len(checkpoints(first)) > 1, process, log)
    ranks(process)[0].send_signal(signal.SIGKILL)
    assert process.wait(60) == EXIT_TRANSIENT, log.read_text()
    end = first.exit()
    assert end is not None
    assert "killed by a signal" in end.message

    second = program.claim(spec)
    assert second.number == 2
    process = program.start(second, log)
    started.append(process)
    until(lambda: told_how_to_stop(process), process, log)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == EXIT_TRANSIENT, log.read_text()
    end = second.exit()
    assert end is not None
    assert "stopped on request after step" in end.message
    newest = checkpoints(second)[-1]
    assert f"after step {newest}," in end.message, "it stops at a checkpoint"

    # The newest is cut off, of the one before it a shard is missing; the third is whole.
    left = sorted(
        ((step, attempt) for attempt in (first, second) for step in checkpoints(attempt)),
        key=lambda one: one[0],
        reverse=True,
    )
    (step, holder), (before, keeper), (whole, _), *_ = left
    assert (step, holder) == (newest, second)
    cut = f"checkpoints/step-{newest:06d}/__0_0.distcp"
    second.folder.put(cut, second.folder.get(cut)[:-100])
    gone = f"checkpoints/step-{before:06d}/__1_0.distcp"
    keeper.folder.delete(gone)
    log.write_text("")

    third = program.claim(spec)
    process = program.start(third, log)
    started.append(process)
    assert process.wait(240) == EXIT_OK, log.read_text()
    said = log.read_text()
    assert said.count("checkpoint refused, the one before is used") == 2
    assert second.folder.url(cut) in said
    assert keeper.folder.url(gone) in said

    record = record_of(program, third)
    assert record.metrics["resumed_from"] == whole
    assert (
        f"resumed, the last time after step {whole}"
        in content(third, record, "model/README.md").decode()
    )
    undisturbed, entire = reference
    for name in ("model/model.safetensors", "loss.json", "model/tokenizer.json"):
        assert content(third, record, name) == content(undisturbed, entire, name), name


def test_on_another_number_of_ranks_the_record_says_that_bits_may_differ(
    program: Program, reference: tuple[Attempt, ArtifactRecord], tmp_path: Path
) -> None:
    attempt = program.claim(program.spec(steps=8), ranks=1)
    log = tmp_path / "log"
    assert program.start(attempt, log).wait(240) == EXIT_OK, log.read_text()
    record = record_of(program, attempt)
    (said,) = [one for one in record.unverified if "bits may differ" in one]
    assert "trained on 1 ranks where the recipe says 2" in said
    assert not [one for one in reference[1].unverified if "bits may differ" in one]
    # How it went is in the progress, for whoever waits: not only the loss.
    progress = attempt.progress()
    assert progress is not None
    assert {"loss", "gradient_norm", "tokens_per_second", "memory_bytes"} <= set(progress.metrics)


def test_a_rank_that_hangs_is_ended_and_the_next_attempt_goes_on_from_the_last_checkpoint(
    program: Program,
    reference: tuple[Attempt, ArtifactRecord],
    started: Running,
    tmp_path: Path,
) -> None:
    spec = program.spec(generation="hangs")
    log = tmp_path / "log"
    first = program.claim(spec, hang_seconds=5)
    process = program.start(first, log)
    started.append(process)
    until(lambda: len(checkpoints(first)) > 1, process, log)
    ranks(process)[1].send_signal(signal.SIGSTOP)
    assert process.wait(120) == EXIT_TRANSIENT, log.read_text()
    end = first.exit()
    assert end is not None
    assert re.search(
        r"no step for \d+ s after step \d+ .*a rank hangs; all were ended", end.message
    )
    left = checkpoints(first)

    second = program.claim(spec)
    process = program.start(second, log)
    started.append(process)
    assert process.wait(240) == EXIT_OK, log.read_text()
    record = record_of(program, second)
    assert record.metrics["resumed_from"] == left[-1]
    undisturbed, entire = reference
    name = "model/model.safetensors"
    assert content(second, record, name) == content(undisturbed, entire, name)
