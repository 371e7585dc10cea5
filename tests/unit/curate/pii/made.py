# ruff: noqa: E501, SIM905  tables of words, and one return a written form
"""What made-up values are made of: names, places, checks by their standards, written forms.

Nothing of Hearth's detectors is used here: checks are computed anew.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from random import Random

Maker = Callable[[Random, str], str]
DISTRICTS = (
    "110101 110108 120101 130102 140105 150102 210102 220102 230102 310101 310115 320102 320505 "
    "330102 330106 340102 350102 360102 370102 370202 410102 420102 430102 440103 440305 450102 "
    "460105 500103 510104 520102 530102 540102 610102 620102 630102 640104 650102"
).split()
SURNAMES = (
    "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 程 曹 袁 邓 "
    "许 傅 沈 曾 彭 吕 苏 卢 蒋 蔡 贾 丁 魏 薛 叶 阎 余 潘 杜 戴 夏 钟 汪 田 任 姜 范 方 石 姚 谭 廖 邹 熊 金 "
    "陆 郝 孔 白 崔 康 毛 邱 秦 江 史 顾 侯 邵 孟 龙 万 段 雷 钱 汤 尹 黎 易 常 武 乔 贺 赖 龚 文 欧阳 上官 司马 诸葛"
).split()
GIVEN = (
    "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀英 霞 平 刚 桂英 建国 志强 晓东 雨桐 梓涵 子轩 欣怡 浩然 "
    "思远 婉清 国栋 海燕 春梅 玉兰 文博 俊杰 嘉怡 一鸣 若曦 佳宁 立新 红梅 永强 德胜 淑珍 晨曦 宇航 雪莹"
).split()
MINORITY = "阿依古丽·买买提 扎西·多吉 巴特尔·苏和 努尔兰·哈力克 卓玛·央金 艾力·吐尔逊".split()
FIRST = (
    "James Mary Robert Linda Michael Susan David Karen Thomas Nancy Daniel Emily Kevin Laura Brian "
    "Helen George Ruth Edward Alice Wei Fang Xiaoming Jianguo Meiling Haruto Sofia Ivan Fatima"
).split()
LAST = (
    "Smith Johnson Brown Taylor Miller Wilson Moore Anderson Clark Lewis Walker Hall Young King "
    "Wright Green Baker O'Brien McKenzie Zhang Wang Chen Garcia Novak Haddad Tanaka Lopez Fischer"
).split()
ROADS = "中山 人民 解放 建设 文化 和平 长江 黄河 学院 工农 朝阳 南京 北京 滨河 科技 迎宾 文三 延安 天河 光明".split()
ESTATES = "幸福 阳光 锦绣 翠苑 金桂 碧水 紫荆 丽景 东方 世纪".split()
CITIES = (
    "浙江省杭州市西湖区 江苏省南京市玄武区 上海市浦东新区 北京市海淀区 广东省深圳市南山区 四川省成都市武侯区 "
    "湖北省武汉市洪山区 山东省青岛市市南区 杭州市余杭区 苏州市姑苏区 朝阳区 鼓楼区"
).split()
PINYIN = (
    "Zhongshan Renmin Jiefang Jianshe Wenhua Heping Changjiang Xueyuan Chaoyang Nanjing".split()
)
STREETS = "Maple Oak Baker Church Mill King Victoria Elm Washington Park Lincoln Station".split()
PLACES = "Springfield, IL 62704|London NW1 6XE|Austin, TX 78701|Leeds LS1 4DY|Portland, OR 97205"
WORDS = "blue river happy lucky sunny panda tiger moon star green winter maple coffee".split()
DOMAINS = (
    "mail.example.cn example.com corp.example.org gov.example.cn 163.example sina.example "
    "uni-example.edu.cn dept.hospital.example.org.cn example.co.uk"
).split()
OPEN, CLOSE = "\ue001", "\ue002"
"""Around the part of a value that must go, where it is not all of it."""
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
IBANS = {
    "DE": 18,
    "GB": -18,
    "FR": 23,
    "ES": 20,
    "NL": -14,
    "CH": 17,
    "IT": -23,
    "BE": 12,
    "AT": 16,
}


def digits(draw: Random, count: int) -> str:
    return "".join(draw.choices(string.digits, k=count))


def luhn(body: str) -> str:
    total = sum(
        sum(divmod(int(c) * (2 if n % 2 == 0 else 1), 10)) for n, c in enumerate(reversed(body))
    )
    return body + str(-total % 10)


def bump(text: str, draw: Random) -> str:
    """Change the last digit, so that the check fails."""
    place = max(n for n, c in enumerate(text) if c in string.digits)
    other = draw.choice([c for c in string.digits if c != text[place]])
    return text[:place] + other + text[place + 1 :]


def groups(text: str, sizes: tuple[int, ...], separator: str) -> str:
    parts, start = [], 0
    for size in sizes:
        parts.append(text[start : start + size])
        start += size
    return separator.join(part for part in [*parts, text[start:]] if part)


def wide(text: str) -> str:
    """Return the full-width form of digits and letters."""
    return "".join(
        chr(ord(c) + 0xFEE0) if c in string.digits + string.ascii_letters else c for c in text
    )
