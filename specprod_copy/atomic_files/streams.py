"""Names of what is written into, and not replaced: FIFOs, devices, what a process has open."""

from __future__ import annotations

import os
import stat
from errno import ENXIO
from pathlib import Path
from typing import BinaryIO

from specprod_copy.errors import InputError


def is_stream(path: Path) -> bool:
    """Tell whether a name stands for something to write into, not for a file to be made.

    Names like ``/dev/stdout`` stand for what a process has open, which may be a regular file.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    folder = path.parent.resolve()
    if stat.S_ISREG(mode):
        return folder == Path("/dev") or folder.is_relative_to("/proc")
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def opened_stream(path: Path) -> BinaryIO:
    """Open what a name stands for, to be written into.

    Raises
    ------
    InputError
        If it is a FIFO that nobody reads.
    """
    # Without O_NONBLOCK this would wait for a reader for ever.
    flags = os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        handle = os.open(path, flags)
    except OSError as error:
        if error.errno != ENXIO:
            raise
        raise InputError("is a FIFO that nobody reads; start its reader first", path=path) from None
    os.set_blocking(handle, True)
    return os.fdopen(handle, "wb")
