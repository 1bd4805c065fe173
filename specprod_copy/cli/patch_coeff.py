"""``specprod-copy patch coeff``: right coefficients for zpix and ztile."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from specprod_copy import coeff_patch
from specprod_copy.cli.options import connection_options, role_options, verbosity_options
from specprod_copy.cli.progress import make_listener
from specprod_copy.coeff_patch import Comparison, Patch, SampleRow, patches_of
from specprod_copy.coeff_patch.kinds import KINDS

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def coeff() -> None:
    """Replace template coefficients (COEFF) of zpix and ztile.

    In the tables of fuji, guadalupe and iron they were wrong; the catalogs have the right ones.

    \b
      specprod-copy patch coeff extract zall-pix-iron.fits zall-tilecumulative-iron.fits
      specprod-copy patch coeff load --production iron zall-*-iron-coeff-patch.fits
      specprod-copy patch coeff check --production iron
      specprod-copy patch coeff apply --production iron --vacuum
      specprod-copy patch coeff revert --production iron

    render-ddl --coeff-patch prints the same as SQL, for psql.
    """


def patch_options(command: F) -> F:
    """Add the options that say where a patch is; the command gets ``patches``."""

    @click.option(
        "-p", "--production", required=True, metavar="SPECPROD", help="Name of the production."
    )
    @click.option(
        "--patch-schema",
        default=coeff_patch.PATCH_SCHEMA,
        show_default=True,
        help="Schema that patches of all productions share.",
    )
    @click.option(
        "--name",
        help="What names in the patch schema begin with, e.g. desi_dr1.  [default: the production]",
    )
    @functools.wraps(command)
    def wrapper(
        *args: Any,
        production: str,
        patch_schema: str,
        name: str | None,
        schema: str | None = None,
        tables: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> Any:
        patches = patches_of(
            production, tables, schema=schema, patch_schema=patch_schema, name=name
        )
        return command(*args, patches=patches, **kwargs)

    return wrapper  # type: ignore[return-value]


def table_options(command: F) -> F:
    """Add what says which tables are patched; `patch_options` takes it."""
    tables = click.argument(
        "tables", nargs=-1, metavar="[zpix] [ztile]", type=click.Choice(list(KINDS))
    )
    schema = click.option(
        "-s", "--schema", help="Schema of the tables.  [default: name of the production]"
    )
    return tables(schema(command))


def vacuum_options(command: F) -> F:
    """Add the options that say how to clean up; the command gets ``vacuum`` and ``full``."""
    vacuum = click.option("--vacuum", is_flag=True, help="VACUUM and ANALYZE the tables then.")
    full = click.option(
        "--vacuum-full",
        "full",
        is_flag=True,
        help="The same with FULL: gives space back to the disk, locks the tables meanwhile.",
    )
    return vacuum(full(command))


@coeff.command()
@click.argument(
    "zalls",
    metavar="ZALL...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@click.option(
    "-o",
    "--output",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the patch files.",
)
@click.option("--overwrite", is_flag=True, help="Replace existing patch files.")
def extract(zalls: tuple[Path, ...], output: Path, overwrite: bool) -> None:
    """Write the coefficients of zall catalogs to patch files.

    A catalog may have any name: by its columns it is one of HEALPixels or one of tiles. Sky and
    negative TARGETIDs are left out.

    \b
      zall-pix-iron.fits -> zall-pix-iron-coeff-patch.fits
    """
    for one in coeff_patch.extract(zalls, output, overwrite=overwrite):
        click.echo(
            f"wrote {one.path}: {one.rows_kept:,} of {one.rows_read:,} rows, for {one.table}"
        )


@coeff.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@patch_options
@click.option("--overwrite", is_flag=True, help="Replace the tables of an earlier patch.")
@role_options("Let the roles of the public read as well.")
@verbosity_options
@connection_options
def load(
    files: tuple[Path, ...],
    patches: Sequence[Patch],
    overwrite: bool,
    roles: tuple[str, ...],
    verbosity: int,
    conninfo: str,
) -> None:
    """Load patch files, or zall catalogs themselves, beside the tables that they are for.

    They become the tables SPECPROD_zpixpatch and SPECPROD_ztilepatch of the patch schema, with
    their indexes; zpix and ztile stay as they are. Each table is loaded whole or not at all.
    """
    listener = make_listener(Console(stderr=True), verbosity)
    loaded = coeff_patch.load(
        conninfo, patches, files, overwrite=overwrite, roles=roles, listener=listener
    )
    for one in loaded:
        if verbosity >= 0:
            click.echo(
                f"{one.patch.patch_schema}.{one.patch.patch}: {one.rows_kept:,} of "
                f"{one.rows_read:,} rows loaded, {one.values_changed:,} values NaN→-9999"
            )
        for role in one.missing_roles:
            click.echo(f"Warning: role {role} does not exist: nothing granted to it", err=True)


@coeff.command()
@table_options
@patch_options
@connection_options
def check(patches: Sequence[Patch], conninfo: str) -> None:
    """Compare tables with their patches: counts that must match, values before and after.

    Ends with code 1 if counts do not match. Nothing is changed.
    """
    comparisons = coeff_patch.check(conninfo, patches)
    for comparison in comparisons:
        _show(comparison)
    if not all(comparison.counts.match for comparison in comparisons):
        click.get_current_context().exit(1)


@coeff.command()
@table_options
@patch_options
@vacuum_options
@connection_options
def apply(patches: Sequence[Patch], vacuum: bool, full: bool, conninfo: str) -> None:
    """Put the coefficients of patches into their tables, in one transaction.

    Refused if counts do not match. Only rows that differ are changed; their old coefficients are
    kept in SPECPROD_zpix_before and SPECPROD_ztile_before of the patch schema. Then it is verified
    that nothing differs any more. Done again, it changes nothing.
    """
    for one in coeff_patch.apply(conninfo, patches):
        patch = one.patch
        click.echo(
            f"{patch.schema}.{patch.table}: {one.changed:,} of {one.rows:,} rows changed, "
            f"{one.saved:,} newly saved in {patch.patch_schema}.{patch.backup}; 0 differ from "
            f"{patch.patch_schema}.{patch.patch}"
        )
    _vacuum(conninfo, patches, vacuum=vacuum, full=full)


@coeff.command()
@table_options
@patch_options
@vacuum_options
@connection_options
def revert(patches: Sequence[Patch], vacuum: bool, full: bool, conninfo: str) -> None:
    """Put back the coefficients that "apply" has replaced, in one transaction.

    They stay saved, so this can be done again, and so can "apply".
    """
    for one in coeff_patch.revert(conninfo, patches):
        patch = one.patch
        click.echo(
            f"{patch.schema}.{patch.table}: {one.changed:,} rows restored; 0 of {one.saved:,} "
            f"differ from {patch.patch_schema}.{patch.backup}"
        )
    _vacuum(conninfo, patches, vacuum=vacuum, full=full)


def _vacuum(conninfo: str, patches: Sequence[Patch], *, vacuum: bool, full: bool) -> None:
    if vacuum or full:
        for warning in coeff_patch.vacuum(conninfo, patches, full=full):
            click.echo(f"Warning: {warning}", err=True)


def _show(comparison: Comparison) -> None:
    patch, counts = comparison.patch, comparison.counts
    click.echo(
        f"{patch.schema}.{patch.table} and {patch.patch_schema}.{patch.patch}\n"
        f"  rows: {counts.table:,} in the table, {counts.values:,} in the patch, "
        f"{counts.joined:,} in both: {'they match' if counts.match else 'THEY DO NOT MATCH'}\n"
        f"  rows that differ: {comparison.differing:,}"
    )
    for sample in comparison.samples:
        click.echo(f"  id {sample.id}: {_changes(sample)}")


def _changes(sample: SampleRow) -> str:
    pairs = enumerate(zip(sample.before, sample.after, strict=True))
    return ", ".join(
        f"coeff_{n} {before!r} -> {after!r}" for n, (before, after) in pairs if before != after
    )
