"""What columns mean: units and UCDs that others understand, where values come from."""

from __future__ import annotations

import doctest
import json

import polars as pl
import psycopg
import pytest
from astropy.io.votable.ucd import check_ucd
from astropy.units import Unit
from click.testing import CliRunner

from specprod_copy.cli import cli
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.metadata import units
from specprod_copy.metadata.described import describe
from specprod_copy.metadata.origins import source_column
from specprod_copy.metadata.units import vounit
from specprod_copy.postgres import ddl
from specprod_copy.postgres.schema_from_ddl import define
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.resources import resource_folder
from specprod_copy.tables import Inputs, TableSource, specprod_catalogue

DEFINED = specprod_catalogue().definition.tables.values()
FILES = [path for path in resource_folder("ddl").rglob("*.sql") if path.stem != "schema"]
EVERY = define(FILES, everything=True, phases=("table", "comments")).tables.values()
UNITS = sorted({column.unit for table in EVERY for column in table.columns if column.unit})
NOT_KNOWN_TO_ASTROPY = {
    "dex": "'dex'",
    "electron s^-1": "'electron'.s**-1",
    "nanomaggy": "'nanomaggy'",
    "nanomaggy^-2": "'nanomaggy'**-2",
    "percent": "%",
}
"""Units that the standard has not, and one that astropy does not read by it."""


def test_every_unit_is_one_of_astropy_too():
    assert len(UNITS) >= 45
    for unit in UNITS:
        assert Unit(unit, parse_strict="raise") is not None


@pytest.mark.filterwarnings("ignore:The unit .* has been deprecated in the VOUnit standard")
@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_as_vounit(unit):
    written = vounit(unit)
    if unit in NOT_KNOWN_TO_ASTROPY:
        assert written == NOT_KNOWN_TO_ASTROPY[unit]
    else:
        assert Unit(written, format="vounit").to(Unit(unit)) == pytest.approx(1)


def test_examples_of_units():
    assert doctest.testmod(units).failed == 0
    assert (vounit("deg^-2"), vounit("yr^2 mas^-2")) == ("deg**-2", "yr**2.mas**-2")
    assert vounit("percent") == vounit("%") == "%"


NONE = (
    *(
        "furlong per fortnight!",
        "mag(AB)",
        "0.5",
        "h'",
        "J2000",
        "10**-17",
        "log(Msun)",
        "deg, deg",
    ),
    *("S/N", "N/A", "T/F", "a/R", "B/A", "J/K", "K2", "erg/s/cm2/A", "erg/s cm2", "e/s", "deg/"),
    *("Msun/h", "Mpc/h", "10^10 Msun/h", "10**10 Msun/h", "10**-17 /s", "1/deg", "(deg)", "h", "A"),
)


@pytest.mark.parametrize("unit", NONE)
def test_what_is_no_unit_or_may_be_none_comes_in_quotes(unit):
    assert vounit(unit) == f"'{unit}'"


def test_a_name_that_nobody_knows_comes_in_quotes():
    assert (vounit("count spaxel^-1"), vounit("furlong")) == ("count.'spaxel'**-1", "'furlong'")
    assert (vounit("a b c"), vounit("Mpc h^-1")) == ("'a'.'b'.'c'", "Mpc.'h'**-1")


def test_units_with_a_slash_or_with_short_powers():
    ways = {
        "10**34 s2 cm4/erg2": "1e34s**2.cm**4.erg**-2",
        "10**-17 erg/(s cm2 Angstrom)": "1e-17erg.s**-1.cm**-2.Angstrom**-1",
        "1e-17 erg/(s cm2)": "1e-17erg.s**-1.cm**-2",
        "km/s": "km.s**-1",
        "Msun / yr": "solMass.yr**-1",
        "km s-1": "km.s**-1",
    }
    assert {unit: vounit(unit) for unit in ways} == ways


@pytest.mark.filterwarnings("ignore:The unit .* has been deprecated in the VOUnit standard")
@pytest.mark.parametrize("name", sorted(units.NAMES.keys() - {"percent", "%"}))
def test_names_of_units_are_those_of_astropy(name):
    assert Unit(units.NAMES[name], format="vounit") == Unit(name)


