"""The laws of the audit of the images' packages: what the database does not know is not audited."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images.audit import audit

# Stands for pip-audit, and knows two packages of every lock: the first is weak, the second is not.
_TOOL = """
import json, re, sys
said = dict(word.split("=", 1) for word in sys.argv if "=" in word)
pins = re.findall(r"^(\\S+)==(\\S+)", open(said["--requirement"]).read(), re.MULTILINE)
known = [{"name": name, "version": version, "vulns": []} for name, version in pins[:2]]
known[0]["vulns"] = [{"id": "CVE-1"}]
skipped = [{"name": name, "skip_reason": "not found"} for name, _ in pins[2:]]
json.dump({"dependencies": known + skipped}, open(said["--output"], "w"))
"""


def test_what_the_database_knows_nothing_of_is_not_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pip_audit.py").write_text(_TOOL)
    found = audit(tmp_path)
    assert 2 <= found["audited"] <= 10
    assert found["packages"] > 300
    assert found["weaknesses"]
    assert all(one.endswith(": CVE-1") for one in found["weaknesses"])
    said = capsys.readouterr().out
    assert (
        f"unverified: what is known against {found['packages'] - found['audited']} packages" in said
    )
    assert f"known weakness: {found['weaknesses'][0]}" in said


def test_without_the_tool_nothing_is_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = audit(tmp_path)
    assert (found["audited"], found["weaknesses"]) == (0, [])
    assert "unverified" in capsys.readouterr().out
