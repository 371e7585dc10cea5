"""A store with a finished mirror of a small library, and the suite program on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hearth.artifact import Artifact, InputRef
from hearth.attempt import Exit
from hearth.documents import Document, write_documents
from hearth.model import Stage
from hearth.storage import Store
from hearth.suite.__main__ import run
from hearth.suite.spec import CONTRACT, Language, Lengths, SuiteSpec
from tests.artifacts import claim, execute, publish
from tests.prose import LANGUAGES, prose


@pytest.fixture
def library() -> list[Document]:
    random = np.random.default_rng(1)
    return [
        Document(
            doc_key=f"{language}:{work}/{chapter}",
            source=language,
            work=work,
            parallel=f"{work}/{chapter}",
            language=language,
            licence="CC0-1.0",
            title=None,
            text=prose(random, language, 50),
        )
        for work in ("almanac", "letters")
        for chapter in range(12)
        for language in LANGUAGES
    ]


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
    def finish(documents: list[Document]) -> InputRef:
        local = tmp_path / "all.parquet"
        write_documents(local, documents)
        return publish(store, Stage.MIRROR, {"documents/all.parquet": local})

    return finish


Program = Callable[[InputRef, SuiteSpec], tuple[Artifact, Exit]]


@pytest.fixture
def program(store: Store) -> Program:
    def start(mirror: InputRef, spec: SuiteSpec) -> tuple[Artifact, Exit]:
        inputs = {"mirror": mirror}
        attempt = claim(store, Stage.SUITE, CONTRACT, spec, inputs, frozen=True)
        return execute(attempt, Stage.SUITE, CONTRACT, SuiteSpec, run)

    return start
