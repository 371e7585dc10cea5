"""The secrets of a stack: generated on its first start, readable by their owner alone."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
ADMIN: Final = "admin"


class Secrets:
    """The folder of secrets, and what each file in it is for.

    Attributes:
        folder: where they lie, mode 0700; every file has mode 0600.
        airflow_passwords: SimpleAuthManager's file, user name → password.
        fernet_key: encrypts connections in Airflow's database.
        jwt_secret: signs Airflow's tokens.
        api_secret_key: signs the sessions of Airflow's UI.
        s3_credentials: the store's key pair as an AWS shared credentials file.
        content_key: keys the hashes of documents; 32 bytes in hexadecimal.
        pii_key: keys the pseudonyms of personal information; likewise.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.airflow_passwords = folder / "airflow-passwords.json"
        self.fernet_key = folder / "airflow-fernet-key"
        self.jwt_secret = folder / "airflow-jwt-secret"
        self.api_secret_key = folder / "airflow-api-secret-key"
        self.s3_credentials = folder / "s3-credentials"
        self.content_key = folder / "content-key"
        self.pii_key = folder / "pii-key"

    def ensure(self) -> list[Path]:
        """Generate what is missing; return the files that were made."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
        self.folder.chmod(_FOLDER_MODE)
        wanted: dict[Path, Callable[[], str]] = {
            self.airflow_passwords: lambda: json.dumps({ADMIN: secrets.token_urlsafe(18)}) + "\n",
            self.fernet_key: lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            self.jwt_secret: lambda: secrets.token_urlsafe(64),
            self.api_secret_key: lambda: secrets.token_urlsafe(32),
            self.s3_credentials: _s3_credentials,
            self.content_key: lambda: secrets.token_hex(32),
            self.pii_key: lambda: secrets.token_hex(32),
        }
        made = []
        for path, generate in wanted.items():
            if path.exists():
                path.chmod(_FILE_MODE)
            else:
                write_private(path, generate())
                made.append(path)
        return made

    def admin_password(self) -> str:
        """Return the password of Airflow's administrator."""
        return str(json.loads(self.airflow_passwords.read_text())[ADMIN])


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it is whole or absent."""
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    aside.touch(mode=_FILE_MODE, exist_ok=False)
    aside.write_text(text)
    aside.replace(path)


def _s3_credentials() -> str:
    key = "HEARTH" + secrets.token_hex(7).upper()
    return (
        "[default]\n"
        f"aws_access_key_id = {key}\n"
        f"aws_secret_access_key = {secrets.token_urlsafe(30)}\n"
    )
