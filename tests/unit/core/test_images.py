"""The laws of images: which one a job runs in, by a name that cannot be moved."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hearth.aws import Image
from hearth.compute.local import LocalBackend
from hearth.compute.registry import open_backend
from hearth.compute.slurm.backend import SlurmBackend
from hearth.compute.slurm.container import enroot
from hearth.profile import Profile
from hearth.settings import settings

DIGEST = "sha256:" + "ab" * 32
OURS = "1" * 12


def profile(**changes: Any) -> Profile:
    known: dict[str, Any] = {
        "name": "x",
        "storage": {"uri": "file:///nowhere"},
        "endpoint": {"url": "http://127.0.0.1:1"},
        "compute": {
            "backend": "runner",
            "runner": {"addresses": {"model": "http://model:8000"}, "token": "t"},
        },
    }
    return Profile.model_validate({**known, **changes})


def slurmy(**changes: Any) -> dict[str, Any]:
    slurm = {"user": "hearth", "environments": {"curator": "/opt/python"}}
    return {"backend": "slurm", "slurm": {**slurm, **changes}}


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-northwest-1", f"{OURS}.dkr.ecr.cn-northwest-1.amazonaws.com.cn"),
        ("us-west-2", f"{OURS}.dkr.ecr.us-west-2.amazonaws.com"),
        ("eusc-de-east-1", f"{OURS}.dkr.ecr.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_an_image_in_ecr_is_pulled_from_the_registry_of_the_region(region: str, host: str) -> None:
    images = {"account": OURS, "model": {"repository": "hearth/model", "digest": DIGEST}}
    made = profile(images=images, aws={"region": region})
    assert made.image_of("model") == f"{host}/hearth/model@{DIGEST}"
    assert made.image_of("curator") is None


def test_an_image_of_awss_own_is_pulled_from_its_account_in_the_partition() -> None:
    images = {
        "account": OURS,
        "model": {"repository": "djl-inference", "tag": "1", "account": "aws"},
    }
    china = profile(images=images, aws={"region": "cn-north-1"}).image_of("model")
    assert china == "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/djl-inference:1"


def test_a_registry_of_ones_own_needs_no_aws() -> None:
    images = {"registry": "images.lan:5000/llm", "curator": {"repository": "curator", "tag": "1"}}
    assert profile(images=images).image_of("curator") == "images.lan:5000/llm/curator:1"


def test_on_this_machine_jobs_run_in_environments_whatever_images_there_are() -> None:
    images = {"registry": "images.lan", "model": {"repository": "m", "tag": "1"}}
    local = profile(images=images, compute={})
    assert local.image_of("model") is None
    assert isinstance(open_backend(local, settings()), LocalBackend)


def test_where_digests_are_asked_for_a_tag_is_refused_with_the_place_to_mend() -> None:
    images = {"registry": "images.lan", "by_digest": True, "model": {"repository": "m", "tag": "1"}}
    with pytest.raises(ValidationError, match=r"images\.model: by_digest refuses the tag '1'"):
        profile(images=images)
    images["model"] = {"repository": "m", "tag": "1", "digest": DIGEST}
    assert profile(images=images).image_of("model") == f"images.lan/m@{DIGEST}"


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ({}, "name either registry, or account"),
        ({"registry": "x.lan", "account": OURS}, "name either registry, or account"),
        ({"account": OURS, "model": {"repository": "m", "tag": "1"}}, "aws.region"),
        (
            {"registry": "x.lan", "model": {"repository": "m", "tag": "1", "account": OURS}},
            "only ECR has accounts",
        ),
        ({"registry": "x.lan", "model": {"repository": "m"}}, "name its digest, or its tag"),
    ],
)
def test_images_that_cannot_be_named_are_refused(images: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        profile(images=images)


def test_on_a_cluster_an_environment_without_interpreter_runs_in_its_image_and_says_so() -> None:
    images = {
        "registry": "images.lan/llm",
        "curator": {"repository": "curator", "digest": DIGEST},
        "model": {"repository": "model", "digest": DIGEST},
    }
    made = profile(images=images, compute=slurmy())
    backend = open_backend(made, settings())
    assert isinstance(backend, SlurmBackend)
    assert backend.images == {"model": f"images.lan/llm/model@{DIGEST}"}
    assert any("Pyxis" in line for line in made.unverified)
    on_nodes = slurmy(environments={"curator": "/opt/python", "model": "/opt/python"})
    assert not any("Pyxis" in one for one in profile(images=images, compute=on_nodes).unverified)


def test_enroot_reads_a_reference_with_its_own_marks() -> None:
    assert enroot(f"host.lan:5000/a/b@{DIGEST}") == f"host.lan:5000#a/b:{DIGEST}"
    assert enroot("host.lan/a:1") == "host.lan#a:1"
    assert Image(repository="a", tag="1").name == "a:1"
