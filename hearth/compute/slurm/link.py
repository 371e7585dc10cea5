"""The shim's link to the store: the log goes up, wishes come down."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Final

from hearth.compute import jobdir
from hearth.compute.jobdir import JobFolder
from hearth.compute.outcome import Cause
from hearth.compute.slurm.folder import PIECE, STOP, Start, StoreFolder
from hearth.errors import HearthError

log = logging.getLogger(__name__)

_LAST_WORDS_TRIES: Final = 20
_PAUSE: Final = 3.0


class Link(threading.Thread):
    """Between the guard's folder on the node and the job's folder in the store.

    It never fails: what it could not do now, it does at the next beat.
    """

    def __init__(self, store: StoreFolder, local: JobFolder, mine: Start, heartbeat: float) -> None:
        """Connect them; `start` begins.

        Args:
            store: the job's folder in the store.
            local: the guard's, on this node.
            mine: who runs the command, as `start.json` has it.
            heartbeat: seconds between two looks.
        """
        super().__init__(name="link", daemon=True)
        self.superseded = False
        self._store = store
        self._local = local
        self._mine = mine
        self._heartbeat = heartbeat
        self._over = threading.Event()
        self._troubles: dict[str, str] = {}
        self._wish: dict[str, object] | None = None
        self._sent = 0  # bytes of the local log that are in the store
        self._piece: int | None = None
        self._held = b""  # the content of the piece that grows

    def run(self) -> None:
        """Look and upload, until `finish`."""
        while not self._over.wait(self._heartbeat):
            self._try("orders", self._look)
            self._try("the log", self.upload)

    def _try(self, what: str, act: Callable[[], None]) -> None:
        """Do it, or say once what is in the way: the next beat tries again."""
        try:
            act()
        except (HearthError, OSError) as error:
            if self._troubles.get(what) != str(error):
                log.warning("%s: tried again every %g s: %s", what, self._heartbeat, error)
                self._troubles[what] = str(error)
        else:
            if self._troubles.pop(what, None) is not None:
                log.info("%s: through again", what)

    def finish(self) -> None:
        """Upload the rest; the command has ended."""
        self._over.set()
        self.join()
        for _ in range(_LAST_WORDS_TRIES):
            try:
                self.upload()
            except HearthError as error:
                log.warning("the log's end is not in the store yet: %s", error)
                threading.Event().wait(_PAUSE)
            else:
                return

    def upload(self) -> None:
        """Bring the store's log up to date."""
        if self.superseded:
            return
        if self._piece is None:
            # A restart goes on where the run before it ended.
            self._piece = self._store.last_piece()
            self._held = self._store.piece(self._piece)
        while fresh := self._fresh():
            if len(self._held) == PIECE:
                self._piece, self._held = self._piece + 1, b""
            part = fresh[: PIECE - len(self._held)]
            self._store.put_piece(self._piece, self._held + part)
            self._held += part
            self._sent += len(part)

    def _fresh(self) -> bytes:
        try:
            with self._local.file(jobdir.LOG).open("rb") as stream:
                stream.seek(self._sent)
                return stream.read(PIECE)
        except FileNotFoundError:
            return b""

    def _look(self) -> None:
        """See whether somebody wants the job ended, or a later restart has taken over."""
        wish: dict[str, object] | None = self._store.read(STOP)
        if wish is not None:
            wish = {key: wish[key] for key in ("cause", "grace", "reason")}
        start = self._store.start()
        if start is not None and start != self._mine:
            self.superseded = True
            reason = f"its restart {start.restart} runs on {start.node}: this node was given up"
            wish = {"cause": Cause.NODE_FAILED, "grace": 0, "reason": reason}
        if wish is None or wish == self._wish:
            return
        self._wish = wish
        log.info("to be ended: %s", json.dumps(wish))
        self._local.write(jobdir.STOP, wish)
        os.kill(os.getpid(), signal.SIGTERM)
