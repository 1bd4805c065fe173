"""Standard output and standard error that may be closed, full, or read by nobody."""

from __future__ import annotations

import io
import os
import sys
from typing import Final, TextIO

_ENDS_OF_OTHERS: Final = 3
"""Descriptors 0, 1 and 2: a file or connection that got one of them would be printed into."""


class Stream(io.TextIOWrapper):
    """A text stream that swallows what can no longer be written.

    A load must not stop, nor end with another exit code, because its output goes nowhere.
    """

    lost: OSError | None = None
    """Why output was lost."""

    def write(self, text: str, /) -> int:
        """Write a text, or nothing once the stream is lost."""
        try:
            return super().write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Write what is in the buffer, or nothing once the stream is lost."""
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        self.lost = self.lost or error
        # What is still in the buffers, and what other programs write, has a place to go.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def open_streams() -> tuple[Stream, Stream]:
    """Replace standard output and standard error by streams that can be lost, and return them."""
    for descriptor in range(_ENDS_OF_OTHERS):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    sys.stdout, sys.stderr = out, err = _opened(sys.stdout, 1), _opened(sys.stderr, 2)
    return out, err


def _opened(stream: TextIO | None, descriptor: int) -> Stream:
    buffer = open(descriptor, "wb", closefd=False)  # noqa: SIM115 (lives as long as we do)
    # What a terminal has no character for is shown by its number.
    return Stream(
        buffer,
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor == 2 or os.isatty(descriptor),
    )
