# ruff: noqa: E501, S104, SIM905  tables of words, and one return a written form
"""Made-up things that look like personal information and are none, by category."""

from __future__ import annotations

import string
import uuid
from random import Random

from tests.unit.curate.pii.made import Maker, bump, digits, groups, luhn
from tests.unit.curate.pii.persons import resident, uscc

HEX = "0123456789abcdef"


def order(draw: Random, language: str) -> str:
    year = draw.randint(2019, 2025)
    return (
        f"{year}{draw.randint(1, 12):02}{draw.randint(1, 28):02}{digits(draw, 12)}",
        f"JD{digits(draw, 13)}",
        f"SF{digits(draw, 13)}",
        f"{year}-{digits(draw, 5)}-{digits(draw, 3)}",
        f"9{digits(draw, 12)}",
    )[draw.randrange(5)]


def serial(draw: Random, language: str) -> str:
    return (
        f"SN{digits(draw, 11)}",
        f"{''.join(draw.choices(string.ascii_uppercase, k=3))}{digits(draw, 4)}X{digits(draw, 3)}",
        f"A1{digits(draw, 3)}-{digits(draw, 2)}-{digits(draw, 4)}",
        f"900-{draw.randint(10, 99)}-{digits(draw, 4)}",
        f"L{draw.randint(2019, 2025)}{digits(draw, 5)}",
        f"R2D2-{digits(draw, 4)}-{''.join(draw.choices(HEX, k=4)).upper()}",
    )[draw.randrange(6)]


def ean(body: str) -> str:
    total = sum(int(c) * (3 if n % 2 else 1) for n, c in enumerate(body))
    return body + str(-total % 10)


def isbn(draw: Random, language: str) -> str:
    number = ean(f"9787{digits(draw, 8)}")
    return draw.choice(
        (
            number,
            f"978-7-{number[4:7]}-{number[7:12]}-{number[12]}",
            f"7-{digits(draw, 3)}-{digits(draw, 5)}-X",
        )
    )


def barcode(draw: Random, language: str) -> str:
    return ean(draw.choice(("690", "693", "695", "697")) + digits(draw, 9))


def check(draw: Random, language: str) -> str:
    """A number of the right shape whose check fails, and nothing says what it should be."""
    number = resident(draw)
    wrong = number[:17] + draw.choice([c for c in string.digits if c != number[17]])
    code = uscc(draw)
    return (
        wrong,
        bump(luhn("622202" + digits(draw, 12)), draw),
        bump(luhn("4" + digits(draw, 14)), draw),
        code[:17] + draw.choice([c for c in "0123456789ABCDEFGH" if c != code[17]]),
        f"110101{draw.randint(1950, 2010)}13{draw.randint(32, 99)}{digits(draw, 4)}",
    )[draw.randrange(5)]


def date(draw: Random, language: str) -> str:
    y, m, d = draw.randint(1990, 2025), draw.randint(1, 12), draw.randint(1, 28)
    h, n, s = draw.randrange(24), draw.randrange(60), draw.randrange(60)
    return (
        f"{y}-{m:02}-{d:02}",
        f"{y}年{m}月{d}日" if language == "zh" else f"{d}/{m}/{y}",
        f"{y}-{m:02}-{d:02} {h:02}:{n:02}:{s:02}",
        f"{y}-{m:02}-{d:02}T{h:02}:{n:02}:{s:02}.{digits(draw, 6)}Z",
        f"17{digits(draw, 8)}",
        f"17{digits(draw, 11)}",
        f"{y}{m:02}{d:02}{h:02}{n:02}{s:02}",
    )[draw.randrange(7)]


def version(draw: Random, language: str) -> str:
    a, b, c, d = (draw.randint(0, 19) for _ in range(4))
    return (
        f"v{a}.{b}.{c}.{d}",
        f"version {a}.{b}.{c}.{d}" if language == "en" else f"版本{a}.{b}.{c}.{d}",
        f"{a}.{b}.{c}-rc{d}",
        f"{a}.{b}.{c}.{d}+build{digits(draw, 4)}",
        f"1.{b}.{c}+dfsg-{d}",
        f"5.10.0-{d}-amd64",
    )[draw.randrange(6)]


def hotline(draw: Random, language: str) -> str:
    return draw.choice(
        ("110", "119", "120", "12345", "12315", "12306", "95588", "95533", "10086", "10010", "400-820-8820",
         "800-810-1234", "4008123123", "12395", "400 610 0000")
    )  # fmt: skip


