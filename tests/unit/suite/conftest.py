"""A small library: three works in English, each with its Chinese translation."""

from __future__ import annotations

import numpy as np
import pytest

from hearth.documents import Document
from hearth.suite.spec import Language, Lengths, SuiteSpec

ENGLISH = (
    "lamp yard river stone winter letter garden bridge market teacher window morning",
    "keeps finds carries follows answers opens crosses repairs remembers paints",
)
CHINESE = (
    "灯 院子 河 石头 冬天 信 花园 桥 集市 老师 窗户 早晨",
    "照亮 找到 带走 跟着 回答 打开 穿过 修好 记得 画出",
)


def prose(random: np.random.Generator, language: str, sentences: int) -> str:
    nouns, verbs = (words.split() for words in (ENGLISH if language == "en" else CHINESE))
    made = []
    for _ in range(sentences):
        who, what = random.choice(nouns, 2, replace=False)
        verb = random.choice(verbs)
        english = language == "en"
        made.append(f"The {who} {verb} the {what}. " if english else f"{who}{verb}了{what}。")
    return "".join(made)


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
        for language in ("en", "zh")
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
