"""An S3 server as a profile describes it: AWS's, or another one."""

from __future__ import annotations

import configparser
from datetime import timedelta
from pathlib import Path
from typing import Any

from obstore.store import S3Store

from hearth.errors import SpecError
from hearth.profile import StorageSettings


def open_bucket(settings: StorageSettings, bucket: str) -> S3Store:
    """Return a client of `bucket`; nothing is asked of the server.

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
        # Long enough to outlive the restart of a store; a longer outage is for a stage's retry.
        retry_config={
            "max_retries": 20,
            "retry_timeout": timedelta(seconds=90),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=5),
                "base": 2,
            },
        },
    )


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