def loopback(draw: Random, language: str) -> str:
    return (
        "127.0.0.1",
        f"192.168.{draw.randrange(256)}.{draw.randint(1, 254)}",
        f"10.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randint(1, 254)}",
        "0.0.0.0",
        "::1",
        f"fe80::{draw.randrange(1, 65536):x}",
        f"192.0.2.{draw.randint(1, 254)}",
        "255.255.255.0",
        f"2001:db8::{draw.randrange(1, 65536):x}",
        "localhost:8080",
        f"172.16.{draw.randrange(256)}.{draw.randint(1, 254)}",
    )[draw.randrange(11)]


def amount(draw: Random, language: str) -> str:
    return (
        f"{draw.randint(1, 99)},{digits(draw, 3)},{digits(draw, 3)}.{digits(draw, 2)}",
        f"{draw.randint(1, 9)}{digits(draw, 10)}.{digits(draw, 2)}",
        f"{digits(draw, 5)}.{digits(draw, 4)}",
        f"￥{draw.randint(1, 9)}{digits(draw, 6)}"
        if language == "zh"
        else f"${draw.randint(1, 9)}{digits(draw, 6)}",
    )[draw.randrange(4)]


def document(draw: Random, language: str) -> str:
    if language == "zh":
        return draw.choice((
            f"国发〔{draw.randint(2005, 2025)}〕{draw.randint(1, 99)}号",
            f"GB/T {draw.randint(1000, 45999)}-{draw.randint(1990, 2025)}",
            f"（{draw.randint(2010, 2025)}）京0105民初{draw.randint(1, 99999)}号",
            f"第{draw.randint(1, 300)}号公告",
            f"专利ZL20{draw.randint(10, 24)}1{digits(draw, 7)}.{digits(draw, 1)}",
        ))  # fmt: skip
    return draw.choice((
        f"RFC {draw.randint(1000, 9500)}",
        f"Regulation (EU) {draw.randint(2010, 2025)}/{draw.randint(1, 2999)}",
        f"ISO {draw.randint(1000, 30000)}:{draw.randint(1990, 2025)}",
        f"doi:10.1{digits(draw, 3)}/{digits(draw, 6)}.{digits(draw, 7)}",
        f"CVE-{draw.randint(2010, 2025)}-{digits(draw, 5)}",
    ))  # fmt: skip


def digest(draw: Random, language: str) -> str:
    pairs = [f"{draw.randrange(256):02x}" for _ in range(16)]
    return (
        "".join(draw.choices(HEX, k=64)),
        "".join(draw.choices(HEX, k=40)),
        "".join(draw.choices(HEX, k=12)),
        str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        ":".join(pairs),
        groups("".join(draw.choices(HEX, k=40)).upper(), (4,) * 10, " "),
    )[draw.randrange(6)]


def place(draw: Random, language: str) -> str:
    if language == "zh":
        return draw.choice((f"{draw.choice('一二三四八')}号线", "长安街", "京A出口", "318国道", "中山路步行街",
                            f"{draw.randint(1, 19)}号线", "南京东路", "人民广场", "G4京港澳高速"))  # fmt: skip
    return draw.choice(
        ("Baker Street", "Line 10", "the North Road", "Highway 101", "Fifth Avenue", "Gate 7")
    )


def person(draw: Random, language: str) -> str:
    if language == "zh":
        return draw.choice("李白 杜甫 白居易 苏轼 陆游 王维 孟浩然 辛弃疾".split())
    return draw.choice(("William Blake", "Li Bai", "Emily Dickinson", "John Keats", "Du Fu"))


def code(draw: Random, language: str) -> str:
    return draw.choice(("std::vector", "boost::asio::ip", "@param", "a@b", "x = y[1:2]", "Cafe::Bar", "user@localhost",
                        "password=None", "token: str", "secret_key: bytes", 'printf("%s@%s")'))  # fmt: skip


def figure(draw: Random, language: str) -> str:
    return draw.choice((f"({draw.uniform(0, 9):.2f}, {draw.uniform(0, 9):.2f})", f"{draw.uniform(0, 9):.4f}",
                        f"{draw.uniform(0, 90):.1f}, {draw.uniform(0, 90):.1f}", "3.1416, 2.7183",
                        f"0.{digits(draw, 11)}"))  # fmt: skip


NEGATIVES: dict[str, Maker] = {
    made.__name__: made
    for made in (
        order, serial, isbn, barcode, check, date, version, hotline, loopback, amount, document, digest, place,
        person, code, figure,
    )
}  # fmt: skip
