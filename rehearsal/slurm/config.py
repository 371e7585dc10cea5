"""The configuration files of the rehearsed cluster."""

from __future__ import annotations

import getpass
import socket
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

CLUSTER: Final = "rehearsal"
PARTITION: Final = "dev"
_NODE_MEMORY_MIB: Final = 4000
_NODE_CPUS: Final = 2


class Ports(BaseModel):
    """Where the daemons listen, on the loopback."""

    model_config = ConfigDict(frozen=True)

    controller: int
    accounting: int
    rest: int
    nodes: dict[str, int]

    @classmethod
    def free(cls, nodes: tuple[str, ...], rest: int | None) -> Ports:
        """Ports that nobody has now; all of them are held until the last is found.

        Args:
            nodes: the nodes' names.
            rest: a port for slurmrestd that somebody chose.
        """
        held = [socket.socket() for _ in range(3 + len(nodes))]
        for one in held:
            one.bind(("127.0.0.1", 0))
        numbers = [one.getsockname()[1] for one in held]
        for one in held:
            one.close()
        return cls(
            controller=numbers[0],
            accounting=numbers[1],
            rest=rest or numbers[2],
            nodes=dict(zip(nodes, numbers[3:], strict=True)),
        )


def write(home: Path, ports: Ports) -> None:
    """Write `slurm.conf` and `slurmdbd.conf` below `home`."""
    (home / "etc" / "slurm.conf").write_text(_slurm(home, ports))
    accounting = home / "etc" / "slurmdbd.conf"
    accounting.touch(0o600)
    accounting.write_text(_slurmdbd(home, ports))


def _authentication(home: Path) -> str:
    return f"""
AuthType=auth/munge
AuthInfo=socket={home}/run/munge.socket
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={home}/etc/jwt.key
"""


def _slurmdbd(home: Path, ports: Ports) -> str:
    return f"""{_authentication(home)}
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={ports.accounting}
SlurmUser={getpass.getuser()}
LogFile={home}/log/slurmdbd.log
PidFile={home}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StorageLoc=slurm
"""


def _slurm(home: Path, ports: Ports) -> str:
    host = socket.gethostname().partition(".")[0]
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={_NODE_CPUS} "
        f"RealMemory={_NODE_MEMORY_MIB} State=UNKNOWN"
        for name, port in ports.nodes.items()
    )
    # A node counts as lost after SlurmdTimeout: short, since a rehearsal waits for it.
    return f"""{_authentication(home)}
ClusterName={CLUSTER}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports.controller}
SlurmUser={getpass.getuser()}
SlurmdUser={getpass.getuser()}
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool/%n
SlurmctldPidFile={home}/run/slurmctld.pid
SlurmdPidFile={home}/run/%n.pid
SlurmctldLogFile={home}/log/slurmctld.log
SlurmdLogFile={home}/log/%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=requeue_delay=1,batch_sched_delay=0,sched_interval=1,bf_interval=1
EnforcePartLimits=ALL
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=5
MessageTimeout=5
InactiveLimit=0
KillWait=5
MinJobAge=60
MpiDefault=none
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports.accounting}
AccountingStoragePass={home}/run/munge.socket
AccountingStoreFlags=job_comment,job_script
{nodes}
PartitionName={PARTITION} Nodes=ALL Default=YES MaxTime=INFINITE OverSubscribe=FORCE:4 State=UP
"""
