"""What every task of a build needs first: the build that its DAG run is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from hearth.build import Build, BuildRecord, Run, build_id
from hearth.errors import HearthError, TransientError
from hearth.profile import load_profile
from hearth.storage import Store


class Opened(NamedTuple):
    """A build, and the store that it lies in."""

    root: Store
    build: Build
    record: BuildRecord


def run_of(context: Context) -> Run:
    """Return the DAG run of a task."""
    dag_run = context["dag_run"]
    return Run(dag_id=dag_run.dag_id, run_id=dag_run.run_id)


def id_of(context: Context) -> str:
    """Return the id of the build that a task belongs to: the same for every try of every task."""
    return build_id(str(context["params"]["recipe"]), context["dag_run"].run_after, run_of(context))


def open_named(profile: str, id_: str) -> Opened:
    """Open a build by its id.

    Args:
        profile: says where the store is. All else of it that counts is in the build's record.
        id_: the build's id.
    """
    root = Store.open(load_profile(profile).storage)
    build = Build(root, id_)
    return Opened(root, build, build.record())


def open_build(context: Context) -> Opened:
    """Open the build that a task belongs to."""
    return open_named(str(context["params"]["profile"]), id_of(context))


@contextmanager
def errors_for_airflow() -> Iterator[None]:
    """Let transient errors through, to be tried again; fail the task at once for all others."""
    try:
        yield
    except TransientError:
        raise
    except HearthError as error:
        fail(error)


def fail(error: HearthError) -> NoReturn:
    """Fail the task for good, in the error's own words."""
    message = f"{type(error).__name__}: {error}"
    raise AirflowFailException(message) from error


def params_of(context: Context) -> Mapping[str, Any]:
    """Return what the run was triggered with, defaults filled in, unknown keys among it."""
    return dict(context["params"])
