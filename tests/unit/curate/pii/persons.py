# ruff: noqa: E501, PLR0911, SIM905  tables of words, and one return a written form
"""Made-up values of persons and of China, in the forms that people write: nobody's."""

from __future__ import annotations

import string
from random import Random

from tests.unit.curate.pii.made import (
    CITIES,
    DISTRICTS,
    ESTATES,
    FIRST,
    GIVEN,
    LAST,
    MINORITY,
    PINYIN,
    PLACES,
    ROADS,
    STREETS,
    SURNAMES,
    USCC,
    WORDS,
    bump,
    digits,
    groups,
    wide,
)


def birthday(draw: Random) -> tuple[int, int, int]:
    return draw.randint(1940, 2015), draw.randint(1, 12), draw.randint(1, 28)


def resident(draw: Random) -> str:
    year, month, day = birthday(draw)
    body = f"{draw.choice(DISTRICTS)}{year}{month:02}{day:02}{digits(draw, 3)}"
    total = sum(int(c) * (2 ** (17 - n) % 11) for n, c in enumerate(body))
    value = (12 - total % 11) % 11
    return body + ("X" if value == 10 else str(value))


def cn_resident_id(draw: Random, language: str) -> str:
    number = resident(draw)
    form = draw.randrange(8)
    if form == 0:
        return groups(number, (6, 8), draw.choice(" -"))
    if form == 1:
        return groups(number, (6, 4, 4), " ")
    if form == 2:
        return number.replace("X", "x")
    if form == 3 and language == "zh":
        return wide(number)
    return number


def cn_resident_id_bad(draw: Random, language: str) -> str:
    if draw.random() < 0.5:  # 15 digits, as issued until 1999: no check at all
        year, month, day = birthday(draw)
        return (
            f"{draw.choice(DISTRICTS)}{min(year, 1999) % 100:02}{month:02}{day:02}{digits(draw, 3)}"
        )
    return bump(resident(draw)[:17] + "1", draw)


def uscc(draw: Random) -> str:
    body = draw.choice("159N") + draw.choice("1239") + draw.choice(DISTRICTS)
    body += "".join(draw.choices(USCC, k=9))
    total = sum(USCC.index(c) * pow(3, n, 31) for n, c in enumerate(body))
    return body + USCC[-total % 31]


def cn_uscc(draw: Random, language: str) -> str:
    code = uscc(draw)
    return wide(code) if language == "zh" and draw.random() < 0.1 else code


def cn_uscc_bad(draw: Random, language: str) -> str:
    code = uscc(draw)
    return code[:17] + draw.choice([c for c in USCC if c != code[17]])


def cn_mobile(draw: Random, language: str) -> str:
    heads = (
        "130 131 132 133 135 136 137 138 139 147 150 151 152 155 158 159 166 171 173 176 177 178"
    )
    number = draw.choice((heads + " 180 181 182 186 187 188 189 191 195 198 199").split())
    number += digits(draw, 8)
    form = draw.randrange(11)
    if form < 4:
        return number
    if form == 4:
        return groups(number, (3, 4), "-")
    if form == 5:
        return groups(number, (3, 4), " ")
    if form == 6:
        return draw.choice(("+86 ", "+86-", "+86", "0086 ", "86-", "(+86)")) + number
    if form == 7:
        return draw.choice(("+86 ", "+86-", "(+86) ")) + groups(number, (3, 4), draw.choice(" -"))
    if form == 8:
        return groups(number, (3, 3), draw.choice(" -"))
    if form == 9 and language == "zh":
        return wide(number)
    return groups(number, (3, 4), draw.choice(".–"))


def cn_landline(draw: Random, language: str) -> str:
    if draw.random() < 0.5:
        area, local = draw.choice("010 021 022 023 024 025 027 028 029".split()), digits(draw, 7)
        local = draw.choice("5678") + local
    else:
        area = draw.choice(
            "0311 0351 0371 0411 0431 0451 0512 0571 0591 0731 0755 0771 0851 0991".split()
        )
        local = draw.choice("2345678") + digits(draw, draw.choice((6, 7)))
    form = draw.randrange(9)
    if form < 3:
        return f"{area}-{local}"
    if form == 3:
        return f"({area}){local}" if language == "en" else f"（{area}）{local}"
    if form == 4:
        return f"{area} {local}"
    if form == 5:
        return f"{draw.choice(('+86-', '+86 ', '0086-'))}{area[1:]}-{local}"
    if form == 6:
        return f"{area}-{local}-{draw.randint(100, 8999)}"
    if form == 7:
        return f"{area}-{local[:4]}{draw.choice(' -')}{local[4:]}"
    return (
        wide(f"{area}-{local}") if language == "zh" else f"+86 {area[1:]} {local[:4]} {local[4:]}"
    )


def cn_plate(draw: Random, language: str) -> str:
    head = draw.choice("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼")
    head += draw.choice("ABCDEFGHJK")
    form, letters = draw.randrange(4), "ABCDEFGHJKLMNPQRSTUVWXYZ"
    if form == 0:
        tail = draw.choice("DF") + draw.choice(letters + string.digits) + digits(draw, 4)
    elif form == 1:
        tail = draw.choice(letters) + digits(draw, 4)
    elif form == 2:
        tail = digits(draw, 2) + draw.choice(letters) + digits(draw, 2)
    else:
        tail = digits(draw, 5)
    return head + draw.choice(("", "", "·", " ", "-")) + tail


