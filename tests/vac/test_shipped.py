"""The catalogues whose descriptions come with the program: drafted, loaded, verified, compared."""

from __future__ import annotations

import re
from pathlib import Path

import fitsio
import numpy as np
import psycopg
import pytest
from astropy.io import fits
from support.catalogues import Catalogues

from specprod_copy.demo import write_production
from specprod_copy.demo.catalogues import write_catalogues
from specprod_copy.desi.production import find_production
from specprod_copy.errors import ConfigurationError
from specprod_copy.vac.parsing import read_description
from specprod_copy.vac.shipped import description_file, shipped
from specprod_copy.vac.sources import catalogue_of

PHOT = "vac/dr1/fastphot/iron/v1.0/catalogs"
LSS = "survey/catalogs/dr1/LSS/iron/LSScats/v1.5"
Place = tuple[str, str, tuple[str, ...]]
"""Files, HDU and key of a table."""
SPECTRUM = ("targetid", "survey", "program")
MWS = "vac/dr1/mws/iron/v1.0/mwsall-pix-iron.fits"
FITTED = {
    name: {
        f"fastspec{table}": (
            f"vac/dr1/fastspecfit/iron/{version}/catalogs/fastspec-*.fits",
            table[1:].upper() or "FASTSPEC",
            SPECTRUM,
        )
        for table in tables
    }
    for name, version, tables in (
        ("fastspecfit-1.x", "v1.0", ("_metadata", "")),
        ("fastspecfit-2.x", "v2.1", ("_metadata", "")),
        ("fastspecfit-3.x", "v3.0", ("_metadata", "_specphot", "")),
        ("fastspecfit-morelines", "v3.6", ("_metadata", "_specphot", "", "_morelines")),
    )
}
"""Several versions of one catalogue, each in a schema of its own."""
TABLES = {
    **FITTED,
    "fastphot": {
        "fastphot_metadata": (f"{PHOT}/fastphot-*.fits", "METADATA", SPECTRUM),
        "fastphot_specphot": (f"{PHOT}/fastphot-*.fits", "SPECPHOT", SPECTRUM),
    },
    "mws": {
        "mws": (MWS, "RVTAB", SPECTRUM),
        "mws_sptab": (MWS, "SPTAB", SPECTRUM),
        "mws_fibermap": (MWS, "FIBERMAP", SPECTRUM),
        "mws_scores": (MWS, "SCORES", SPECTRUM),
        "mws_gaia": (MWS, "GAIA", SPECTRUM),
    },
    "lss": {
        "lss_clustering": (f"{LSS}/*_clustering.dat.fits", "LSS", ("tracer", "targetid")),
        "lss_full": (f"{LSS}/*_full.dat.fits", "LSS", ("tracer", "targetid")),
    },
    "qso": {
        "qso": (
            "survey/catalogs/dr1/QSO/iron/QSO_cat_iron_cumulative_v2.fits",
            "QSO_CAT",
            ("targetid", "tileid", "lastnight"),
        )
    },
}
"""Where the rows of each table are, and what they are found by."""

