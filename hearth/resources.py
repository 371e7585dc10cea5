"""Where jobs run and what they may use of it."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, AnyHttpUrl, Field, StringConstraints, model_validator

from hearth.errors import SpecError
from hearth.model import FrozenModel, Stage
from hearth.raycluster import RayCluster

# What a job of several nodes finds in its environment: how many there are, the words (a JSON list)
# before a command that is to run once on every node, and where its ranks may meet (host:port).
NODES: Final = "HEARTH_NODES"
LAUNCH: Final = "HEARTH_LAUNCH"
RENDEZVOUS: Final = "HEARTH_RENDEZVOUS"
GRACE: Final = "HEARTH_GRACE"
"""What every job finds in its environment: the seconds between SIGTERM and SIGKILL at its limit."""

TRIED_API: Final = "v0.0.38"
"""The version of slurmrestd's API that Hearth was run against: Slurm 22.05's."""

METRICS: Final = "metrics"
"""Under this key of a job's settings stands the `MetricsTarget`."""


class MetricsTarget(FrozenModel):
    """Who is told how a training goes, as StatsD gauges over UDP."""

    host: str = Field(min_length=1, description="A name or an address.")
    port: int = Field(default=8125, ge=1, le=65535, description="StatsD's.")
    prefix: str = Field(
        default="hearth", pattern=r"^[A-Za-z0-9_.-]+$", description="What every name starts with."
    )


_Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.,:@&|\[\]*+-]*$")]
"""What Slurm takes as a name or a list of names: it cannot be mistaken for an option."""


