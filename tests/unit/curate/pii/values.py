# ruff: noqa: E501, PLR0911, SIM905  tables of words, and one return a written form
"""Made-up values of every kind, in the forms that people write: nobody's, with true checks.

Nothing of Hearth's detectors is used here: checks are computed anew, from their standards.
"""

from __future__ import annotations

import base64
import string
from collections.abc import Callable
from random import Random

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


def bank_card(draw: Random, language: str) -> str:
    head = draw.choice(
        "621226 622202 622848 621700 622262 623052 621660 622588 625912 628288".split()
    )
    number = luhn(head + digits(draw, draw.choice((9, 12))))
    form = draw.randrange(6)
    if form == 0:
        return groups(number, (4, 4, 4, 4), draw.choice(" -"))
    if form == 1:
        return groups(number, (6,), " ")
    if form == 2 and language == "zh":
        return wide(number)
    return number


def bank_card_bad(draw: Random, language: str) -> str:
    return bump(bank_card(draw, "en"), draw)


def credit_card(draw: Random, language: str) -> str:
    head, size = draw.choice(
        (("4", 16), ("5", 16), ("2", 16), ("37", 15), ("3530", 16), ("6011", 16))
    )
    if head == "5":
        head += draw.choice("12345")
    if head == "2":
        head += draw.choice(("221", "350", "710"))
    number = luhn(head + digits(draw, size - 1 - len(head)))
    form = draw.randrange(4)
    sizes = (4, 6) if size == 15 else (4, 4, 4)
    if form < 2:
        return groups(number, sizes, " -"[form])
    return wide(number) if form == 2 and language == "zh" else number


def credit_card_bad(draw: Random, language: str) -> str:
    return bump(credit_card(draw, "en"), draw)


def iban(draw: Random, language: str) -> str:
    country, size = draw.choice(sorted(IBANS.items()))
    body = digits(draw, abs(size))
    if size < 0:  # these countries name the bank by letters
        letters = draw.choice(("NWBK", "INGB", "BUKB", "ABNA")) if country != "IT" else "X"
        body = letters + body[len(letters) :]
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    full = f"{country}{98 - number % 97:02}{body}"
    return (
        " ".join(full[n : n + 4] for n in range(0, len(full), 4)) if draw.random() < 0.5 else full
    )


def iban_bad(draw: Random, language: str) -> str:
    return bump(iban(draw, language), draw)


def us_ssn(draw: Random, language: str) -> str:
    area = draw.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03}-{draw.randint(1, 99):02}-{draw.randint(1, 9999):04}"


def email(draw: Random, language: str) -> str:
    first, last = draw.choice(FIRST).lower(), draw.choice(LAST).lower().replace("'", "")
    local = draw.choice(
        (f"{first}.{last}", f"{first}{digits(draw, 3)}", f"{last}_{first}", digits(draw, 9))
    )
    text = f"{local}{draw.choice(('', '', '+news'))}@{draw.choice(DOMAINS)}"
    if language == "zh" and draw.random() < 0.1:
        return text.replace("@", "＠").replace(".", "．")
    return text.upper() if draw.random() < 0.05 else text


def ipv4(draw: Random, language: str) -> str:
    first = draw.choice([n for n in range(11, 223) if n not in {100, 127, 169, 172, 192, 198, 203}])
    text = f"{first}.{draw.randint(0, 255)}.{draw.randint(0, 255)}.{draw.randint(1, 254)}"
    return wide(text).replace(".", "．") if language == "zh" and draw.random() < 0.08 else text


def ipv6(draw: Random, language: str) -> str:
    head = draw.choice(("2409:8a00", "240e:3b4", "2408:8207", "2001:da8", "2a02:8108", "2607:fb90"))
    form = draw.randrange(3)
    tail = ":".join(f"{draw.randrange(1, 65536):x}" for _ in range(6))
    if form == 0:
        return f"{head}:{tail}"
    if form == 1:
        return f"{head}:{draw.randrange(1, 65536):x}::{draw.randrange(1, 65536):x}"
    return f"{head}:{tail}".upper()


def mac(draw: Random, language: str) -> str:
    parts = [f"{draw.choice((0x3C, 0xA4, 0x58, 0xD8, 0xF0)):02x}"]
    parts += [f"{draw.randrange(256):02x}" for _ in range(5)]
    form = draw.randrange(4)
    if form == 0:
        return ":".join(parts).upper()
    if form == 1:
        return "-".join(parts).upper()
    if form == 2:
        return ".".join(("".join(parts[:2]), "".join(parts[2:4]), "".join(parts[4:])))
    return ":".join(parts)


def imei(draw: Random, language: str) -> str:
    number = luhn(draw.choice(("86", "35", "01")) + digits(draw, 12))
    form = draw.randrange(4)
    if form == 0:
        return groups(number, (2, 6, 6), "-")
    if form == 1:
        return groups(number, (2, 6, 6), " ")
    return number


def imei_bad(draw: Random, language: str) -> str:
    return bump(imei(draw, language), draw)


