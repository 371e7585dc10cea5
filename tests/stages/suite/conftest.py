"""A store with a finished mirror of a small library, and the suite program on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hearth.artifact import Artifact, ArtifactRecord, InputRef, Output, fingerprint
from hearth.attempt import Attempts, Exit
from hearth.documents import Document, write_documents
from hearth.model import Stage
from hearth.profile import StorageSettings
from hearth.provenance import Meter, provenance
from hearth.stage.job import Job
from hearth.stage.program import main
from hearth.storage import Store
from hearth.suite.__main__ import run
from hearth.suite.spec import CONTRACT, Language, Lengths, SuiteSpec

ENGLISH = (
    "lamp yard river stone winter letter garden bridge market teacher window morning",
    "keeps finds carries follows answers opens crosses repairs remembers paints",
)
CHINESE = (
    "灯 院子 河 石头 冬天 信 花园 桥 集市 老师 窗户 早晨",
    "照亮 找到 带走 跟着 回答 打开 穿过 修好 记得 画出",
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    settings = StorageSettings(uri=f"file://{tmp_path}/store")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    return Store.open(settings)


@pytest.fixture
def library() -> list[Document]:
    random = np.random.default_rng(1)
    documents = []
    for work in ("almanac", "letters"):
        for chapter in range(12):
            for language, words in (("en", ENGLISH), ("zh", CHINESE)):
                nouns, verbs = (kind.split() for kind in words)
                sentences = []
                for _ in range(50):
                    who, what = random.choice(nouns, 2, replace=False)
                    verb = random.choice(verbs)
                    sentences.append(
                        f"The {who} {verb} the {what}. "
                        if language == "en"
                        else f"{who}{verb}了{what}。"
                    )
                documents.append(
                    Document(
                        doc_key=f"{language}:{work}/{chapter}",
                        source=language,
                        work=work,
                        parallel=f"{work}/{chapter}",
                        language=language,
                        licence="CC0-1.0",
                        title=None,
                        text="".join(sentences),
                    )
                )
    return documents


@pytest.fixture
def spec() -> SuiteSpec:
    return SuiteSpec(
        name="small",
        reserved=("almanac",),
        items=24,
        lengths={
            Language.ENGLISH: Lengths(passage=100, context=60, continuation=30),
            Language.CHINESE: Lengths(passage=40, context=24, continuation=10),
        },
        max_length=128,
    )


@pytest.fixture
def mirror(store: Store, tmp_path: Path) -> Callable[[list[Document]], InputRef]:
    def publish(documents: list[Document]) -> InputRef:
        made = fingerprint(Stage.MIRROR, 1, {"documents": len(documents)}, {})
        artifact = Artifact(store, Stage.MIRROR, made)
        local = tmp_path / "all.parquet"
        rows = write_documents(local, documents)
        info = artifact.folder.upload(local, "attempts/1/documents/all.parquet")
        artifact.publish(
            ArtifactRecord(
                stage=Stage.MIRROR,
                name="small",
                contract=1,
                fingerprint=made,
                spec={},
                inputs={},
                attempt=1,
                outputs=(Output(path=info.path, bytes=info.bytes, sha256=info.sha256, rows=rows),),
                metrics={},
                provenance=provenance(Stage.MIRROR, "b", Meter().started, None, None),
                cost=Meter().read(),
            )
        )
        return artifact.ref()

    return publish


Program = Callable[[InputRef, SuiteSpec], tuple[Artifact, Exit]]


@pytest.fixture
def program(store: Store) -> Program:
    def start(mirror: InputRef, spec: SuiteSpec) -> tuple[Artifact, Exit]:
        said = spec.model_dump(mode="json")
        # A suite is frozen: what it was built from is not part of its identity.
        artifact = Artifact(store, Stage.SUITE, fingerprint(Stage.SUITE, CONTRACT, said, {}))
        attempt, _ = Attempts(artifact).claim_or_join("build")
        job = Job(
            stage=Stage.SUITE,
            name="small",
            contract=CONTRACT,
            spec=said,
            fingerprint=artifact.fingerprint,
            inputs={"mirror": mirror},
            attempt=attempt.number,
            artifact=artifact.uri,
            build="build",
        )
        store.put(store.relative(attempt.job_uri), job.model_dump_json().encode())
        code = main(Stage.SUITE, CONTRACT, SuiteSpec, run, ["--job", attempt.job_uri])
        end = attempt.exit()
        assert end is not None
        assert end.code == code
        return artifact, end

    return start