MADE = {"zpix_id", "ztile_id"}
"""Columns that no file has."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, module_database) -> Catalogues:
    """A demo production with its catalogues, loaded."""
    root = tmp_path_factory.mktemp("root")
    write_production(root, "iron", tiles=4, targets=60)
    write_catalogues(root, find_production("iron"))
    vac = Catalogues(root, module_database)
    vac.run("load", "all", "--specprod", "iron", "--root", root)
    return vac


def plain(values: np.ndarray) -> list[object]:
    """Values of a reader as Python has them; floats by their bits."""
    if values.dtype.kind in "SU":
        words = values.tolist()
        return [w.decode().rstrip() if isinstance(w, bytes) else w.rstrip() for w in words]
    if values.dtype.kind == "f":
        native = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
        return [row.tobytes() for row in native]
    return values.tolist()


def rows_of_files(root: Path, place: Place, table: str, read):
    """Names and rows of all files of a table, found by key; `read` gives columns of an HDU."""
    pattern, hdu, key = place
    found: dict[tuple, tuple] = {}
    for path in sorted(root.glob(pattern)):
        columns = {name.lower(): values for name, values in read(path, hdu).items()}
        names = [*columns]
        if hdu in ("SPTAB", "FIBERMAP", "SCORES", "GAIA"):  # Matched with RVTAB row by row.
            others = {name.lower(): values for name, values in read(path, "RVTAB").items()}
            columns |= {name: others[name] for name in SPECTRUM}
        n = len(columns[names[0]])
        tracer = path.name.split("_full" if "full" in table else "_NGC")[0].split("_SGC")[0]
        columns["tracer"] = np.full(n, tracer)
        keys = zip(*(plain(columns[name]) for name in key), strict=True)
        values = zip(*(plain(columns[name]) for name in names), strict=True)
        found |= dict(zip(keys, values, strict=True))
    return names, found


def by_astropy(path: Path, hdu: str) -> dict[str, np.ndarray]:
    with fits.open(path) as opened:
        data = opened[hdu].data
        found = {name: np.array(data[name]) for name in data.names}
        # Of signed bytes it makes floats.
        signed = [column.name for column in opened[hdu].columns if column.bzero == -128]
    return found | {name: found[name].astype("i1") for name in signed}


def by_cfitsio(path: Path, hdu: str) -> dict[str, np.ndarray]:
    data = fitsio.read(path, ext=hdu)
    return {name: data[name] for name in data.dtype.names}


def rows_of_table(conninfo: str, table: str, key, names: list[str], like: dict[tuple, tuple]):
    """Rows of a table in the same form: floats as wide as they are in the files."""
    columns = ", ".join(f'"{name}"' for name in names)
    query = f"SELECT {', '.join(key)}, {columns} FROM {table}"
    first = next(iter(like.values()))
    with psycopg.connect(conninfo) as connection:
        rows = connection.cursor(binary=True).execute(query.encode()).fetchall()

    def as_in_file(value: object, example: object) -> object:
        if not isinstance(example, bytes):
            return value
        n = len(value) if isinstance(value, list) else 1
        return np.array(value, f"f{len(example) // n}").tobytes()

    found = {}
    for row in rows:
        values = zip(row[len(key) :], first, strict=True)
        found[row[: len(key)]] = tuple(as_in_file(*pair) for pair in values)
    return found


@pytest.mark.parametrize("name", TABLES)
def test_values(loaded, name):
    schema = name if name in FITTED else "vac"
    of = ("--release", "dr1", "--specprod", "iron")
    output = loaded.load(Path(name), "--jobs", 1, "--schema", schema, *of)
    assert "no table takes" not in output
    only = () if name in FITTED else ("--catalogue", name)
    details = loaded.verify("--root", loaded.root, "--schema", schema, *only)
    for table, place in TABLES[name].items():
        names, files = rows_of_files(loaded.root, place, table, by_astropy)
        assert len(files) > 5
        where = f'"{schema}".{table}'
        assert rows_of_table(loaded.conninfo, where, place[2], names, files) == files
        _, others = rows_of_files(loaded.root, place, table, by_cfitsio)
        assert others == files
        assert details[table, "sample"]
    if name == "lss":
        assert "note: lss_full: 9 rows refer to no row of iron.photometry: targetid -3 (" in output
        where = rf"\({loaded.root}/.*_full.dat.fits\[LSS\] row \d+\)"
        named = rf"9 rows without, .*: -3 {where}; -2 {where}; -1 {where}$"
        assert re.search(named, details["lss_full", "reference"])
        found = loaded.query("SELECT DISTINCT tracer FROM vac.lss_clustering ORDER BY 1")
        assert found == [("BGS_BRIGHT-21.5",), ("LRG",), ("QSO",)]
    if name == "mws":
        # Arrays, and a column with the name of a reserved word.
        found = loaded.query(
            """SELECT "primary", covar[25], elem FROM vac.mws
               JOIN vac.mws_sptab USING (targetid, survey, program)"""
        )
        assert all(len(elem) == 4 and covar is not None for _, covar, elem in found)


@pytest.mark.parametrize("name", TABLES)
def test_drafts_say_the_same(loaded, name, tmp_path):
    """What is drafted from the files has the columns and the types of what is shipped."""
    ours = catalogue_of(read_description(shipped()[name])).definition.tables
    for table, (pattern, hdu, _) in TABLES[name].items():
        files = sorted(loaded.root.glob(pattern))
        loaded.run(
            *("draft-ddl", *files, "--hdu", hdu, "--table", "drafted", "--headers-only"),
            *("--root", loaded.root, "-o", tmp_path / table),
        )
        (description,) = (tmp_path / table).glob("*.toml")
        drafted = catalogue_of(read_description(description)).definition.tables["drafted"]
        known = {column.name: column for column in ours[table].columns}
        for column in drafted.columns:
            if column.name in ("file_row", "file_part"):
                continue
            own = known[column.name]
            texts = {own.type, column.type} <= {"text", "varchar"}
            assert texts or own.type == column.type, (table, column, own)
            assert not column.unit or own.unit
            assert own.description
            assert own.max_length is None or own.max_length >= (column.max_length or 0)


def test_names(loaded):
    assert [*shipped()] == sorted(TABLES)
    message = r"fastspec: no TOML file, and no description that comes with .*; did you mean fast"
    with pytest.raises(ConfigurationError, match=message):
        description_file(Path("fastspec"))
    assert description_file(Path("own/other.toml")) == Path("own/other.toml")
    planned = loaded.load(Path("qso"), "--dry-run")
    assert "qso" in planned
