"""Slurm itself: its three daemons, on the loopback interface, for as long as a block lasts."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support import keeper
from support.held_ports import held_ports
from support.waiting import wait_until

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={worker}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
KillWait=2
ReturnToService=2
MinJobAge=3600
Licenses=SCRATCH:100,cfs:100
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} Feature=cpu State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE OverSubscribe=FORCE:8 State=UP
"""

_PAUSE = 0.2
"""Seconds between looks, each of which is a process that the job would have to wait for."""

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "sinfo")


def why_not() -> str | None:
    """Return why Slurm cannot be started here; None if it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "Slurm's daemons are started by root alone"
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    return (
        f"{', '.join(missing)} not installed (apt-get install slurm-wlm munge)" if missing else None
    )


class RealSlurm:
    """A cluster of one node that runs jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}

    def ask(self, *command: str) -> str:
        """Return what a program of Slurm prints."""
        done = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def is_up(self) -> bool:
        """Say whether jobs can run."""
        command, environment = ("sinfo", "-h", "-o", "%t"), os.environ | self.environment
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        return done.stdout.strip() == b"idle"

    def _queue(self) -> str:
        return self.ask("squeue", "--noheader", "--array", "--format=%i %t")

    def states(self, job: str) -> list[str]:
        """Return the state of a job, or that of each task of an array."""
        lines = self.ask("scontrol", "show", "job", job).split()
        return [word.partition("=")[2] for word in lines if word.startswith("JobState=")]

    def wait_for(self, *jobs: str) -> list[list[str]]:
        """Wait until jobs have ended, or will never run; return their states."""
        while before := self._queue():
            wait_until(lambda was=before: self._queue() != was, f"one ends: {before}", pause=_PAUSE)
        return [self.states(job) for job in jobs]


@contextmanager
def running_slurm() -> Iterator[RealSlurm]:
    """Yield a Slurm that is up; all it has started ends with the block, or with this process.

    Raises
    ------
    AssertionError
        If it does not come up, with what its daemons say.
    """
    with keeping("output") as (folder, start), held_ports(2) as (controller, worker):
        slurm = RealSlurm(folder)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        key = folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        configuration = folder / "slurm.conf"
        configuration.write_text(
            CONFIGURATION.format(
                host=socket.gethostname().partition(".")[0],
                folder=folder,
                controller=controller,
                worker=worker,
                cpus=os.cpu_count(),
            )
        )
        files = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "log", "pid", "seed")]
        try:
            start("munged", "-F", f"--socket={folder}/munge.socket", *files)
            wait_until((folder / "munge.socket").exists, "munged is up")
            start("slurmctld", "-D", "-i", "-f", str(configuration))
            start("slurmd", "-D", "-f", str(configuration))
            wait_until(slurm.is_up, "Slurm's node is idle", pause=_PAUSE)
        except AssertionError as error:
            said = (folder / "output").read_text(errors="replace")
            raise AssertionError(f"{error}\n{said}") from error
        yield slurm


@contextmanager
def keeping(output: str) -> Iterator[tuple[Path, Callable[..., None]]]:
    """Yield a folder, and what starts programs; both end with the block: see `keeper`.

    Parameters
    ----------
    output : str
        File in the folder for what the programs say.
    """
    folder = Path(tempfile.mkdtemp(prefix="specprod-test-"))
    folder.chmod(0o711)
    process = subprocess.Popen(
        [sys.executable, "-S", keeper.__file__, folder, output],
        env=os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin"},
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C and those who kill groups do not reach it
        text=True,
    )
    assert process.stdin is not None
    pipe = process.stdin

    def start(*command: str) -> None:
        pipe.write(json.dumps(command) + "\n")
        pipe.flush()

    try:
        yield folder, start
    finally:
        pipe.close()
        process.wait()
