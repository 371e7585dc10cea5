"""Made-up text: English sentences, and Chinese ones that say the same."""

from __future__ import annotations

import numpy as np

_WORDS = {
    "en": (
        "lamp yard river stone winter letter garden bridge market teacher window morning",
        "keeps finds carries follows answers opens crosses repairs remembers paints",
    ),
    "zh": (
        "灯 院子 河 石头 冬天 信 花园 桥 集市 老师 窗户 早晨",
        "照亮 找到 带走 跟着 回答 打开 穿过 修好 记得 画出",
    ),
}
LANGUAGES = tuple(_WORDS)


def prose(random: np.random.Generator, language: str, sentences: int) -> str:
    nouns, verbs = (words.split() for words in _WORDS[language])
    made = []
    for _ in range(sentences):
        who, what = random.choice(nouns, 2, replace=False)
        verb = random.choice(verbs)
        english = language == "en"
        made.append(f"The {who} {verb} the {what}. " if english else f"{who}{verb}了{what}。")
    return "".join(made)
