"""A key management service whose keys outlive it.

moto's keys are gone when moto ends, and with them every object that was encrypted. Here are two, of
one secret in a file: the store's, and that of the reject area. Data keys are sealed with
AES-256-GCM, bound to their encryption context.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hearth.aws import arn
from rehearsal.aws.hyperpod import Call, Refused

ALIAS: Final = "alias/hearth-rehearsal"
REJECTS: Final = "alias/hearth-rehearsal-rejects"
_KEYS: Final = {
    ALIAS: "11111111-2222-3333-4444-555555555555",
    REJECTS: "66666666-7777-8888-9999-000000000000",
}
_BYTES: Final = 32
_NONCE: Final = 12


def make_key(path: Path) -> None:
    """Write a new key to a file that only its owner can read, unless there is one."""
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_hex(_BYTES))


def generate_data_key(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html."""
    alias = _named(call)
    plain, nonce = secrets.token_bytes(_BYTES), secrets.token_bytes(_NONCE)
    sealed = nonce + _cipher(call, alias).encrypt(nonce, plain, _bound(call))
    return {"CiphertextBlob": _text(sealed), "Plaintext": _text(plain), "KeyId": _arn(call, alias)}


def decrypt(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html."""
    sealed = base64.b64decode(call.body["CiphertextBlob"])
    # As with AWS, what is sealed need not be asked for with the name of its key.
    for alias in [_named(call)] if "KeyId" in call.body else _KEYS:
        try:
            plain = _cipher(call, alias).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(call))
        except InvalidTag:
            continue
        return {
            "Plaintext": _text(plain),
            "KeyId": _arn(call, alias),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }
    code, message = "InvalidCiphertextException", "not sealed by this key in this context"
    raise Refused(code, message)


def describe_key(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html."""
    alias = _named(call)
    return {
        "KeyMetadata": {
            "AWSAccountId": call.account,
            "KeyId": _KEYS[alias],
            "Arn": _arn(call, alias),
            "Enabled": True,
            "KeyState": "Enabled",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyManager": "CUSTOMER",
            "Origin": "AWS_KMS",
        }
    }


OPERATIONS: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "GenerateDataKey": generate_data_key,
    "Decrypt": decrypt,
    "DescribeKey": describe_key,
}
"""Only where there is a key's file: else all keys are moto's."""


def _arn(call: Call, alias: str) -> str:
    return arn(call.region, "kms", call.account, f"key/{_KEYS[alias]}")


def _named(call: Call) -> str:
    wanted = call.body.get("KeyId", ALIAS)
    for alias, id_ in _KEYS.items():
        if call.cloud.key is not None and wanted in {alias, id_, _arn(call, alias)}:
            return alias
    code, message = "NotFoundException", f"Key {wanted} not found."
    raise Refused(code, message)


def _cipher(call: Call, alias: str) -> AESGCM:
    if call.cloud.key is None:
        code, message = "NotFoundException", f"Key {alias} not found."
        raise Refused(code, message)
    secret = bytes.fromhex(call.cloud.key.read_text())
    if alias != ALIAS:
        secret = hmac.digest(secret, alias.encode(), "sha256")
    return AESGCM(secret)


def _bound(call: Call) -> bytes:
    return json.dumps(call.body.get("EncryptionContext") or {}, sort_keys=True).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
