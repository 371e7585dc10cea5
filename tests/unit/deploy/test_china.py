"""The laws of the pages on China: both say what the code knows, and what botocore lists."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import pytest
import yaml

from hearth.aws import _CONTAINER_ACCOUNTS, registry_of
from hearth.preflight import offered
from tests.documented import commands

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGES = {"china.md": "unconfirmed", "china.zh-CN.md": "未经确认"}
CHINA = ["cn-north-1", "cn-northwest-1"]
LISTED = (
    "ecr", "eks", "fsx", "kms", "mwaa", "rds", "sagemaker", "secretsmanager", "service-quotas",
    "ssm",
)  # fmt: skip


def rows(page: str) -> dict[str, list[str]]:
    text = (DOCS / page).read_text("utf-8")
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    return {row[0]: row for row in cells}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_each_thing_that_preflight_doubts_and_doubts_it_too(page: str) -> None:
    table = rows(page)
    for feature in (
        offered.HYPERPOD, offered.PCS, offered.TRAINING_PLANS, offered.CAPACITY_BLOCKS, offered.P5
    ):  # fmt: skip
        row = table[feature.name]
        assert (f"**{PAGES[page]}**" in row[1]) is (feature is not offered.PCS)
        if page == "china.md":
            assert row[2] == feature.fallback


@pytest.mark.parametrize("page", PAGES)
def test_a_page_gives_the_registry_as_it_is_built(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert registry_of("cn-north-1", "ACCOUNT").replace("cn-north-1", "REGION") in text
    assert all(account in text for account in _CONTAINER_ACCOUNTS.values())


def test_what_the_pages_call_listed_botocore_lists_and_the_rest_not() -> None:
    session = boto3.Session()
    for service in LISTED:
        assert sorted(session.get_available_regions(service, partition_name="aws-cn")) == CHINA
    for service in ("pcs", "codeartifact"):
        assert session.get_available_regions(service, partition_name="aws-cn") == []


def test_the_machine_of_the_endpoint_runs_what_the_compose_file_has_it_run() -> None:
    compose = yaml.safe_load((DOCS.parent / "docker-compose.yaml").read_text("utf-8"))
    service = compose["services"]["endpoint"]
    (told,) = [it for it in commands() if "supervisor" in it.text]
    assert told.words[-len(service["command"]) :] == service["command"]
    given = dict(re.findall(r"--env (\w+)=(\S+)", told.text))
    assert set(service["environment"]) <= {*given, "<<"}
    assert given["HEARTH_ENDPOINT_HOST"] == service["environment"]["HEARTH_ENDPOINT_HOST"]
    for volume in service["volumes"]:
        assert f":{volume.partition(':')[2]}" in told.text


def test_both_pages_have_the_same_tables() -> None:
    first, second = ((DOCS / page).read_text("utf-8") for page in PAGES)
    shape = re.compile(r"^[|#]", re.MULTILINE)
    assert len(shape.findall(first)) == len(shape.findall(second))
    literal = re.compile(r"`[^`\n]+`")
    assert set(literal.findall(first)) == set(literal.findall(second))
