"""The object store: SeaweedFS in one process, on loopback, with a key pair of its own."""

from __future__ import annotations

import configparser
import json
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from hearth.aws import NOBODY
from hearth.profile import Profile
from hearth.stack import bucket
from hearth.stack.daemon import Daemon
from hearth.stack.ports import HOST, StorePorts
from hearth.stack.secrets import Secrets, write_private

_VOLUMES: Final = 100  # of 1 GiB each, made when they are needed
_GRACE: Final = 40.0  # seconds: its filer gives open streams 15 after SIGTERM


def daemon(
    home: Path, ports: StorePorts, secrets: Secrets, environment: Mapping[str, str]
) -> Daemon:
    """Return the store's daemon.

    Args:
        home: the stack's folder; objects lie in `store/` below it.
        ports: what it listens on.
        secrets: whose key pair it accepts.
        environment: what the stack's processes share.
    """
    folder = home / "store"
    arguments = {
        "dir": folder,
        "ip": HOST,
        "ip.bind": HOST,
        "master.port": ports.master,
        "master.port.grpc": ports.master_grpc,
        "master.telemetry": "false",
        "master.electionTimeout": "1s",  # it has no rival, and would wait for one at each restart
        "master.volumeSizeLimitMB": 1024,
        "volume.port": ports.volume,
        "volume.port.grpc": ports.volume_grpc,
        "volume.max": _VOLUMES,
        "volume.preStopSeconds": 1,  # nobody else need hear that it leaves
        "filer": "true",
        "filer.port": ports.filer,
        "filer.port.grpc": ports.filer_grpc,
        "s3": "true",
        "s3.port": ports.s3,
        "s3.port.grpc": ports.s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        "s3.config": _identities(secrets),
    }
    return Daemon(
        name="store",
        command=[
            str(Path(sys.executable).parent / "weed"),
            "-logtostderr=true",
            "server",
            *(f"-{name}={value}" for name, value in arguments.items()),
        ],
        environment=environment,
        state=home / "run",
        logs=home / "logs",
        grace=_GRACE,
    )


def prepare(home: Path, secrets: Secrets, profile: Profile | None = None) -> None:
    """Make what the store needs before it starts.

    Args:
        home: the stack's folder.
        secrets: whose key pair it accepts.
        profile: says whether it encrypts, and where its keys are.
    """
    (home / "store").mkdir(parents=True, exist_ok=True)
    access_key, secret_key = key_pair(secrets)
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identities = [{"name": "hearth", "credentials": credentials, "actions": actions}]
    config = {"identities": identities, **_key_management(profile)}
    write_private(_identities(secrets), json.dumps(config))


def _key_management(profile: Profile | None) -> dict[str, Any]:
    """Return where the store asks for keys: AWS is asked for none, only who stands for it here."""
    if profile is None or profile.storage.kms_key is None:
        return {}
    if profile.aws is None or profile.aws.endpoint_url is None:
        return {}
    provider = {
        "type": "aws",
        "region": profile.aws.region,
        "endpoint": str(profile.aws.endpoint_url).rstrip("/"),
        "access_key": NOBODY["aws_access_key_id"],
        "secret_key": NOBODY["aws_secret_access_key"],
    }
    return {"kms": {"default_provider": "aws", "providers": {"aws": provider}}}


def key_pair(secrets: Secrets) -> tuple[str, str]:
    """Return the access key and the secret key."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(secrets.s3_credentials)
    section = parser["default"]
    return section["aws_access_key_id"], section["aws_secret_access_key"]


def missing(ports: StorePorts, secrets: Secrets, *buckets: str) -> str | None:
    """Say what keeps the store from being used; None when all is well.

    That is: the buckets are there, and what the first of them holds can be read.
    """
    try:
        if not httpx.get(
            f"http://{HOST}:{ports.s3}/healthz", timeout=5, trust_env=False
        ).is_success:
            return "the S3 API is not ready"
    except httpx.HTTPError:
        return "the S3 API does not answer"
    access_key, secret_key = key_pair(secrets)
    client = Session().client(
        "s3",
        endpoint_url=f"http://{HOST}:{ports.s3}",
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10),
    )
    try:
        bucket.make(client, *buckets)
        _read_one(client, buckets[0])
    except (BotoCoreError, ClientError) as error:
        return f"buckets {', '.join(buckets)}: {error}"
    return None


def _read_one(client: Any, bucket: str) -> None:
    """Read of the first object, if there is one: names are there before what they stand for."""
    for found in client.list_objects_v2(Bucket=bucket, MaxKeys=1).get("Contents", ()):
        with closing(client.get_object(Bucket=bucket, Key=found["Key"])["Body"]) as body:
            body.read(1)


def _identities(secrets: Secrets) -> Path:
    return secrets.folder / "store-identities.json"
