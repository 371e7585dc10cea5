"""The laws of `docker-compose.yaml`: what no service may lack, and what its scripts refuse.

What the services do, started from their images, is tested by tests/images.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hearth.secretlike import looks_like_a_secret
from tests.images.containers import mounted, substituted

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docker-compose.yaml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(substituted(TEXT, {}))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = frozenset({"initialise"})
Service = dict[str, Any]


def loopback(_: str, service: Service) -> bool:
    """Ports are published on loopback alone: a number on its own would be open to the network."""
    return all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ()))


def limited(_: str, service: Service) -> bool:
    """No service can take the whole machine."""
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
    return {"memory", "cpus", "pids"} <= set(limits)


def rotated(_: str, service: Service) -> bool:
    """Its log cannot fill the disk."""
    return {"max-size", "max-file"} <= set(service.get("logging", {}).get("options", {}))


def restarted(name: str, service: Service) -> bool:
    """It comes back after a reboot; what runs once does not."""
    return bool(service.get("restart") == ("no" if name in ONCE else "unless-stopped"))


def checked(name: str, service: Service) -> bool:
    """Somebody sees whether it is well."""
    return name in ONCE or "test" in service.get("healthcheck", {})


def discreet(_: str, service: Service) -> bool:
    """Secrets are files: nothing in an environment or a command is one."""
    environment = service.get("environment", {})
    telling = re.compile(
        r"password|secret|token|private|credential|_key\b|sql_alchemy_conn", re.IGNORECASE
    )
    said = [*environment.values(), *service.get("command", ())]
    return not any(looks_like_a_secret(value) for value in said) and not any(
        telling.search(key) for key in environment if not key.endswith(("_FILE", "_CMD"))
    )


def confined(_: str, service: Service) -> bool:
    """Its root cannot be written, and it cannot become more than it is."""
    return (
        service.get("read_only") is True
        and service.get("cap_drop") == ["ALL"]
        and "no-new-privileges:true" in service.get("security_opt", ())
    )


def named(_: str, service: Service) -> bool:
    """What it keeps is in a volume with a name; of the machine it can write nothing."""
    return all(
        source in COMPOSE["volumes"] if mode == "rw" else source.startswith((".", "/"))
        for source, _, mode in map(mounted, service.get("volumes", ()))
    )


def ordered(_: str, service: Service) -> bool:
    """It waits for those that it needs to be well, not only to have begun."""
    needs = service.get("depends_on", {})
    return isinstance(needs, dict) and all(
        need["condition"]
        == ("service_completed_successfully" if name in ONCE else "service_healthy")
        for name, need in needs.items()
        if need.get("required", True)
    )


LAWS = (loopback, limited, rotated, restarted, checked, discreet, confined, named, ordered)
Law = Callable[[str, Service], bool]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is(name: str, law: Law) -> None:
    assert law(name, SERVICES[name]), law.__doc__


@pytest.mark.parametrize(
    ("law", "change"),
    [
        (loopback, {"ports": ["8080:8080"]}),
        (loopback, {"ports": ["0.0.0.0:8080:8080"]}),
        (limited, {"deploy": {"resources": {"limits": {"memory": "1g", "cpus": "1"}}}}),
        (rotated, {"logging": {"driver": "json-file"}}),
        (restarted, {"restart": "no"}),
        (checked, {"healthcheck": {}}),
        (discreet, {"environment": {"POSTGRES_PASSWORD": "airflow"}}),
        (discreet, {"environment": {"WHERE": "postgresql://airflow:airflow-8fK2q@postgres/airflow"}}),
        (confined, {"cap_drop": []}),
        (named, {"volumes": ["./logs:/var/log"]}),
        (named, {"volumes": ["unheard-of:/var/log"]}),
        (ordered, {"depends_on": {"postgres": {"condition": "service_started"}}}),
        (ordered, {"depends_on": ["postgres"]}),
    ],
)  # fmt: skip
def test_the_laws_find_what_is_wrong(law: Law, change: Service) -> None:
    assert not law("scheduler", SERVICES["scheduler"] | change)


def test_every_volume_and_every_secret_is_somebodys() -> None:
    used = {mounted(one)[0] for it in SERVICES.values() for one in it.get("volumes", ())}
    assert COMPOSE["volumes"].keys() <= used
    assert COMPOSE["secrets"].keys() == {
        secret for service in SERVICES.values() for secret in service.get("secrets", ())
    }


def test_every_secret_is_a_file_that_the_script_makes(tmp_path: Path) -> None:
    subprocess.run([ROOT / "docker" / "secrets", tmp_path], check=True, capture_output=True)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == COMPOSE["secrets"].keys()
    assert all(one["file"].startswith(".hearth/compose/") for one in COMPOSE["secrets"].values())


def test_what_is_not_there_is_refused_and_not_made_into_a_folder() -> None:
    """The one file of the machine's that the stack mounts and that a machine may not have."""
    for name in ("scheduler", "curator"):
        (trusted,) = [one for one in SERVICES[name]["volumes"] if isinstance(one, dict)]
        assert trusted["bind"] == {"create_host_path": False}
    places = {
        source
        for service in SERVICES.values()
        for source, _, _ in map(mounted, service.get("volumes", ()))
        if source.startswith("/")
    }
    assert places == {"/dev/null", trusted["source"]}


