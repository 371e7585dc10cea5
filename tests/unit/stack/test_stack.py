from __future__ import annotations

from pathlib import Path

import pytest

from hearth.errors import SpecError
from hearth.settings import Settings
from hearth.stack.daemon import MARK
from hearth.stack.stack import Stack


def settings(home: Path, **changes: object) -> Settings:
    return Settings(_env_file=None, home=home, **changes)  # type: ignore[call-arg, arg-type]


def test_no_secret_is_in_the_environment_of_a_daemon(tmp_path: Path) -> None:
    stack = Stack(settings(tmp_path))
    made = stack.secrets.ensure()
    secrets = {path.read_text().strip() for path in made} | {stack.secrets.admin_password()}
    for daemon in stack.daemons.values():
        said = "\n".join([*daemon.environment.values(), *daemon.command])
        assert not [secret for secret in secrets if secret in said]


def test_a_person_s_own_settings_do_not_reach_the_daemons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AIRFLOW__CORE__EXECUTOR", "HEARTH_S3_PORT", "PYTHONPATH"):
        monkeypatch.setenv(name, "12345")
    stack = Stack(settings(tmp_path, s3_port=20000))
    for daemon in stack.daemons.values():
        assert "AWS_PROFILE" not in daemon.environment
        assert "PYTHONPATH" not in daemon.environment
        assert daemon.environment["HEARTH_S3_PORT"] == "20000"
        assert daemon.environment.get("AIRFLOW__CORE__EXECUTOR") in {None, "LocalExecutor"}


def test_every_daemon_carries_the_mark_of_its_stack_alone(tmp_path: Path) -> None:
    one, other = Stack(settings(tmp_path / "one")), Stack(settings(tmp_path / "other"))
    marks = [
        {daemon.environment[MARK] for daemon in stack.daemons.values()} for stack in (one, other)
    ]
    assert [len(mark) for mark in marks] == [1, 1]
    assert marks[0] != marks[1]


def test_everything_that_listens_does_so_on_loopback(tmp_path: Path) -> None:
    stack = Stack(settings(tmp_path))
    assert "-ip.bind=127.0.0.1" in stack.daemons["store"].command
    assert stack.environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    for name in ("scheduler", "triggerer"):
        assert "--skip-serve-logs" in stack.daemons[name].command


def test_a_profile_whose_store_is_elsewhere_is_refused(tmp_path: Path) -> None:
    profiles = tmp_path / "config" / "profiles"
    profiles.mkdir(parents=True)
    (profiles / "local.yaml").write_text(
        "name: local\nstorage: {uri: 's3://bucket', region: cn-north-1}\n"
        "endpoint: {url: 'http://127.0.0.1:1'}\n"
    )
    stack = Stack(settings(tmp_path / "home", config=tmp_path / "config"))
    with pytest.raises(SpecError, match="HEARTH_PROFILE"):
        stack.up()


def test_stopping_what_never_ran_stops_nothing(tmp_path: Path) -> None:
    assert not Stack(settings(tmp_path)).stop()


def test_lineage_goes_where_the_profile_says_and_up_refuses_what_is_not_there(
    tmp_path: Path,
) -> None:
    profiles, transport = tmp_path / "config" / "profiles", tmp_path / "openlineage.yml"
    profiles.mkdir(parents=True)
    shipped = (settings(tmp_path).profiles / "local.yaml").read_text()
    (profiles / "local.yaml").write_text(f"{shipped}lineage: {{transport: {transport}}}\n")
    stack = Stack(settings(tmp_path / "home", config=tmp_path / "config"))
    assert stack.environment["AIRFLOW__OPENLINEAGE__CONFIG_PATH"] == str(transport)
    assert "AIRFLOW__OPENLINEAGE__TRANSPORT" not in stack.environment
    with pytest.raises(SpecError, match=r"openlineage\.yml: is no file"):
        stack.up()
    assert not stack.stop(), "nothing was started"
