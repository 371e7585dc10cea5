"""AWS as a profile describes it: region, network, images, the HyperPod cluster.

Names are built from the region's partition, never written down: what runs in China runs elsewhere.
boto3 is imported where a call is made, because only Airflow's environment has it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal, Self

from pydantic import AnyHttpUrl, Field, model_validator

from hearth.errors import HearthError, TransientError
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

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 30

THROTTLED: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "SlowDown",
    }
)
"""https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html"""

_SERVER_FAULT: Final = 500


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

    @model_validator(mode="after")
    def _groups_have_one_name(self) -> Self:
        names = [group.name for group in self.groups]
        if len(set(names)) != len(names):
            message = f"groups: {', '.join(names)}: each name may stand once"
            raise ValueError(message)
        return self


class Image(FrozenModel):
    """A container image in a registry of AWS."""

    repository: str
    tag: str
    account: str | None = Field(
        default=None, pattern=r"^\d{12}$", description="The registry's owner; empty: one's own."
    )


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


class AwsRefused(HearthError):  # noqa: N818 - it is AWS that says no, and callers go by the code
    """AWS answered with an error."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        """Keep the code: decisions depend on it.

        Args:
            operation: what was asked.
            code: AWS's code.
            message: AWS's words.
        """
        super().__init__(f"{operation}: {code}: {message}")
        self.code = code
        self.words = message


class AwsUnreachable(TransientError):  # noqa: N818 - as AwsRefused
    """AWS did not answer, or has no endpoint there."""


def refusal(error: Any, operation: str) -> HearthError:
    """Return what a botocore `ClientError` means.

    Throttling and servers' faults pass: whether the operation had its effect is not known then.
    """
    detail = error.response.get("Error", {})
    code, words = str(detail.get("Code", "unknown")), str(detail.get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in THROTTLED or status >= _SERVER_FAULT:
        return AwsUnreachable(f"{operation}: {code}: {words}")
    return AwsRefused(operation, code, words)


class Account:
    """Calls to AWS, for whoever is no Airflow operator: the probes of preflight."""

    def __init__(self, settings: AwsSettings) -> None:
        """Name the account; nothing is asked.

        Args:
            settings: region and endpoint. Credentials come by boto3's default chain.
        """
        self.settings = settings
        self._clients: dict[str, Any] = {}

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation by its Python name, such as `describe_subnets`.

        Raises:
            AwsRefused: AWS said no.
            AwsUnreachable: it did not answer, or the service has no endpoint in the region.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only here

        name = f"{service}:{operation}"
        try:
            return dict(getattr(self._client(service), operation)(**arguments))
        except ClientError as error:
            raise refusal(error, name) from error
        except BotoCoreError as error:
            message = f"{name}: {error}"
            raise AwsUnreachable(message) from error

    def regions_of(self, service: str) -> tuple[str, ...]:
        """Return the regions of this partition that botocore knows a service's endpoint in."""
        import boto3  # noqa: PLC0415 - only where AWS is used

        found = boto3.session.Session().get_available_regions(
            service, partition_name=self.settings.partition
        )
        return tuple(found)

    def _client(self, service: str) -> Any:
        import boto3  # noqa: PLC0415 - only where AWS is used
        from botocore.config import Config  # noqa: PLC0415

        if service not in self._clients:
            url = self.settings.endpoint_url
            self._clients[service] = boto3.session.Session().client(
                service,
                region_name=self.settings.region,
                endpoint_url=str(url) if url else None,
                config=Config(
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=_READ_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": 3},
                ),
            )
        return self._clients[service]
