"""Processes that work for another one: they leave Ctrl-C to it, and end when it ends."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait


@contextmanager
def interrupts_left_to_parent() -> Iterator[None]:
    """Let processes that are started within the block take no notice of Ctrl-C, from the first on.

    They inherit that the signal is blocked; a terminal sends it to all processes of a command, and
    the parent awaits or cancels what they do.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker() -> None:
    """End when the parent ends."""
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
