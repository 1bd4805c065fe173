"""``specprod-copy verify``: the files against the database."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from specprod_copy.cli.options import connection_options, input_options, verbosity_options
from specprod_copy.cli.progress import make_console, make_listener
from specprod_copy.cli.verify_text import print_failures, print_results
from specprod_copy.errors import InputError
from specprod_copy.tables import STAGES, Inputs
from specprod_copy.verification import VerifyOptions
from specprod_copy.verification import verify as run_verify
from specprod_copy.verification.html import check as check_html
from specprod_copy.verification.html import write as write_html
from specprod_copy.verification.text import to_json


@click.command(epilog=f"Stages, in their order: {', '.join(STAGES)}.")
@click.argument("stages", nargs=-1, metavar="[STAGE]...")
@input_options(skip_missing="Tiles without a fiberassign file were left out on purpose.")
@click.option("-s", "--schema", help="Schema of the tables.  [default: name of the production]")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    metavar="N",
    help="Rows of each table to draw at random and compare once more, value by value.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the drawing: another one draws other rows.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all results as JSON.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all results to FILE, as a page for a browser.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    default=lambda: min(os.cpu_count() or 1, 8),
    show_default="number of processors, at most 8",
    help="How many processes read.",
)
@verbosity_options
@connection_options
@click.pass_context
def verify(
    context: click.Context,
    stages: tuple[str, ...],
    inputs: Inputs,
    schema: str | None,
    sample: int,
    seed: int,
    as_json: bool,
    html: Path | None,
    jobs: int,
    verbosity: int,
    conninfo: str,
) -> None:
    """Read the files again and compare them with the database; nothing is written there.

    Without a STAGE the whole production is verified. Every value of every row is compared, by
    fingerprints of columns: a single changed bit, a missing row or a doubled one is found, and
    named with its file. Ends with code 1 if any check fails.

    \b
      specprod-copy verify --specprod iron --root /global/cfs/cdirs/desi/public/dr1
      specprod-copy verify redshift --specprod iron --html report.html
    """
    if html is not None and not html.parent.is_dir():
        raise click.UsageError(f"--html: there is no folder {html.parent}")
    text_inputs = _text_inputs(inputs, context.params["config"])
    if html is not None:
        check_html(html, text_inputs)
    schema = schema or inputs.files.production.name
    console = make_console()
    results = run_verify(
        conninfo,
        inputs,
        VerifyOptions(stages or ("all",), schema, sample, seed, jobs),
        make_listener(console, verbosity),
    )
    if html is not None:
        write_html(html, schema, results, time=datetime.now(UTC), inputs=text_inputs)
    if as_json:
        click.echo(to_json(results))
    elif verbosity >= 0:
        print_results(make_console(stderr=False), schema, results, verbose=verbosity > 0)
    else:
        print_failures(console, results)
    if not all(result.passed for result in results):
        context.exit(1)


def _text_inputs(inputs: Inputs, config: Path | None) -> list[Path]:
    """Return the files that are read and need not be FITS files."""
    found = [config, inputs.tiles_file, inputs.exposures_file]
    with suppress(InputError):  # a missing file is in the results
        found.append(inputs.tiles())
    return [path for path in found if path is not None]
