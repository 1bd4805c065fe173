"""``specprod-copy query``: results into files, or on the screen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import Verbosity
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import line_width, say, table_lines, warn
from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.waits import watched
from specprod_copy.results.api import Preview, preview, run
from specprod_copy.results.options import QueryOptions

_NULL: Final = "null"

_STANDARD_OUTPUT: Final = Path("-")


@click.command()
@click.argument("sql", required=False)
@click.option(
    "-f",
    "--file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help="File with the query; - for standard input.",
)
@click.option(
    "-p",
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of %(NAME)s in the query, where a % of its own is written %%; may be given several "
    "times.",
)
@options_of(QueryOptions)
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="Without --output: how many rows to show at most.",
)
@options_of(Verbosity)
@options_of(ServerOptions)
def query(
    sql: str | None, file: Path | None, parameters: tuple[str, ...], rows: int, **values: Any
) -> None:
    """Run a query, and write its result to a file, or show its first rows.

    \b
      specprod-copy query -s iron "SELECT targetid, z FROM zpix WHERE zwarn = 0" -o z.parquet
      specprod-copy query -s iron -f query.sql -p night=20210517 -o tiles.fits
      specprod-copy query -s iron "SELECT count(*) FROM ztile"
      specprod-copy query -s iron --table zpix --cone 150.1,2.2,0.5 -o cosmos.parquet
      specprod-copy query -s iron --table zpix --with mine=list.fits --match mine --radius 1
      specprod-copy query -s iron --with mine=list.csv "SELECT * FROM mine NATURAL JOIN zpix"

    Files carry units and descriptions of columns that come from a table, also through joins and
    views. The 128-bit ids are decimal in Parquet and text in other formats; -9999, which the
    loader writes for NaN and infinities, is null. A file appears when it is complete.

    The query runs in a read-only transaction. It sees the server's own names, then --schema, the
    schema of q3c, and temporary tables; other schemas by their names, as in fuji.zpix. Functions
    that others have made in these schemas are seen as well, as in any session of yours.
    """
    options = replace(make(QueryOptions, values), parameters=_named(parameters))
    text = _query_text(sql, file, options)
    verbosity = make(Verbosity, values)
    listener = make_listener(verbosity.level)
    if options.output is None and options.format is not None:
        raise click.UsageError("--format needs --output; -o - is standard output")
    stream = None
    if options.output == _STANDARD_OUTPUT:
        options = replace(options, output=None)
        if options.format is None:
            raise click.UsageError("-o - needs --format")
        stream = sys.stdout.buffer
    conninfo = make(ServerOptions, values).to_read()
    with watched(conninfo, listener) as conninfo:
        if options.output is None and stream is None:
            shown = preview(conninfo, text, options, rows)
            notes = shown.notes
            for line in preview_lines(shown, width=line_width()):
                say(line)
        else:
            inputs = [file] if file not in (None, _STANDARD_OUTPUT) else []
            done = run(conninfo, text, options, listener, stream=stream, inputs=inputs)
            notes = [
                *done.notes,
                f"{done.rows:,} rows, {len(done.columns)} columns in {done.seconds:.1f} s",
            ]
    if verbosity.level >= 0:
        for note in notes:
            warn(note)


def preview_lines(shown: Preview, *, width: int) -> Iterator[str]:
    """Yield the lines of a table with the first rows of a result."""
    headings = [f"{c.name} [{c.meaning.unit}]" if c.meaning.unit else c.name for c in shown.columns]
    cells = [[_NULL if cell is None else cell for cell in row] for row in shown.rows]
    yield from table_lines(headings, cells, labels=0, width=width)
    if not shown.complete:
        yield f"the first {len(cells):,} rows; --rows shows more, --output writes all to a file"


def _query_text(sql: str | None, file: Path | None, options: QueryOptions) -> str:
    if options.cone is not None or options.match is not None:
        if sql is not None or file is not None:
            raise click.UsageError("--cone and --match stand in the place of a query")
        if options.schema is None or options.table is None:
            raise click.UsageError("--cone and --match need --schema and --table")
        return ""
    if options.table is not None:
        raise click.UsageError("--table is for --cone and --match")
    if (sql is None) == (file is None):
        raise click.UsageError("give the query either as an argument or by --file")
    if file is None:
        return sql or ""
    if file == _STANDARD_OUTPUT:
        return sys.stdin.read()
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is no UTF-8 text: {error.reason}") from error


def _named(parameters: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not name or not equals:
            raise click.UsageError(f"--param {parameter}: wanted is NAME=VALUE")
        found[name] = value
    return found
