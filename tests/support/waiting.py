"""Wait for a condition that must come true, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

_SECONDS = 120.0


def until(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; fail the test if that takes minutes."""
    end = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < end, f"in vain for {_SECONDS:.0f} s: {what}"
        time.sleep(0.01)
