from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from hearth.artifact import Artifact, ArtifactRecord, Cost, InputRef, Output, Provenance
from hearth.model import Stage
from hearth.profile import EndpointTarget
from hearth.rollout.child import adopt
from hearth.rollout.observation import Observation
from hearth.rollout.outcome import RolloutStep
from hearth.rollout.server import free_port
from hearth.rollout.spec import RolloutSection
from hearth.rollout.state import Version
from hearth.rollout.watch import Watch
from hearth.storage import Store
from hearth.storagesettings import StorageSettings

NAME = "hearth"

# Quick, but every step of the real thing.
QUICK = RolloutSection(
    min_requests=10,
    step_seconds=1.0,
    confirm_requests=10,
    ready_timeout_seconds=90,
    start_attempts=1,
    prompts=("The fire", "A house", "壁炉里的火", "山上的花"),
)


WORDS = [
    *("the", "fire", "stays", "at", "home", "and", "warms", "a", "house", "in", "winter"),
    *"火炉里的家山上花春天来了",
]


def make_model(
    folder: Path, *, seed: int, babbles: str | None = None, broken: bool = False, layers: int = 2
) -> None:
    """Write a random Qwen2 model, small enough to make in a blink.

    Args:
        folder: where to.
        seed: of its weights.
        babbles: a word that it says whatever it is asked.
        broken: its configuration does not fit its weights.
        layers: more make it slower.
    """
    import torch  # noqa: PLC0415 - slow to import, and not needed to collect
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415
    from transformers import (  # noqa: PLC0415
        PreTrainedTokenizerFast,
        Qwen2Config,
        Qwen2ForCausalLM,
    )

    torch.manual_seed(seed)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words = ["".join(piece for piece, _ in level.pre_tokenize_str(f" {word}")) for word in WORDS]
    vocabulary = {token: index for index, token in enumerate(["<|endoftext|>", *alphabet, *words])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = level
    tokenizer.decoder = decoders.ByteLevel()
    special = dict.fromkeys(("eos_token", "bos_token", "pad_token"), "<|endoftext|>")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    config = Qwen2Config(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        # It says words, not bytes; which ones depends on the prompt.
        head = model.lm_head.weight
        head.zero_()
        head[-len(words) :] = torch.randn(len(words), head.shape[1]) * 5
        if babbles is not None:
            # Whatever is asked, the last hidden state is all ones, and one word wins.
            model.model.embed_tokens.weight.fill_(1.0)
            for layer in model.model.layers:
                layer.self_attn.o_proj.weight.zero_()
                layer.mlp.down_proj.weight.zero_()
            head.zero_()
            head[vocabulary[words[WORDS.index(babbles)]]] = 1.0
    model.generation_config.eos_token_id = 0
    model.save_pretrained(folder)
    if broken:
        path = folder / "config.json"
        config_json = json.loads(path.read_text())
        path.write_text(json.dumps(config_json | {"hidden_size": "large"}))


def publish(store: Store, folder: Path, number: int, corpus: InputRef | None = None) -> Version:
    """Make a train artifact of a model's folder, as the train stage would."""
    artifact = Artifact(store, Stage.TRAIN, f"{number:064x}"[::-1])
    outputs = []
    for path in sorted(folder.iterdir()):
        info = artifact.folder.upload(path, f"attempts/1/model/{path.name}")
        outputs.append(Output(path=info.path, bytes=info.bytes, sha256=info.sha256))
    now = datetime.now(UTC)
    artifact.publish(
        ArtifactRecord(
            stage=Stage.TRAIN,
            name="tiny",
            contract=1,
            fingerprint=artifact.fingerprint,
            spec={},
            inputs={"corpus": corpus} if corpus else {},
            attempt=1,
            outputs=tuple(outputs),
            metrics={},
            provenance=Provenance(
                git_revision=None,
                code_digest="",
                lock_digest=None,
                packages={},
                python="",
                image=None,
                host={},
                build=f"build-{number}",
                started=now,
                finished=now,
            ),
            cost=Cost(wall_seconds=0, cpu_seconds=0, peak_rss_bytes=0),
        )
    )
    return Version.of(artifact.uri, artifact.fingerprint, f"build-{number}", now)


class Endpoint:
    """A real supervisor in a folder of its own, over a store of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "home" / "endpoint" / NAME
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.store_folder = folder / "store"
        self.store = Store.open(StorageSettings(uri=f"file://{self.store_folder}"))
        self.target = EndpointTarget(name=NAME, url=self.url)
        self.watch = Watch(self.store, NAME)
        self.steps: list[RolloutStep] = []
        self._log = folder / "supervisor.log"
        self._numbers = itertools.count(1)
        self._folder = folder
        (folder / "profiles").mkdir()
        (folder / "profiles" / "test.yaml").write_text(
            f"name: test\nstorage: {{uri: '{self.store.uri}'}}\nendpoint: {{url: '{self.url}'}}\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = self.spawn()

    def spawn(self) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "HEARTH_HOME": str(self._folder / "home"),
            "HEARTH_CONFIG": str(self._folder),
            "HEARTH_PROFILE": "test",
            "HEARTH_ENDPOINT_PORT": str(self.port),
        }
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "hearth.rollout.supervisor"],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            assert self.process.wait(60) in (0, -number), self.log()
            self.process = None

    def log(self) -> str:
        return self._log.read_text()

    def version(self, corpus: InputRef | None = None, **kind: object) -> Version:
        """Publish a tiny model, as if it were made from a corpus."""
        number = next(self._numbers)
        folder = self._folder / f"model-{number}"
        make_model(folder, seed=number, **kind)
        return publish(self.store, folder, number, corpus)

    def complete(self, prompt: str = "The fire") -> httpx.Response:
        body = {"model": NAME, "prompt": prompt, "max_tokens": 4}
        return httpx.post(f"{self.url}/v1/completions", json=body, timeout=30, trust_env=False)

    def until(self, good: Callable[[Observation], bool], wanted: str) -> Observation:
        return self.watch.until(good, 120, wanted)

    def process_of(self, version: Version) -> psutil.Process:
        server = self.watch.now().server(version.version)
        assert server is not None
        return psutil.Process(server.pid)

    def proxy(self) -> psutil.Process:
        return next(psutil.Process(c.pid) for c in adopt(self.folder) if c.name == "haproxy")

    def until_answered_by(self, version: Version, seconds: float = 120) -> list[int | str]:
        """Ask until this version answers; return what came before."""
        before: list[int | str] = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                answer = self.complete()
            except httpx.HTTPError as error:
                before.append(type(error).__name__)
            else:
                if answer.headers.get("X-Hearth-Version") == version.version:
                    assert answer.status_code == 200
                    return before
                before.append(answer.status_code)
            time.sleep(0.1)
        pytest.fail(f"{version.version} did not answer in {seconds} s, but {before[-3:]}")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    endpoint = Endpoint(tmp_path_factory.mktemp("endpoint"))
    endpoint.start()
    try:
        yield endpoint
    finally:
        endpoint.stop()
        assert adopt(endpoint.folder) == [], "a stopped supervisor leaves nothing behind"


@pytest.fixture(scope="session")
def quick() -> RolloutSection:
    return QUICK


@pytest.fixture
def clients(endpoint: Endpoint, clients_of: Any) -> Any:
    return clients_of(endpoint.url)
