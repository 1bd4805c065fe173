"""The files that a command will write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from specprod_copy.atomic_files import check_replaceable, output_errors
from specprod_copy.atomic_files.streams import is_stream
from specprod_copy.errors import InputError


def check_outputs(paths: Sequence[Path], *, inputs: Iterable[Path] = ()) -> None:
    """Check what `write_output` would refuse of any, before there is anything to write.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        The files to be written, each another one, under whatever names; what is written into, such
        as /dev/null, may be there several times.
    inputs : iterable of pathlib.Path
        As for `check_replaceable`.

    Raises
    ------
    InputError
    """
    inputs, files = list(inputs), list[Path]()
    for path in paths:
        with output_errors(path):
            if not is_stream(path):
                check_replaceable(path, inputs=inputs)
                files.append(path)
    for one, other in combinations(files, 2):
        with output_errors(other):
            if _is_same(one, other):
                raise InputError("two outputs would go there; name two files", path=other)


def _is_same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
