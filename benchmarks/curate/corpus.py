"""Makes up a bilingual corpus of any size, with copies whose originals are known by their keys.

Every document is made from its number and the seed alone, so a corpus of n documents is the
beginning of one of 2n, and a generator holds none of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Final

from hearth.documents import Document, write_documents

BYTES: Final = 1_200
"""Of a document's text in UTF-8, about."""
EXACT: Final = 0.05
"""Share of documents that are exact copies of an earlier one."""
NEAR: Final = 0.05
"""Share of documents that are near copies of an earlier one."""
CHANGED: Final = 0.01
"""Share of words that a near copy has others for: exact Jaccard of some 0.9."""
_WORK: Final = 8
"""Documents in a work; a copy has a work of its own."""
_PARALLEL: Final = 10
"""Of so many neighbours, English and Chinese, one is called a translation of the other."""

_WORDS: Final = {
    "en": """the of and to a in is that for it as was with be by on not he his but at are this have
        from or had an they which one you were all her she there would their we him been has when
        who will no more if out so up said what its about than into them can only other time new
        some could these two may first then do any like my now over such our man me even most made
        after also did many off before must well back through years where much your way down should
        because long each just state those people too mister how little good world make very year
        still see own work men day get here between both life being under three never know same
        last another while us might great old public office district council notice water road
        school hospital permit register budget tax committee letter report service station bridge
        market garden winter summer river mountain library museum theatre harbour railway factory
        engine village citizen teacher doctor engineer farmer driver clerk judge mayor minister
        applied measured repaired opened closed moved carried published approved refused counted
        required allowed granted renewed planned promised answered signed stamped archived
        yesterday tomorrow morning evening monday friday spring autumn weather rain snow wind
        inside outside beside against without within across along around during until since
        simple heavy narrow broad quiet bright open common local national annual monthly daily
        certain former recent early late full empty clean safe free equal formal general""",
    "zh": """的 了 在 是 和 有 不 这 我们 他们 一个 上 也 就 到 说 要 可以 会 对 而 中 与
        为 以 及 将 把 被 从 向 但 并 如果 因为 所以 已经 没有 进行 工作 发展 管理
        服务 部门 单位 人员 办法 规定 通知 公告 申请 审批 登记 预算 税务 委员会 报告
        车站 桥梁 市场 花园 冬天 夏天 河流 山区 图书馆 博物馆 剧院 港口 铁路 工厂 机器
        村庄 居民 教师 医生 工程师 农民 司机 法官 市长 学校 医院 道路 用水 许可 档案
        信件 计划 建设 检查 安全 环境 卫生 教育 文化 经济 社会 技术 资源 质量 标准
        要求 条件 时间 地点 内容 方式 结果 今天 明天 昨天 早上 晚上 春天 秋天 天气
        下雨 大风 里面 外面 旁边 沿着 根据 按照 通过 关于 由于 直到 简单 重要 安静
        明亮 公共 当地 全国 每年 每月 每天 以前 最近 完整 干净 免费 平等 正式 一般
        主要 新的 测量 修理 打开 关闭 搬运 发布 批准 拒绝 统计 允许 给予 更新 答复
        签字 盖章 保存 支持 组织 参加 提供""",
}
_SPACE: Final = {"en": " ", "zh": ""}
_STOP: Final = {"en": ".", "zh": "。"}


def documents(count: int, seed: int = 0) -> Iterator[Document]:
    """Yield documents, English and Chinese in turns; what is a copy, `original` tells by its key.

    Args:
        count: How many, copies among them.
        seed: Another seed makes another corpus.
    """
    for number in range(count):
        kind, of = _kind(number, seed)
        language = "zh" if of % 2 else "en"
        key = f"{kind}-{language}:{number}" if number == of else f"{kind}-{language}:{number}/{of}"
        twin = kind == "page" and (number // 2) % _PARALLEL == 0
        yield Document(
            doc_key=key,
            source=key.partition(":")[0],
            work=f"work-{number // _WORK}" if kind == "page" else key,
            parallel=f"pair-{number // 2}" if twin else None,
            language=language,
            licence="CC0-1.0",
            title=None,
            text=_text(of, language, seed, number if kind == "near" else None),
        )


def original(key: str) -> str | None:
    """Return the key of the document that this one is a copy of; None if it is none."""
    source, _, record = key.partition(":")
    if "/" not in record:
        return None
    return f"page-{source.rpartition('-')[2]}:{record.partition('/')[2]}"


def write(folder: Path, count: int, *, files: int = 1, seed: int = 0) -> list[Path]:
    """Write a corpus as so many Parquet files, as a mirror does; return them."""
    paths = [folder / f"{number:05}.parquet" for number in range(files)]
    made = documents(count, seed)
    for number, path in enumerate(paths):
        size = count * (number + 1) // files - count * number // files
        write_documents(path, (next(made) for _ in range(size)))
    return paths


def _kind(number: int, seed: int) -> tuple[str, int]:
    """Return what a document is, and the number of the one whose text it has."""
    draw = random.Random(f"{seed}:kind:{number}")  # noqa: S311 - made-up text
    chance = draw.random()
    # The first are originals, so that there is something to copy.
    if number < _WORK or chance >= EXACT + NEAR:
        return "page", number
    kind = "exact" if chance < EXACT else "near"
    while True:
        of = draw.randrange(number)
        if _kind(of, seed)[0] == "page":
            return kind, of


def _text(number: int, language: str, seed: int, changed_by: int | None) -> str:
    words, weights = _vocabulary(language)
    draw = random.Random(f"{seed}:text:{number}")  # noqa: S311 - made-up text
    size = BYTES * 10 // 48 if language == "en" else BYTES // 5
    said = draw.choices(words, cum_weights=weights, k=size)
    if changed_by is not None:
        other = random.Random(f"{seed}:near:{changed_by}")  # noqa: S311 - made-up text
        for place in other.sample(range(size), round(CHANGED * size)):
            said[place] = other.choice(words)
    paragraphs, start = [], 0
    while start < size:
        sentences = []
        for _ in range(draw.randint(3, 6)):
            length = draw.randint(8, 18)
            part = said[start : start + length]
            start += length
            if part:
                sentence = _SPACE[language].join(part) + _STOP[language]
                sentences.append(sentence[0].upper() + sentence[1:])
        paragraphs.append(_SPACE[language].join(sentences))
    return "\n\n".join(paragraphs)


@cache
def _vocabulary(language: str) -> tuple[list[str], list[float]]:
    """Return words and their summed weights, which fall as in Zipf's law."""
    words = _WORDS[language].split()
    return words, list(accumulate(1 / (rank + 10) for rank in range(len(words))))