def test_every_column_has_a_description_and_a_ucd_of_the_vocabulary():
    for table in DEFINED:
        assert table.comment, table.name
        for column in table.columns:
            assert column.description, column
            assert check_ucd(column.ucd, check_controlled_vocabulary=True), (table.name, column)


def test_where_values_come_from():
    tables = {table.name: table for table in describe(specprod_catalogue())}
    columns = {
        (table.name, column.name): column.source
        for table in tables.values()
        for column in table.columns
    }
    assert columns["zpix", "z"] == "Z"
    assert columns["zpix", "coeff_7"] == "COEFF[7]"
    assert columns["zpix", "id"] == "computed from PROGRAM, SURVEY, TARGETID"
    assert columns["zpix", "cmx_target"] == "CMX_TARGET or 0"
    assert columns["photometry", "morphtype"] == "MORPHTYPE or TYPE"
    assert columns["exposure", "date_obs"] == "computed from MJD"
    assert columns["load_ledger", "entry"] == ""
    assert tables["fiberassign"].position == "fiberassign.target_ra, fiberassign.target_dec"
    assert tables["zpix"].position == "photometry.ra, photometry.dec, by targetid"
    assert tables["version"].position == ""


def test_the_command_without_a_server():
    def lines(*names: str) -> list[str]:
        result = CliRunner().invoke(cli, ["describe", *names])
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    assert lines("zpix.z")[-1] == "  z float8  Redshift from Redrock (UCD src.redshift); from Z"
    assert any(line.startswith("photometry ") for line in lines())
    result = CliRunner().invoke(cli, ["describe", "zpx"])
    assert (result.exit_code, "did you mean zpix?" in result.output) == (2, True)


def test_tables_made_beforehand_get_their_comments(demo_root, database):
    """Those of users stay."""
    script = ddl.render_script(specprod_catalogue().definition, phases=["table"], schema="fuji")
    with psycopg.connect(database, autocommit=True) as connection:
        for statement in ddl.cut(script):
            connection.execute(statement)
        connection.execute("COMMENT ON COLUMN fuji.tile.tileid IS 'Mine'")
        inputs = Inputs(ProductionFiles(find_production("fuji"), demo_root))
        load(database, inputs, LoadOptions(("exposures",), "fuji"))
        found = read_schema(connection, "fuji")
    defined = specprod_catalogue().definition
    columns = {c.name: c.comment for c in found.tables["tile"].columns}
    assert columns.pop("tileid") == "Mine"
    assert columns.items() <= {c.name: c.comment for c in defined.tables["tile"].columns}.items()
    assert found.tables["frame"].comment == defined.tables["frame"].comment
    assert len(columns) >= 20

    result = CliRunner().invoke(
        cli, ["describe", "tile", "-s", "fuji", "--json", "--dsn", database]
    )
    [table] = json.loads(result.output)
    assert table["columns"][0]["description"] == "Mine"
    assert [d for d in table["differences"] if "tileid" in d]


def test_null_is_no_source():
    """What stands for a column that some files lack."""
    ways = {"a": (pl.col("A"), pl.lit(None)), "b": (pl.lit(None),), "c": (pl.col("C"), pl.lit(0))}
    source = TableSource("t", "s", lambda _: [], ("HDU",), derived=ways)
    assert [source_column(source, name) for name in "abc"] == ["A", "", "C or 0"]


def test_types_of_columns_whose_names_have_blanks(database):
    """As a table, and as JSON."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA fuji")
        connection.execute('CREATE TABLE fuji.mine ("my col" real, " x y " varchar(3)[])')
    words = ["describe", "mine", "-s", "fuji", "--dsn", database]
    result = CliRunner().invoke(cli, [*words, "--json"])
    [table] = json.loads(result.output)
    found = [(column["name"], column["type"]) for column in table["columns"]]
    assert found == [("my col", "float4"), (" x y ", "_varchar(3)")]
    assert "  my col float4\n" in CliRunner().invoke(cli, words).output
