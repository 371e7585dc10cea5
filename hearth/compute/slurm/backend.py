"""The Slurm backend: one job per name, whatever happens between us and Slurm.

Submitting goes: claim the job's folder in the store, submit, write down the job id. Who finds a
claim without an id looks for the job by name; if there is none, and the claim's owner does nothing
for some seconds, takes the claim over and submits again. Should both submissions arrive, Slurm
runs them one after the other (`singleton`), and the second finds that the job has started or ended.

How a job stands is asked of the store first, of Slurm's controller second, of its accounting third.
"""

from __future__ import annotations

import codecs
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from hearth.compute.backend import JobHandle, JobRequest, JobStatus, LogChunk
from hearth.compute.outcome import Cause, JobState
from hearth.compute.slurm.folder import (
    EXIT,
    PIECE,
    REQUEST,
    STOP,
    SUBMITTED,
    StoreFolder,
)
from hearth.compute.slurm.plan import submission_of
from hearth.compute.slurm.states import SlurmJob, status_of
from hearth.compute.slurm.transport import Submission, Transport
from hearth.errors import ConflictError, SpecError, TransientError
from hearth.resources import SlurmSettings
from hearth.storage import Store
from hearth.storagesettings import StorageSettings

JOBS: Final = "jobs"  # the folder of the store in which jobs have theirs
_PIECES: Final = 4  # of a log in one answer
_POLL: Final = 0.2
_SLURM_ENDS_IT: Final = 60.0  # seconds that Slurm may take for what the shim did not do
_CANCELLED: Final = "cancelled on request"


