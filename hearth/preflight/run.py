"""All probes of a profile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hearth.aws import AwsSettings
from hearth.awsapi import Account
from hearth.preflight import account, capacity, offered, rights
from hearth.preflight.finding import Ask, Finding, Probe, careful, unknown
from hearth.preflight.slurm import slurm
from hearth.profile import Profile


def preflight(profile: Profile, ask: Ask | None = None) -> list[Finding]:
    """Run every probe that a profile gives reason to; one that breaks does not stop the others.

    Args:
        profile: the profile.
        ask: whom to ask about the account; by default the account itself.
    """
    findings: list[Finding] = []
    if profile.aws is not None:
        for name, probe in _of_account(profile, profile.aws, ask or Account(profile.aws)):
            findings += careful(name, probe)
        if profile.aws.endpoint_url is not None:
            findings.append(
                unknown(
                    "emulator",
                    str(profile.aws.endpoint_url),
                    "answers in AWS's place: what it says proves nothing about the account",
                )
            )
    findings += careful("image", lambda: account.images_elsewhere(profile))
    findings += careful("Slurm", lambda: slurm(profile))
    return findings


def _of_account(profile: Profile, aws: AwsSettings, ask: Ask) -> Iterator[tuple[str, Probe]]:
    yield "identity", lambda: account.identity(aws, ask)
    yield "region", lambda: account.region(profile, aws)
    yield "permissions", lambda: rights.permissions(profile, aws, ask)
    store, volumes = profile.storage.kms_key, aws.kms_key
    if store is not None:
        yield "KMS key of the store", lambda: account.kms_key("the store", store, ask)
    if volumes is not None:
        yield "KMS key of the volumes", lambda: account.kms_key("the volumes", volumes, ask)
    for image in aws.images:
        yield "image", partial(account.image, aws, image, ask)
    if profile.images is not None and profile.images.account is not None:
        for image in profile.images.named().values():
            own = profile.images.account
            yield "image", partial(account.image, aws, image, ask, own)
    yield "quota", lambda: capacity.quotas(aws, ask)
    yield "instances", lambda: capacity.instances(aws, ask)
    yield "subnets", lambda: capacity.subnets(aws, ask)
    yield "VPC endpoints", lambda: capacity.endpoints(aws, ask)
    yield "offered", lambda: offered.services(profile, aws, ask)
    yield "offered", lambda: offered.hyperpod(aws, ask)
    yield "offered", lambda: offered.training_plans(aws, ask)
    yield "offered", lambda: offered.capacity_blocks(aws, ask)
    yield "offered", lambda: offered.p5(aws, ask)
