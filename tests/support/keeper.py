"""Starts programs, and ends all they have started when its input ends, however its parent ended.

Each line of the input is a command, as JSON. What daemons leave behind becomes a child of this
process, their "subreaper". At last the folder of the programs is removed.

    python keeper.py FOLDER OUTPUT
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def children() -> list[int]:
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in found.split()]


def main(folder: str, output: str) -> None:
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise SystemExit("no subreapers here")
    with Path(folder, output).open("ab") as log:
        for line in sys.stdin:
            subprocess.Popen(json.loads(line), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    # Those of the ones that end become children of this process, until there are none.
    while pids := children():
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.wait()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
