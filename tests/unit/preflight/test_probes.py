"""The laws of the probes, on answers as AWS gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from hearth.aws import AwsSettings
from hearth.awsapi import AwsRefused, AwsUnreachable
from hearth.model import Stage
from hearth.preflight import account, capacity, offered
from hearth.preflight.finding import Finding, Verdict, careful, worst
from hearth.preflight.run import preflight
from hearth.preflight.slurm import slurm
from hearth.profile import Profile, SecretRef
from hearth.resources import Resources

CHINA = "cn-northwest-1"
ROLE = "arn:aws-cn:sts::123456789012:assumed-role/airflow/session"


class Recorded:
    """An account that answers what was written down, and refuses the rest."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"get_caller_identity": {"Arn": ROLE, "Account": "123456789012"}} | answers
        self.regions: dict[str, tuple[str, ...]] = {}
        self.asked: list[dict[str, Any]] = []

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments)
        answer = self.answers.get(operation)
        if answer is None:
            msg = f"{service}:{operation}"
            raise AwsRefused(msg, "AccessDeniedException", "not authorized")
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def regions_of(self, service: str) -> tuple[str, ...]:
        return self.regions.get(service, (CHINA, "us-west-2"))


def aws(**changes: Any) -> AwsSettings:
    hyperpod = {
        "cluster": "hearth",
        "execution_role": "nodes",
        "lifecycle": {"uri": "s3://sagemaker-x/lifecycle"},
        "groups": [{"name": "workers", "instance_type": "ml.p4d.24xlarge", "count": 2}],
    }
    return AwsSettings.model_validate(
        {"region": CHINA, "subnets": ["subnet-1"], "hyperpod": hyperpod, **changes}
    )


def profile(settings: AwsSettings | None = None, **changes: Any) -> Profile:
    return Profile.model_validate(
        {
            "name": "x",
            "storage": {"uri": "s3://bucket", "region": CHINA, "kms_key": "alias/k"},
            "endpoint": {"url": "http://127.0.0.1:1"},
            "aws": settings or aws(),
            **changes,
        }
    )


def slurmy(**rest: Any) -> Profile:
    return profile(
        compute={
            "backend": "slurm",
            "slurm": {
                "user": "hearth",
                "environments": {"model": "/x"},
                "rest": {"url": "http://head:6820", "api_version": "v0.0.38", **rest},
            },
        },
        secrets={"slurm_key": {"env": "HEARTH_TEST_SLURM_KEY"}},
    )


def only(findings: Any) -> Finding:
    (one,) = list(findings)
    assert isinstance(one, Finding)
    return one


def test_an_account_of_another_partition_is_no_good() -> None:
    wrong = "arn:aws:iam::123456789012:user/me"
    ask = Recorded(get_caller_identity={"Arn": wrong, "Account": "1"})
    assert only(account.identity(aws(), ask)).verdict is Verdict.FAIL
    assert only(account.identity(aws(), Recorded())).verdict is Verdict.PASS


def test_a_store_in_another_region_is_no_good() -> None:
    far = profile(storage={"uri": "s3://bucket", "region": "cn-north-1"})
    assert only(account.region(far, aws())).verdict is Verdict.FAIL  # and nothing passes beside it
    assert worst(account.region(profile(), aws())) is Verdict.PASS


def test_a_name_of_another_partition_is_no_good() -> None:
    key = f"arn:aws:kms:{CHINA}:123456789012:key/x"
    assert worst(account.region(profile(), aws(kms_key=key))) is Verdict.FAIL


@pytest.mark.parametrize(
    ("key", "verdict"),
    [
        ({"KeyManager": "AWS"}, Verdict.FAIL),
        ({"KeyState": "PendingDeletion"}, Verdict.FAIL),
        ({"KeyUsage": "SIGN_VERIFY"}, Verdict.FAIL),
        ({}, Verdict.PASS),
    ],
)
def test_a_key_is_enabled_and_the_customers(key: dict[str, str], verdict: Verdict) -> None:
    good = {"KeyManager": "CUSTOMER", "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT"}
    ask = Recorded(describe_key={"KeyMetadata": good | key})
    assert only(account.kms_key("the store", "alias/k", ask)).verdict is verdict


@pytest.mark.parametrize(
    ("value", "verdict"), [(1.0, Verdict.FAIL), (2.0, Verdict.PASS), (None, Verdict.UNKNOWN)]
)
def test_a_quota_covers_the_nodes_of_every_group(value: float | None, verdict: Verdict) -> None:
    rows = [{"QuotaName": "ml.p4d.24xlarge for cluster usage", "Value": value}] if value else []
    assert (
        only(capacity.quotas(aws(), Recorded(list_service_quotas={"Quotas": rows}))).verdict
        is verdict
    )


