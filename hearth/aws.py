"""AWS as a profile describes it: region, network, images, the HyperPod cluster.

Names are built from the region's partition, never written down: what runs in China runs elsewhere.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, Self

from pydantic import AnyHttpUrl, Field, model_validator

from hearth.errors import SpecError
from hearth.model import FrozenModel

_PARTITIONS: Final = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "eu-isoe-": ("aws-iso-e", "cloud.adc-e.uk"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
}
"""Prefix of a region → its partition and the suffix of its endpoints. As botocore's
`partitions.json` has them, which a test compares."""

_CONTAINER_ACCOUNTS: Final = {"aws": "763104351884", "aws-cn": "727897471807"}
"""https://aws.github.io/deep-learning-containers/reference/available_images/: newer regions of the
first partition have accounts of their own, which a profile has to name."""

NOBODY: Final = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nobody"}
"""Who asks an emulator, which takes anything: nobody's own credentials are shown to it."""


def partition_of(region: str) -> str:
    """Return the partition that a region is in."""
    return _described(region)[0]


def suffix_of(region: str) -> str:
    """Return what the names of a region's endpoints end in."""
    return _described(region)[1]


def _described(region: str) -> tuple[str, str]:
    for prefix, described in _PARTITIONS.items():
        if region.startswith(prefix):
            return described
    return "aws", "amazonaws.com"


def arn(region: str, service: str, account: str, resource: str) -> str:
    """Return an ARN; IAM's and S3's name no region."""
    inside = "" if service in {"iam", "s3"} else region
    owner = "" if service == "s3" else account
    return f"arn:{partition_of(region)}:{service}:{inside}:{owner}:{resource}"


def registry_of(region: str, account: str) -> str:
    """Return the host of an account's image registry."""
    return f"{account}.dkr.ecr.{region}.{suffix_of(region)}"


class SlurmRole(StrEnum):
    """What the nodes of a group are to Slurm, in SageMaker's words."""

    CONTROLLER = "Controller"
    LOGIN = "Login"
    COMPUTE = "Compute"


class InstanceGroup(FrozenModel):
    """Equal nodes of a cluster."""

    name: str = Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=63)
    instance_type: str = Field(pattern=r"^ml\.", description="Such as `ml.p4d.24xlarge`.")
    count: int = Field(ge=0, description="Nodes while a build runs.")
    idle: int | None = Field(
        default=None, ge=0, description="Nodes while none does; empty: the group is never scaled."
    )
    threads_per_core: Literal[1, 2] = 1
    volume_gib: int | None = Field(default=None, ge=1, le=16384, description="One more volume.")
    slurm: SlurmRole | None = Field(default=None, description="Empty: the lifecycle script says.")
    training_plan: str | None = Field(default=None, description="The ARN of a training plan.")
    deep_health_checks: tuple[Literal["InstanceStress", "InstanceConnectivity"], ...] = ()

    @model_validator(mode="after")
    def _idle_is_less(self) -> Self:
        if self.idle is not None and self.idle > self.count:
            message = f"group {self.name}: idle = {self.idle}: must not exceed count, {self.count}"
            raise ValueError(message)
        return self


class RepairAction(StrEnum):
    """What becomes of a faulty node."""

    REPLACE = "replace"
    """New hardware; the volumes' content is lost."""
    REBOOT = "reboot"


class Repair(FrozenModel):
    """How faulty nodes are repaired."""

    action: RepairAction = RepairAction.REPLACE
    budget: int = Field(
        default=2, ge=0, description="Nodes that one build may have repaired; then a person looks."
    )


class Lifecycle(FrozenModel):
    """The scripts that make nodes of instances."""

    uri: str = Field(pattern=r"^s3://", description="Their folder; SageMaker wants a bucket "
                     "whose name begins with `sagemaker-` under its managed policy.")  # fmt: skip
    on_create: str = Field(default="on_create.sh", description="The script that is run.")