@dataclass(frozen=True)
class SlurmBackend:
    """Runs jobs on a cluster.

    Attributes:
        settings: the cluster.
        transport: the way to it.
        storage: the store, for jobs to open.
        store: the store's folder in which jobs have theirs.
        images: environment → the image that it runs in, where nodes have no interpreter for it.
        patience: seconds that a claim may stand without a job id before it is taken over.
        requeue_patience: seconds for which this client sees a job without its node before that
            counts as lost.
    """

    settings: SlurmSettings
    transport: Transport
    storage: StorageSettings
    store: Store
    images: Mapping[str, str] = field(default_factory=dict)
    patience: float = 5.0
    requeue_patience: float = 120.0
    name: str = "slurm"
    _lost: dict[tuple[int, int], float] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    # Submitting ---------------------------------------------------------------------------------

    def submit(self, request: JobRequest) -> JobHandle:
        """Submit a job, or find the one that was submitted under this name."""
        folder = self._folder(request.name)
        handle = JobHandle(backend=self.name, name=request.name)
        if folder.submitted() is not None or folder.store.exists(EXIT):
            return handle
        image = self.images.get(request.environment)
        submission = submission_of(request, self.settings, folder, self.storage, image)
        self._refuse_what_is_not_there(request)
        if folder.read(STOP) is not None:
            folder.settle(_never_started())
            return handle
        token = uuid.uuid4().hex
        seen = request.model_dump(mode="json", exclude={"env"})
        claim = {**seen, "env": sorted(request.env), "token": token}
        if folder.create(REQUEST, claim) or not self._found(folder, claim):
            self._submit(folder, submission)
        return handle

    def find(self, name: str) -> JobHandle | None:
        """The handle of the job that has this name, or None if there was none."""
        folder = self._folder(name)
        known = folder.store.exists(REQUEST) or folder.store.exists(EXIT)
        return JobHandle(backend=self.name, name=name) if known else None

    def _found(self, folder: StoreFolder, claim: dict[str, object]) -> bool:
        """Whether the claim's owner submits it; if not so, the claim is ours now."""
        watched, since = "", time.monotonic()
        while True:
            if folder.submitted() is not None or folder.store.exists(EXIT):
                return True
            if self._adopt(folder):
                return True
            held = folder.read(REQUEST)
            if held is None:
                # Its owner met a refusal, and left nothing behind.
                return not folder.create(REQUEST, claim) and self._adopt(folder)
            if held.get("token") != watched:
                # By our own clock alone, from when we first saw this claim: clocks may differ.
                watched, since = str(held.get("token")), time.monotonic()
            if time.monotonic() - since >= self.patience and self._take_over(
                folder, watched, claim
            ):
                # Once more: its owner may have come to submit in the meantime.
                return self._adopt(folder)
            time.sleep(_POLL)

    def _take_over(self, folder: StoreFolder, held: str, claim: dict[str, object]) -> bool:
        raw, etag = folder.store.get_with_etag(REQUEST)
        if held.encode() not in raw:
            return False
        try:
            folder.store.replace(REQUEST, folder.encode(claim), etag)
        except ConflictError:
            return False
        return True

    def _submit(self, folder: StoreFolder, submission: Submission) -> None:
        try:
            number = self.transport.submit(submission)
        except TransientError:
            # The answer may be lost, and the job there.
            if self._adopt(folder):
                return
            raise
        except SpecError:
            folder.store.delete(REQUEST)  # nothing was submitted: what is put right may be
            raise
        folder.create(SUBMITTED, {"job": number})

    def _adopt(self, folder: StoreFolder) -> bool:
        """Look for the job by name, and write its id down; say whether there is one."""
        found = self.transport.named(folder.slurm_name)
        if not found:
            return False
        folder.create(SUBMITTED, {"job": found[0].id})
        return True

    def _refuse_what_is_not_there(self, request: JobRequest) -> None:
        wanted, there = request.resources.nodes, self.transport.node_count()
        if there is not None and wanted > there:
            where = self.settings.partition or "the default partition"
            message = (
                f"job {request.name}: resources.nodes = {wanted}: {where} has {there}: "
                "ask for less, or choose another partition"
            )
            raise SpecError(message)

    # Asking -------------------------------------------------------------------------------------

    def status(self, handle: JobHandle) -> JobStatus:
        """How the job stands."""
        return self._status(self._folder(handle.name))

    def logs(self, handle: JobHandle, cursor: str = "") -> LogChunk:
        """The next piece of the log, at most 1 MiB; the cursor is an offset in bytes."""
        folder = self._folder(handle.name)
        offset = int(cursor or 0)
        ended = folder.store.exists(EXIT)  # asked first: what is read then is all there is
        first, skipped = divmod(offset, PIECE)
        pieces: list[bytes] = []
        for number in range(first, first + _PIECES):
            piece = folder.piece(number)
            pieces.append(piece)
            if len(piece) < PIECE:
                break
        data = b"".join(pieces)[skipped:]
        last = len(pieces[-1]) < PIECE
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(data, final=ended and last)
        begun = len(decoder.getstate()[0])  # of a character whose other bytes are yet to come
        return LogChunk(text=text, cursor=str(offset + len(data) - begun))

    def _status(self, folder: StoreFolder) -> JobStatus:
        ended = folder.exit()
        if ended is not None:
            return ended
        job, began = self._job(folder)
        if job is None:
            if folder.submitted() is None:
                return JobStatus(state=JobState.PENDING)
            reason = "Slurm does not know it any more, and it left no word"
            gone = JobStatus(state=JobState.LOST, cause=Cause.LOST, reason=reason)
            return folder.settle(gone)
        status = status_of(job, began=began)
        if not status.state.final:
            return status
        if job.lost_its_node and not self._given_up(job):
            reason = f"lost its node ({job.nodes}): Slurm is about to start it again"
            return JobStatus(
                state=JobState.PENDING,
                cause=Cause.NODE_FAILED,
                started=job.started,
                reason=reason,
                job=str(job.id),
                restarts=job.restarts,
            )
        if folder.read(STOP) is not None:
            status = status.model_copy(
                update={"state": JobState.CANCELLED, "cause": Cause.CANCELLED, "reason": _CANCELLED}
            )
        # The shim may have spoken since we looked: its word counts.
        return folder.settle(status)

    def _job(self, folder: StoreFolder) -> tuple[SlurmJob | None, bool]:
        """The Slurm job that counts, and whether its command was started."""
        start = folder.start()
        number = start.job if start is not None else folder.submitted()
        if number is not None:
            return self.transport.job(number), start is not None
        if not folder.store.exists(REQUEST):
            return None, False
        found = self.transport.named(folder.slurm_name)
        return (found[0] if found else None), False

    def _given_up(self, job: SlurmJob) -> bool:
        """Whether Slurm leaves a job alone that lost its node.

        By our own clock alone, from when we first saw it so: Slurm's may differ.
        """
        now = time.monotonic()
        return now - self._lost.setdefault((job.id, job.restarts), now) > self.requeue_patience

    # Ending -------------------------------------------------------------------------------------

    def cancel(self, handle: JobHandle, grace: float = 15.0) -> JobStatus:
        """End the job and wait until nothing of it is left, or Slurm takes too long."""
        folder = self._folder(handle.name)
        status = self._status(folder)
        if status.state.final:
            return status
        earlier = folder.read(STOP) or {}
        grace = min(grace, float(earlier.get("grace", grace)))
        folder.write(STOP, {"cause": Cause.CANCELLED, "grace": grace, "reason": _CANCELLED})
        margin = 2 * self.settings.heartbeat_seconds + 5
        by_force = time.monotonic() + grace + margin
        forced: float | None = None
        while True:
            ended = folder.exit()
            if ended is not None:
                return ended
            job, began = self._job(folder)
            if job is None or (job.over and not job.lost_its_node):
                return self._end(folder, job, began=began)
            now = time.monotonic()
            if (job.waiting or job.lost_its_node or now > by_force) and forced is None:
                self.transport.cancel(job.id)
                forced = now
            if forced is not None and now - forced > _SLURM_ENDS_IT:
                return self._status(folder)
            time.sleep(_POLL)

    def _end(self, folder: StoreFolder, job: SlurmJob | None, *, began: bool) -> JobStatus:
        """Close a job that Slurm has done with, or that never was submitted."""
        if job is None or not began:
            return folder.settle(_never_started())
        return self._status(folder)

    def _folder(self, name: str) -> StoreFolder:
        return StoreFolder(self.store, JobHandle(backend=self.name, name=name).name)


def _never_started() -> JobStatus:
    return JobStatus(
        state=JobState.CANCELLED,
        cause=Cause.CANCELLED,
        reason=_CANCELLED,
        finished=datetime.now(UTC),
    )
