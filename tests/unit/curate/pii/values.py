# ruff: noqa: E501, PLR0911, SIM905  tables of words, and one return a written form
"""Made-up values of every kind, in the forms that people write: nobody's, with true checks."""

from __future__ import annotations

import base64
import string
from random import Random

from tests.unit.curate.pii.made import (
    CLOSE,
    DOMAINS,
    FIRST,
    IBANS,
    LAST,
    OPEN,
    WORDS,
    Maker,
    bump,
    digits,
    groups,
    luhn,
    wide,
)
from tests.unit.curate.pii.persons import (
    address,
    cn_landline,
    cn_mobile,
    cn_permit,
    cn_plate,
    cn_resident_id,
    cn_resident_id_bad,
    cn_uscc,
    cn_uscc_bad,
    insurance_number,
    medical_record,
    passport,
    person_name,
    qq_id,
    wechat_id,
)


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