class HyperPod(FrozenModel):
    """The SageMaker HyperPod cluster that stages run on."""

    cluster: str = Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=50)
    keep: bool = Field(
        default=True,
        description="One cluster for all builds, adopted or created once, that stays when they "
        "end. `false`: each build has one of its own, deleted when it ends.",
    )
    adopt: bool = Field(
        default=False, description="Use a cluster of this name that Hearth did not create."
    )
    execution_role: str = Field(description="The nodes' role: its name or ARN.")
    lifecycle: Lifecycle
    groups: tuple[InstanceGroup, ...] = Field(min_length=1)
    node_recovery: Literal["Automatic", "None"] = Field(
        default="Automatic", description="Whether AWS replaces faulty nodes by itself."
    )
    continuous: bool = Field(
        default=False, description="Continuous provisioning; cluster events exist only under it."
    )
    repair: Repair = Repair()
    wait_minutes: float = Field(
        default=90.0, gt=0, description="A cluster that is not in service by then has failed."
    )
    poll_seconds: int = Field(
        default=30, ge=1, le=300, description="How often it is looked at meanwhile."
    )

    @model_validator(mode="after")
    def _groups_have_one_name(self) -> Self:
        names = [group.name for group in self.groups]
        if len(set(names)) != len(names):
            message = f"groups: {', '.join(names)}: each name may stand once"
            raise ValueError(message)
        return self


class Image(FrozenModel):
    """A container image, by its digest or, which may be moved, by its tag."""

    repository: str = Field(pattern=r"^[a-z0-9]+([._/-]+[a-z0-9]+)*$")
    tag: str | None = Field(default=None, pattern=r"^\w[\w.-]{0,127}$")
    digest: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    account: str | None = Field(
        default=None,
        pattern=r"^(\d{12}|aws)$",
        description="The registry's owner; empty: one's own; `aws`: the account from which AWS "
        "hands out its deep learning containers in this partition.",
    )

    @model_validator(mode="after")
    def _has_a_version(self) -> Self:
        if self.tag is None and self.digest is None:
            message = f"image {self.repository}: name its digest, or its tag"
            raise ValueError(message)
        return self

    @property
    def name(self) -> str:
        """What follows the registry in a reference; the digest rules where there is one."""
        return (
            f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"
        )

    def registry(self, region: str, own: str) -> str:
        """Return the account whose registry it is in.

        Args:
            region: where it is pulled.
            own: the account that pulls it.

        Raises:
            SpecError: AWS's account is not known in that partition.
        """
        if self.account != "aws":
            return self.account or own
        partition = partition_of(region)
        if partition not in _CONTAINER_ACCOUNTS:
            message = f"image {self.repository}: account = aws: not known in {partition}: name it"
            raise SpecError(message)
        return _CONTAINER_ACCOUNTS[partition]


class Quota(FrozenModel):
    """A quota that a build needs."""

    service: str = Field(default="sagemaker", description="Service Quotas' code of the service.")
    name: str = Field(description="As the console shows it.")
    at_least: float = Field(gt=0)


class AwsSettings(FrozenModel):
    """The account, as seen from Hearth."""

    region: str = Field(pattern=r"^[a-z]{2,}(-[a-z]+)+-\d+$")
    connection: str | None = Field(
        default=None, description="An Airflow connection; empty: boto3's default chain."
    )
    endpoint_url: AnyHttpUrl | None = Field(
        default=None, description="An emulator of AWS. What it answers is recorded as unverified."
    )
    kms_key: str | None = Field(
        default=None, description="The customer-managed key of the nodes' volumes."
    )
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    vpc_endpoints: tuple[str, ...] = Field(
        default=("s3", "sagemaker.api", "ecr.api", "ecr.dkr", "kms", "sts", "logs"),
        description="Services that must be reached without the internet.",
    )
    images: tuple[Image, ...] = ()
    quotas: tuple[Quota, ...] = ()
    hyperpod: HyperPod | None = None

    @property
    def partition(self) -> str:
        """The region's partition."""
        return partition_of(self.region)