def test_a_runner_may_have_what_its_jobs_are_given() -> None:
    profile = yaml.safe_load((ROOT / "profiles" / "compose.yaml").read_text("utf-8"))
    job = profile["compute"]["resources"]
    for name in ("curator", "model"):
        limits = SERVICES[name]["deploy"]["resources"]["limits"]
        assert float(limits["cpus"]) >= job["cpus"]
        assert float(limits["memory"].removesuffix("g")) > job["memory_gib"]


def test_the_head_of_the_file_names_every_setting() -> None:
    head = TEXT[: TEXT.index("\nname:")]
    for variable in set(re.findall(r"\$\{(HEARTH_\w+)", TEXT)):
        assert variable in head, variable


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the scripts alone, beside which nothing is remembered yet."""
    (tmp_path / "docker").mkdir()
    for name in ("settings", "upgrade", "backup"):
        shutil.copy(ROOT / "docker" / name, tmp_path / "docker" / name)
    return tmp_path


def remembered(checkout: Path) -> dict[str, str]:
    lines = (checkout / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_profiles_are_remembered_until_others_are_named(checkout: Path) -> None:
    (checkout / ".env").write_text("HEARTH_POSTGRES=registry/postgres@sha256:0\n")
    script = checkout / "docker" / "settings"
    for words, profiles, executor, monitoring in (
        (["celery,monitoring"], "celery,monitoring", "CeleryExecutor", "True"),
        ([], "celery,monitoring", "CeleryExecutor", "True"),
        (["monitoring"], "monitoring", "LocalExecutor", "True"),
        ([""], "", "LocalExecutor", "False"),
    ):
        subprocess.run([script, *words], check=True)
        found = remembered(checkout)
        assert found.pop("HEARTH_POSTGRES").startswith("registry/")
        assert (
            found.pop("HEARTH_CERTIFICATES", None) is None
            or not Path("/etc/ssl/certs/ca-certificates.crt").exists()
        )
        assert found == {
            "COMPOSE_PROFILES": profiles,
            "HEARTH_EXECUTOR": executor,
            "HEARTH_MONITORING": monitoring,
        }


def test_a_profile_that_the_file_does_not_have_is_refused(checkout: Path) -> None:
    known = {profile for service in SERVICES.values() for profile in service.get("profiles", ())}
    script = checkout / "docker" / "settings"
    for profile in known:
        subprocess.run([script, profile], check=True)
    done = subprocess.run([script, "flower"], check=False, capture_output=True, text=True)
    assert done.returncode == 64
    assert all(profile in done.stderr for profile in known)


def upgrade(checkout: Path, folder: str, running: str) -> subprocess.CompletedProcess[str]:
    """Run the script beside an engine that says what runs, and writes down what it is asked."""
    engine = checkout / "engine"
    engine.write_text(
        '#!/bin/sh\necho "$*" >>asked\ncase "$*" in\n'
        f"*' ps '*) printf '%s\\n' {running} ;;\n"
        "'config --services') printf '%s\\n' scheduler store ;;\nesac\n"
    )
    engine.chmod(0o755)
    return subprocess.run(
        [checkout / "docker" / "upgrade", folder],
        env={**os.environ, "COMPOSE": str(engine), "HEARTH_SECRETS": str(checkout / "secrets")},
        check=False,
        capture_output=True,
        text=True,
        cwd=checkout,
    )


def test_an_upgrade_does_not_quietly_leave_a_profile_out(checkout: Path) -> None:
    (checkout / "secrets").mkdir()
    (checkout / "secrets" / "database_url").touch()
    done = upgrade(checkout, "before", "scheduler store worker redis")
    assert done.returncode == 78
    assert "redis, worker" in done.stderr
    assert "PROFILES=" in done.stderr
    asked = (checkout / "asked").read_text()
    assert not re.search(r"tag|stop|up", asked), "nothing was touched"


def test_an_upgrade_makes_no_new_secrets_for_an_old_database(checkout: Path) -> None:
    done = upgrade(checkout, "before", "scheduler store")
    assert done.returncode == 78
    assert "HEARTH_SECRETS" in done.stderr


@pytest.mark.parametrize("folder", ["latest", "before monday"])
def test_a_backup_whose_name_cannot_be_the_old_images_tag_is_refused(
    checkout: Path, folder: str
) -> None:
    assert upgrade(checkout, folder, "scheduler").returncode == 64
