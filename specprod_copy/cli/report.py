"""``specprod-copy report``: a page about what was loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from specprod_copy.atomic_files import write_output
from specprod_copy.atomic_files.outputs import check_outputs
from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import Verbosity
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import say
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.waits import watched
from specprod_copy.report import Verification, page, read_contents
from specprod_copy.report.charts import pictures
from specprod_copy.report.coverage import write_moc

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("-s", "--schema", required=True, help="Schema to look at.")
@click.option("-o", "--output", type=_FILE, required=True, help="The page, an HTML file.")
@click.option(
    "--verification",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="What 'verify --json' printed, to be shown on the page.",
)
@click.option("--moc", type=_FILE, help="Write the sky that the tiles cover to this FITS file too.")
@click.option(
    "--anonymous",
    is_flag=True,
    help="Leave out paths of files, and names of hosts, databases and users.",
)
@options_of(Verbosity)
@options_of(ServerOptions)
def report(
    schema: str,
    output: Path,
    verification: Path | None,
    moc: Path | None,
    anonymous: bool,
    **values: Any,
) -> None:
    """Make a page about a loaded schema: sky, redshifts, nights, how the load went, versions.

    The page is one file that needs no network, and can be printed. Numbers of rows are those of the
    ledger; each table is read once at most. Needs matplotlib: pip install 'specprod-copy[report]'.

    \b
      specprod-copy report --schema iron -o iron.html
      specprod-copy verify --specprod iron --json > checks.json
      specprod-copy report --schema iron -o iron.html --verification checks.json --moc iron.moc.fits
    """
    inputs = [verification] if verification else []
    check_outputs([path for path in (output, moc) if path is not None], inputs=inputs)
    results = Verification.read(verification) if verification else []
    listener = make_listener(make(Verbosity, values).level)
    conninfo = make(ServerOptions, values).to_read()
    with watched(conninfo, listener) as conninfo, connect(conninfo) as connection:
        contents = read_contents(connection, schema, listener)
    with listener.step("drawing"):
        text = page(contents, pictures(contents), results, anonymous=anonymous)
    listener.end()
    write_output(output, text.encode(), inputs=inputs)
    say(f"{output}: {contents.rows:,} rows in {len(contents.loaded)} tables of schema {schema}")
    if moc is not None:
        area = write_moc(moc, contents.tiles)
        say(f"{moc}: {len(contents.tiles):,} tiles cover {area:,.1f} deg²")
