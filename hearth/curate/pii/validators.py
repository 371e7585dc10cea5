"""Checks that tell a number from something that merely looks like it.

Every function takes the bare characters, separators already removed.
"""

from __future__ import annotations

import datetime as dt
import ipaddress

# GB/T 2260: the first two digits of a resident identity number name a province-level region.
_REGIONS = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
PROVINCES = frozenset(str(code) for first, last in _REGIONS for code in range(first, last + 1))
# ISO 7064 MOD 11-2 as GB 11643-1999 uses it.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
# GB 32100-2015: 31 characters without I, O, S, V, Z.
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_FIRST_YEAR = 1900
_LAST_YEAR = 2099
_LUHN_CARRY = 9


def is_resident_id(number: str) -> bool:
    """Region, date of birth and check character of an 18-digit identity number (GB 11643-1999)."""
    if len(number) != 18 or number[:2] not in PROVINCES or not _is_date(number[6:14]):  # noqa: PLR2004
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == number[17].upper()


def is_uscc(code: str) -> bool:
    """Check character of a unified social credit code (GB 32100-2015)."""
    if len(code) != 18 or any(character not in _USCC_ALPHABET for character in code):  # noqa: PLR2004
        return False
    total = sum(
        _USCC_ALPHABET.index(character) * weight
        for character, weight in zip(code, _USCC_WEIGHTS, strict=False)
    )
    return _USCC_ALPHABET[(31 - total % 31) % 31] == code[17]


def is_bank_card(number: str) -> bool:
    """Issuer range (ISO/IEC 7812), length and Luhn digit of a payment card."""
    return _is_issued(number) and luhn(number)


def luhn(number: str) -> bool:
    """The Luhn check of ISO/IEC 7812-1, annex B."""
    total = 0
    for position, character in enumerate(reversed(number)):
        digit = int(character)
        if position % 2:
            digit *= 2
            if digit > _LUHN_CARRY:
                digit -= 9
        total += digit
    return total % 10 == 0 and len(set(number)) > 1


def is_personal_ipv4(address: str) -> bool:
    """An address that may belong to somebody: not loopback, private, reserved or documentation."""
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    # A last octet of 0 is a network's name, a first of 0 to 2 is mostly a version number.
    return parsed.is_global and not parsed.is_multicast and not address.endswith(".0")


def _is_issued(number: str) -> bool:
    length = len(number)
    if number.startswith("62"):
        return 16 <= length <= 19  # noqa: PLR2004  UnionPay
    if number.startswith("4"):
        return length in {13, 16, 19}
    if "51" <= number[:2] <= "55" or "2221" <= number[:4] <= "2720":
        return length == 16  # noqa: PLR2004  Mastercard
    if number[:2] in {"34", "37"}:
        return length == 15  # noqa: PLR2004  American Express
    if "3528" <= number[:4] <= "3589" or number[:4] == "6011" or number[:2] == "65":
        return length == 16  # noqa: PLR2004  JCB, Discover
    return False


def _is_date(digits: str) -> bool:
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return False
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True
