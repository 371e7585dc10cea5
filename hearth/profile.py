"""Where and how to run: profiles.

This module, that of the store and the settings are the only ones that read environment variables.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import AnyHttpUrl, Field, model_validator

from hearth.aws import AwsSettings
from hearth.errors import NotFoundError, SpecError, TransientError
from hearth.images import Images
from hearth.model import CURATOR, MODEL, FrozenModel
from hearth.policy import ObjectLock, Policy, Rejecting, RejectSettings
from hearth.raycluster import RAY_ADDRESS
from hearth.resources import BackendName, Compute, MetricsTarget
from hearth.settings import settings
from hearth.storagesettings import StorageSettings
from hearth.yamlfile import load_model

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class SecretRef(FrozenModel):
    """Where a secret is; never the secret."""

    file: Path | None = Field(default=None, description="A file that only its owner can read.")
    env: str | None = Field(default=None, description="The name of an environment variable.")
    secretsmanager: str | None = Field(
        default=None, description="The name or ARN of a secret in AWS Secrets Manager."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.file, self.env, self.secretsmanager)) != 1:
            message = "name exactly one of file, env and secretsmanager"
            raise ValueError(message)
        return self

    def read(self) -> bytes:
        """Return the secret.

        Raises:
            NotFoundError: there is no such secret.
            TransientError: Secrets Manager did not answer.
        """
        if self.file is not None:
            try:
                return self.file.read_bytes().strip()
            except OSError as error:
                message = f"secret {self.file}: {error.strerror}: `make up` makes the local ones"
                raise NotFoundError(message) from error
        if self.env is not None:
            value = os.environ.get(self.env)
            if not value:
                message = f"secret: the variable {self.env} is not set: set it, or use a file"
                raise NotFoundError(message)
            return value.encode()
        return self._read_from_secrets_manager()

    def _read_from_secrets_manager(self) -> bytes:
        import boto3  # noqa: PLC0415 - only where AWS is used
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            answer = boto3.client("secretsmanager").get_secret_value(SecretId=self.secretsmanager)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            message = f"secret {self.secretsmanager}: Secrets Manager answered {code}"
            if code == "ResourceNotFoundException":
                raise NotFoundError(message) from error
            raise TransientError(message) from error
        except BotoCoreError as error:
            message = f"secret {self.secretsmanager}: {error}"
            raise TransientError(message) from error
        if "SecretString" in answer:
            return str(answer["SecretString"]).encode()
        return bytes(answer["SecretBinary"])


class EndpointTarget(FrozenModel):
    """Where models serve."""

    name: str = Field(default="hearth", pattern=_NAME.pattern, description="The endpoint's name.")
    kind: Literal["local"] = "local"
    url: AnyHttpUrl = Field(description="Where clients reach it.")


class RejectArea(FrozenModel):
    """The reject area as it is opened: what a job is told."""

    storage: StorageSettings
    retention_days: int
    object_lock: ObjectLock | None = None
    steps: tuple[Rejecting, ...]


class Lineage(FrozenModel):
    """OpenLineage events: how jobs are named in them, and where they go."""

    namespace: str = Field(default="hearth", description="The namespace of jobs.")
    transport: Path | None = Field(
        default=None,
        description="A configuration file of the OpenLineage client (`openlineage.yml`) that says "
        "where events go; it may hold a key, so that only its owner should read it. None: a file "
        "of the local stack.",
    )


class Profile(FrozenModel):
    """Where to run a build."""

    name: str = Field(pattern=_NAME.pattern)
    description: str = ""
    storage: StorageSettings
    compute: Compute = Compute()
    aws: AwsSettings | None = Field(default=None, description="The AWS account that is used.")
    images: Images | None = Field(
        default=None,
        description="The container images of jobs; none: environments of the machines they run on.",
    )
    endpoint: EndpointTarget
    policy: Policy = Policy()
    rejects: RejectSettings | None = Field(
        default=None,
        description="Where documents go that curation drops; none: only decisions are on record.",
    )
    schedules: dict[str, str] = Field(
        default={}, description="Recipe name → cron expression or preset such as `@weekly`."
    )
    secrets: dict[str, SecretRef] = Field(
        default={}, description="`content_key` keys the hashes of documents, `pii_key` pseudonyms."
    )
    notify: tuple[SecretRef, ...] = Field(
        default=(), description="Secrets that hold an Apprise URL each, told of every failure."
    )
    lineage: Lineage = Lineage()
    metrics: MetricsTarget | None = Field(
        default=None, description="Where a training's curves go while it runs; none: nowhere."
    )

    @model_validator(mode="after")
    def _rejects_lie_apart(self) -> Self:
        if self.rejects is not None:
            self.rejects.check_apart(self.storage.uri, self.storage.kms_key)
        return self

    @model_validator(mode="after")
    def _images_have_a_registry(self) -> Self:
        if self.images is not None:
            for environment in self.images.named():
                try:
                    self.images.reference(environment, self.aws)
                except SpecError as error:
                    raise ValueError(str(error)) from error
        return self

    def image_of(self, environment: str) -> str | None:
        """Return the image that jobs of an environment run in; None where they run in none."""
        if self.images is None or self.compute.backend is BackendName.LOCAL:
            return None
        if self.compute.slurm and environment in self.compute.slurm.environments:
            return None
        return self.images.reference(environment, self.aws)

    @property
    def emulated(self) -> tuple[str, ...]:
        """What is not the real thing here: said in the records of all that is made."""
        if self.aws is None or self.aws.endpoint_url is None:
            return ()
        return (f"AWS: its control plane was emulated at {self.aws.endpoint_url}",)

    @property
    def unverified(self) -> tuple[str, ...]:
        """What is emulated here, and what Hearth never tried on the real thing."""
        untried = self.compute.slurm.untried if self.compute.slurm else ()
        if self.compute.slurm and any(map(self.image_of, (CURATOR, MODEL))):
            untried += ("Slurm: jobs in containers (Pyxis, Enroot) were never tried",)
        if self.aws is not None and self.aws.hyperpod is not None and not self.emulated:
            untried += ("AWS: the operators of HyperPod were only tried against an emulator",)
        return (*self.emulated, *untried)

    @property
    def reject_area(self) -> RejectArea | None:
        """The reject area, with what it has from the store."""
        if self.rejects is None:
            return None
        own, store = self.rejects, self.storage
        return RejectArea(
            storage=StorageSettings(
                uri=own.uri,
                endpoint_url=own.endpoint_url or store.endpoint_url,
                region=own.region or store.region,
                credentials_file=own.credentials_file or store.credentials_file,
                kms_key=own.kms_key,
            ),
            retention_days=own.retention_days,
            object_lock=own.object_lock,
            steps=own.steps,
        )


def ray_address() -> str | None:
    """Return the Ray cluster that the environment names, seen from inside a job."""
    return os.environ.get(RAY_ADDRESS) or None


def names_in(folder: Path) -> list[str]:
    """Return the names of the YAML files in `folder`, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def path_of(folder: Path, name: str) -> Path:
    """Return the YAML file called `name` in `folder`.

    Raises:
        SpecError: the name is malformed, or there is no such file.
    """
    path = folder / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(names_in(folder)) or "none"
        message = f"{folder.name[:-1]} {name!r}: not found in {folder}: there are: {known}"
        raise SpecError(message)
    return path


def load_profile(name: str | None = None) -> Profile:
    """Return the profile called `name`; by default the one that the settings name.

    Raises:
        SpecError: there is none, or it is wrong.
    """
    here = settings()
    path = path_of(here.profiles, name or here.profile)
    profile = load_model(path, Profile, here.variables())
    if profile.name != path.stem:
        message = f"{path}: name = {profile.name!r}: must be the file's name, {path.stem!r}"
        raise SpecError(message)
    return profile
