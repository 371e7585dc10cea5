"""A small library: three works in English, each with its Chinese translation."""

from __future__ import annotations

import numpy as np
import pytest

from hearth.documents import Document
from hearth.suite.spec import Language, Lengths, SuiteSpec
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
            text=prose(random, language, 60),
        )
        for work in ("almanac", "letters", "tales")
        for chapter in range(6)
        for language in LANGUAGES
    ]


@pytest.fixture
def spec() -> SuiteSpec:
    return SuiteSpec(
        name="small",
        reserved=("almanac", "letters"),
        items=24,
        lengths={
            Language.ENGLISH: Lengths(passage=100, context=60, continuation=30),
            Language.CHINESE: Lengths(passage=40, context=24, continuation=10),
        },
        max_length=128,
    )
