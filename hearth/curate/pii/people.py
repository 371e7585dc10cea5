"""Names of persons, where something beside them says that they are names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from hearth.curate.pii.finders import Finder, finder, words
from hearth.curate.pii.kinds import PiiKind, Span


def _words(said: str) -> frozenset[str]:
    return frozenset(said.split())


# The commonest surnames (Ministry of Public Security, 2020), and what is seen of the compound ones.
_SURNAMES: Final = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢"
    "蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟"
    "龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂"
    "丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席"
    "卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解柴华车冉房边辜吉饶刁瞿戚丘古米池滕晋苑"
    "邬臧畅宫来缪苟全褚廉简娄盖符奚木穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷"
    "卓花仇艾蓝都巩稽井练仲乐虞卞封竺冼原官衣楚佟栗匡宗应台巫鞠僧桑荆谌银扬沙伏岑习胥蔺昌"
    "凤酆皮"
)
_COMPOUND: Final = _words(
    """
欧阳 上官 司马 诸葛 司徒 东方 皇甫 尉迟 公孙 慕容 长孙 夏侯 令狐 宇文 轩辕 端木 南宫 独孤
申屠 闻人
"""
)
# What begins like a name and is none.
_NEVER: Final = _words(
    """
常年 黄金 黄河 时而 时常
方式 方法 方面 方案 方向 方便 双方 安全 安排 安置 安装 高度 高级 高中 高等 高校 高危 平台
平均 平时 时间 时候 时限 常见 常规 常用 常住 成员 成为 成功 成立 成年 成绩 明确 明细 于是
应当 应该 应在 应于 应向 有关 计划 计算 管理 金额 关系 关于 包括 包含 单位 单独 严重 严格
任何 任务 任职 全部 全体 全程 全额 全家 边界 路线 路径 程序 程度 连续 连同 解决 解释 周末
周期 周围 段落 章节 施工 付款 习惯 危险 宣布 花费 许可 许多 曾经 向前 何时 何种 印章 和谐
来自 来源 来访 来电 来信 保证 保护 保管 保险 保存 官方 原因 原件 原则 都应 都有 和其 和家
云端 明年 项目 查询 查看 符合 简历 房屋 房产 车辆 商品 商业 商量 封面 乐于 仲裁 应提 应持
应携 党员 权利 白天 万元 文件 文字 文化 田间 石材 马上 江苏 江西 黄色 华人 华侨 阳性 水平
席位 位于 位置 向社 向法 向本 向有 申请 申报 申诉 申领 费用 盛装 游客 童年 景区 古代 池塘
宫颈 木材 燕窝 迟到 冷静 沙发 温度 温馨 毕业 甘愿 左右 左侧 右侧 关注 关心 关键 卫生 华东
单方 单人 解除 解答 解放 施行 纪律 纪录
"""
)
# 原告方请求: a side that speaks, and nobody of the name 方.
_SAYS: Final = _words("请求 辩称 认为 主张 提出 陈述 申请 要求 表示 提供 提交 负责 承担 经理")
# Han characters that may follow a name without a break.
_AFTER: Final = (
    "电话|手机|联系|先生|女士|同志|老师|医生|身份|性别|年龄|出生|住|"
    "男|女|汉族|经|因|于|自|在|向|已|未|称|表示|说|为|以|与|的|"
    "诉|犯|持|、|及|和|等|到|对|将|被|系|是|签|提|驾|同意|申请|受理|"
    "复核|审核|之"
)
_LABELS: Final = words(
    "姓名", "联系人", "申请人", "收件人", "寄件人", "收货人", "户主", "患者", "病人", "当事人",
    "原告人?", "被告人?", "被害人", "受害人", "证人", "嫌疑人", "代表人", "负责人", "经办人",
    "复核人", "审核人", "监护人", "委托人", "代理人", "投保人", "被保险人", "受益人", "持卡人",
    "业主", "承租人", "出租人", "借款人", "担保人", "死者", "考生", "签收人", "填表人", "签字人",
    "报案人", "投诉人", "举报人", "乘客", "旅客", "车主", "机主", "房主", "本人", "我叫", "名叫",
    "审判长", "审判员", "陪审员", "书记员", "执行员", "患儿", "户名", "账户名称?", "收款人",
    "付款人", "汇款人", "开户人", "第三人", "上诉人", "申诉人",
)  # fmt: skip
_NEEDS: Final = (
    "姓名", "人", "户主", "患者", "原告", "被告", "业主", "死者", "考生", "乘客", "旅客", "车主",
    "机主", "房主", "我叫", "名叫", "审判", "书记员", "执行员", "患儿", "户名",
)  # fmt: skip
_HAN: Final = "[\u4e00-\u9fff]"
_CHINESE: Final = re.compile(
    rf"{_LABELS}(?:姓名|[及和]联?系?(?:电话|方式))?"
    r"(?:(?:\([^()\n]{0,8}\))?[ ]{0,4}[:为是][ ]{0,4}|[ \t|]{0,4})"
    rf"(?P<name>{_HAN}{{2,10}}(?:·{_HAN}{{1,6}}){{0,3}})"
)
_FOLLOWS: Final = re.compile(rf"(?:{_AFTER})")
_GREETED: Final = re.compile(
    rf"(?:致|尊敬的|亲爱的)({_HAN}{{2,4}}?(?:·{_HAN}{{1,6}})?)(?=先生|女士|同志|老师|教授|医生|律师)"
)
# Known by what comes after it: 张伟，男，汉族; 张伟（身份证号…
_BEFORE: Final = re.compile(
    rf"(?<!{_HAN})({_HAN}{{2,4}})(?=[ ]?[,(][ ]?[男女][,) ]|[ ]?\([ ]?(?:身份证|公民身份|证件号))"
)

_WORD: Final = r"[A-Z][A-Za-z'’-]{1,20}"
_NAME: Final = rf"({_WORD}(?: [A-Z]\.)?(?: {_WORD}){{1,2}})(?![A-Za-z])"
_TITLED: Final = re.compile(rf"(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? {_NAME}")
# From a literal each, which `re` finds fast.
_ADDRESSED: Final = re.compile(
    r"(?:My name is |my name is |Dear |dear |Sincerely,\s{1,4}|sincerely,\s{1,4}|Regards,\s{1,4}"
    rf"|regards,\s{{1,4}}|Faithfully,\s{{1,4}}|faithfully,\s{{1,4}}){_NAME}"
)
_AFTER_COLON: Final = re.compile(rf":[ ]{{0,3}}(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?{_NAME}")
_FIELD: Final = re.compile(
    r"(?:name|contact(?: person)?|applicant|patient|attention|attn|recipient|customer|client"
    r"|employee|student|witness|beneficiary|insured|holder|signed(?: by)?|plaintiff|defendant"
    r"|guardian|owner|tenant|passenger|driver|sender)[ ]?\Z",
    re.IGNORECASE,
)
_WHOLE: Final = re.compile(rf"{_HAN}{{2,4}}|{_HAN}{{1,8}}(?:·{_HAN}{{1,8}}){{1,3}}")
_WHOLE_ENGLISH: Final = re.compile(_NAME)
_LONGEST_FIELD: Final = 16
# Capitalised words that stand after `Name:` and belong to no person.
_THINGS: Final = _words(
    """