def _is_user(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
        message = "is not the name of a user"
        raise ValueError(message)
    return name


# No pattern: an editor sees `${HEARTH_USER}` here.
_User = Annotated[str, AfterValidator(_is_user)]


class Resources(FrozenModel):
    """What one job may use. It changes where and how fast a stage runs, never its result."""

    nodes: int = Field(default=1, ge=1, description="Machines.")
    gpus: int = Field(default=0, ge=0, description="GPUs on each machine.")
    cpus: int = Field(default=2, ge=1, description="CPU cores on each machine.")
    memory_gib: float = Field(default=5.0, gt=0, description="Memory on each machine, in GiB.")
    time_limit_minutes: float = Field(default=60.0, gt=0, description="The job ends after this.")
    grace_seconds: int = Field(
        default=30,
        ge=1,
        le=3600,
        description="What a last checkpoint may take when the time limit is reached: then the job "
        "is killed.",
    )
    restarts: int = Field(
        default=3,
        ge=0,
        description="How often a scheduler may restart the job under its own id after it lost a "
        "node; one machine cannot.",
    )
    stall_minutes: float | None = Field(
        default=60.0,
        gt=0,
        description="A training that runs and gets no further for so long is cancelled, and goes "
        "on from its newest checkpoint as the next attempt; null: never. Longer than the recipe's "
        "`operation.hang_seconds`, which ends hung ranks on the node.",
    )


class BackendName(StrEnum):
    """Where jobs can run."""

    LOCAL = "local"
    RUNNER = "runner"
    SLURM = "slurm"


class SlurmIdentity(StrEnum):
    """How slurmrestd is told who asks."""

    HEADER = "header"
    """X-SLURM-USER-NAME beside the token: Slurm's own way (on premises, HyperPod)."""
    CLAIMS = "claims"
    """The token alone, with POSIX claims and without that header: AWS PCS."""


class SlurmRest(FrozenModel):
    """A cluster reached through slurmrestd."""

    url: AnyHttpUrl = Field(description="Where slurmrestd answers.")
    api_version: str = Field(
        default="v0.0.43",
        pattern=r"^v0\.0\.(38|4\d)$",
        description="The version of its API: v0.0.38 (Slurm 22.05), or v0.0.40 and later.",
    )
    identity: SlurmIdentity = Field(
        default=SlurmIdentity.HEADER, description="`header`, or `claims` for AWS PCS."
    )
    token_key: str = Field(
        default="slurm_key",
        description="Which of the profile's `secrets` holds the key that signs tokens (HS256).",
    )
    key_is_base64: bool = Field(
        default=False, description="The secret is the key in base64, as AWS PCS keeps it."
    )
    token_seconds: int = Field(
        default=1800, ge=60, le=86_400, description="How long a token is good for."
    )
    uid: int | None = Field(default=None, ge=0, description="With `claims`: the user's POSIX id.")
    gid: int | None = Field(default=None, ge=0, description="With `claims`: the group's POSIX id.")

    @model_validator(mode="after")
    def _claims_are_whole(self) -> Self:
        if self.identity is SlurmIdentity.CLAIMS and (self.uid is None or self.gid is None):
            message = "identity: claims: say uid and gid too, the token has to carry them"
            raise ValueError(message)
        return self


class SlurmLogin(FrozenModel):
    """A cluster reached by its commands on a login node, over SSH."""

    host: _Word = Field(description="The login node.")
    user: _Word = Field(description="The user there; jobs run as this user.")
    key: Path = Field(description="The file with the private key.")
    known_hosts: Path = Field(description="A known_hosts file with the host's key.")
    port: int = Field(default=22, ge=1, le=65535, description="Of its SSH server.")
    environment: dict[str, str] = Field(
        default={}, description="What the commands need there, such as SLURM_CONF."
    )


class SlurmOptions(FrozenModel):
    """What else may be asked of Slurm: these options and no others."""

    constraint: _Word | None = Field(default=None, description="Features that nodes must have.")
    reservation: _Word | None = Field(default=None, description="A reservation to run in.")
    exclude: _Word | None = Field(default=None, description="Nodes to leave out.")
    wckey: _Word | None = Field(default=None, description="A key for accounting.")
    nice: int | None = Field(default=None, ge=0, description="Lowers the priority.")


class SlurmSettings(FrozenModel):
    """A Slurm cluster. With neither `rest` nor `login`, its commands run on this machine."""

    user: _User = Field(description="Who jobs run as.")
    rest: SlurmRest | None = Field(default=None, description="Through slurmrestd.")
    login: SlurmLogin | None = Field(default=None, description="Through a login node.")
    partition: _Word | None = Field(default=None, description="None: the cluster's default.")
    account: _Word | None = Field(default=None, description="None: the user's default.")
    qos: _Word | None = Field(default=None, description="None: the default.")
    options: SlurmOptions = SlurmOptions()
    gpu_resource: _Word = Field(default="gpu", description="What GPUs are called (GRES).")
    environments: dict[str, Path] = Field(
        description="What a job runs in (`curator`, `model`) → its Python interpreter on the "
        "nodes, with Hearth installed. One that is not named here runs in its image (the profile's "
        "`images`), on nodes that have Pyxis and Enroot."
    )
    mounts: tuple[Path, ...] = Field(
        default=(),
        description="Folders of the nodes that a job in an image sees too, beside `scratch`; such "
        "as the one in which the store's CA certificate lies.",
    )
    scratch: Path = Field(
        default=Path("/tmp"),  # noqa: S108 - the nodes', where every user has a folder of his own
        description="A folder on each node, in which jobs make theirs.",
    )
    shared: Path | None = Field(
        default=None,
        description="A folder that all nodes see (FSx for Lustre, NFS; or `scratch`, if they do), "
        "in which jobs of several nodes work; none: a job of more than one node is refused.",
    )
    accounting: bool = Field(
        default=True, description="Whether the cluster has slurmdbd; without it a job is known "
        "for some minutes after its end, and by what it wrote.",
    )  # fmt: skip
    auto_resume: bool = Field(
        default=False, description="HyperPod only: start ranks with `srun --auto-resume=1`."
    )
    heartbeat_seconds: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="How often a running job uploads its log, and looks whether to stop.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.rest is not None and self.login is not None:
            message = "name at most one of rest and login"
            raise ValueError(message)
        return self

    def workplace(self, what: str, nodes: int) -> Path:
        """Return the folder in which a job of so many nodes has its own.

        Args:
            what: the job, or whatever asks for nodes; an error begins with it.
            nodes: how many.

        Raises:
            SpecError: there are several, and no folder is known to be seen by all of them.
        """
        if nodes == 1:
            return self.scratch
        if self.shared is None:
            message = (
                f"{what}: nodes = {nodes}: ranks on several nodes work in one folder, and the "
                "profile's compute.slurm.shared names none that all nodes see: set it (the mount "
                "point of FSx for Lustre or NFS), or ask for one node"
            )
            raise SpecError(message)
        return self.shared

    @property
    def untried(self) -> tuple[str, ...]:
        """What of the way to this cluster was never run against the real thing."""
        found = []
        if self.rest is not None and self.rest.api_version != TRIED_API:
            found.append(
                f"Slurm: its REST API {self.rest.api_version} was never tried, only {TRIED_API}"
            )
        if self.rest is not None and self.rest.identity is SlurmIdentity.CLAIMS:
            found.append("Slurm: the tokens of AWS PCS were never tried on AWS PCS")
        if self.auto_resume:
            found.append("Slurm: `srun --auto-resume=1` was never tried, only HyperPod has it")
        return tuple(found)


class RunnerSettings(FrozenModel):
    """Containers in which jobs run, each behind a runner (`python -m hearth.compute.runner`)."""

    addresses: dict[str, AnyHttpUrl] = Field(
        min_length=1, description="What a job runs in (`curator`, `model`) → its runner's address."
    )
    token: str = Field(
        default="runner_token",
        description="Which of the profile's `secrets` holds the token that they ask for.",
    )


class Compute(FrozenModel):
    """The backend, and what each stage may use of it."""

    backend: BackendName = BackendName.LOCAL
    slurm: SlurmSettings | None = Field(
        default=None, description="With `backend: slurm`: the cluster."
    )
    runner: RunnerSettings | None = Field(
        default=None, description="With `backend: runner`: the containers."
    )
    ray: RayCluster | None = Field(
        default=None,
        description="The Ray cluster on whose nodes curation runs, however small the corpus. None: "
        "what `RAY_ADDRESS` says where the job is submitted (`backend: local`) or its container "
        "runs (`runner`); without it, the job goes by the size of its input.",
    )
    resources: Resources = Field(
        default=Resources(), description="For every stage without its own."
    )
    stages: dict[Stage, Resources] = Field(default={}, description="Per stage.")

    @model_validator(mode="after")
    def _backend_is_described(self) -> Self:
        described = {BackendName.SLURM: self.slurm, BackendName.RUNNER: self.runner}
        for name, section in described.items():
            if (self.backend is name) is not (section is not None):
                message = f"`{name}` says what `backend: {name}` means: give both or neither"
                raise ValueError(message)
        return self

    def environment_of(self, stage: Stage) -> dict[str, str]:
        """Return what a job of `stage` needs in its environment to find its Ray cluster."""
        return self.ray.environment() if self.ray and stage is Stage.CURATE else {}

    def resources_of(self, stage: Stage) -> Resources:
        """Return what `stage` may use."""
        return self.stages.get(stage, self.resources)

    def check(self) -> None:
        """Refuse what no job could be submitted with, before anything is started or paid for.

        Raises:
            SpecError: a stage asks for several nodes, which have no folder in common.
        """
        if self.slurm is not None:
            for stage in Stage:
                self.slurm.workplace(f"compute of {stage}", self.resources_of(stage).nodes)
