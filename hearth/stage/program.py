"""The program around a stage's work: read the job, run, publish, record, say how it ended."""

from __future__ import annotations

import argparse
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hearth.artifact import Artifact, ArtifactRecord
from hearth.attempt import CLAIM, Attempt, Claim, Outcome, exit_of
from hearth.errors import (
    EXIT_DEFECT,
    EXIT_OK,
    ConflictError,
    HearthError,
    SpecError,
)
from hearth.failures import for_want_of_room, named
from hearth.model import Stage, StageSpec
from hearth.provenance import Meter, provenance
from hearth.s3 import WORKED
from hearth.stage.context import Context
from hearth.stage.job import Job
from hearth.storage import Store
from hearth.storagesettings import StorageSettings

log = logging.getLogger(__name__)

Run = Callable[[Context], dict[str, Any]]


def main(
    stage: Stage,
    contract: int,
    spec: type[StageSpec],
    run: Run,
    arguments: list[str] | None = None,
) -> int:
    """Run a stage program.

    Args:
        stage: which.
        contract: the version of its promise; a job for another one is refused.
        spec: the model of its spec.
        run: does the work and returns the metrics.
        arguments: the command line, without the program's name.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m hearth.{stage}", description=f"Run the {stage} stage for one attempt."
    )
    parser.add_argument("--job", required=True, metavar="URI", help="where job.json lies")
    uri = parser.parse_args(arguments).job
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    attempt: Attempt | None = None
    try:
        root = Store.open(StorageSettings.from_environment(), retries=WORKED)
        job = _read_job(root, uri, stage, contract)
        attempt = _attempt_of(root, job)
        _execute(root, job, spec, run)
    except Exception as error:  # noqa: BLE001 - the last line of defence; nothing is swallowed
        return _fail(error, attempt)
    attempt.settle(exit_of(Outcome.SUCCEEDED, EXIT_OK, ""))
    return EXIT_OK


def _read_job(root: Store, uri: str, stage: Stage, contract: int) -> Job:
    raw = root.get(root.relative(uri))
    try:
        job = Job.model_validate_json(raw)
    except ValidationError as error:
        message = f"{uri}: is not a job: {error}"
        raise SpecError(message) from error
    if job.stage is not stage:
        message = f"{uri}: is a job of {job.stage}, this program is {stage}"
        raise SpecError(message)
    if job.contract != contract:
        message = (
            f"{uri}: wants contract {job.contract} of {stage}, this program has {contract}: "
            "install the same version of Hearth everywhere and build again"
        )
        raise SpecError(message)
    return job


def _attempt_of(root: Store, job: Job) -> Attempt:
    artifact = Artifact(root, job.stage, job.fingerprint)
    folder = artifact.folder.sub(f"attempts/{job.attempt}")
    claim = Claim.model_validate_json(folder.get(CLAIM))
    return Attempt(artifact, job.attempt, claim=claim)


def _execute(root: Store, job: Job, spec: type[StageSpec], run: Run) -> None:
    try:
        validated = spec.model_validate(job.spec)
    except ValidationError as error:
        message = f"spec of {job.stage}: {error}"
        raise SpecError(message) from error
    meter = Meter()
    with _scratch() as scratch:
        context = Context(job, validated, root, scratch)
        previous = signal.signal(signal.SIGTERM, context.stop)
        try:
            metrics = run(context)
            record = ArtifactRecord(
                stage=job.stage,
                name=job.name,
                contract=job.contract,
                fingerprint=job.fingerprint,
                spec=job.spec,
                inputs=job.inputs,
                attempt=job.attempt,
                outputs=tuple(sorted(context.outputs, key=lambda output: output.path)),
                metrics=metrics,
                provenance=provenance(
                    job.stage, job.build, meter.started, job.lock_digest, job.image
                ),
                cost=meter.read(),
                unverified=tuple(context.not_verified),
            )
        except Exception as error:
            # Asked now: what fills the disk goes with the scratch folder.
            full = for_want_of_room(error, scratch)
            if full is not None:
                raise full from error
            raise
        finally:
            signal.signal(signal.SIGTERM, previous)
    try:
        context.artifact.publish(record)
    except ConflictError as error:
        log.warning("%s", error)


@contextmanager
def _scratch() -> Iterator[Path]:
    # Resolved, so that messages name the disk; what else is in TMPDIR may need its short name.
    folder = Path(tempfile.mkdtemp(prefix="hearth-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fail(error: Exception, attempt: Attempt | None) -> int:
    known = named(error, Path(tempfile.gettempdir()))
    if known is None:
        known = HearthError(f"{type(error).__name__}: {error}")
    if known.exit_code == EXIT_DEFECT:
        log.error("a defect in Hearth", exc_info=error)
    else:
        log.error("%s: %s", type(known).__name__, known)
    if attempt is not None:
        try:
            attempt.settle(
                exit_of(Outcome.FAILED, known.exit_code, str(known), type(known).__name__)
            )
        except HearthError as unwritten:
            # The exit code still says it: whoever waits settles the attempt from that.
            log.warning("exit.json is not written: %s", unwritten)
    return known.exit_code
