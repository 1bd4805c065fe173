"""Results as a page for a browser: one file that needs nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import jinja2

import specprod_copy
from specprod_copy.errors import InputError
from specprod_copy.resources import resource_folder
from specprod_copy.verification.results import CHECKS, CheckGroup, Result, grouped
from specprod_copy.verification.text import summary


def render(schema: str, results: Sequence[Result], *, time: datetime) -> str:
    """Return results as HTML.

    Parameters
    ----------
    schema : str
    results : sequence of Result
    time : datetime.datetime
        When the verification was done.

    Returns
    -------
    str
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_folder("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tables: dict[str, list[CheckGroup]] = {}
    for group in grouped(results):
        tables.setdefault(group.table, []).append(group)
    return environment.get_template("verify.html").render(
        schema=schema,
        time=time.isoformat(sep=" ", timespec="seconds"),
        version=specprod_copy.__version__,
        summary=summary(schema, results),
        checks=CHECKS,
        tables=tables,
        failed=[result for result in results if not result.passed],
    )


def write(path: Path, schema: str, results: Sequence[Result], *, time: datetime) -> None:
    """Write the page, whole or not at all; an older one is replaced.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    schema, results, time
        As for `render`.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    text = render(schema, results, time=time)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".verify-") as folder:
            temporary = Path(folder) / path.name
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=path) from error