def coordinates(draw: Random, language: str) -> str:
    north, east = draw.uniform(18, 53), draw.uniform(74, 134)
    form = draw.randrange(6)
    dms = [(int(v), int(v % 1 * 60), v % 1 * 3600 % 60) for v in (north, east)]
    if form == 0:
        return f"{north:.6f}, {east:.6f}"
    if form == 1:
        return f"{east:.5f},{north:.5f}"
    if form == 2:
        return (
            f"{north:.4f}°N, {east:.4f}°E"
            if language == "en"
            else f"北纬{north:.4f}°，东经{east:.4f}°"
        )
    if form == 3:
        (a, b, c), (d, e, f) = dms
        if language == "en":
            return f"{a}°{b:02}'{c:04.1f}\"N {d}°{e:02}'{f:04.1f}\"E"
        return f"东经{d}°{e:02}′{f:02.0f}″，北纬{a}°{b:02}′{c:02.0f}″"
    if form == 4:
        return (
            f"lat: {north:.5f}, lon: {east:.5f}"
            if language == "en"
            else f"东经{east:.5f}度、北纬{north:.5f}度"
        )
    return f"({north:.7f}, {east:.7f})"


def url_credentials(draw: Random, language: str) -> str:
    user = draw.choice(("admin", "root", "deploy", "sa", "report_user", "camera1"))
    word = draw.choice(WORDS) + digits(draw, 3) + draw.choice(("", "!", "%40", "_x", "#"[:0]))
    scheme = draw.choice(
        ("https", "postgres", "mysql", "redis", "rtsp", "amqp", "mongodb+srv", "ftp")
    )
    host = draw.choice(("db.example.com", "10.0.0.5:5432", "git.example.org", "cam.example.cn:554"))
    return f"{scheme}://{OPEN}{user}:{word}{CLOSE}@{host}/{draw.choice(WORDS)}"


def private_key(draw: Random, language: str) -> str:
    kind = draw.choice(("RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ", "DSA "))
    body = base64.b64encode(draw.randbytes(draw.choice((48, 72, 96)))).decode()
    lines = "\n".join(body[n : n + 64] for n in range(0, len(body), 64))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def _some(draw: Random, alphabet: str, size: int) -> str:
    return "".join(draw.choices(alphabet, k=size))


UPPER, ALNUM = string.ascii_uppercase + string.digits, string.ascii_letters + string.digits
HEX, URLSAFE = "0123456789abcdef", string.ascii_letters + string.digits + "-_"


def access_key(draw: Random, language: str) -> str:
    form = draw.randrange(7)
    return (
        "AKIA" + _some(draw, UPPER[:26] + "234567", 16),
        "ASIA" + _some(draw, UPPER[:26] + "234567", 16),
        "LTAI5t" + _some(draw, ALNUM, 18),
        "AKID" + _some(draw, ALNUM, 32),
        "AIza" + _some(draw, URLSAFE, 35),
        "AKLT" + _some(draw, ALNUM, 43),
        f"aws_secret_access_key={OPEN}{_some(draw, ALNUM + '+/', 40)}{CLOSE}",
    )[form]


def token(draw: Random, language: str) -> str:
    form = draw.randrange(9)
    parts = [
        base64.urlsafe_b64encode(t).decode().rstrip("=")
        for t in (
            b'{"alg":"HS256","typ":"JWT"}',
            b'{"sub":"%d"}' % draw.randrange(10**9),
            draw.randbytes(32),
        )
    ]
    return (
        draw.choice(("ghp_", "gho_", "ghs_")) + _some(draw, ALNUM, 36),
        "github_pat_" + _some(draw, ALNUM, 22) + "_" + _some(draw, ALNUM, 59),
        "glpat-" + _some(draw, URLSAFE, 20),
        "hf_" + _some(draw, ALNUM, 34),
        f"xoxb-{digits(draw, 12)}-{digits(draw, 12)}-" + _some(draw, ALNUM, 24),
        "sk-" + _some(draw, ALNUM, 48),
        ".".join(parts),
        "npm_" + _some(draw, ALNUM, 36),
        f"Bearer {OPEN}{_some(draw, HEX, 40)}{CLOSE}",
    )[form]


def password(draw: Random, language: str) -> str:
    word, other = draw.choice(WORDS), draw.choice(WORDS)
    form = draw.randrange(4)
    if form == 0:
        return f"{word.capitalize()}@{digits(draw, 4)}"
    if form == 1:
        return _some(draw, ALNUM, 11) + digits(draw, 1)
    if form == 2:
        return f"{word}{other}{digits(draw, 2)}!"
    return digits(draw, draw.choice((6, 8)))


Maker = Callable[[Random, str], str]
MAKERS: dict[str, Maker] = {
    made.__name__: made
    for made in (
        cn_resident_id, cn_uscc, cn_mobile, cn_landline, cn_plate, cn_permit, passport, person_name,
        address, wechat_id, qq_id, medical_record, insurance_number, bank_card, credit_card, iban,
        us_ssn, email, ipv4, ipv6, mac, imei, coordinates, url_credentials, private_key, access_key,
        token, password,
    )
}  # fmt: skip
BAD: dict[str, Maker] = {
    "cn_resident_id": cn_resident_id_bad,
    "cn_uscc": cn_uscc_bad,
    "bank_card": bank_card_bad,
    "credit_card": credit_card_bad,
    "iban": iban_bad,
    "imei": imei_bad,
}
CONTEXT = (
    "cn_permit passport person_name address wechat_id qq_id medical_record insurance_number imei password"
).split()
"""Kinds that have no check of their own, or none without their name beside them."""
SECRETS = ("url_credentials", "private_key", "access_key", "token", "password")