def network(**changes: Any) -> Recorded:
    subnet = {"AvailabilityZone": "a", "VpcId": "vpc-1", "AvailableIpAddressCount": 9}
    return Recorded(
        describe_subnets={"Subnets": [subnet]},
        **{
            "describe_instance_type_offerings": {"InstanceTypeOfferings": [{"Location": "a"}]},
            **changes,
        },
    )


@pytest.mark.parametrize(
    ("zones", "verdict"), [(["a"], Verdict.PASS), (["b"], Verdict.FAIL), ([], Verdict.FAIL)]
)
def test_nodes_are_offered_where_the_subnets_lie(zones: list[str], verdict: Verdict) -> None:
    rows = [{"Location": zone} for zone in zones]
    ask = network(describe_instance_type_offerings={"InstanceTypeOfferings": rows})
    assert only(capacity.instances(aws(), ask)).verdict is verdict


def test_services_are_reached_within_the_vpc_whatever_their_names_begin_with() -> None:
    names = [f"com.amazonaws.{CHINA}.s3", f"cn.com.amazonaws.{CHINA}.sagemaker.api"]
    ask = network(describe_vpc_endpoints={"VpcEndpoints": [{"ServiceName": n} for n in names]})
    found = only(capacity.endpoints(aws(vpc_endpoints=["s3", "sagemaker.api", "kms"]), ask))
    assert found.verdict is Verdict.FAIL
    assert found.detail == "has none for kms"


def test_pcs_is_named_as_not_offered_in_china_with_its_fallback() -> None:
    ask = Recorded()
    ask.regions["pcs"] = ()
    found = list(offered.services(profile(), aws(), ask))[-1]
    assert (found.subject, found.verdict) == ("AWS PCS", Verdict.PASS)
    assert "is not offered in cn-northwest-1" in found.detail
    assert "instead: HyperPod with Slurm" in found.detail
    used = slurmy(identity="claims", uid=1, gid=1)
    assert list(offered.services(used, aws(), ask))[-1].verdict is Verdict.FAIL


def test_hyperpod_in_china_is_unconfirmed_even_if_it_answers() -> None:
    ask = Recorded(list_clusters={"ClusterSummaries": []})
    found = only(offered.hyperpod(aws(), ask))
    assert found.verdict is Verdict.UNKNOWN
    assert "unconfirmed for China" in found.detail
    assert "ParallelCluster" in found.fix
    assert only(offered.hyperpod(aws(region="us-west-2"), ask)).verdict is Verdict.PASS


def test_what_aws_does_not_know_is_not_offered() -> None:
    refused = AwsRefused("sagemaker:list_clusters", "UnknownOperationException", "?")
    found = only(offered.hyperpod(aws(), Recorded(list_clusters=refused)))
    assert found.verdict is Verdict.FAIL
    assert "instead" in found.fix


@pytest.mark.parametrize("probe", [offered.training_plans, offered.capacity_blocks, offered.p5])
def test_what_no_profile_uses_fails_none(probe: Any) -> None:
    gone = AwsUnreachable("no endpoint")
    ask = network(list_training_plans=gone, describe_capacity_block_offerings=gone)
    found = only(probe(aws(), ask))
    assert found.verdict is Verdict.PASS
    assert "instead" in found.detail


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (AwsRefused("ec2:describe_subnets", "UnauthorizedOperation", ""), Verdict.UNKNOWN),
        (AwsRefused("ec2:describe_subnets", "InvalidSubnetID.NotFound", ""), Verdict.FAIL),
        (AwsUnreachable("away"), Verdict.UNKNOWN),
    ],
)
def test_what_cannot_be_asked_is_not_told_and_what_is_not_there_fails(
    error: Exception, verdict: Verdict
) -> None:
    found = careful("subnets", lambda: capacity.subnets(aws(), Recorded(describe_subnets=error)))
    assert only(found).verdict is verdict


def test_a_denied_probe_names_the_permission_that_it_lacks() -> None:
    found = only(careful("subnets", lambda: capacity.subnets(aws(), Recorded())))
    assert "ec2:DescribeSubnets" in found.fix


