"""A small library in two languages, with everything in it that curation must deal with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.attempt import Attempt
from hearth.curate.executor import InProcessExecutor, quiet
from hearth.curate.keys import ContentKey
from hearth.curate.passes import SHARD_ROWS, Pass
from hearth.curate.rules import ChineseRules, EnglishRules
from hearth.curate.run import Inputs, curate
from hearth.curate.sections import SplitSection
from hearth.curate.shards import FOLDER, Shards
from hearth.curate.spec import (
    CurateSpec,
    Grave,
    PerplexitySection,
    QualitySection,
    ReadSection,
    TokensSection,
)
from hearth.documents import SCHEMA, Document, write_documents
from hearth.lock import TombstoneKind

KEY = ContentKey(b"the content key of a test")
NOUNS = {
    "en": "lamp yard river stone winter letter garden bridge market teacher window morning harbour",
    "zh": "灯 院子 河流 石头 冬天 书信 花园 木桥 集市 老师 窗户 早晨 港口 蜡烛 草地 厨房 村庄 机器",
}
VERBS = {
    "en": "keeps finds carries follows answers opens crosses repairs remembers paints measures",
    "zh": "照亮 找到 带走 跟着 回答 打开 穿过 修好 记得 画出 量过 拜访",
}
FORMS = {
    "en": "The {a} of the {b} {v} a {c} and {w} the {d} with some care. ",
    "zh": "{a}旁边的{b}{v}了{c}，又在{d}那里{w}了它。",
}
PII = {
    "13912345678": "联系电话13912345678，",
    "110101199003077758": "身份证号110101199003077758。",
    "zhang.san@mail.example.cn": "请写信给zhang.san@mail.example.cn，",
    "6222021000000000009": "卡号6222021000000000009",
    "202.96.134.133": "from 202.96.134.133 at night ",
    "AKIAIOSFODNN7EXAMPLE": "with AKIAIOSFODNN7EXAMPLE as key ",
    "admin:s3cretpw": "see https://admin:s3cretpw@db.example.org/ for it ",
}


def prose(language: str, seed: object, sentences: int = 14) -> str:
    draw = random.Random(str(seed))  # noqa: S311 - made-up text
    said = []
    for _ in range(sentences):
        a, b, c, d = draw.sample(NOUNS[language].split(), 4)
        v, w = draw.sample(VERBS[language].split(), 2)
        said.append(FORMS[language].format(a=a, b=b, c=c, d=d, v=v, w=w))
    return "\n".join("".join(said[i : i + 3]) for i in range(0, sentences, 3))


def document(key: str, text: str, **more: Any) -> Document:
    fields = {
        "source": key.partition(":")[0],
        "work": f"work-{key}",
        "parallel": None,
        "language": None,
        "licence": "CC0-1.0",
        "title": None,
        "date": "2024-05-01" if len(text) % 2 else None,
    }
    return Document(doc_key=key, text=text, **{**fields, **more})


def library() -> list[Document]:
    made = [
        document(
            f"{language}:page/{number:02}",
            prose(language, f"{language}{number}"),
            work=f"page-{number}",
            parallel=f"p{number}" if number % 2 else None,
            language=language,
        )
        for number in range(40)
        for language in ("en", "zh")
    ]
    for number, (secret, sentence) in enumerate(PII.items()):
        language = "zh" if any(c > "\u3000" for c in sentence) else "en"
        text = prose(language, f"pii{number}")
        made.append(document(f"letters:{number}", f"{sentence}{text}\n{secret}"))
    once, twice = prose("en", "twin"), prose("zh", "twin", 30)
    made += [
        document("a:copy", once),
        document("b:copy", once + "\r\n"),
        document("a:near", twice),
        document("b:near", twice.replace("蜡烛", "烛台", 1)),
        document("almanac:1", prose("en", "reserved"), work="almanac"),
        document("mirror-of-almanac:1", prose("en", "reserved")),
        document("leak:cut", prose("en", "leak", 60) + "\n" + prose("en", "item", 2)),
        document("leak:gone", prose("zh", "item", 6)),
        document("buried:key", prose("en", "buried-key")),
        document("buried:near", prose("zh", "buried-near")),
        document("copy-of-buried:near", prose("zh", "buried-near") + " "),
        document("fr:1", "Le chat dort sur la chaise, et la pluie tombe sur les toits. " * 8),
        document("ja:1", "これは日本語の文章です。猫が椅子の上で眠っています。" * 8),
        document("poem:1", "春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。\n孟浩然春晓"),
        document("numbers:1", "the table of and to have with that be " + "12345 67890 " * 90),
        document("stub:1", "Too short to say much."),
        document("mixed:1", prose("zh", "mixed").replace("机器", "Linux kernel")),
        document("invisible:1", "\u200b" + prose("en", "invisible").replace("lamp", "la\u00admp")),
    ]
    return made


def suite_rows() -> list[dict[str, str]]:
    return [
        {
            "task": "bpb_en",
            "item": "1",
            "group": "g",
            "language": "en",
            "text": prose("en", "item", 2),
        },
        {
            "task": "bpb_zh",
            "item": "2",
            "group": "g",
            "language": "zh",
            "text": prose("zh", "item", 6),
        },
    ]


def spec_of(**changes: Any) -> CurateSpec:
    # Sentences made from one form repeat themselves, and few documents fill no default share.
    loose = {"max_top_gram": None, "max_repeated_gram": None}
    wordy = {"max_repeated_5gram": None, "max_repeated_10gram": None, "max_top_4gram": None}
    fields = {
        "read": ReadSection(max_characters=5_000_000, max_line_characters=1_000_000),
        "split": SplitSection(validation=0.1, test=0.1, largest_held_out=0.2),
        "quality": QualitySection(en=EnglishRules(**wordy), zh=ChineseRules(**loose)),
        "perplexity": PerplexitySection(bits=16, quantile=0.97, folds=2),
        "tokens": TokensSection(vocabulary=400),
        "reserved": ("almanac",),
        "tombstones": (
            Grave(kind=TombstoneKind.KEY, value="buried:key"),
            Grave(kind=TombstoneKind.NEAR, value="buried:near"),
        ),
    }
    return CurateSpec.model_validate({**fields, **changes})


def sealed(attempt: Attempt) -> list[str]:
    """The seals of the shards that an attempt finished."""
    found = attempt.folder.list(FOLDER)
    return [info.path for info in found if info.path.endswith(".json")]


@dataclass
class Corpus:
    """What one run left behind."""

    folder: Path
    metrics: dict[str, Any]

    def split(self, name: str) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / "corpus" / f"split={name}").to_pylist()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for name in ("train", "validation", "test") for row in self.split(name)]

    def step(self, name: str) -> dict[str, dict[str, Any]]:
        table = pq.ParquetFile(self.folder / "decisions" / f"step={name}" / "part-00000.parquet")
        return {row["doc_key"]: row for row in table.read().to_pylist()}

    def fate(self, key: str) -> tuple[str, str | None]:
        for folder in sorted((self.folder / "decisions").iterdir()):
            name = folder.name.removeprefix("step=")
            row = self.step(name).get(key)
            if row and row["action"] == "dropped":
                return name, row["reason"]
        return "kept", None

    def files(self) -> dict[str, bytes]:
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}


Curate = Callable[..., Corpus]


@pytest.fixture(scope="session")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Curate:
    """Curate documents, or Parquet files of them; by default the library."""
    quiet()

    def make(
        documents: Iterable[Document] | None = None,
        *,
        files: Iterable[Path] = (),
        executor: Any = None,
        previous: Path | None = None,
        shard_rows: int = SHARD_ROWS,
        entries: Mapping[str, Sequence[str]] = MappingProxyType({}),
        **changes: Any,
    ) -> Corpus:
        folder = tmp_path_factory.mktemp("curate")
        paths = list(files)
        by_source: dict[str, list[Document]] = {}
        for made in library() if documents is None else documents:
            by_source.setdefault(made.source, []).append(made)
        for source, rows in by_source.items():
            paths.append(folder / "in" / f"{source}.parquet")
            write_documents(paths[-1], rows)
        items = folder / "items.parquet"
        pq.write_table(pa.Table.from_pylist(suite_rows()), items)
        out, scratch = folder / "out", folder / "scratch"
        out.mkdir()
        scratch.mkdir()
        metrics, _ = curate(
            Inputs(paths, items, (), previous, entries),
            spec_of(**changes),
            KEY,
            out,
            Pass(executor or InProcessExecutor(), Shards(scratch), shard_rows),
        )
        return Corpus(out, metrics)

    return make


@pytest.fixture(scope="session")
def corpus(curated: Curate) -> Corpus:
    return curated()


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    base = document("x:1", "text")
    names = SCHEMA.names
    filled = [{**{name: getattr(base, name) for name in names}, **row} for row in rows]
    return pa.table({name: pa.array([row[name] for row in filled], pa.string()) for name in names})
