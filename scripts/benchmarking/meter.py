"""Run a command and write its time, processor time and memory: meter.py REPORT COMMAND...

A process of its own, without imports beyond the standard library: the kernel counts the memory of
whoever starts a program as the program's, so only a small one may start it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

SAMPLE_SECONDS = 0.1
_PR_SET_CHILD_SUBREAPER = 36


def _tree(pid: int) -> Iterator[int]:
    """Yield a process and its descendants, as far as they live."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def _sample(pid: int, peaks: dict[int, int]) -> None:
    """Note the highest memory so far of each process of a tree [kB]."""
    try:
        for process in _tree(pid):
            status = Path(f"/proc/{process}/status").read_text()
            if "VmHWM:" in status:
                peaks[process] = int(status.split("VmHWM:")[1].split()[0])
    except (FileNotFoundError, ProcessLookupError):
        pass  # one of them ended meanwhile


def main() -> None:
    """Run the command; end with its exit code."""
    report, *command = sys.argv[1:]
    # Processes that outlive their parents come to us, so that none is missed.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    peaks: dict[int, int] = {}
    over = threading.Event()
    started = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ)

    def watch() -> None:
        while not over.wait(SAMPLE_SECONDS):
            _sample(pid, peaks)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, _ = os.wait4(pid, 0)
    ended = time.monotonic()
    over.set()
    watcher.join()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "started": started,
        "seconds": ended - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "largest_kb": usage.ru_maxrss,
        "peaks_kb": sorted(peaks.values(), reverse=True),
    }
    Path(report).write_text(json.dumps(figures))
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
