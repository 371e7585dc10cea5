"""`python -m hearth.stack.bucket`: makes a profile's buckets, where they are missing."""

from __future__ import annotations

import logging
import sys
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from hearth.errors import EXIT_OK, EXIT_TRANSIENT
from hearth.profile import load_profile
from hearth.storagesettings import StorageSettings

log = logging.getLogger(__name__)


def make(client: Any, *buckets: str) -> None:
    """Make the buckets that are not there.

    All but the first are made with Object Lock, which a bucket has from the start or never.

    Args:
        client: boto3's, of S3.
        buckets: names; the store's first.
    """
    known = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in buckets:
        if bucket not in known:
            locked = bucket != buckets[0]
            client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=locked)


def main() -> int:
    """Make the buckets of the profile that the settings name; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    profile = load_profile()
    stores = [profile.storage]
    if profile.reject_area is not None:
        stores.append(profile.reject_area.storage)
    buckets = [urlsplit(storage.uri).netloc for storage in stores]
    try:
        make(_client(profile.storage), *dict.fromkeys(buckets))
    except (BotoCoreError, ClientError) as error:
        log.error("buckets %s: %s", ", ".join(buckets), error)  # noqa: TRY400 - it says all
        return EXIT_TRANSIENT
    log.info("buckets %s: there", ", ".join(buckets))
    return EXIT_OK


def _client(storage: StorageSettings) -> Any:
    session = botocore.session.Session()
    if storage.credentials_file is not None:
        session.set_config_variable("credentials_file", str(storage.credentials_file))
    return boto3.Session(botocore_session=session).client(
        "s3",
        endpoint_url=str(storage.endpoint_url) if storage.endpoint_url else None,
        region_name=storage.region,
    )


if __name__ == "__main__":
    sys.exit(main())
