"""Laws of tags by rules."""

from __future__ import annotations

import time

import pytest
from pydantic import ValidationError

from hearth.curate.keywords.section import Hits
from hearth.curate.tags.decide import jurisdiction, topics
from hearth.curate.tags.section import LineKind, StructureRule, TagSection
from hearth.curate.tags.structure import kinds, structure

REGULATION = """第一章　总则
第一条 为了规范政务服务，制定本办法。
第二条 本办法适用于本行政区域。
国家机关应当依法履行职责。
第三条 县级以上人民政府负责本办法的实施。"""
STATUTE = """Article 1 Subject matter
This Regulation lays down rules.
Article 2 Scope
It applies to all bodies.
Article 3 Definitions"""
QUESTIONS = """问：如何办理身份证？
答：请到户籍地派出所办理。
问：需要多长时间？
答：一般二十个工作日。
问：收费吗？
答：工本费二十元。"""
DIALOGUE = """记者：请您介绍一下情况。
李局长：今年的工作有三个重点。
记者：第一个重点是什么。
李局长：是改善营商环境。
记者：谢谢。"""
TABLE = """| 项目 | 金额 | 备注 |
| 教育 | 100 | 无 |
| 医疗 | 200 | 无 |"""
BLANKS = """Name      Rate    Year
North     4.2     2023
South     3.9     2023"""
MANUAL = """NAME
       tar - an archiving utility
SYNOPSIS
       tar [OPTIONS] FILE
DESCRIPTION
       GNU tar saves many files together.
       -c, --create
              create a new archive"""
LIST = "- apples\n- pears\n- plums\n"
CODE = """import sys
def main():
    print(sys.argv)
    return 0
if (x == 1) {
    y = 2;
}"""
ARTICLE = """The council met on Monday to consider the plan.

It heard from residents, and put the decision off until the spring: more had to be known."""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (REGULATION, "regulation"), (STATUTE, "regulation"), (QUESTIONS, "questions"),
        (DIALOGUE, "dialogue"), (TABLE, "table"), (BLANKS, "table"), (MANUAL, "manual"),
        (LIST, "list"), (CODE, "code"), (ARTICLE, "article"), ("", "article"),
    ],
)  # fmt: skip
def test_a_text_is_told_by_its_lines(text: str, name: str) -> None:
    assert structure(text, TagSection()) == name


def test_one_speaker_or_labels_that_do_not_come_again_are_no_dialogue() -> None:
    assert kinds("姓名：甲\n电话：乙\n地址：丙")[0][LineKind.TURN] == 0
    assert kinds("Note: one\nNote: two\nNote: three")[0][LineKind.TURN] == 0


def test_rules_of_a_recipe_stand_in_for_the_shipped_ones() -> None:
    rule = StructureRule(name="faq", lines=(LineKind.QUESTION, LineKind.TURN), least=1)
    section = TagSection(structures=(rule,), structure="rest")
    assert structure(QUESTIONS, section) == "faq"
    assert structure(REGULATION, section) == "rest"
    with pytest.raises(ValidationError, match="named twice: faq"):
        TagSection(structures=(rule, rule))


@pytest.mark.parametrize(
    "line", ["a " * 200_000, "  " * 200_000 + "x", "(" * 400_000, "=;" * 200_000]
)
def test_no_line_takes_long(line: str) -> None:
    begin = time.perf_counter()
    kinds(f"{line}\n" * 5)
    assert time.perf_counter() - begin < 1


def test_the_most_frequent_topics_come_first_and_few_words_make_none() -> None:
    found = [Hits("a", 3, 2, 0.1), Hits("b", 9, 3, 0.1), Hits("c", 9, 1, 0.1), Hits("d", 2, 2, 0.1)]
    assert topics(found, TagSection()) == ("b", "a")
    assert topics(found, TagSection(topics_most=1)) == ("b",)
    assert topics(found, TagSection(topics_most=0)) == ()


def test_a_part_counts_for_the_whole_and_is_named_where_it_is_the_only_one() -> None:
    def hits(**counts: int) -> list[Hits]:
        return [Hits(name.replace("_", "-"), n, 1, 0.0) for name, n in counts.items()]

    assert jurisdiction(hits(CN_BJ=1, CN=5, HK=4)) == "CN-BJ"
    assert jurisdiction(hits(CN_BJ=2, CN_SH=2, HK=3)) == "CN"
    assert jurisdiction(hits(CN=1, HK=2)) == "HK"
    assert jurisdiction([], "EU") == "EU"
    assert jurisdiction([]) is None
