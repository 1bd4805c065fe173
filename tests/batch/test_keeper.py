"""What the tests of Slurm start ends with them, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from support.waiting import wait_until

PARENT = """
import sys, time
from support.real_slurm import keeping

with keeping("output") as (folder, start):
    # The daemon leaves its parent, its session and its group.
    start("sh", "-c", f"setsid sh -c 'setsid sleep 600 & echo $! >{folder}/pid' & sleep 600")
    print(folder, flush=True)
    time.sleep(600)
"""


def test_all_ends_with_a_parent_that_is_killed():
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        folder = Path(parent.stdout.readline().strip())
        wait_until(lambda: (folder / "pid").exists() and (folder / "pid").read_text(), "it runs")
        daemon = Path("/proc", (folder / "pid").read_text().strip())
        assert daemon.exists()
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not folder.exists(), "the keeper has ended")
    assert not daemon.exists()
