"""Laws of the rehearsed Slurm's database: it leaves another alone, and is never half there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.slurm import Cluster
from rehearsal.slurm import cluster as module
from tests.compute.conftest import new_cluster

pytestmark = pytest.mark.slurm


def start(cluster: Cluster) -> None:
    cluster._lay_out(None)
    cluster._start_database()


@pytest.fixture
def another() -> Iterator[Cluster]:
    """A cluster that nobody has started."""
    with new_cluster() as cluster:
        yield cluster


def test_a_database_that_starts_leaves_the_temporary_tables_of_others_alone(
    another: Cluster,
) -> None:
    with tempfile.NamedTemporaryFile(prefix="#sql-temptable-", suffix=".MAI") as table:
        start(another)
        assert Path(table.name).exists()


def test_a_database_that_could_not_be_made_says_why_and_is_made_anew_next_time(
    another: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = tmp_path / "tables.sql"
    tables.write_text("create nonsense;\n")
    with monkeypatch.context() as patch:
        patch.setattr(module, "_TABLES", tables)
        with pytest.raises(RuntimeError, match=r"bootstrap failed.*\n(.*\n)*.*nonsense"):
            start(another)
    start(another)
