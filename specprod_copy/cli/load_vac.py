"""``specprod-copy load-vac``: a value-added catalogue into the database."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.load_text import plan_lines, plan_values, refused_lines, summary_lines
from specprod_copy.cli.options import JSON, Readers, Verbosity
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import line_width, put, say, to_json
from specprod_copy.loading.described import load_catalogue, plan_catalogue
from specprod_copy.loading.options import LoadOptions
from specprod_copy.option import Option
from specprod_copy.plan.limits import Limits
from specprod_copy.vac.description import read_description
from specprod_copy.vac.files import inputs_of
from specprod_copy.vac.shipped import description_file
from specprod_copy.vac.sources import catalogue_of
from specprod_copy.words import escaped


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
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be done; do nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before replacing tables or rows.")
@options_of(Readers)
@options_of(LoadOptions, "jobs", "part", "cluster", "patience")
@click.option(
    "--on-error",
    type=click.Choice(["stop", "quarantine"]),
    default="stop",
    show_default=True,
    help="What to do when rows cannot be loaded: stop, or put them into quarantine, load the "
    "others, and end with code 3.",
)
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

    It is a TOML file, or the name of a description that comes with this program: fastspecfit-3.x,
    fastphot, lss, mws, qso. The description, and the SQL files that it names, say which tables
    there are and how their rows come from FITS files; "specprod-copy draft-ddl" writes a first
    version of both. They are kept in the schema, so that verify and status need nothing else. As
    with load, what is
    in the database already is not loaded again.

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
    options = make(
        LoadOptions,
        values,
        stages=("all",),
        schema=values["schema"],
        roles=make(Readers, values).all,
        limits=context.ensure_object(Limits),
    )
    if not options.verify and not options.overwrite:
        raise click.UsageError("--no-verify belongs to --overwrite")
    if on_error != "quarantine":
        options = replace(options, max_quarantined=None, quarantine_folder=None)
    elif options.replace:
        raise click.UsageError(
            "--replace stops at rows that cannot be loaded: leave out --on-error quarantine"
        )
    command = f"load-vac {shlex.quote(str(description))}"
    if dry_run:
        plan, statements = plan_catalogue(
            server.if_there(), described, root, options, command=command
        )
        if as_json:
            put(to_json(plan_values(plan, statements)))
            return
        for line in plan_lines(plan, statements, options.jobs, width=line_width()):
            say(line)
        return
    if (options.overwrite or options.replace) and not yes and sys.stdin.isatty():
        what = ", ".join(map(str, options.replace)) or ", ".join(
            described.table(rule.name) for rule in described.tables
        )
        question = f"Replace the rows of {what} in schema {options.schema}?"
        click.confirm(escaped(question), abort=True)
    inputs = inputs_of(described, root)

    def check(new: bool) -> None:
        options.check()
        for source in catalogue_of(described, command).sources.values():
            source.files(inputs)

    summary = load_catalogue(
        server.to_write(check),
        described,
        root,
        options,
        make_listener(verbosity),
        command=command,
    )
    if as_json:
        put(to_json(summary), only_result=False)
    elif verbosity >= 0:
        for line in summary_lines(summary, width=line_width(err=True)):
            say(line, err=True)
    for line in refused_lines(summary):
        say(line, err=True)
    if summary.rows_refused:
        context.exit(3)
