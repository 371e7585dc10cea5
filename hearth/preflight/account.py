"""Who asks, and what the account has: keys and images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hearth.aws import AwsSettings, Image, registry_of
from hearth.errors import SpecError
from hearth.preflight.finding import Ask, Finding, failed, passed, unknown
from hearth.profile import Profile


def identity(aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether there are credentials, and of the region's partition."""
    who = ask.call("sts", "get_caller_identity")
    partition = str(who["Arn"]).split(":")[1]
    if partition != aws.partition:
        yield failed(
            "identity",
            who["Arn"],
            f"is of partition {partition}, and region {aws.region} is in {aws.partition}",
            "use credentials of an account in that partition, or correct aws.region",
        )
        return
    yield passed("identity", who["Arn"], f"account {who['Account']} in {partition}")


def region(profile: Profile, aws: AwsSettings) -> Iterator[Finding]:
    """Whether everything that the profile names is in one partition and region."""
    wrong = list(_elsewhere(profile, aws))
    yield from wrong or [passed("region", aws.region, f"partition {aws.partition}")]


def _elsewhere(profile: Profile, aws: AwsSettings) -> Iterator[Finding]:
    name = "region"
    storage = profile.storage
    if storage.uri.startswith("s3://") and storage.region not in {None, aws.region}:
        yield failed(
            name,
            storage.uri,
            f"lies in {storage.region}, and nodes run in {aws.region}: every byte would be paid "
            "for, and leave the region",
            "keep store and nodes in one region",
        )
    for what, named in _arns(profile, aws):
        parts = named.split(":")
        if parts[1] != aws.partition or parts[3] not in {"", aws.region}:
            yield failed(
                name, what, f"{named} is not of {aws.region}", "name one of this region, or a name"
            )


def kms_key(probe_of: str, key: str, ask: Ask) -> Iterator[Finding]:
    """Whether a key is there, enabled, and the customer's own.

    Args:
        probe_of: what the key encrypts.
        key: its id, ARN or alias.
        ask: whom to ask.
    """
    found = ask.call("kms", "describe_key", KeyId=key)["KeyMetadata"]
    name = f"KMS key of {probe_of}"
    if found.get("KeyManager") != "CUSTOMER":
        yield failed(
            name, key, "is AWS's own: nobody can revoke it", "create a customer-managed key"
        )
    elif found.get("KeyState") != "Enabled" or found.get("KeyUsage") not in {
        None,
        "ENCRYPT_DECRYPT",
    }:
        state = f"{found.get('KeyState')}, for {found.get('KeyUsage')}"
        yield failed(name, key, f"is {state}", "enable it, or name one that encrypts")
    else:
        yield passed(name, key, "is enabled, and managed by you")


def image(aws: AwsSettings, wanted: Image, ask: Ask, own: str | None = None) -> Iterator[Finding]:
    """Whether an image is in its registry.

    Args:
        aws: names the region.
        wanted: the image.
        ask: whom to ask.
        own: the owner of a registry that the image does not name; by default who asks.
    """
    shown = wanted.name
    own = own or str(ask.call("sts", "get_caller_identity")["Account"])
    try:
        registry = wanted.registry(aws.region, own)
    except SpecError as error:
        yield failed("image", shown, str(error), "name the account of the image")
        return
    answer: dict[str, Any] = ask.call(
        "ecr",
        "describe_images",
        registryId=registry,
        repositoryName=wanted.repository,
        imageIds=[{"imageDigest": wanted.digest} if wanted.digest else {"imageTag": wanted.tag}],
    )
    digest = answer["imageDetails"][0]["imageDigest"]
    yield passed("image", shown, f"{digest} in {registry_of(aws.region, registry)}")


def images_elsewhere(profile: Profile) -> Iterator[Finding]:
    """Images in a registry that is not AWS's, whose way of logging in is not known."""
    images = profile.images
    for image in images.named().values() if images and images.registry else ():
        yield unknown(
            "image", f"{images.registry}/{image.name}" if images else image.name,
            "is in a registry that is not asked", "pull it once from where jobs run",
        )  # fmt: skip


def _arns(profile: Profile, aws: AwsSettings) -> Iterator[tuple[str, str]]:
    named = [("storage.kms_key", profile.storage.kms_key), ("aws.kms_key", aws.kms_key)]
    if aws.hyperpod is not None:
        named.append(("aws.hyperpod.execution_role", aws.hyperpod.execution_role))
        named += [
            (f"training plan of {group.name}", group.training_plan) for group in aws.hyperpod.groups
        ]
    for what, value in named:
        if value is not None and value.startswith("arn:"):
            yield what, value
