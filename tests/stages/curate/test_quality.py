"""Laws of languages and rules of quality."""

from __future__ import annotations

import pytest

from hearth.curate.rules import ChineseRules
from hearth.curate.spec import PerplexitySection, QualitySection
from hearth.curate.stages.quality import filters_of
from tests.stages.curate.conftest import Curate, document, library, prose


def test_code_and_mathematics_are_exempt_from_the_rules_of_prose(curated: Curate) -> None:
    code = "\n".join(f"x{n} = {{'a': [{n}, {n + 1}]}}  # {n}" for n in range(40))
    other = "\n".join(f"if ({n} < y) {{ draw('lorem ipsum'); }} // [{n}]" for n in range(40))
    third = "\n".join(f"z[{n}] := {{{n}: [z, {n}]}} -- ({n})" for n in range(40))
    made = [
        document("repo:1", code, language="en"),
        document("repo:2", other, language="en"),
        document("web:1", third, language="en"),
    ]
    exempt = curated([*library(), *made], domains={"repo": "code"})
    assert exempt.fate("repo:1") == ("kept", None)
    assert exempt.fate("repo:2") == ("quality", "placeholders")
    assert exempt.fate("web:1")[0] == "quality"


def test_the_languages_of_a_mixed_document_are_told_apart(curated: Curate) -> None:
    halves = "\n\n".join([prose("zh", "half"), prose("en", "half"), "短", prose("zh", "third")])
    made = curated([*library(), document("mixed:2", halves)])
    mixed = made.metrics["mixed"]["zh"]
    assert mixed["documents"] >= 1
    assert mixed["characters"]["en"] == len(prose("en", "half"))


@pytest.mark.parametrize(
    ("rule", "bound", "text"),
    [
        ("max_adverts", 0.1, "澳门赌场，真人娱乐。\n" + prose("zh", 1)),
        ("max_garbled", 0.001, prose("zh", 1) + "锟斤拷锟斤拷"),
        ("max_short_lines", 0.67, prose("zh", 1).replace("，", "，\n")),
        ("min_punctuated_lines", 0.12, prose("zh", 1).replace("。", "、")),
        ("min_sentences", 3, prose("zh", 1).replace("。", "；")),
        ("max_braces", 0.0, prose("zh", 1) + "{}"),
        ("max_placeholders", 0, prose("zh", 1) + "Lorem ipsum"),
        ("max_duplicate_lines", 0.2, "\n".join([prose("zh", 1)] * 2)),
        ("min_mean_line", 10, "\n".join(["床前明月光，"] * 9)),
        ("min_common_characters", 2, "春眠觉晓处处闻啼鸟夜来风雨声花落知多少" * 2),
        ("min_stop_characters", 0.05, "春眠觉晓处处闻啼鸟夜来风雨声花落知多少" * 2),
        ("max_symbols", 0.25, prose("zh", 1)[:100] + "═│┌" * 40),
    ],
)
def test_each_rule_judges_what_it_names(rule: str, bound: float, text: str) -> None:
    off = {name: None for name in ChineseRules.model_fields if name.startswith(("max_", "min_"))}
    off = {k: v for k, v in off.items() if k not in {"min_characters", "max_characters"}}
    plain = QualitySection(zh=ChineseRules(**{**off, "min_characters": 0}))
    strict = QualitySection(zh=ChineseRules(**{**off, "min_characters": 0, rule: bound}))
    names = {name for name, _ in filters_of(plain)["zh"]}
    (judge,) = [judge for name, judge in filters_of(strict)["zh"] if name not in names]
    assert not judge.keep_document(judge.score_document(text))
    fine = prose("zh", 2, 40).replace("\n", "\n\n")
    assert judge.keep_document(judge.score_document(fine))


def test_a_chinese_page_is_not_judged_by_how_long_the_english_words_in_it_are() -> None:
    (han,) = [judge for name, judge in filters_of(QualitySection())["zh"] if name == "han"]
    short, long = ("".join(f"用 {word} 命令。" for word in words) for words in ("abc", ["x" * 30]))
    assert han.score_document(short) == han.score_document(long) == 3 / 4
    untranslated = "文件\n" + prose("en", 1)
    assert not han.keep_document(han.score_document(untranslated))


def test_no_chinese_text_is_lost_to_white_space(curated: Curate) -> None:
    unbroken = [
        document(f"zh:{n}", prose("zh", n, 40).replace("\n", ""), language=None) for n in range(30)
    ]
    made = curated(unbroken, perplexity=PerplexitySection(bits=16, quantile=1))
    assert made.metrics["retention"]["zh"] == {"documents": 1.0, "characters": 1.0}