Project Team Inc Ltd Company Corporation Department Office University Committee System
Server Group Foundation Service Services Support Center Centre Institute School Hospital
Bank Agency The This Your My File User Host Domain Debian Database Linux Windows Name Type
Description Version Font Field Table Query Form Style Page Report
"""
)


@finder(PiiKind.PERSON_NAME, needs=_NEEDS)
def chinese_name(view: str) -> Iterator[Span]:
    """Yield names of two to four characters that begin with a surname, or have a dot inside."""
    place = 0
    while match := _CHINESE.search(view, place):
        start = match.start("name")
        size = _length(match["name"])
        if size:
            yield Span(start, start + size, PiiKind.PERSON_NAME)
        # What was taken for a name may hold the next label: 申请人姓名, 被告人原告人.
        place = start + size


@finder(PiiKind.PERSON_NAME, needs=("男", "女", "身份", "证件号", "致", "敬的", "亲爱的"))
def described_name(view: str) -> Iterator[Span]:
    """Yield names that are followed by a sex or a document's number, or greeted with a title."""
    for match in itertools.chain(_BEFORE.finditer(view), _GREETED.finditer(view)):
        if _length(match[1]) == len(match[1]):
            yield Span(*match.span(1), PiiKind.PERSON_NAME)


def is_chinese_name(text: str) -> bool:
    """Whether a text is a surname and one or two characters, or has a dot inside."""
    return bool(_WHOLE.fullmatch(text)) and _length(text) == len(text)


def is_english_name(text: str) -> bool:
    """Whether a text is two or three capitalised words, none of which is a thing."""
    return bool(_WHOLE_ENGLISH.fullmatch(text)) and _is_person(text)


def _length(run: str) -> int:
    """Return how much of a run of Han characters is a name; 0 if none is."""
    if "·" in run:
        return len(run)
    surname = 2 if run[:2] in _COMPOUND else 1
    if run[1:3] in _SAYS:
        return 0
    if surname == 1 and (run[0] not in _SURNAMES or run[:2] in _NEVER):
        return 0
    longest = surname + 2
    if len(run) <= longest:
        return len(run) if len(run) > surname else 0
    for size in (longest, surname + 1):
        if _FOLLOWS.match(run, size):
            return size
    return 0


@finder(PiiKind.PERSON_NAME)
def english_name(view: str) -> Iterator[Span]:
    """Yield capitalised words after a title or after a field's name and a colon."""
    for match in _TITLED.finditer(view):
        if not view[match.start() - 1 : match.start()].isalpha() and _is_person(match[1]):
            yield Span(*match.span(1), PiiKind.PERSON_NAME)
    for match in _ADDRESSED.finditer(view):
        if _is_person(match[1]):
            yield Span(*match.span(1), PiiKind.PERSON_NAME)
    for match in _AFTER_COLON.finditer(view):
        before = view[max(0, match.start() - _LONGEST_FIELD) : match.start()]
        if _FIELD.search(before) and _is_person(match[1]):
            yield Span(*match.span(1), PiiKind.PERSON_NAME)


def _is_person(name: str) -> bool:
    return _THINGS.isdisjoint(re.findall(r"[A-Za-z]+", name))


FINDERS: Final[tuple[Finder, ...]] = (chinese_name, described_name, english_name)
