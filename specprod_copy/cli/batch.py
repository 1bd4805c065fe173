"""``specprod-copy batch``: Slurm jobs that load a production."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from specprod_copy.batch.jobs import make_jobs, render
from specprod_copy.batch.options import BatchOptions
from specprod_copy.batch.script_values import connection_arguments, is_local
from specprod_copy.batch.slurm import Script, chain, check_scripts, submit, write_scripts
from specprod_copy.cli.builder import absolute, make, options_of
from specprod_copy.cli.connection import NamedServer
from specprod_copy.cli.options import Readers, chosen_production, complete_production
from specprod_copy.cli.text import put, say, warn
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import InputError


@click.command()
@click.argument("email")
@click.argument("root", type=click.Path(path_type=Path), callback=absolute)
@click.argument("specprod", shell_complete=complete_production)
@options_of(BatchOptions, "schema", "job_dir", "account", "qos", "constraint", "times")
@click.option("-c", "--csh", is_flag=True, help="Write scripts for tcsh instead of bash.")
@options_of(BatchOptions, "version", "tiles_file", "patch_tiles", "exposures_file", "config")
@options_of(NamedServer)
@options_of(Readers)
@options_of(BatchOptions, "array", "overwrite_tables", "on_error", "skip_missing", "light_curves")
@options_of(BatchOptions, "verify")
@click.option("--overwrite", is_flag=True, help="Replace scripts that are there already.")
@click.option("--submit", "to_submit", is_flag=True, help="Submit the jobs.")
@click.option(
    "-n", "--dry-run", is_flag=True, help="Only print the scripts and how to submit them."
)
def batch(
    email: str,
    root: Path,
    specprod: str,
    csh: bool,
    overwrite: bool,
    to_submit: bool,
    dry_run: bool,
    **values: Any,
) -> None:
    """Write Slurm scripts that load production SPECPROD from ROOT, and submit them.

    There is one job for each stage, and one that verifies all. Each job waits for the success of
    the one before; if that fails, Slurm drops the jobs behind it. EMAIL gets mail when a job ends
    or fails.

    \b
      export PGHOST=db.example.org PGDATABASE=desi PGUSER=desi_admin
      specprod-copy batch me@example.org /global/cfs/cdirs/desi/public/dr1 iron --submit

    A job that has succeeded moves its script to the folder done, so the scripts that are left are
    those still to run. Jobs continue where earlier ones stopped: when something failed, mend it and
    submit again, the remaining scripts or all of them. For that reason no job replaces tables,
    unless you say --overwrite-tables: then the first job does, with load --overwrite, each time it
    is run. It fails, and nothing is changed, if other tables refer to its own; to replace a whole
    production, load into a new schema or use "load all --overwrite".

    With --tiles-file there is one job for each tile in it that has LASTNIGHT >= 20201214 and
    EFFTIME_SPEC > 0, in the order of TILEID; the last one also chooses primary spectra. This is
    how daily is loaded. With --patch-tiles these jobs load from the tiles file and the exposures
    file that you name; else the exposures file is for the stage exposures.

    With --array N the job of each stage but exposures has a job array before it: N tasks, on as
    many nodes, that load one share of the rows each. When all have succeeded the job itself makes
    keys and indexes, and moves the script of the array, too. If tasks fail, wait for the others to
    end and submit both scripts again: what is loaded already is skipped. A task makes up to nine
    connections, so mind the server's max_connections. In front of all a job opens every file, and
    writes what it has seen; the others open only what they load.

    Name the server by options or PG* variables. The scripts name host, port, database and user as
    they are meant now, whatever the environment is when you submit them. Passwords belong in
    ~/.pgpass: they are refused here, because others can read the scripts.
    """
    server = make(NamedServer, values)
    if not server.is_named:
        raise click.UsageError(
            "name the server, by --dsn, --hostname, --username and --dbname or by PG* variables: "
            "jobs cannot use the embedded one"
        )
    production = chosen_production(specprod, values["config"])
    options = make(
        BatchOptions,
        values,
        email=email,
        root=root,
        production=production,
        schema=specprod if values["schema"] is None else values["schema"],
        shell="csh" if csh else "sh",
        connection=connection_arguments(**asdict(server)),
        roles=make(Readers, values).all,
    )
    _warn(options)
    scripts = [render(job, options) for job in make_jobs(options)]
    if dry_run:
        _show(scripts, overwrite=overwrite)
        return
    write_scripts(scripts, overwrite=overwrite)
    say(f"{len(scripts)} scripts are in {options.job_dir}")
    if not to_submit:
        say("--submit submits them, --dry-run shows how to do so by hand")
        return
    for script, job in submit(scripts):
        say(f"job {job}: {script.path.name}")


def _warn(options: BatchOptions) -> None:
    """Say what may be right where the jobs run, and is not here."""
    if not _is_visible(options):
        warn(
            f"Warning: no production {options.production.name} is to be seen in {options.root} "
            "from here; the jobs fail if they see none either"
        )
    if is_local(options.connection):
        warn("Warning: only jobs on this machine reach a server by a socket or loopback address")


def _is_visible(options: BatchOptions) -> bool:
    with suppress(InputError):
        return ProductionFiles(options.production, options.root).redux.is_dir()
    return False


def _show(scripts: Sequence[Script], *, overwrite: bool) -> None:
    if not overwrite:
        check_scripts(scripts)
    for script in scripts:
        put(f"==> {script.path} <==\n{script.text}\n")
    put(f"==> to submit them, from sh <==\n{chain(scripts)}")
