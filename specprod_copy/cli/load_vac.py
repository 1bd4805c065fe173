"""``specprod-copy load-vac``: a value-added catalogue into the database."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.load_run import DRY_RUN, ON_ERROR, YES, ask, load_options, tell, tell_plan
from specprod_copy.cli.options import JSON, Readers, Verbosity
from specprod_copy.cli.progress import make_listener
from specprod_copy.executors.options import ExecutorOptions
from specprod_copy.loading.described import load_catalogue, plan_catalogue
from specprod_copy.loading.options import LoadOptions
from specprod_copy.option import Option
from specprod_copy.vac.files import inputs_of
from specprod_copy.vac.parsing import read_description
from specprod_copy.vac.shipped import description_file
from specprod_copy.vac.sources import catalogue_of


@dataclass(frozen=True)
class CatalogueOptions:
    """Which version of a catalogue, and where its files are."""

    root: Annotated[
        Path | None,
        Option("-r --root", "Folder that its paths begin in.", variable="DESI_ROOT"),
    ] = None
    version: Annotated[
        str | None, Option("--version", "{version} of paths.  [default: as described]")
    ] = None
    release: Annotated[
        str | None, Option("--release", "{release} of paths.  [default: as described]")
    ] = None
    specprod: Annotated[
        str | None, Option("-p --specprod", "{specprod} of paths.  [default: as described]")
    ] = None
    suffix: Annotated[
        str | None,
        Option(
            "--suffix",
            "What stands behind the names of tables, e.g. _v3: another version beside the one that "
            "is loaded.",
        ),
    ] = None


@click.command("load-vac")
@click.argument("description", metavar="DESCRIPTION", type=click.Path(path_type=Path))
@options_of(CatalogueOptions)
@click.option("-s", "--schema", default="vac", show_default=True, help="Schema of the tables.")
@options_of(LoadOptions, "overwrite", "verify", "replace", "check_content")
@DRY_RUN
@YES
@options_of(Readers)
@options_of(LoadOptions, "jobs", "part", "cluster", "patience")
@options_of(ExecutorOptions)
@ON_ERROR
@options_of(LoadOptions, "quarantine_folder", "max_quarantined")
@JSON
@options_of(Verbosity)
@options_of(ServerOptions)
@click.pass_context
def load_vac(
    context: click.Context,
    description: Path,
    dry_run: bool,
    yes: bool,
    on_error: str,
    as_json: bool,
    **values: Any,
) -> None:
    """Load a value-added catalogue that DESCRIPTION describes.

    It is a TOML file, or the name of a description that comes with this program: fastspecfit-3.x
    (or -2.x, -1.x, -morelines), fastphot, lss, mws, qso. The description, and the SQL files that it
    names, say which tables there are and how their rows come from FITS files; "specprod-copy
    draft-ddl" writes a first version of both. They are kept in the schema, so that verify and
    status need nothing else. As with load, what is in the database already is not loaded again.

    \b
      specprod-copy load-vac fastspecfit-3.x --root /global/cfs/cdirs/desi/public/dr1
      specprod-copy load-vac lss.toml --version v1.5 --suffix _v15
      specprod-copy verify --schema vac
    """
    verbosity = make(Verbosity, values).level
    server = make(ServerOptions, values)
    chosen = make(CatalogueOptions, values)
    if chosen.root is None:
        raise click.UsageError("name the folder of the files: --root DIR, or set DESI_ROOT")
    root = chosen.root
    described = read_description(description_file(description)).with_parameters(
        version=chosen.version,
        release=chosen.release,
        specprod=chosen.specprod,
        suffix=chosen.suffix,
    )
    options = load_options(context, values, ["all"], values["schema"], on_error)
    command = f"load-vac {shlex.quote(str(description))}"
    executor = make(ExecutorOptions, values)
    if dry_run:
        with executor.workers(options.jobs, root) as workers:
            plan, statements = plan_catalogue(
                server.if_there(), described, root, options, command=command, workers=workers
            )
        tell_plan(plan, statements, options, as_json=as_json)
        return
    ask(options, ", ".join(described.table(rule.name) for rule in described.tables), yes=yes)
    inputs = inputs_of(described, root)

    def check(new: bool) -> None:
        options.check()
        for source in catalogue_of(described, command).sources.values():
            source.files(inputs)

    conninfo, listener = server.to_write(check), make_listener(verbosity)
    with executor.workers(options.jobs, root) as workers:
        summary = load_catalogue(
            conninfo, described, root, options, listener, command=command, workers=workers
        )
    tell(context, summary, verbosity, as_json=as_json)
