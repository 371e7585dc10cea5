from __future__ import annotations

import stat
from pathlib import Path

from hearth.stack.secrets import Secrets, write_private
from hearth.stack.store import key_pair


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_a_secret(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    made = secrets.ensure()
    assert mode(secrets.folder) == 0o700
    assert made
    assert {mode(path) for path in made} == {0o600}


def test_secrets_are_generated_once(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    before = {path: path.read_bytes() for path in secrets.ensure()}
    assert secrets.ensure() == []
    assert {path: path.read_bytes() for path in before} == before


def test_no_two_stacks_have_a_secret_in_common(tmp_path: Path) -> None:
    one, other = Secrets(tmp_path / "one"), Secrets(tmp_path / "other")
    for mine, theirs in zip(one.ensure(), other.ensure(), strict=True):
        assert mine.name == theirs.name
        assert mine.read_bytes() != theirs.read_bytes()
    assert one.admin_password() != other.admin_password()


def test_permissions_that_were_loosened_are_tightened_again(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.ensure()
    secrets.folder.chmod(0o755)
    secrets.content_key.chmod(0o644)
    secrets.ensure()
    assert (mode(secrets.folder), mode(secrets.content_key)) == (0o700, 0o600)


def test_keys_of_hashes_are_32_bytes_each_and_differ(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    secrets.ensure()
    keys = {secrets.content_key.read_text(), secrets.pii_key.read_text()}
    assert [len(bytes.fromhex(key)) for key in keys] == [32, 32]


def test_the_key_pair_is_read_back_from_the_credentials_file(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    secrets.ensure()
    access, secret = key_pair(secrets)
    assert access.startswith("HEARTH")
    assert len(secret) >= 32


def test_a_private_file_is_never_readable_by_others_even_over_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), mode(path)) == ("new", 0o600)
