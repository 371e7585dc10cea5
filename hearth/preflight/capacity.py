"""Whether nodes can be had, and be reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from hearth.aws import AwsSettings, Quota
from hearth.preflight.finding import Ask, Finding, failed, passed, unknown

_ML: Final = "ml."


def quotas(aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether the account may have as many nodes as the cluster wants, and what else is asked."""
    wanted = [*aws.quotas]
    for instance_type, count in _nodes(aws).items():
        wanted.append(Quota(name=f"{instance_type} for cluster usage", at_least=max(count, 1)))
    listed: dict[str, dict[str, float]] = {}
    for quota in wanted:
        if quota.service not in listed:
            listed[quota.service] = _listed(ask, quota.service)
        value = listed[quota.service].get(quota.name)
        subject = f"{quota.service}, {quota.name}"
        if value is None:
            yield unknown("quota", subject, "is not listed", "look for it in the console")
        elif value < quota.at_least:
            yield failed(
                "quota", subject, f"is {value:g}, and {quota.at_least:g} are needed",
                "ask for more in the Service Quotas console",
            )  # fmt: skip
        else:
            yield passed("quota", subject, f"is {value:g}, and {quota.at_least:g} are needed")


def instances(aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether the instance types are offered in the subnets' zones.

    EC2 answers for its own types: SageMaker may offer fewer.
    """
    zones = {subnet["AvailabilityZone"] for subnet in _subnets(aws, ask)}
    for instance_type in _nodes(aws):
        offered = offerings(ask, instance_type.removeprefix(_ML))
        if not offered:
            yield failed(
                "instances", instance_type, f"is not offered in {aws.region}",
                "choose another type, or another region",
            )  # fmt: skip
        elif zones and not offered & zones:
            yield failed(
                "instances", instance_type,
                f"is offered in {', '.join(sorted(offered))}, and the subnets lie in "
                f"{', '.join(sorted(zones))}",
                "add a subnet in one of those zones",
            )  # fmt: skip
        else:
            where = ", ".join(sorted(offered & zones or offered))
            yield passed("instances", instance_type, f"offered in {where}")


def subnets(aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether the subnets exist, in one VPC, with addresses enough."""
    found = _subnets(aws, ask)
    if not aws.subnets:
        yield unknown(
            "subnets", "aws.subnets", "names none: SageMaker would use a network of its own",
            "name private subnets, so that nothing leaves the VPC",
        )  # fmt: skip
        return
    vpcs = {subnet["VpcId"] for subnet in found}
    if len(vpcs) > 1:
        yield failed(
            "subnets", ", ".join(aws.subnets), f"lie in {len(vpcs)} VPCs", "name subnets of one"
        )
    free = sum(int(subnet["AvailableIpAddressCount"]) for subnet in found)
    nodes = sum(_nodes(aws).values())
    if free < nodes:
        yield failed(
            "subnets", ", ".join(aws.subnets), f"{free} free addresses for {nodes} nodes",
            "use larger subnets; EFA types need one address for each interface",
        )  # fmt: skip
    elif len(vpcs) == 1:
        yield passed("subnets", ", ".join(aws.subnets), f"{free} free addresses for {nodes} nodes")


def endpoints(aws: AwsSettings, ask: Ask) -> Iterator[Finding]:
    """Whether the VPC reaches the services that a build needs without the internet."""
    vpcs = sorted({subnet["VpcId"] for subnet in _subnets(aws, ask)})
    if not vpcs:
        return
    answer = ask.call("ec2", "describe_vpc_endpoints", Filters=[{"Name": "vpc-id", "Values": vpcs}])
    # The names begin with com.amazonaws, or with cn.com.amazonaws.
    there = {
        str(one["ServiceName"]).rsplit(f".{aws.region}.", 1)[-1] for one in answer["VpcEndpoints"]
    }
    missing = [service for service in aws.vpc_endpoints if service not in there]
    if missing:
        yield failed(
            "VPC endpoints", ", ".join(vpcs), f"has none for {', '.join(missing)}",
            "create them; or, where traffic may leave the VPC, drop them from aws.vpc_endpoints",
        )  # fmt: skip
    else:
        yield passed("VPC endpoints", ", ".join(vpcs), f"has {', '.join(aws.vpc_endpoints)}")


def offerings(ask: Ask, instance_type: str) -> set[str]:
    """Return the zones that EC2 offers a type in."""
    answer = ask.call(
        "ec2",
        "describe_instance_type_offerings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [instance_type]}],
    )
    return {str(row["Location"]) for row in answer["InstanceTypeOfferings"]}


def _nodes(aws: AwsSettings) -> Counter[str]:
    counts: Counter[str] = Counter()
    for group in aws.hyperpod.groups if aws.hyperpod else ():
        counts[group.instance_type] += group.count
    return counts


def _subnets(aws: AwsSettings, ask: Ask) -> list[dict[str, Any]]:
    if not aws.subnets:
        return []
    answer = ask.call("ec2", "describe_subnets", SubnetIds=list(aws.subnets))
    return list(answer["Subnets"])


def _listed(ask: Ask, service: str) -> dict[str, float]:
    found: dict[str, float] = {}
    token: dict[str, str] = {}
    while True:
        answer = ask.call("service-quotas", "list_service_quotas", ServiceCode=service, **token)
        found |= {str(row["QuotaName"]): float(row["Value"]) for row in answer["Quotas"]}
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}
