"""Whether the caller may do what a build does, by simulating its policies.

A policy that names resources and has conditions allows nothing to whoever asks about "everything":
so each question names the resource, and what a real request would bring along for conditions.
Service control policies count; bucket and key policies are not simulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from hearth.aws import AwsSettings, HyperPod, arn, suffix_of
from hearth.preflight.finding import Ask, Finding, careful, failed, passed, unknown
from hearth.profile import Profile

NAME: Final = "permissions"

_OBJECTS: Final = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
_BUCKET: Final = ("s3:ListBucket",)
_STORE_KEY: Final = ("kms:GenerateDataKey", "kms:Decrypt")
_VOLUMES_KEY: Final = ("kms:CreateGrant",)
_CLUSTER: Final = (
    "sagemaker:CreateCluster",
    "sagemaker:DescribeCluster",
    "sagemaker:UpdateCluster",
    "sagemaker:DeleteCluster",
    "sagemaker:ListClusterNodes",
    "sagemaker:ListClusterEvents",
    "sagemaker:BatchReplaceClusterNodes",
    "sagemaker:BatchRebootClusterNodes",
    "sagemaker:StartClusterHealthCheck",
    "sagemaker:AddTags",
    "sagemaker:ListTags",
    "sagemaker:DeleteTags",
)
_CLUSTERS: Final = ("sagemaker:ListClusters",)
_ROLE: Final = ("iam:PassRole",)
ACTIONS: Final = (
    *_OBJECTS, *_BUCKET, *_STORE_KEY, *_VOLUMES_KEY, *_CLUSTER, *_CLUSTERS, *_ROLE
)  # fmt: skip
"""All that is asked leave for."""

_FIRST_REGION: Final = "us-east-1"
"""SageMaker's principal is named by the suffix of the first partition in every partition."""
_ANY: Final = "*"
_SOME_CLUSTER: Final = "hearthprobe0"
"""Cluster ids are AWS's to choose, so a policy cannot name one before it is there."""


class Question(NamedTuple):
    """May the caller do these things to this resource, in such a request?"""

    what: str
    actions: tuple[str, ...]
    resource: str
    context: Mapping[str, str | bool]


def permissions(profile: Profile, aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether the caller may do what a build does; one question that breaks stops no other."""
    who = ask.call("sts", "get_caller_identity")
    account = str(who["Account"])
    source = _principal(aws, ask, str(who["Arn"]), account)
    if source is None:
        yield unknown(
            NAME, who["Arn"], "policies of this identity cannot be simulated",
            "run Airflow under a role",
        )  # fmt: skip
        return
    for question in _of_store(profile, aws):
        yield _asked(question, source, aws, ask)
    for key, what, actions, context in _of_keys(profile, aws):
        # A policy names a key by its ARN, whatever the profile calls it.
        yield from careful(NAME, lambda: [
            _asked(Question(what, actions, _key_arn(key, ask), context), source, aws, ask)  # noqa: B023 - runs at once
        ])  # fmt: skip
    if aws.hyperpod is not None:
        for question in _of_cluster(aws, aws.hyperpod, account):
            yield _asked(question, source, aws, ask)


def _of_store(profile: Profile, aws: AwsSettings) -> Iterator[Question]:
    if not profile.storage.uri.startswith("s3://"):
        return
    bucket, _, path = profile.storage.uri.removeprefix("s3://").partition("/")
    prefix = f"{path.strip('/')}/" if path.strip("/") else ""
    whole = arn(aws.region, "s3", "", bucket)
    yield Question("the store's objects", _OBJECTS, f"{whole}/{prefix}preflight", {})
    yield Question("the store's list", _BUCKET, whole, {"s3:prefix": prefix})


def _of_keys(
    profile: Profile, aws: AwsSettings
) -> Iterator[tuple[str, str, tuple[str, ...], Mapping[str, str | bool]]]:
    if profile.storage.kms_key is not None:
        through = {"kms:ViaService": f"s3.{aws.region}.{suffix_of(aws.region)}"}
        yield profile.storage.kms_key, "the store's key", _STORE_KEY, through
    if aws.kms_key is not None:
        granted = {"kms:GrantIsForAWSResource": True}
        yield aws.kms_key, "the volumes' key", _VOLUMES_KEY, granted


def _of_cluster(aws: AwsSettings, pod: HyperPod, account: str) -> Iterator[Question]:
    cluster = arn(aws.region, "sagemaker", account, f"cluster/{_SOME_CLUSTER}")
    role = pod.execution_role
    if not role.startswith("arn:"):
        role = arn(aws.region, "iam", account, f"role/{role}")
    yield Question("the cluster", _CLUSTER, cluster, {})
    yield Question("the list of clusters", _CLUSTERS, _ANY, {})
    sagemaker = f"sagemaker.{suffix_of(_FIRST_REGION)}"
    yield Question("the nodes' role", _ROLE, role, {"iam:PassedToService": sagemaker})


def _asked(question: Question, source: str, aws: AwsSettings, ask: Ask) -> Finding:
    context = {"aws:RequestedRegion": aws.region, **question.context}
    answer = ask.call(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=source,
        ActionNames=list(question.actions),
        ResourceArns=[question.resource],
        ContextEntries=[_entry(key, value) for key, value in context.items()],
    )
    denied = [row for row in answer["EvaluationResults"] if row["EvalDecision"] != "allowed"]
    subject = f"{source} on {question.resource}"
    if not denied:
        told = f"may do {', '.join(question.actions)}, for {question.what}"
        return passed(NAME, subject, told)
    # What a condition looks at and no question knows may decide it: perhaps a real request has it.
    missing = sorted({key for row in denied for key in _missing(row)})
    actions = ", ".join(row["EvalActionName"] for row in denied)
    if missing:
        return unknown(
            NAME, subject,
            f"{actions}, for {question.what}: depends on {', '.join(missing)}, which simulating "
            "cannot know",
            "try it once, or compare the policy with `deploy/iam`",
        )  # fmt: skip
    return failed(
        NAME, subject, f"may not {actions}, for {question.what}",
        "attach the policy that `deploy/iam/render airflow` prints",
    )  # fmt: skip


def _missing(row: Mapping[str, Any]) -> list[str]:
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html: with resources
    # named, those of each stand below it.
    found = [*row.get("MissingContextValues", [])]
    for one in row.get("ResourceSpecificResults", []):
        found += one.get("MissingContextValues", [])
    return found


def _entry(key: str, value: str | bool) -> dict[str, Any]:  # noqa: FBT001 - a condition's value
    kind = "boolean" if isinstance(value, bool) else "string"
    said = str(value).lower() if isinstance(value, bool) else value
    return {"ContextKeyName": key, "ContextKeyValues": [said], "ContextKeyType": kind}


def _key_arn(key: str, ask: Ask) -> str:
    return str(ask.call("kms", "describe_key", KeyId=key)["KeyMetadata"]["Arn"])


def _principal(aws: AwsSettings, ask: Ask, caller: str, account: str) -> str | None:
    """Return the ARN whose policies are simulated: a session's is its role's."""
    resource = caller.split(":", 5)[5]
    kind, _, rest = resource.partition("/")
    if kind == "user":
        # STS leaves nothing out of a user's ARN, but an emulator names its service.
        return arn(aws.region, "iam", account, resource)
    if kind == "assumed-role":
        # The session's ARN leaves the role's path out.
        name = rest.split("/", 1)[0]
        return str(ask.call("iam", "get_role", RoleName=name)["Role"]["Arn"])
    return None
