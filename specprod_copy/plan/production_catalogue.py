"""The catalogue of a production, by what its files are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from specprod_copy.desi.configuration import names_second_format
from specprod_copy.errors import DatabaseError, InputError
from specprod_copy.postgres.schema import Schema
from specprod_copy.reader.look import Look, look
from specprod_copy.tables import (
    WIDE,
    WIDE_TABLES,
    Catalogue,
    Inputs,
    Layout,
    TableSource,
    from_catalogs,
    light_curves,
    offered_columns,
    photometry,
    redshift_v2,
    specprod_catalogue,
)
from specprod_copy.tables.common import keywords

_OBSERVED_ONLY = (
    "photometry has the targets of the redshift catalogs, which were observed; so potential, which "
    "has the others as well, has no foreign key to it"
)

_NOT_WITHOUT = (
    'production {name} has photometry = "zcatalog" in its configuration, and no redshift catalogs '
    "of the second format (with Z_BEST) that it could come from"
)


def production_catalogue(inputs: Inputs) -> Catalogue:
    """Return the tables of a production, and what they are made of; see `production_layout`."""
    return specprod_catalogue(production_layout(inputs))


def production_layout(inputs: Inputs) -> Layout:
    """Return what the tables of a production have, and are made of, that those of others do not.

    The format of its redshift catalogs is that of the files themselves, whatever their folder is
    called; a table has those of the optional columns that are in all of its files. What is missing
    or damaged does not matter here: whoever loads the catalogs is told.

    Raises
    ------
    InputError
        If catalogs are of two formats, or of another production.
    """
    cores: dict[TableSource, Sequence[Look]] = {}
    for source in redshift_v2.SOURCES.values():
        with suppress(InputError):
            if source.applies(inputs) and (found := _cores(source, source.files(inputs))):
                cores[source] = found
    every = [core for found in cores.values() for core in found]
    keep_best = inputs.files.production.repeated_keys == "best"
    newer = [core for core in every if redshift_v2.is_second_format(core)]
    if not newer and from_catalogs.from_catalogs(inputs):
        raise InputError(_NOT_WITHOUT.format(name=inputs.files.production.name))
    optional = optional_photometry(inputs)
    if newer or (inputs.files.production.is_second_format and not every):
        optional |= {(table, WIDE) for table in WIDE_TABLES}
    if not newer:
        return Layout(
            optional=frozenset(optional),
            keep_best=keep_best,
            light_curves=inputs.light_curves,
            notes=_notes(inputs, every, second=False),
        )
    for core in every:
        if core not in newer:
            raise InputError(
                f"has no Z_BEST, and {newer[0].path} has: redshift catalogs of two formats are not "
                "loaded as those of one production",
                path=core.path,
                hdu=core.hdu,
            )
        _refuse_other_production(core, inputs)
    optional |= {
        (source.table, what) for source, found in cores.items() for what in _optional(source, found)
    }
    notes = _notes(inputs, every, second=True)
    if from_catalogs.from_catalogs(inputs):
        optional.add(("potential", from_catalogs.OBSERVED_ONLY))
        notes += (_OBSERVED_ONLY,)
    return Layout(
        zcatalog=2,
        from_catalogs=from_catalogs.from_catalogs(inputs),
        keep_best=keep_best,
        light_curves=inputs.light_curves,
        optional=frozenset(optional),
        notes=notes,
    )


def refuse_other_format(
    catalogue: Catalogue, found: Schema, tables: Collection[str], *, replaced: Collection[str]
) -> None:
    """Check that redshift tables which exist are of the format that is to be loaded.

    Parameters
    ----------
    catalogue : Catalogue
    found : Schema
        What the server has.
    tables : collection of str
        What is to be loaded.
    replaced : collection of str
        Which of these are loaded anew as a whole.

    Raises
    ------
    DatabaseError
        If they are of the other one: columns of the same name mean something else there.
    """
    redshifts = [source.table for source in redshift_v2.SOURCES.values()]
    for table in redshifts if {*tables}.intersection(redshifts) else ():
        defined = catalogue.definition.tables.get(table)
        if defined is None or table not in found.tables or table in replaced:
            continue
        second = redshift_v2.SECOND_FORMAT in defined.optional
        there = any(column.name == redshift_v2.OWN_FIT for column in found.tables[table].columns)
        if second != there:
            other = ("second", "first") if second else ("first", "second")
            raise DatabaseError(
                f"the redshift catalogs are of the {other[0]} format, and table "
                f"{found.name}.{table} is of the {other[1]} one, in which z means something else: "
                f"load them into a schema beside it, e.g. --schema {found.name}_v{1 + second}, or "
                "replace all redshifts with load redshift --overwrite"
            )


def refuse_without_light_curves(
    catalogue: Catalogue, found: Schema, sources: Collection[TableSource]
) -> None:
    """Check that photometry is not loaded alone where its light curves were loaded before.

    Raises
    ------
    DatabaseError
        Otherwise some targets would have none, and nobody would know.
    """
    table = light_curves.LIGHT_CURVES.table
    alone = photometry.TRACTORPHOT in sources and table not in catalogue.definition.tables
    if alone and table in found.tables:
        raise DatabaseError(
            f"schema {found.name} has light curves, in table {table}: load photometry with "
            "--light-curves, or drop that table first"
        )


def optional_photometry(inputs: Inputs) -> set[tuple[str, str]]:
    """Return the optional columns that the first file of Tractor photometry has."""
    source = photometry.TRACTORPHOT
    with suppress(InputError):
        for path in source.files(inputs)[:1]:
            [seen] = look(path, [source.hdus])
            if isinstance(seen, Look):
                names = {name.lower() for name in seen.schema}
                return {(source.table, n) for n in offered_columns(source.table) & names}
    return set()


def _cores(source: TableSource, paths: Sequence[Path]) -> list[Look]:
    """Look at catalogs; only at the first one if that is of the first format."""
    found: list[Look] = []
    for path in paths:
        [core] = look(path, [source.hdus], (*source.keywords, "ZCATVER"))
        if isinstance(core, InputError):
            continue
        found.append(core)
        if not redshift_v2.is_second_format(core):
            break
    return found


def _optional(source: TableSource, cores: Sequence[Look]) -> set[str]:
    """Return what the SQL file of a table is asked for."""
    # Redrock's own redshift tells tables of this format from others: they always have it.
    wanted = {redshift_v2.SECOND_FORMAT, redshift_v2.OWN_FIT}
    old, *others = [redshift_v2.is_of_old_qn(core) for core in cores]
    for core, other in zip(cores[1:], others, strict=True):
        if other != old:
            raise InputError(
                f"has {'no' if other else 'a'} best ZWARN, and {cores[0].path} has "
                f"{'one' if other else 'none'}: redshift catalogs of two versions are not loaded "
                "as those of one production",
                path=core.path,
                hdu=core.hdu,
            )
    if old:
        wanted.add(redshift_v2.OLD_QN)
    offered = offered_columns(source.table)
    for core in cores:
        looks = [core]
        with suppress(InputError):
            for path, hdus in source.places(core.path)[1:]:
                [beside] = look(path, [hdus])
                if isinstance(beside, Look):
                    looks.append(beside)
        schema = {name for one in looks for name in one.schema}
        offered &= redshift_v2.optional_columns(schema)
    return wanted | offered


def _refuse_other_production(core: Look, inputs: Inputs) -> None:
    name = inputs.files.production.name
    said = keywords(core, "SPECPROD").get("SPECPROD", name)
    if said != name:
        raise InputError(
            f"SPECPROD is {said!r} in its header, and the production is {name!r}",
            path=core.path,
            hdu=core.hdu,
        )


def _notes(inputs: Inputs, cores: Sequence[Look], *, second: bool) -> tuple[str, ...]:
    """Say where the configuration, or a keyword, promises another format than the files have."""
    notes = []
    found = "second" if second else "first"
    if cores and inputs.files.production.is_second_format != second:
        notes.append(
            f"{cores[0].path.parent}: its catalogs are of the {found} format, though the "
            f"configuration says {inputs.files.production.redshift}; what the files are counts"
        )
    for core in cores:
        said = keywords(core, "ZCATVER").get("ZCATVER")
        if said is not None and names_second_format(said) != second:
            notes.append(
                f"{core.path}: is of the {found} format, though its header has ZCATVER {said}"
            )
    return tuple(notes)