def cn_permit(draw: Random, language: str) -> str:
    form = draw.randrange(4)
    if form == 0:
        return draw.choice("CW") + digits(draw, 8)
    if form == 1:
        return draw.choice("HM") + digits(draw, draw.choice((8, 10)))
    if form == 2:
        return draw.choice(("L", "T")) + digits(draw, 8)
    return digits(draw, 8)


def passport(draw: Random, language: str) -> str:
    form = draw.randrange(4)
    if form == 0:
        return "E" + draw.choice("ABCDEFGHJK") + digits(draw, 7)
    if form == 1:
        return draw.choice("EG") + digits(draw, 8)
    if form == 2:
        return draw.choice(("PE", "SE", "DE", "XK", "AB", "K", "N")) + digits(draw, 7)
    return digits(draw, 9) if draw.random() < 0.5 else "C01X00T" + digits(draw, 2)


def person_name(draw: Random, language: str) -> str:
    if language == "en":
        middle = (
            draw.choice(("", "", f" {draw.choice(string.ascii_uppercase)}."))
            if draw.random() < 0.3
            else ""
        )
        return f"{draw.choice(FIRST)}{middle} {draw.choice(LAST)}"
    if draw.random() < 0.08:
        return draw.choice(MINORITY)
    return draw.choice(SURNAMES) + draw.choice(GIVEN)


def address(draw: Random, language: str) -> str:
    number, room = draw.randint(1, 1999), draw.randint(1, 32) * 100 + draw.randint(1, 8)
    form = draw.randrange(5)
    if language == "zh":
        city, road = draw.choice(CITIES), draw.choice(ROADS)
        if form == 0:
            return f"{city}{road}路{number}号"
        if form == 1:
            return f"{city}{road}{draw.choice('东西南北')}路{number}号{draw.choice(ESTATES)}大厦{room % 9 + 1}号楼{room}室"
        if form == 2:
            return f"{city}{draw.choice(ESTATES)}小区{room % 20 + 1}栋{room % 4 + 1}单元{room}室"
        if form == 3:
            return f"{city}{draw.choice(SURNAMES)}家村{room % 9 + 1}组{room % 90 + 1}号"
        return f"{city}{road}{draw.choice(('街', '大道', '巷'))}{number % 400 + 1}弄{room % 60 + 1}号{room}室"
    if form < 2:
        side = draw.choice(("East ", "West ", "North ", ""))
        kind = draw.choice(("Road", "Street", "Avenue"))
        place = draw.choice(("Haidian District, Beijing", "Xuhui District, Shanghai", "Hangzhou"))
        head = f"Room {room}, Building {room % 9 + 1}, " if form else ""
        return f"{head}No. {number} {draw.choice(PINYIN)} {side}{kind}, {place}"
    street = f"{number} {draw.choice(STREETS)} {draw.choice(('Street', 'St', 'Road', 'Ave', 'Lane', 'Drive'))}"
    if form == 2:
        return street
    if form == 3:
        return (
            f"{street}, Apt {room % 40 + 1}{draw.choice('ABC')}, {draw.choice(PLACES.split('|'))}"
        )
    return f"{street}, {draw.choice(PLACES.split('|'))}"


def wechat_id(draw: Random, language: str) -> str:
    form = draw.randrange(4)
    if form == 0:
        return "wxid_" + "".join(draw.choices(string.ascii_lowercase + string.digits, k=14))
    if form == 1:
        return f"{draw.choice(WORDS)}_{draw.choice(WORDS)}{digits(draw, 2)}"
    if form == 2:
        return f"{draw.choice(WORDS).capitalize()}{digits(draw, 5)}"
    return f"{draw.choice(WORDS)}-{digits(draw, 4)}"


def qq_id(draw: Random, language: str) -> str:
    number = draw.choice("123456789") + digits(draw, draw.randint(5, 9))
    return wide(number) if language == "zh" and draw.random() < 0.15 else number


def medical_record(draw: Random, language: str) -> str:
    form = draw.randrange(4)
    if form == 0:
        return digits(draw, draw.randint(6, 10))
    if form == 1:
        return draw.choice(("ZY", "MZ", "H", "BL")) + digits(draw, 8)
    if form == 2:
        return f"20{draw.randint(15, 25)}-{digits(draw, 6)}"
    return f"{draw.choice('ABHM')}{digits(draw, 3)}-{digits(draw, 4)}"


def insurance_number(draw: Random, language: str) -> str:
    form = draw.randrange(4)
    if form == 0:
        return digits(draw, draw.choice((8, 10, 12)))
    if form == 1:
        return draw.choice("ABCP") + digits(draw, 9)
    if form == 2:
        return "P" + digits(draw, 14)
    return f"{''.join(draw.choices('ABCDEFGHJK', k=3))}-{digits(draw, 3)}-{digits(draw, 6)}"
