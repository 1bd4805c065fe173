"""``specprod-copy patch coeff``: right coefficients for zpix and ztile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import click

from specprod_copy import coeff_patch
from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import Readers, Verbosity
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import say, warn
from specprod_copy.coeff_patch import Comparison, Patch, SampleRow, patches_of
from specprod_copy.coeff_patch.kinds import KINDS
from specprod_copy.desi.configuration import load_configuration
from specprod_copy.option import Option


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


@dataclass(frozen=True)
class PatchOptions:
    """Where a patch is."""

    production: Annotated[
        str,
        Option(
            "-p --production",
            "Name of the production.",
            metavar="SPECPROD",
            required=True,
            names_known=load_configuration,
        ),
    ]
    patch_schema: Annotated[
        str, Option("--patch-schema", "Schema that patches of all productions share.")
    ] = coeff_patch.PATCH_SCHEMA
    name: Annotated[
        str | None,
        Option(
            "--name",
            "What names in the patch schema begin with, e.g. desi_dr1.  [default: the production]",
        ),
    ] = None
    schema: Annotated[
        str | None,
        Option("-s --schema", "Schema of the tables.  [default: name of the production]"),
    ] = None


@dataclass(frozen=True)
class VacuumOptions:
    """How to clean up."""

    vacuum: Annotated[bool, Option("--vacuum", "VACUUM and ANALYZE the tables then.")] = False
    full: Annotated[
        bool,
        Option(
            "--vacuum-full",
            "The same with FULL: gives space back to the disk, locks the tables meanwhile.",
        ),
    ] = False


_TABLES = click.argument(
    "tables", nargs=-1, metavar="[zpix] [ztile]", type=click.Choice(list(KINDS))
)


def _patches(values: Mapping[str, Any], tables: Sequence[str] = ()) -> list[Patch]:
    options = make(PatchOptions, values)
    return patches_of(
        options.production,
        tables,
        schema=options.schema,
        patch_schema=options.patch_schema,
        name=options.name,
    )


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
        say(f"wrote {one.path}: {one.rows_kept:,} of {one.rows_read:,} rows, for {one.table}")


@coeff.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@options_of(PatchOptions, "production", "patch_schema", "name")
@click.option("--overwrite", is_flag=True, help="Replace the tables of an earlier patch.")
@options_of(Readers)
@options_of(Verbosity)
@options_of(ServerOptions)
def load(files: tuple[Path, ...], overwrite: bool, **values: Any) -> None:
    """Load patch files, or zall catalogs themselves, beside the tables that they are for.

    They become the tables SPECPROD_zpixpatch and SPECPROD_ztilepatch of the patch schema, with
    their indexes; zpix and ztile stay as they are. Each table is loaded whole or not at all.
    """
    verbosity = make(Verbosity, values).level
    patches = _patches(values)
    loaded = coeff_patch.load(
        make(ServerOptions, values).to_write(lambda _: coeff_patch.check_files(files)),
        patches,
        files,
        overwrite=overwrite,
        roles=make(Readers, values).all,
        listener=make_listener(verbosity),
    )
    for one in loaded:
        if verbosity >= 0:
            say(
                f"{one.patch.patch_schema}.{one.patch.patch}: {one.rows_kept:,} of "
                f"{one.rows_read:,} rows loaded, {one.values_changed:,} values NaN→-9999"
            )
        for note in one.notes:
            warn(f"Warning: {note}")


@coeff.command()
@_TABLES
@options_of(PatchOptions)
@options_of(ServerOptions)
def check(tables: tuple[str, ...], **values: Any) -> None:
    """Compare tables with their patches: counts that must match, values before and after.

    Ends with code 1 if counts do not match. Nothing is changed.
    """
    patches = _patches(values, tables)
    comparisons = coeff_patch.check(
        make(ServerOptions, values).to_read(), patches, make_listener(0)
    )
    for comparison in comparisons:
        _show(comparison)
    if not all(comparison.counts.match for comparison in comparisons):
        click.get_current_context().exit(1)


@coeff.command()
@_TABLES
@options_of(PatchOptions)
@options_of(VacuumOptions)
@options_of(ServerOptions)
def apply(tables: tuple[str, ...], **values: Any) -> None:
    """Put the coefficients of patches into their tables, in one transaction.

    Refused if counts do not match. Only rows that differ are changed; their old coefficients are
    kept in SPECPROD_zpix_before and SPECPROD_ztile_before of the patch schema. Then it is verified
    that nothing differs any more. Done again, it changes nothing.
    """
    patches = _patches(values, tables)
    conninfo = make(ServerOptions, values).to_read()
    for one in coeff_patch.apply(conninfo, patches, make_listener(0)):
        patch = one.patch
        say(
            f"{patch.schema}.{patch.table}: {one.changed:,} of {one.rows:,} rows changed, "
            f"{one.saved:,} newly saved in {patch.patch_schema}.{patch.backup}; 0 differ from "
            f"{patch.patch_schema}.{patch.patch}"
        )
    _vacuum(conninfo, patches, make(VacuumOptions, values))


@coeff.command()
@_TABLES
@options_of(PatchOptions)
@options_of(VacuumOptions)
@options_of(ServerOptions)
def revert(tables: tuple[str, ...], **values: Any) -> None:
    """Put back the coefficients that "apply" has replaced, in one transaction.

    They stay saved, so this can be done again, and so can "apply".
    """
    patches = _patches(values, tables)
    conninfo = make(ServerOptions, values).to_read()
    for one in coeff_patch.revert(conninfo, patches, make_listener(0)):
        patch = one.patch
        say(
            f"{patch.schema}.{patch.table}: {one.changed:,} rows restored; 0 of {one.saved:,} "
            f"differ from {patch.patch_schema}.{patch.backup}"
        )
    _vacuum(conninfo, patches, make(VacuumOptions, values))


def _vacuum(conninfo: str, patches: Sequence[Patch], options: VacuumOptions) -> None:
    if options.vacuum or options.full:
        for warning in coeff_patch.vacuum(conninfo, patches, make_listener(0), full=options.full):
            warn(f"Warning: {warning}")


def _show(comparison: Comparison) -> None:
    patch, counts = comparison.patch, comparison.counts
    say(f"{patch.schema}.{patch.table} and {patch.patch_schema}.{patch.patch}")
    say(
        f"  rows: {counts.table:,} in the table, {counts.values:,} in the patch, "
        f"{counts.joined:,} in both: {'they match' if counts.match else 'THEY DO NOT MATCH'}"
    )
    say(f"  rows that differ: {comparison.differing:,}")
    for sample in comparison.samples:
        say(f"  id {sample.id}: {_changes(sample)}")


def _changes(sample: SampleRow) -> str:
    pairs = enumerate(zip(sample.before, sample.after, strict=True))
    return ", ".join(
        f"coeff_{n} {before!r} -> {after!r}" for n, (before, after) in pairs if before != after
    )
