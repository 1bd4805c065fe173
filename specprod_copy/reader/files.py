"""Input files, opened; what the system says about them, as errors for people."""

from __future__ import annotations

import gzip
import io
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import polars as pl
from isal import isal_zlib

from specprod_copy.errors import InputError

# What unpacking says about damaged data (ISA-L's stubs have the last one as an instance).
DAMAGED = (EOFError, gzip.BadGzipFile, cast("type[Exception]", isal_zlib.error))

_SHOWN_CHARACTERS = 300
"""Of what a library says about values."""

TEXT_BYTES = 1 << 25
"""Longer text tables are not read: they are held in memory."""

RATHER_FITS = "make it a FITS table, which is read in parts"


class ClosedOnExit(ABC):
    """What a with statement closes at its end."""

    @abstractmethod
    def close(self) -> None:
        """Close the files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def input_errors(path: Path, hdu: str | None = None) -> Iterator[None]:
    """Turn what the system may say about a file into an InputError."""
    try:
        yield
    except FileNotFoundError:
        plain = path.name.removesuffix(".gz")
        twin = path.with_name(plain if plain != path.name else f"{plain}.gz")
        hint = f", but {twin.name} exists" if twin.exists() else ""
        raise InputError(f"no such file{hint}", path=path) from None
    except DAMAGED as error:
        message = f"damaged gzip file ({error}); fetch it again"
        raise InputError(message, path=path, hdu=hdu) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path, hdu=hdu) from error


@contextmanager
def value_errors(path: Path, hdu: str | None = None, column: str | None = None) -> Iterator[None]:
    """Turn what Polars may say about values that nobody has foreseen into an InputError."""
    try:
        yield
    except (pl.exceptions.PolarsError, OverflowError) as error:
        reason = " ".join(str(error).split())
        message = f"holds what no rows can be made of: {reason[:_SHOWN_CHARACTERS]}"
        raise InputError(message, path=path, hdu=hdu, column=column) from error


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file; a pipe or a terminal, which might never end, is refused."""
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InputError("no regular file but a pipe, a device or the like", path=path)
    return file


def read_text_file(path: Path, most: int = TEXT_BYTES) -> bytes:
    """Read all of a text file, unless it is longer than `most` bytes."""
    with input_errors(path), open_regular(path) as file:
        text = file.read(most + 1)
    if len(text) > most:
        raise InputError(f"is a text table of more than {most >> 20} MiB: {RATHER_FITS}", path=path)
    return text


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
