"""``specprod-copy batch``: Slurm jobs that load a production."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from specprod_copy.batch.jobs import BatchOptions, make_jobs, render
from specprod_copy.batch.script_values import connection_arguments
from specprod_copy.batch.slurm import Script, chain, check_scripts, submit, write_scripts
from specprod_copy.desi.configuration import find_production
from specprod_copy.postgres.conninfo import server_is_named


def _absolute(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    return path if path is None else path.expanduser().absolute()


def _path_option(*names: str, **settings: Any) -> Any:
    kind = click.Path(path_type=Path)
    return click.option(*names, type=kind, callback=_absolute, **settings)


@click.command()
@click.argument("email")
@click.argument("root", type=click.Path(path_type=Path), callback=_absolute)
@click.argument("specprod")
@click.option("-s", "--schema", help="Schema for the tables.  [default: name of the production]")
@_path_option(
    "-j",
    "--job-dir",
    default="~/Documents/Jobs",
    show_default=True,
    help="Folder of scripts and logs.",
)
@click.option("-q", "--qos", default="regular", show_default=True, help="Quality of service.")
@click.option("-C", "--constraint", default="cpu", show_default=True, help="Kind of node.")
@click.option("-c", "--csh", is_flag=True, help="Write scripts for tcsh instead of bash.")
@click.option(
    "-v",
    "--specprod-version",
    "version",
    metavar="VERSION",
    help="Swap to this version of the module specprod-copy; without it jobs run the program that "
    "is on the PATH.",
)
@_path_option("-t", "--tiles-file", help="One job for each loadable tile in this file.")
@click.option(
    "-p", "--patch-tiles", is_flag=True, help="Let these jobs take tiles from --tiles-file, too."
)
@_path_option(
    "-e", "--exposures-file", help="Exposures file instead of the production's own (see below)."
)
@_path_option("--config", help="File that adds productions, as for the command load.")
@click.option("--dsn", help="Server, as a URI or key=value string without password.")
@click.option("-H", "--hostname", help="Host name of the server.")
@click.option("-U", "--username", help="Name of the database user.")
@click.option("-D", "--dbname", help="Name of the database.")
@click.option(
    "--array",
    type=int,
    metavar="N",
    help="Share the rows of each large stage among N jobs, 2 to 1000 (see below).",
)
@click.option("--overwrite-tables", is_flag=True, help="Let the first job replace its tables.")
@click.option("--overwrite", is_flag=True, help="Replace scripts that are there already.")
@click.option("--submit", "to_submit", is_flag=True, help="Submit the jobs.")
@click.option(
    "-n", "--dry-run", is_flag=True, help="Only print the scripts and how to submit them."
)
def batch(
    specprod: str,
    schema: str | None,
    csh: bool,
    config: Path | None,
    dsn: str | None,
    hostname: str | None,
    username: str | None,
    dbname: str | None,
    overwrite: bool,
    to_submit: bool,
    dry_run: bool,
    **values: Any,
) -> None:
    """Write Slurm scripts that load production SPECPROD from ROOT, and submit them.

    There is one job for each stage. Each job waits for the success of the one before; if that
    fails, Slurm drops the jobs behind it. EMAIL gets mail when a job ends or fails.

    \b
      export PGHOST=db.example.org PGDATABASE=desi PGUSER=desi_admin
      specprod-copy batch me@example.org /global/cfs/cdirs/desi/public/dr1 iron --submit

    A job that has succeeded moves its script to the folder done, so the scripts that are left are
    those still to run. Jobs go on where earlier ones stopped: when something failed, mend it and
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
    connections, so mind the server's max_connections.

    Name the server by options or PG* variables, which sbatch hands on to the jobs. Passwords
    belong in ~/.pgpass: they are refused here, because others can read the scripts.
    """
    if not server_is_named({"dsn": dsn, "host": hostname, "user": username, "dbname": dbname}):
        raise click.UsageError(
            "name the server, by --dsn, --hostname, --username and --dbname or by PG* variables: "
            "jobs cannot use the embedded one"
        )
    options = BatchOptions(
        production=find_production(specprod, config),
        schema=specprod if schema is None else schema,
        shell="csh" if csh else "sh",
        config=config,
        connection=connection_arguments(dsn, hostname, username, dbname),
        **values,
    )
    scripts = [render(job, options) for job in make_jobs(options)]
    if dry_run:
        _show(scripts, overwrite=overwrite)
        return
    write_scripts(scripts, overwrite=overwrite)
    click.echo(f"{len(scripts)} scripts are in {options.job_dir}")
    if not to_submit:
        click.echo("--submit submits them, --dry-run shows how to do so by hand")
        return
    for script, job in submit(scripts):
        click.echo(f"job {job}: {script.path.name}")


def _show(scripts: Sequence[Script], *, overwrite: bool) -> None:
    if not overwrite:
        check_scripts(scripts)
    for script in scripts:
        click.echo(f"==> {script.path} <==\n{script.text}")
    click.echo(f"==> to submit them, from sh <==\n{chain(scripts)}", nl=False)
