"""An S3 server as a profile describes it: AWS's, or another one."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from obstore.store import S3Store

from hearth.errors import SpecError, TransientError
from hearth.model import FrozenModel
from hearth.storagesettings import StorageSettings

_REFUSED: Final = frozenset({"AccessDenied", "AllAccessDisabled", "Forbidden", "403"})
_NO_LOCK: Final = frozenset({"InvalidRequest", "ObjectLockConfigurationNotFoundError"})

ASKED: Final = 6
"""Retries where somebody waits for an answer: some seconds."""

WORKED: Final = 30
"""Retries where hours of work would be lost: some ninety seconds, longer than a restart of a store,
or than S3 says to slow down. A longer outage is for a stage's retry."""


def open_bucket(settings: StorageSettings, bucket: str, retries: int = ASKED) -> S3Store:
    """Return a client of `bucket`; nothing is asked of the server.

    Args:
        settings: how to reach it.
        bucket: its name.
        retries: how often a request is repeated that failed for want of the server.

    Raises:
        SpecError: the credentials file is missing, or is not one.
    """
    config: dict[str, Any] = {"virtual_hosted_style_request": settings.endpoint_url is None}
    if settings.region:
        config["region"] = settings.region
    if settings.endpoint_url:
        config["endpoint"] = str(settings.endpoint_url).rstrip("/")
    if settings.kms_key:
        config |= {"server_side_encryption": "aws:kms", "sse_kms_key_id": settings.kms_key}
    if settings.credentials_file:
        config |= _credentials(settings.credentials_file)
    return S3Store(
        bucket,
        config=config,  # type: ignore[arg-type]
        client_options={
            "allow_http": settings.endpoint_url is not None
            and settings.endpoint_url.scheme == "http",
            "timeout": timedelta(minutes=10),
            "connect_timeout": timedelta(seconds=5),
        },
        retry_config={
            "max_retries": retries,
            "retry_timeout": timedelta(seconds=90),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=5),
                # Drawn between the first pause and so many times the last: below e, none grows.
                "base": 4,
            },
        },
    )


class Version(FrozenModel):
    """One version of an object, or what marks one as deleted."""

    key: str
    id: str
    size: int
    modified: datetime
    latest: bool


class VersionedBucket:
    """What obstore lacks: to write under Object Lock, and to see and delete versions.

    In a bucket that keeps versions, deleting an object only hides it.
    """

    def __init__(self, settings: StorageSettings, bucket: str) -> None:
        """Ask nothing of the server yet.

        Args:
            settings: how to reach it; its `kms_key` encrypts what is written.
            bucket: the bucket's name.

        Raises:
            SpecError: the credentials file is missing, or is not one.
        """
        # Only where a profile has a reject area: half a second that others must not pay.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        known = _credentials(settings.credentials_file) if settings.credentials_file else {}
        self._bucket = bucket
        self._encryption: dict[str, Any] = {}
        if settings.kms_key:
            self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": settings.kms_key}
        self._client = boto3.session.Session().client(
            "s3",
            endpoint_url=str(settings.endpoint_url).rstrip("/") if settings.endpoint_url else None,
            region_name=settings.region,
            aws_access_key_id=known.get("access_key_id"),
            aws_secret_access_key=known.get("secret_access_key"),
            aws_session_token=known.get("session_token"),
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 8},
                connect_timeout=5,
                read_timeout=60,
                s3={"addressing_style": "path" if settings.endpoint_url else "auto"},
            ),
        )

    def put(
        self, key: str, local: Path, *, mode: str | None = None, until: datetime | None = None
    ) -> None:
        """Write an object, locked until then in this mode if both are given.

        Raises:
            SpecError: the bucket has no Object Lock, or access is refused.
            TransientError: the server did not do it.
        """
        locked: dict[str, Any] = {}
        if mode is not None and until is not None:
            locked = {"ObjectLockMode": mode.upper(), "ObjectLockRetainUntilDate": until}
        with self._errors(key, locked=bool(locked)), local.open("rb") as body:
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, **self._encryption, **locked
            )

    def versions(self, prefix: str) -> list[Version]:
        """Return all versions of what begins with `prefix`, and the marks of deletion."""
        with self._errors(prefix):
            pages = self._client.get_paginator("list_object_versions")
            return [
                Version(
                    key=one["Key"],
                    id=one["VersionId"],
                    size=one.get("Size", 0),
                    modified=one["LastModified"],
                    latest=one["IsLatest"],
                )
                for page in pages.paginate(Bucket=self._bucket, Prefix=prefix)
                for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            ]

    def delete(self, version: Version) -> datetime | None:
        """Delete a version for good; return until when it is locked, if that forbids it."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        with self._errors(version.key):
            try:
                self._client.delete_object(
                    Bucket=self._bucket, Key=version.key, VersionId=version.id
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _REFUSED:
                    raise
                until = self._locked_until(version)
                if until is None:
                    raise
                return until
        return None

    def _locked_until(self, version: Version) -> datetime | None:
        head = self._client.head_object(Bucket=self._bucket, Key=version.key, VersionId=version.id)
        until = head.get("ObjectLockRetainUntilDate")
        return until if isinstance(until, datetime) else None

    @contextmanager
    def _errors(self, key: str, *, locked: bool = False) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

        where = f"s3://{self._bucket}/{key}"
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if locked and code in _NO_LOCK:
                message = (
                    f"{where}: cannot be locked ({code}): rejects.object_lock needs a bucket that "
                    "was created with Object Lock"
                )
                raise SpecError(message) from error
            if code in _REFUSED or code == "NoSuchBucket":
                message = f"{where}: the store answered {code}: check the bucket and its policy"
                raise SpecError(message) from error
            message = f"{where}: the store answered {code}: try again later"
            raise TransientError(message) from error
        except BotoCoreError as error:
            message = f"{where}: {error}: try again later"
            raise TransientError(message) from error


def _credentials(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser()
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
        section = parser["default"]
        found = {
            "access_key_id": section["aws_access_key_id"],
            "secret_access_key": section["aws_secret_access_key"],
        }
        if "aws_session_token" in section:
            found["session_token"] = section["aws_session_token"]
    except OSError as error:
        message = f"credentials {path}: {error.strerror}: `make up` generates the local ones"
        raise SpecError(message) from error
    except (KeyError, configparser.Error) as error:
        message = f"credentials {path}: needs a [default] section with an access key pair"
        raise SpecError(message) from error
    return found