def test_no_probe_stops_another() -> None:
    found = preflight(profile(), Recorded())
    assert {one.probe for one in found} >= {
        "identity",
        "permissions",
        "quota",
        "subnets",
        "offered",
    }
    assert preflight(Profile.model_validate(
        {"name": "x", "storage": {"uri": "file:///x"}, "endpoint": {"url": "http://x"}}
    )) == []  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "verdict", "word"),
    [
        (200, {"meta": {"Slurm": {"release": "22.05.8"}}}, Verdict.PASS, "as Slurm 22.05.8"),
        (401, {}, Verdict.FAIL, "refuses the token"),
        (404, {}, Verdict.FAIL, "has no API v0.0.38"),
        (200, {"pings": [{"ping": "DOWN"}]}, Verdict.UNKNOWN, "its slurmctld does not"),
        (500, {}, Verdict.UNKNOWN, "answers 500"),
        (
            500,
            {"errors": [{"error": "Zero Bytes were transmitted", "error_number": 1003}]},
            Verdict.UNKNOWN,
            "answers 500: Zero Bytes were transmitted",
        ),
        (
            500,
            {"errors": [{"description": "Protocol authentication error", "error_number": 1007}]},
            Verdict.FAIL,
            "it does not take the token of hearth",
        ),
    ],
)
def test_slurm_is_asked_for_its_version_with_a_token(
    monkeypatch: pytest.MonkeyPatch, status: int, body: Any, verdict: Verdict, word: str
) -> None:
    monkeypatch.setenv("HEARTH_TEST_SLURM_KEY", "k" * 32)
    seen: list[dict[str, str]] = []

    def get(url: str, headers: dict[str, str]) -> httpx.Response:
        assert url == "http://head:6820/slurm/v0.0.38/ping"
        seen.append(headers)
        return httpx.Response(status, json=body)

    found = only(slurm(slurmy(), get))
    assert (found.verdict, word in found.detail) == (verdict, True)
    assert seen[0]["X-SLURM-USER-TOKEN"]


def test_a_cluster_without_a_folder_that_all_nodes_see_fails(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 32)
    apart = slurmy()
    stages = {Stage.TRAIN: Resources(nodes=2)}
    compute = apart.compute.model_copy(update={"stages": stages})
    wide = apart.model_copy(
        update={"compute": compute, "secrets": {"slurm_key": SecretRef(file=key)}}
    )
    first, _ = slurm(wide, lambda *_: httpx.Response(200, json={}))
    assert (first.subject, first.verdict) == ("shared", Verdict.FAIL)
    assert "compute of train: nodes = 2" in first.detail


def commands(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> Finding:
    """What is found where Slurm's commands say this."""
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    here = {"user": "hearth", "environments": {"model": "/x"}, "partition": "dev"}
    return only(slurm(profile(compute={"backend": "slurm", "slurm": here})))


def test_a_slurm_by_its_commands_is_asked_for_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = "echo 'SLURM_CONF = /etc/slurm.conf'; echo 'SLURM_VERSION           = 23.11.4'"
    found = commands(tmp_path, monkeypatch, scontrol=config, sinfo="echo 3")
    assert (found.verdict, "as Slurm 23.11.4" in found.detail) == (Verdict.PASS, True)
    found = commands(tmp_path, monkeypatch, scontrol=config, sinfo="true")
    assert (found.verdict, found.subject) == (Verdict.FAIL, "dev")
    away = "echo 'slurm_load_ctl_conf error: Unable to contact slurm controller' >&2; exit 1"
    found = commands(tmp_path, monkeypatch, scontrol=away)
    assert (found.verdict, "Unable to contact" in found.detail) == (Verdict.UNKNOWN, True)
    munge = "echo 'error: Munge encode failed: Protocol authentication error' >&2; exit 1"
    assert commands(tmp_path, monkeypatch, scontrol=munge).verdict is Verdict.FAIL


def test_a_slurm_that_does_not_answer_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_TEST_SLURM_KEY", "k" * 32)

    def get(_url: str, _headers: dict[str, str]) -> httpx.Response:
        msg = "refused"
        raise httpx.ConnectError(msg)

    assert only(slurm(slurmy(), get)).verdict is Verdict.UNKNOWN


def test_an_image_is_looked_for_by_its_digest_in_the_account_that_the_profile_names() -> None:
    digest = "sha256:" + "ab" * 32
    ask = Recorded(describe_images={"imageDetails": [{"imageDigest": digest}]})
    images = {"account": "2" * 12, "model": {"repository": "m", "tag": "1", "digest": digest}}
    found = [one for one in preflight(profile(images=images), ask) if one.probe == "image"]
    assert [one.verdict for one in found] == [Verdict.PASS]
    assert {
        "registryId": "2" * 12,
        "repositoryName": "m",
        "imageIds": [{"imageDigest": digest}],
    } in (ask.asked)


def test_an_image_in_another_registry_is_not_claimed_to_be_there() -> None:
    images = {"registry": "images.lan", "model": {"repository": "m", "tag": "1"}}
    found = [one for one in preflight(profile(images=images), Recorded()) if one.probe == "image"]
    assert [one.verdict for one in found] == [Verdict.UNKNOWN]
    assert found[0].subject == "images.lan/m:1"
