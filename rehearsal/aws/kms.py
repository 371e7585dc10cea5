"""A key management service whose key outlives it.

moto's keys are gone when moto ends, and with them every object that was encrypted. Here is one key,
in a file. Data keys are sealed with AES-256-GCM, bound to their encryption context.
"""

from __future__ import annotations

import base64
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
_ID: Final = "11111111-2222-3333-4444-555555555555"
_BYTES: Final = 32
_NONCE: Final = 12


def make_key(path: Path) -> None:
    """Write a new key to a file that only its owner can read, unless there is one."""
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_hex(_BYTES))


def generate_data_key(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html."""
    cipher, name = _cipher(call), _arn(call)
    plain, nonce = secrets.token_bytes(_BYTES), secrets.token_bytes(_NONCE)
    sealed = nonce + cipher.encrypt(nonce, plain, _bound(call))
    return {"CiphertextBlob": _text(sealed), "Plaintext": _text(plain), "KeyId": name}


def decrypt(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html."""
    sealed = base64.b64decode(call.body["CiphertextBlob"])
    try:
        plain = _cipher(call).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(call))
    except InvalidTag as error:
        code, message = "InvalidCiphertextException", "not sealed by this key in this context"
        raise Refused(code, message) from error
    return {
        "Plaintext": _text(plain),
        "KeyId": _arn(call),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }


def describe_key(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html."""
    _known(call)
    return {
        "KeyMetadata": {
            "AWSAccountId": call.account,
            "KeyId": _ID,
            "Arn": _arn(call),
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


def _arn(call: Call) -> str:
    return arn(call.region, "kms", call.account, f"key/{_ID}")


def _known(call: Call) -> Path:
    wanted = call.body.get("KeyId", _ID)
    path = call.cloud.key
    if path is None or wanted not in {_ID, ALIAS, _arn(call)}:
        code, message = "NotFoundException", f"Key {wanted} not found."
        raise Refused(code, message)
    return path


def _cipher(call: Call) -> AESGCM:
    return AESGCM(bytes.fromhex(_known(call).read_text()))


def _bound(call: Call) -> bytes:
    return json.dumps(call.body.get("EncryptionContext") or {}, sort_keys=True).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
