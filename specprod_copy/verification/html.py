"""Results as a page for a browser: one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import specprod_copy
from specprod_copy.atomic_files import output_errors, write_output
from specprod_copy.atomic_files.outputs import check_outputs
from specprod_copy.errors import InputError
from specprod_copy.resources import html_page
from specprod_copy.verification.results import CHECKS, CheckGroup, Result, grouped
from specprod_copy.verification.text import summary

_FITS: Final = b"SIMPLE  ="
_GZIP: Final = b"\x1f\x8b"


def render(schema: str, results: Sequence[Result], *, time: datetime) -> str:
    """Return results as HTML.

    Parameters
    ----------
    schema : str
    results : sequence of Result
    time : datetime.datetime
        When the verification was done.
    """
    tables: dict[str, list[CheckGroup]] = {}
    for group in grouped(results):
        tables.setdefault(group.table, []).append(group)
    return html_page(
        "verify.html",
        {
            "schema": schema,
            "time": time.isoformat(sep=" ", timespec="seconds"),
            "version": specprod_copy.__version__,
            "summary": summary(schema, results),
            "checks": CHECKS,
            "tables": tables,
            "failed": [result for result in results if not result.passed],
        },
    )


def check(path: Path, inputs: Iterable[Path]) -> None:
    """Raise an InputError if the page cannot replace what has its name, an input for instance."""
    check_outputs([path], inputs=inputs)
    with output_errors(path):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(_FITS)).startswith((_FITS, _GZIP)):
                    raise InputError("is a FITS or gzip file; it is not replaced", path=path)


def write(
    path: Path,
    schema: str,
    results: Sequence[Result],
    *,
    time: datetime,
    inputs: Iterable[Path] = (),
) -> None:
    """Write the page, whole or not at all; an older one is replaced.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    schema, results, time
        As for `render`.
    inputs : iterable of pathlib.Path
        Text files that are read; like FITS files they are not replaced.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    inputs = list(inputs)
    content = render(schema, results, time=time).encode()
    check(path, inputs)
    write_output(path, content, inputs=inputs)
