"""Artifacts and jobs as a build leaves them, for tests of one stage's program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hearth.artifact import Artifact, ArtifactRecord, InputRef, Output, fingerprint
from hearth.attempt import Attempt, Attempts, Exit
from hearth.digest import sha256_of
from hearth.model import Stage, StageSpec
from hearth.provenance import Meter, provenance
from hearth.stage.job import Job
from hearth.stage.program import Run, main
from hearth.storage import Store


def publish(store: Store, stage: Stage, files: Mapping[str, Path]) -> InputRef:
    """Leave a finished artifact behind: its outputs' names, and where their bytes are."""
    spec = {"files": {name: sha256_of(local) for name, local in files.items()}}
    artifact = Artifact(store, stage, fingerprint(stage, 1, spec, {}))
    infos = [artifact.folder.upload(local, f"attempts/1/{name}") for name, local in files.items()]
    artifact.publish(
        ArtifactRecord(
            stage=stage,
            name="small",
            contract=1,
            fingerprint=artifact.fingerprint,
            spec={},
            inputs={},
            attempt=1,
            outputs=tuple(
                Output(path=info.path, bytes=info.bytes, sha256=info.sha256) for info in infos
            ),
            metrics={},
            provenance=provenance(stage, "b", Meter().started, None, None),
            cost=Meter().read(),
        )
    )
    return artifact.ref()


def below(folder: Path) -> dict[str, Path]:
    """Return the files below a folder by their names, as `publish` wants them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in files}


def claim(
    store: Store,
    stage: Stage,
    contract: int,
    spec: StageSpec,
    inputs: Mapping[str, InputRef],
    *,
    frozen: bool = False,
    build: str = "build",
    **fields: Any,
) -> Attempt:
    """Claim the next attempt towards a stage's artifact, and write its job.

    Args:
        store: the root of the store.
        stage: which.
        contract: of its program.
        spec: what to make.
        inputs: what it is made from.
        frozen: as for a suite: its inputs are not part of its identity.
        build: whose attempt it is.
        fields: further fields of the job.
    """
    said = spec.model_dump(mode="json")
    known = {} if frozen else {role: ref.fingerprint for role, ref in inputs.items()}
    artifact = Artifact(store, stage, fingerprint(stage, contract, said, known))
    attempts = Attempts(artifact)
    attempt, _ = attempts.claim_or_join(build)
    job = Job(
        stage=stage,
        name="small",
        contract=contract,
        spec=said,
        fingerprint=artifact.fingerprint,
        inputs=dict(inputs),
        attempt=attempt.number,
        artifact=artifact.uri,
        resume_from=attempts.earlier(attempt.number),
        build=build,
        **fields,
    )
    attempt.folder.put("job.json", job.model_dump_json().encode())
    return attempt


def execute(
    attempt: Attempt, stage: Stage, contract: int, spec: type[StageSpec], run: Run
) -> tuple[Artifact, Exit]:
    """Run a stage's program in this process; return the artifact and the program's last word."""
    code = main(stage, contract, spec, run, ["--job", attempt.job_uri])
    end = attempt.exit()
    assert end is not None
    assert end.code == code
    return attempt.artifact, end
