"""The laws of names in AWS: nothing is tied to one partition."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import botocore
import pytest
from pydantic import ValidationError

from hearth.aws import HyperPod, Image, arn, partition_of, registry_of, suffix_of
from hearth.errors import SpecError
from hearth.model import Stage
from hearth.profile import Profile, load_profile
from hearth.resources import SlurmSettings
from hearth.settings import settings
from hearth.yamlfile import BLANK

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ("hearth", "operators", "dags", "plugins", "profiles", "presets", "recipes", "rehearsal")
PARTITIONS = json.loads(
    (Path(botocore.__file__).parent / "data" / "partitions.json").read_text("utf-8")
)["partitions"]


def test_every_region_is_in_the_partition_that_botocore_says() -> None:
    for partition in PARTITIONS:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                assert partition_of(region) == partition["id"], region
                assert suffix_of(region) == partition["outputs"]["dnsSuffix"], region


@pytest.mark.parametrize("folder", SHIPPED)
def test_no_partition_and_no_host_of_aws_is_written_down(folder: str) -> None:
    tied = re.compile(r"arn:aws[a-z-]*:|\.amazonaws\.com(?!\.cn/)")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".yaml", ".json", ".html", ".md"}
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if tied.search(line) and "https://docs." not in line and "xmlns=" not in line
    ]
    assert found == []


def test_names_follow_the_region() -> None:
    assert arn("cn-north-1", "iam", "123456789012", "role/x").split(":")[1:4] == [
        "aws-cn",
        "iam",
        "",
    ]
    assert arn("us-west-2", "kms", "123456789012", "key/x").split(":")[3] == "us-west-2"
    assert registry_of("cn-north-1", "1" * 12).endswith(".cn-north-1.amazonaws.com.cn")
    own, aws = Image(repository="x", tag="1"), Image(repository="x", tag="1", account="aws")
    assert own.registry("cn-north-1", "2" * 12) == "2" * 12
    assert aws.registry("cn-north-1", "2" * 12) != aws.registry("us-west-2", "2" * 12)
    with pytest.raises(SpecError, match="not known in aws-iso"):
        aws.registry("us-iso-east-1", "2" * 12)


@pytest.mark.parametrize("name", ["aws", "aws-cn"])
def test_a_shipped_profile_with_blanks_is_refused_until_they_are_filled_in(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "profiles" / f"{name}.yaml").read_text("utf-8")
    monkeypatch.setenv("HEARTH_CONFIG", str(tmp_path))
    (tmp_path / "profiles").mkdir()
    path = tmp_path / "profiles" / f"{name}.yaml"
    path.write_text(text)
    settings.cache_clear()
    try:
        with pytest.raises(SpecError, match=r"storage\.uri = .*: fill it in") as refused:
            load_profile(name)
        values = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
        assert len(str(refused.value).splitlines()) == values.count(BLANK)
        owner = "1" * 12
        text = text.replace(f'account: "{BLANK}"', f'account: "{owner}"')
        path.write_text(text.replace(BLANK, "filled"))
        profile = load_profile(name)
        assert profile.aws
        # Nodes have interpreters; images are named where there are none.
        assert profile.image_of("curator") is None
        digest = "sha256:" + "ab" * 32
        named = re.sub(r"^  # (curator|model): ", r"  \1: ", text, flags=re.MULTILINE)
        named = re.sub(r"environments: \{.*\}", "environments: {}", named)
        named = named.replace(f"sha256:{BLANK}", digest).replace(BLANK, "filled")
        path.write_text(named)
        registry = registry_of(profile.aws.region, owner)
        assert load_profile(name).image_of("curator") == f"{registry}/hearth-curator@{digest}"
        assert load_profile(name).image_of("model") == f"{registry}/hearth-model@{digest}"
        path.write_text(named.replace(f'digest: "{digest}"', 'tag: "0.1.0"'))
        with pytest.raises(SpecError, match="by_digest refuses the tag"):
            load_profile(name)
        assert profile.aws.partition == name
        assert profile.storage.region == profile.aws.region
        # Training over two nodes works in a folder that both see, which is nobody's own disk.
        slurm = profile.compute.slurm
        assert slurm
        assert profile.compute.resources_of(Stage.TRAIN).nodes == 2
        assert slurm.shared not in {None, slurm.scratch}
        profile.compute.check()
        # What is made there says so, until somebody has tried it there.
        said = " ".join(profile.unverified)
        assert "REST API v0.0.43 was never tried" in said
        assert "only tried against an emulator" in said
    finally:
        settings.cache_clear()


def test_what_is_emulated_or_was_never_tried_is_to_be_recorded() -> None:
    slurm = {
        "user": "hearth", "environments": {}, "auto_resume": True,
        "rest": {"url": "http://pcs", "identity": "claims", "uid": 1, "gid": 1},
    }  # fmt: skip
    plain = {"storage": {"uri": "file:///x"}, "endpoint": {"url": "http://x"}, "name": "p"}
    assert Profile.model_validate(plain).unverified == ()
    aws = {"region": "us-west-2", "endpoint_url": "http://emulator"}
    profile = {**plain, "aws": aws, "compute": {"backend": "slurm", "slurm": slurm}}
    emulated, *untried = Profile.model_validate(profile).unverified
    assert "emulated at http://emulator" in emulated
    assert [any(word in one for one in untried) for word in ("v0.0.43", "PCS", "auto-resume")] == [
        True, True, True,
    ]  # fmt: skip
    tried = {**slurm, "auto_resume": False, "rest": {"url": "http://x", "api_version": "v0.0.38"}}
    assert SlurmSettings.model_validate(tried).untried == ()


def test_a_group_cannot_idle_above_its_count() -> None:
    group = {"name": "w", "instance_type": "ml.g5.xlarge", "count": 1, "idle": 2}
    with pytest.raises(ValidationError, match="idle = 2"):
        HyperPod.model_validate(
            {
                "cluster": "c",
                "execution_role": "r",
                "lifecycle": {"uri": "s3://x"},
                "groups": [group],
            }
        )


def test_hearth_is_imported_without_boto3() -> None:
    code = (
        "import sys\n"
        "sys.modules['boto3'] = sys.modules['botocore'] = None\n"
        "import hearth.awsapi, hearth.profile, hearth.preflight.run, hearth.hyperpod.plan\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
