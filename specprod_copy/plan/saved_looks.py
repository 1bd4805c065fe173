"""What was found out about files, saved so that no task of a job array opens all of them again.

Such a file is read by the version of this program that has written it, and by its owner alone:
what is in it is trusted as the program is. A file that has changed since is opened again.
"""

from __future__ import annotations

import os
import pickle
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Final

import specprod_copy
from specprod_copy.atomic_files import write_output
from specprod_copy.errors import InputError
from specprod_copy.plan.looks import Kept
from specprod_copy.reader.content import digest_of

_MODE: Final = 0o600


def save(path: Path, keywords: Collection[str], kept: Kept, *, inputs: Collection[Path]) -> None:
    """Write what was found out about files.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    keywords : collection of str
        Keywords of headers that were looked for.
    kept : Kept
        See `Looks.kept`.
    inputs : collection of pathlib.Path
        None of them is replaced.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    content = pickle.dumps(kept)
    head = _first_line(keywords) + _second_line(content)
    write_output(path, head + content, inputs=inputs, mode=_MODE)


def read(path: Path, keywords: Collection[str]) -> Kept:
    """Return what was found out about files, as `save` has written it.

    Raises
    ------
    InputError
        If it cannot be read, is no such file, or is by another version or for other tables.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid not in (os.geteuid(), 0) or status.st_mode & (
                stat.S_IWGRP | stat.S_IWOTH
            ):
                raise InputError(
                    "belongs to somebody else, or others may write to it: a plan is trusted as the "
                    "program is, so it has to be yours alone",
                    path=path,
                )
            if file.readline() != _first_line(keywords):
                raise InputError(
                    "is no plan by this version for these tables: write it by load --dry-run "
                    "--plan FILE",
                    path=path,
                )
            second, content = file.readline(), file.read()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}; load --dry-run --plan FILE writes a plan", path=path
        ) from error
    if second != _second_line(content):
        raise InputError("is damaged: load --dry-run --plan FILE writes another one", path=path)
    kept: Kept = pickle.loads(content)  # noqa: S301 - our own
    return kept


def _first_line(keywords: Collection[str]) -> bytes:
    words = ",".join(sorted(keywords))
    return f"plan of specprod-copy {specprod_copy.__version__} for {words}\n".encode()


def _second_line(content: bytes) -> bytes:
    return f"{digest_of(content)}\n".encode()
