"""Checks that tell a number from something that merely looks like it.

Every function takes the bare characters, separators already removed.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import Final

# GB/T 2260: the first two digits of a resident identity number name a province-level region.
_REGIONS = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
PROVINCES = frozenset(str(code) for first, last in _REGIONS for code in range(first, last + 1))
# ISO 7064 MOD 11-2 as GB 11643-1999 uses it.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
# GB 32100-2015: 31 characters without I, O, S, V, Z.
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
# The office that registers: GB 32100-2015, table 2. The central government's region is 100000.
_USCC_OFFICES = frozenset("123456789ANY")
_USCC_REGIONS = PROVINCES | {"10"}
# Of the form of 15 digits: those of Taiwan, Hong Kong and Macau came after it.
_OLD_PROVINCES = frozenset(code for code in PROVINCES if code < "7")
_PREFECTURES = frozenset(f"{code:02}" for code in (*range(1, 71), 90))
_FIRST_YEAR = 1900
_LAST_YEAR = 2099
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_NEW_ENERGY = frozenset("ABCDEFGHJK")
_MIN_PLATE_DIGITS = 2
# ISO 13616 registry: the length of an account number by country.
IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}


def is_resident_id(number: str) -> bool:
    """Region, date of birth and check character of an 18-digit identity number (GB 11643-1999)."""
    if len(number) != 18 or number[:2] not in PROVINCES or not _is_date(number[6:14]):  # noqa: PLR2004
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == number[17].upper()


def is_old_resident_id(number: str) -> bool:
    """Region and date of birth of a 15-digit identity number, of before 1999: it has no check.

    The region is a province, a prefecture (01 to 70, or 90: none) and a county (GB/T 2260); a year
    of two digits is of the twentieth century (GB 11643-1989).
    """
    return (
        len(number) == 15  # noqa: PLR2004
        and number[:2] in _OLD_PROVINCES
        and number[2:4] in _PREFECTURES
        and number[4:6] != "00"
        and _is_date("19" + number[6:12])
    )


def is_uscc(code: str) -> bool:
    """Office, region and check character of a unified social credit code (GB 32100-2015)."""
    if len(code) != 18 or code[0] not in _USCC_OFFICES or code[2:4] not in _USCC_REGIONS:  # noqa: PLR2004
        return False
    if any(character not in _USCC_ALPHABET for character in code):
        return False
    total = sum(
        _USCC_ALPHABET.index(character) * weight
        for character, weight in zip(code, _USCC_WEIGHTS, strict=False)
    )
    return _USCC_ALPHABET[(31 - total % 31) % 31] == code[17]


def is_bank_card(number: str) -> bool:
    """Issuer range (ISO/IEC 7812), length and Luhn digit of a card, Chinese or international."""
    return (is_union_pay(number) or is_network_card(number)) and luhn(number)


def is_union_pay(number: str) -> bool:
    """A number of UnionPay's ranges; of the older ones only those still seen."""
    return 16 <= len(number) <= 19 and number.startswith(("62", "9558", "6229", "603", "690755"))  # noqa: PLR2004


def is_network_card(number: str) -> bool:
    """A number of an international network's range and length."""
    length = len(number)
    if number.startswith("4"):
        return length in {13, 16, 19}
    if "51" <= number[:2] <= "55" or "2221" <= number[:4] <= "2720":
        return length == 16  # noqa: PLR2004  Mastercard
    if number[:2] in {"34", "37"}:
        return length == 15  # noqa: PLR2004  American Express
    if "3528" <= number[:4] <= "3589" or number[:4] == "6011" or number[:2] == "65":
        return length == 16  # noqa: PLR2004  JCB, Discover
    return False


def luhn(number: str) -> bool:
    """The Luhn check of ISO/IEC 7812-1, annex B."""
    total = 0
    for position, character in enumerate(reversed(number)):
        digit = ord(character) - 48
        total += _DOUBLED[digit] if position % 2 else digit
    return total % 10 == 0 and len(set(number)) > 1


def is_iban(number: str) -> bool:
    """Length by country and check digits of an account number (ISO 13616, MOD 97-10)."""
    if len(number) != IBAN_LENGTHS.get(number[:2]):
        return False
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def is_ssn(number: str) -> bool:
    """A number that the Social Security Administration gives out: no part is zero."""
    return number[:3] not in {"000", "666"} and number[3:5] != "00" and number[5:] != "0000"


def is_landline(number: str) -> bool:
    """An area code of China, `0` first, and as many digits as its subscribers have."""
    if number.startswith(("010", "02")):
        return len(number) == 11 and number[3] in "2345678"  # noqa: PLR2004
    return (
        len(number) in {11, 12}
        and number[0] == "0"
        and number[1] in "3456789"
        and number[4] in "2345678"
    )


def is_plate(serial: str) -> bool:
    """What follows the letter of the office on a number plate (GA 36-2018)."""
    if len(serial) == 6:  # noqa: PLR2004  new energy: a letter first, for a small car, or last
        return (serial[0] in _NEW_ENERGY and serial[2:].isdigit()) or (
            serial[5] in _NEW_ENERGY and serial[:5].isdigit()
        )
    return sum(character.isdigit() for character in serial) >= _MIN_PLATE_DIGITS


def is_personal_ipv4(address: str) -> bool:
    """An address that may belong to somebody: not loopback, private, reserved or documentation."""
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    # A last octet of 0 is a network's name; four small numbers are a version or a section.
    small = all(int(part) < 20 for part in address.split("."))  # noqa: PLR2004
    return parsed.is_global and not parsed.is_multicast and not address.endswith(".0") and not small


def is_personal_ipv6(address: str) -> bool:
    """The same of IPv6: global unicast, 2000::/3."""
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return parsed.is_global and int(parsed) >> 125 == 1


def is_mac(address: str) -> bool:
    """A network card's address: not zero, broadcast or documentation (RFC 7042)."""
    digits = address.replace(":", "").lower()
    return len(set(digits)) > 1 and not digits.startswith("00005e0053")


def digits_in(text: str) -> int:
    """How many ASCII digits a text has."""
    return sum("0" <= character <= "9" for character in text)


def _is_date(digits: str) -> bool:
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return False
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True
