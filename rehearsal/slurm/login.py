"""A login node for the rehearsed cluster: an SSH server on the loopback, with keys of its own."""

from __future__ import annotations

import getpass
import socket
import subprocess
from pathlib import Path

from rehearsal.slurm.daemon import Daemon

_SSHD = "/usr/sbin/sshd"


class Login:
    """An SSH server that lets in whoever has its key."""

    def __init__(self, home: Path) -> None:
        """Name it; nothing is started.

        Args:
            home: its folder.
        """
        self.home = home.absolute()
        self.user = getpass.getuser()
        self._daemon = Daemon("sshd", self.home)

    @property
    def key(self) -> Path:
        """The private key that opens it."""
        return self.home / "etc" / "client"

    @property
    def known_hosts(self) -> Path:
        """A file by which clients know it."""
        return self.home / "etc" / "known_hosts"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int((self.home / "etc" / "port").read_text())

    def up(self) -> None:
        """Start it, and wait until it listens."""
        for name in ("etc", "log", "run"):
            (self.home / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.key.exists():
            self._lay_out()
        # sshd wants this folder, which its package makes at boot.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        port = self.port
        self._daemon.start([_SSHD, "-D", "-e", "-f", self._config], lambda: _listens(port))

    def down(self) -> None:
        """Stop it."""
        self._daemon.stop()

    @property
    def _config(self) -> Path:
        return self.home / "etc" / "sshd_config"

    def _lay_out(self) -> None:
        host = self.home / "etc" / "host"
        for key in (host, self.key):
            subprocess.run(
                ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True
            )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self.home / "etc" / "port").write_text(str(port))
        authorized = self.home / "etc" / "authorized_keys"
        authorized.write_text(self.key.with_suffix(".pub").read_text())
        authorized.chmod(0o600)
        public = host.with_suffix(".pub").read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{port} {public}")
        self._config.write_text(
            f"""
ListenAddress 127.0.0.1
Port {port}
HostKey {host}
PidFile {self.home}/run/sshd.pid
AuthorizedKeysFile {authorized}
AllowUsers {self.user}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
"""
        )


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
