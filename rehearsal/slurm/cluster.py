"""The rehearsed cluster from start to stop, and what a rehearsal does to it."""

from __future__ import annotations

import getpass
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from hearth.compute import process
from hearth.compute.process import ProcessIdentity
from hearth.compute.slurm.transport import HISTORY
from rehearsal.slurm import config
from rehearsal.slurm.config import CLUSTER, Ports
from rehearsal.slurm.daemon import SEARCH_PATH, Daemon

_TABLES: Final = Path("/usr/share/mysql/mysql_system_tables.sql")
_NODE: Final = "HEARTH_REHEARSED_NODE"  # marks slurmd and its slurmstepd, whatever becomes of them
_COMMAND_SECONDS: Final = 30.0
_PATIENCE: Final = 60.0
_POLL: Final = 0.1
_LAST_LINES: Final = 5


class Cluster:
    """A Slurm cluster on this machine; any process may open it by its folder."""

    def __init__(self, home: Path, nodes: int = 3, group: str = "worker") -> None:
        """Name it; nothing is started.

        Args:
            home: its folder, whose path must be short: sockets lie in it.
            nodes: how many nodes it has; one that was laid out before keeps what it had.
            group: what they are called, with a number after it.
        """
        self.home = home.absolute()
        self.nodes = tuple(f"{group}-{number}" for number in range(1, nodes + 1))
        if self._ports_file.exists():
            self.nodes = tuple(self._ports().nodes)
        self._database = Daemon("mariadbd", self.home)
        self._munge = Daemon("munged", self.home)
        self._accounting = Daemon("slurmdbd", self.home)
        self._controller = Daemon("slurmctld", self.home)
        self._rest = Daemon("slurmrestd", self.home)

    # What a client needs ------------------------------------------------------------------------

    @property
    def user(self) -> str:
        """Who everything runs as, jobs too."""
        return getpass.getuser()

    @property
    def partition(self) -> str:
        """Its one partition."""
        return config.PARTITION

    @property
    def url(self) -> str:
        """Where slurmrestd answers."""
        return f"http://127.0.0.1:{self._ports().rest}"

    @property
    def key(self) -> Path:
        """The file with the key that signs tokens."""
        return self.home / "etc" / "jwt.key"

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need in their environment to reach this cluster."""
        return {"PATH": SEARCH_PATH, "SLURM_CONF": str(self._conf)}

    def run(self, *command: str, check: bool = True) -> str:
        """Run one of Slurm's commands against it; return what it says."""
        return subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=_COMMAND_SECONDS,
        ).stdout.strip()

    # Up and down --------------------------------------------------------------------------------

    def up(self, *, nodes: bool = True, rest_port: int | None = None) -> None:
        """Start what does not run, and wait until every node is idle.

        Args:
            nodes: start the nodes too; else somebody else does, one by one.
            rest_port: where slurmrestd is to listen, when it is first started.
        """
        self._lay_out(rest_port)
        self._start_munge()
        self._start_database()
        self.start_accounting()
        self.start_controller()
        self.start_rest()
        if nodes:
            for node in self.nodes:
                self.start_node(node)
            self.until_idle(*self.nodes)

    def down(self) -> None:
        """Stop everything, jobs included."""
        for node in self.nodes:
            self.kill_node(node)
        for daemon in (
            self._rest, self._controller, self._accounting, self._database, self._munge,
        ):  # fmt: skip
            daemon.stop()

    # Faults, and what mends them ----------------------------------------------------------------

    def kill_node(self, node: str) -> None:
        """End a node as a power failure would: its slurmd, and everything that ran on it."""
        process.kill_all(lambda: self.processes_of(node), _PATIENCE)

    def processes_of(self, node: str) -> set[ProcessIdentity]:
        """What runs on a node."""
        daemons = process.marked(_NODE, self._mark(node))
        jobs = process.marked("SLURMD_NODENAME", node)
        jobs &= process.marked("SLURM_CONF", str(self._conf))
        found = daemons | jobs
        return found | process.descendants([one.pid for one in found])

    def take_node(self, node: str, reason: str) -> None:
        """Tell Slurm that a node is gone: what ran on it is put back, without waiting for it."""
        self.run("scontrol", "update", f"NodeName={node}", "State=DOWN", f"Reason={reason}",
                 check=False)  # fmt: skip

    def start_node(self, node: str) -> None:
        """Start a node's slurmd: the same one again, or the one that replaces it.

        A node that is down is up again once it registers, whatever the reason was.
        """
        port = self._ports().nodes[node]
        (self.home / "spool" / node).mkdir(exist_ok=True)
        Daemon(node, self.home).start(
            ["slurmd", "-D", "-N", node],
            lambda: _listens(port),
            {"SLURM_CONF": str(self._conf), _NODE: self._mark(node)},
        )

    def clear(self) -> None:
        """End every job, and wait until nothing of them is left."""
        deadline = time.monotonic() + _PATIENCE
        while self.run("squeue", "-h", "-o", "%i", check=False):
            self.run("scancel", "--user", self.user, check=False)
            if time.monotonic() > deadline:
                message = f"jobs do not end: see {self.home / 'log'}"
                raise RuntimeError(message)
            time.sleep(_POLL)

    def stop_controller(self) -> None:
        """Take slurmctld away."""
        self._controller.stop()

    def start_controller(self) -> None:
        """Start slurmctld, from the state it left."""
        port = self._ports().controller
        self._controller.start(
            ["slurmctld", "-D"], lambda: _listens(port), {"SLURM_CONF": str(self._conf)}
        )

    def stop_accounting(self) -> None:
        """Take slurmdbd away."""
        self._accounting.stop()

    def start_accounting(self) -> None:
        """Start slurmdbd."""
        port = self._ports().accounting
        self._accounting.start(
            ["slurmdbd", "-D"],
            lambda: _listens(port),
            {"SLURM_CONF": str(self._conf), "MYSQL_UNIX_PORT": str(self._socket)},
        )

    def stop_rest(self) -> None:
        """Take slurmrestd away."""
        self._rest.stop()

    def start_rest(self) -> None:
        """Start slurmrestd."""
        port = self._ports().rest
        self._rest.start(
            ["slurmrestd", "-a", "rest_auth/jwt", "-s", "openapi/v0.0.38,openapi/dbv0.0.38",
             f"127.0.0.1:{port}"],
            lambda: _listens(port),
            {
                "SLURM_CONF": str(self._conf),
                "SLURM_JWT": "daemon",
                # It would rather not run as the user who runs slurmctld.
                "SLURMRESTD_SECURITY": "disable_user_check",
            },
        )  # fmt: skip

    def accounted(self, name: str, column: str) -> list[str]:
        """What accounting says of all jobs of a name; unasked, it forgets them at midnight."""
        which = (f"--name={name}", f"--starttime={HISTORY}", f"--format={column}")
        return self.run("sacct", "--noheader", "--allocations", "--parsable2", *which).split()

    def age(self, seconds: int) -> None:
        """Let all that is in accounting have been so much earlier."""
        columns = ("time_submit", "time_eligible", "time_start", "time_end")
        # 0 stands for never.
        earlier = ", ".join(f"{name} = {name} - if({name}, {seconds}, 0)" for name in columns)
        self.stop_accounting()
        self._database.stop()
        self._bootstrap(f"use slurm;\nupdate {CLUSTER}_job_table set {earlier};\n")
        self._start_database()
        self.start_accounting()

    def until_idle(self, *nodes: str) -> None:
        """Wait until nodes are there for jobs."""
        deadline = time.monotonic() + _PATIENCE
        wanted = ",".join(nodes)
        while True:
            states = self.run("sinfo", "-h", "-N", "-n", wanted, "-o", "%T", check=False).split()
            if len(states) == len(nodes) and set(states) <= {"idle", "mixed", "allocated"}:
                return
            if time.monotonic() > deadline:
                message = f"nodes {wanted}: are {states}: see {self.home / 'log'}"
                raise RuntimeError(message)
            time.sleep(_POLL)

    # Inner --------------------------------------------------------------------------------------

    @property
    def _conf(self) -> Path:
        return self.home / "etc" / "slurm.conf"

    @property
    def _socket(self) -> Path:
        return self.home / "run" / "db.sock"

    def _mark(self, node: str) -> str:
        return f"{self.home}:{node}"

    def _ports(self) -> Ports:
        return Ports.model_validate_json(self._ports_file.read_bytes())

    @property
    def _ports_file(self) -> Path:
        return self.home / "etc" / "ports.json"

    def _lay_out(self, rest_port: int | None) -> None:
        for name in ("etc", "log", "run", "spool", "state", "db", "tmp"):
            (self.home / name).mkdir(mode=0o755, parents=True, exist_ok=True)
        if self._ports_file.exists():
            return
        key = self.key
        key.touch(0o600)
        key.write_text(secrets.token_hex(32))
        munge = self.home / "etc" / "munge.key"
        munge.touch(0o600)
        munge.write_bytes(secrets.token_bytes(1024))
        munge.chmod(0o400)
        found = Ports.free(self.nodes, rest_port)
        config.write(self.home, found)
        self._ports_file.write_text(found.model_dump_json())

    def _start_munge(self) -> None:
        run = self.home / "run"
        self._munge.start(
            ["munged", "--foreground", "--force", f"--socket={run}/munge.socket",
             f"--key-file={self.home}/etc/munge.key", f"--pid-file={run}/munged.pid",
             f"--seed-file={run}/munged.seed", f"--log-file={self.home}/log/munged.log",
             "--num-threads=2"],
            (run / "munge.socket").exists,
        )  # fmt: skip

    @property
    def _options(self) -> list[str]:
        """What every start of the database is told."""
        return [
            "--no-defaults", f"--user={self.user}", f"--datadir={self.home}/db",
            "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--skip-log-bin",
            # When it starts it removes the temporary tables that it finds: never another one's.
            f"--tmpdir={self.home / 'tmp'}",
        ]  # fmt: skip

    def _bootstrap(self, statements: str) -> None:
        """Have a database that does not run do something: Debian's server comes without a client.

        Raises:
            RuntimeError: it did not; the message says why.
        """
        answer = subprocess.run(
            ["/usr/sbin/mariadbd", *self._options, "--bootstrap"],
            input=statements.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=_PATIENCE,
        )
        if answer.returncode:
            said = answer.stdout.decode(errors="replace").splitlines()[-_LAST_LINES:]
            message = "mariadbd --bootstrap failed; its last lines:\n" + "\n".join(said)
            raise RuntimeError(message)

    def _start_database(self) -> None:
        files = self.home / "db"
        if not (files / "ibdata1").exists():
            try:
                self._bootstrap("create database mysql;\nuse mysql;\n" + _TABLES.read_text())
            except BaseException:
                # Half a database would be taken for one at the next start.
                shutil.rmtree(files)
                raise
        # Nobody but this user reaches the socket, so there is nobody to tell apart.
        self._database.start(
            ["mariadbd", *self._options, "--skip-networking", "--skip-grant-tables",
             f"--socket={self._socket}", "--innodb-lock-wait-timeout=900",
             f"--pid-file={self.home}/run/mariadbd.pid"],
            self._socket.exists,
        )  # fmt: skip


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
