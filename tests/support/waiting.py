"""Wait for what must come, however slow the machine is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

PATIENCE = 120
"""Seconds after which something that must come has not come. Nothing is timed by it."""


def wait_until(
    is_so: Callable[[], object],
    what: str,
    process: subprocess.Popen[str] | None = None,
    *,
    pause: float = 0.01,
) -> None:
    """Wait for something that is sure to come, unless a process ends that must not end before.

    There are so many seconds from one look to the next.
    """
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the process ended before {what}: {process.communicate()}")
        assert time.monotonic() < deadline, f"waited {PATIENCE} s in vain: {what}"
        time.sleep(pause)
