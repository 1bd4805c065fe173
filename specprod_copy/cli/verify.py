"""``specprod-copy verify``: the files against the database."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import EPILOG, JSON, STAGE, ProductionOptions, Verbosity, make_inputs
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import line_width, put, say
from specprod_copy.cli.verify_text import failure_lines, result_lines
from specprod_copy.errors import InputError
from specprod_copy.executors.options import ExecutorOptions
from specprod_copy.plan.limits import Limits
from specprod_copy.tables import Inputs
from specprod_copy.vac.stored import chosen
from specprod_copy.verification import VerifyOptions
from specprod_copy.verification import verify as run_verify
from specprod_copy.verification.catalogues import catalogues_at, verify_catalogues
from specprod_copy.verification.html import check as check_html
from specprod_copy.verification.html import write as write_html
from specprod_copy.verification.text import to_json


@click.command(epilog=EPILOG)
@click.argument("stages", nargs=-1, metavar="[STAGE]...", type=STAGE)
@options_of(ProductionOptions)
@options_of(
    Inputs,
    "tiles_file",
    "exposures_file",
    "skip_missing",
    skip_missing="Tiles without a fiberassign file were left out on purpose.",
)
@options_of(VerifyOptions, "schema", "sample", "seed")
@JSON
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all results to FILE, as a page for a browser.",
)
@options_of(VerifyOptions, "jobs")
@options_of(ExecutorOptions)
@click.option(
    "--catalogue",
    "names",
    multiple=True,
    help="Of a schema of value-added catalogues only this one; may be given several times.",
)
@options_of(Verbosity)
@options_of(ServerOptions)
@click.pass_context
def verify(
    context: click.Context,
    stages: tuple[str, ...],
    as_json: bool,
    html: Path | None,
    names: tuple[str, ...],
    **values: Any,
) -> None:
    """Read the files again and compare them with the database; nothing is written there.

    Without a STAGE the whole production is verified. Every value of every row is compared, by
    fingerprints of columns: a single changed bit, a missing row or a doubled one is found, and
    named with its file. Ends with code 1 if any check fails.

    A schema of value-added catalogues says itself what it was loaded from: --schema is enough.

    \b
      specprod-copy verify --specprod iron --root /global/cfs/cdirs/desi/public/dr1
      specprod-copy verify redshift --specprod iron --html report.html
      specprod-copy verify --schema vac
    """
    if html is not None and not html.parent.is_dir():
        raise click.UsageError(f"--html: there is no folder {html.parent}")
    verbosity = make(Verbosity, values).level
    server = make(ServerOptions, values)
    schema, inputs, text_inputs = values["schema"], None, []
    catalogues = catalogues_at(server.to_read(), schema) if schema else []
    if catalogues and stages:
        raise click.UsageError(
            f"schema {schema} has catalogues, no stages: name one by --catalogue"
        )
    if names and not catalogues:
        raise click.UsageError("--catalogue belongs to a --schema of value-added catalogues")
    if not catalogues:
        inputs = make_inputs(values)
        schema = schema or inputs.files.production.name
        text_inputs = _text_inputs(inputs, values["config"])
    options = make(
        VerifyOptions,
        values,
        stages=stages or ("all",),
        schema=schema,
        limits=context.ensure_object(Limits),
    )
    executor = make(ExecutorOptions, values)
    if html is not None:
        check_html(html, text_inputs)
    conninfo, listener = server.to_read(), make_listener(verbosity)
    if inputs is None:
        wanted = chosen(catalogues, names, schema)
        given = context.get_parameter_source("root") is ParameterSource.COMMANDLINE
        root = values["root"] if given else None
        with executor.workers(options.jobs, root) as workers:
            results = verify_catalogues(
                conninfo, wanted, options, listener, root=root, workers=workers
            )
    else:
        with executor.workers(options.jobs, inputs.files.root) as workers:
            results = run_verify(conninfo, inputs, options, listener, workers=workers)
    if html is not None:
        write_html(html, schema, results, time=datetime.now(UTC), inputs=text_inputs)
    if as_json:
        put(to_json(results))
    elif verbosity >= 0:
        for line in result_lines(schema, results, verbose=verbosity > 0, width=line_width()):
            say(line)
    else:
        for line in failure_lines(results):
            say(line, err=True)
    if not all(result.passed for result in results):
        context.exit(1)


def _text_inputs(inputs: Inputs, config: Path | None) -> list[Path]:
    """Return the files that are read and need not be FITS files."""
    found = [config, inputs.tiles_file, inputs.exposures_file]
    with suppress(InputError):  # a missing file is in the results
        found.append(inputs.tiles())
    return [path for path in found if path is not None]
