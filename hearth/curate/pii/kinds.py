"""What can be found, what class of data it is, and the placeholder that takes its place."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class DataClass(StrEnum):
    """What a kind says about somebody: policies are mostly written for these."""

    IDENTITY = "identity"
    CONTACT = "contact"
    FINANCE = "finance"
    HEALTH = "health"
    NETWORK = "network"
    PLACE = "place"
    ORGANISATION = "organisation"
    SECRET = "secret"  # noqa: S105 - the name of a class, not a secret


class PiiAction(StrEnum):
    """What is done with what was found.

    `redact` leaves a typed placeholder. `pseudonymise` leaves a placeholder that is the same for
    the same value: whoever holds the key can tell whose it is, so that it still is personal
    information. `mask` leaves the shape and a few characters. `drop` gives the document up.
    `keep` leaves it as it is.
    """

    REDACT = "redact"
    PSEUDONYMISE = "pseudonymise"
    MASK = "mask"
    DROP = "drop"
    KEEP = "keep"


class PiiKind(StrEnum):
    """One kind of personal information or secret."""

    CN_RESIDENT_ID = "cn_resident_id"
    CN_USCC = "cn_uscc"
    CN_MOBILE = "cn_mobile"
    CN_LANDLINE = "cn_landline"
    CN_PLATE = "cn_plate"
    CN_PERMIT = "cn_permit"
    PASSPORT = "passport"
    PERSON_NAME = "person_name"
    ADDRESS = "address"
    WECHAT_ID = "wechat_id"
    QQ_ID = "qq_id"
    MEDICAL_RECORD = "medical_record"
    INSURANCE_NUMBER = "insurance_number"
    BANK_CARD = "bank_card"
    CREDIT_CARD = "credit_card"
    IBAN = "iban"
    US_SSN = "us_ssn"
    EMAIL = "email"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    MAC = "mac"
    IMEI = "imei"
    COORDINATES = "coordinates"
    URL_CREDENTIALS = "url_credentials"
    PRIVATE_KEY = "private_key"
    ACCESS_KEY = "access_key"
    TOKEN = "token"  # noqa: S105 - the name of a kind, not a token
    PASSWORD = "password"  # noqa: S105 - as above

    @property
    def placeholder(self) -> str:
        """What redacted text shows in its place; no detector matches it."""
        return f"<{self.name}>"

    @property
    def data_class(self) -> DataClass:
        """The class of data that it belongs to."""
        return _CLASSES[self]


_CLASSES: Final = {
    PiiKind(kind): data_class
    for data_class, kinds in {
        DataClass.IDENTITY: "cn_resident_id cn_permit passport person_name us_ssn",
        DataClass.CONTACT: "cn_mobile cn_landline email address wechat_id qq_id",
        DataClass.FINANCE: "bank_card credit_card iban",
        DataClass.HEALTH: "medical_record insurance_number",
        DataClass.NETWORK: "ipv4 ipv6 mac imei",
        DataClass.PLACE: "coordinates cn_plate",
        DataClass.ORGANISATION: "cn_uscc",
        DataClass.SECRET: "url_credentials private_key access_key token password",
    }.items()
    for kind in kinds.split()
}


class Span(NamedTuple):
    """Where something was found, as in `text[start:end]`: never the text itself."""

    start: int
    end: int
    kind: PiiKind
