"""What the region offers of what large trainings use, and what to use instead.

botocore's list of endpoints says where a service is; an operation that answers says more. Neither
proves that capacity is to be had. For China, AWS's documentation says nothing certain about some of
them: those findings say so, whatever the probe answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from hearth.aws import AwsSettings
from hearth.awsapi import AwsRefused, AwsUnreachable
from hearth.errors import HearthError
from hearth.preflight.capacity import offerings
from hearth.preflight.finding import Ask, Finding, failed, passed, unknown
from hearth.profile import Profile
from hearth.resources import SlurmIdentity

CHINA: Final = "aws-cn"
NAME: Final = "offered"

_P5: Final = "p5.48xlarge"
_UNCONFIRMED: Final = "unconfirmed for China"


class Feature(NamedTuple):
    """Something that AWS may not offer everywhere."""

    name: str
    fallback: str


HYPERPOD: Final = Feature(
    "SageMaker HyperPod", "Slurm on EC2 (ParallelCluster), reached through `compute.slurm`"
)
PCS: Final = Feature("AWS PCS", "HyperPod with Slurm, or ParallelCluster, through `compute.slurm`")
TRAINING_PLANS: Final = Feature(
    "SageMaker training plans",
    "on-demand nodes under a raised quota, or an EC2 capacity reservation",
)
CAPACITY_BLOCKS: Final = Feature(
    "EC2 capacity blocks", "an on-demand capacity reservation in the zone of the subnets"
)
P5: Final = Feature("P5 instances", "ml.p4d.24xlarge, or more nodes of ml.g5.48xlarge")


def services(profile: Profile, aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether the services have an endpoint in the region."""
    wanted = ["s3", "kms", "sts", "ecr"] + (["sagemaker"] if aws.hyperpod else [])
    for service in wanted:
        if aws.region in ask.regions_of(service):
            yield passed(NAME, service, f"has an endpoint in {aws.region}")
        else:
            yield unknown(
                NAME, service, f"botocore knows no endpoint in {aws.region}",
                "update botocore if the region is new, or choose another region",
            )  # fmt: skip
    slurm = profile.compute.slurm
    uses_pcs = bool(slurm and slurm.rest and slurm.rest.identity is SlurmIdentity.CLAIMS)
    there = aws.region in ask.regions_of("pcs")
    yield _told(PCS, aws, offered=there, used=uses_pcs, how="by botocore's list of endpoints")


def hyperpod(aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether HyperPod answers."""
    offered, how = _answers(ask, "sagemaker", "list_clusters", MaxResults=1)
    yield _told(HYPERPOD, aws, offered=offered, used=aws.hyperpod is not None, how=how)


def training_plans(aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether training plans answer."""
    used = any(group.training_plan for group in (aws.hyperpod.groups if aws.hyperpod else ()))
    offered, how = _answers(ask, "sagemaker", "list_training_plans", MaxResults=1)
    yield _told(TRAINING_PLANS, aws, offered=offered, used=used, how=how)


def capacity_blocks(aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether EC2 lists capacity blocks. No profile buys them: they are named as what could be."""
    now = datetime.now(UTC)
    offered, how = _answers(
        ask,
        "ec2",
        "describe_capacity_block_offerings",
        InstanceType=_P5,
        InstanceCount=1,
        CapacityDurationHours=24,
        StartDateRange=now + timedelta(days=1),
        EndDateRange=now + timedelta(days=30),
    )
    yield _told(CAPACITY_BLOCKS, aws, offered=offered, used=False, how=how)


def p5(aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether EC2 offers P5."""
    groups = aws.hyperpod.groups if aws.hyperpod else ()
    used = any(group.instance_type.startswith("ml.p5") for group in groups)
    offered = bool(offerings(ask, _P5))
    yield _told(P5, aws, offered=offered, used=used, how="by EC2's list of types")


def _answers(
    ask: Ask, service: str, operation: str, **arguments: object
) -> tuple[bool | None, str]:
    """Whether an operation is there: it answers, is not known, or nobody can tell."""
    try:
        ask.call(service, operation, **arguments)
    except AwsRefused as refused:
        if "Unknown" in refused.code or refused.code in {"InvalidAction", "UnsupportedOperation"}:
            return False, str(refused)
        return None, str(refused)
    except AwsUnreachable as error:
        return None, str(error)
    except HearthError as error:
        return None, str(error)
    return True, f"{service}:{operation} answers"


def _told(
    feature: Feature, aws: AwsSettings, *, offered: bool | None, used: bool, how: str
) -> Finding:
    use = "the profile uses it" if used else "the profile does not use it"
    instead = f"instead: {feature.fallback}"
    if offered is False:
        detail = f"is not offered in {aws.region}, {how}; {use}"
        if used:
            return failed(NAME, feature.name, detail, instead)
        return passed(NAME, feature.name, f"{detail}; {instead}")
    confirmed = aws.partition != CHINA or feature is PCS
    if offered and confirmed:
        return passed(NAME, feature.name, f"is offered in {aws.region}, {how}; {use}")
    doubt = how if confirmed else f"{how}, and it is {_UNCONFIRMED}"
    if used:
        return unknown(
            NAME, feature.name, f"{doubt}; {use}", f"ask AWS, or try with one small node; {instead}"
        )
    return passed(NAME, feature.name, f"{doubt}; {use}; {instead}")
