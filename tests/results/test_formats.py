"""Each format, read again by programs that are not ours."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import warnings
from decimal import Decimal

import numpy as np
import polars as pl
import psycopg
import pyarrow.parquet as pq
import pytest
from astropy.io import fits, votable
from astropy.table import Table
from support.result_case import BIG, DESCRIPTIONS, JOIN, NAMES, ROWS, UNITS

import specprod_copy as sc
from specprod_copy.errors import DatabaseError

VOUNITS = {"flux_g": "'nanomaggy'", "pmra": "mas.yr**-1"}
BLANK = {"spectype", "date_obs", "morphtype"}
"""Columns in which a format without null for text has a blank one."""


@pytest.fixture(scope="module")
def folder(dsn, tmp_path_factory):
    """All formats of the same result."""
    folder = tmp_path_factory.mktemp("formats")
    for suffix in ("parquet", "fits", "ecsv", "vot", "csv"):
        summary = sc.query(JOIN, dsn=dsn, schema="s", output=folder / f"r.{suffix}")
        notes = ["column id: CSV says nothing of types; read it as text"] if suffix == "csv" else []
        assert (summary.rows, summary.notes) == (3, notes)
    return folder


def rows_of(table: Table) -> list[tuple]:
    """Return the rows of a table of astropy as Python values, NaN and masked as None."""

    def plain(value):
        if value is np.ma.masked or (isinstance(value, np.floating) and np.isnan(value)):
            return None
        if isinstance(value, np.float32):
            return float(str(value))
        return value.item() if isinstance(value, np.generic) else value

    return [tuple(plain(row[name]) for name in table.colnames) for row in table]


def expected(*, blank_texts: bool) -> list[tuple]:
    """Return the rows, ids as text."""
    return [
        (str(row[0]), *("" if v is None and blank_texts and n in BLANK else v for n, v in pairs))
        for row in ROWS
        for pairs in [list(zip(NAMES[1:], row[1:], strict=True))]
    ]


def test_parquet(folder):
    table = pq.read_table(folder / "r.parquet")
    frame = pl.read_parquet(folder / "r.parquet")
    assert table.column_names == [*NAMES]
    assert str(table.schema.field("id").type) == "decimal128(38, 0)"
    assert frame["id"].to_list() == [Decimal(row[0]) for row in ROWS]
    times = frame["date_obs"].dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_list()
    assert times == [row[9] for row in ROWS]
    for n, name in enumerate(NAMES):
        if name not in ("id", "date_obs"):
            values = table[name].to_pylist()
            assert [pytest.approx(v, rel=1e-7) if isinstance(v, float) else v for v in values] == [
                row[n] for row in ROWS
            ], name
    assert table.schema.field("flux_g").metadata[b"unit"] == b"nanomaggy"


def test_voparquet(folder):
    metadata = pq.read_schema(folder / "r.parquet").metadata
    assert metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    content = io.BytesIO(metadata[b"IVOA.VOTable-Parquet.content"])
    fields = votable.parse(content, verify="exception").get_first_table().fields
    assert [f.name for f in fields] == [*NAMES]
    assert {f.name: str(f.unit) for f in fields if f.unit} == {
        "flux_g": "nanomaggy",
        "pmra": "mas / yr",
    }
    assert fields[2].ucd == "src.redshift"


def test_astropy_joins_values_and_meanings(dsn, tmp_path):
    text = "SELECT z.id, z.targetid, p.pmra FROM zpix z JOIN photometry p USING (targetid)"
    sc.query(text, dsn=dsn, schema="s", output=tmp_path / "r.parquet")
    table = Table.read(tmp_path / "r.parquet", format="parquet.votable")
    assert sorted(map(int, table["id"])) == sorted(row[0] for row in ROWS)
    assert str(table["pmra"].unit) == "mas / yr"


def test_an_array_of_ids_has_elements_of_a_width(dsn, tmp_path):
    """As the standard wants it, 40x* and not *x*."""
    file = tmp_path / "r.parquet"
    sc.query("SELECT ARRAY[7, 8]::numeric(39)[] AS ids", dsn=dsn, output=file)
    assert pq.read_table(file)["ids"].to_pylist() == [[7, 8]]
    content = pq.read_metadata(file).metadata[b"IVOA.VOTable-Parquet.content"]
    assert b'arraysize="40x*"' in content


@pytest.mark.parametrize("value", ["1", "1::numeric(39)", "1.5::real", "true", "'x'"])
def test_null_in_a_result_of_one_column(dsn, tmp_path, value):
    """No row is lost, though readers leave out empty lines."""
    text = f"SELECT CASE WHEN n <> 2 THEN {value} END AS a FROM generate_series(1, 3) n ORDER BY n"
    for suffix in ("csv", "ecsv"):
        sc.query(text, dsn=dsn, output=tmp_path / f"r.{suffix}")
    assert "" not in (tmp_path / "r.csv").read_text().splitlines()
    assert Table.read(tmp_path / "r.ecsv")["a"].mask.tolist() == [False, True, False]
    assert pl.read_csv(tmp_path / "r.csv").height == 3


def test_fits(folder):
    with fits.open(folder / "r.fits", checksum=True) as hdus:
        hdus.verify("exception")
        header = hdus[1].header
        numbers = {header[f"TTYPE{n}"]: n for n in range(1, header["TFIELDS"] + 1)}
        assert list(numbers) == [*NAMES]
        units = {name: header.get(f"TUNIT{n}") for name, n in numbers.items()}
        assert {name: unit for name, unit in units.items() if unit} == UNITS
        told = {name: header.get(f"TCOMM{n}") for name, n in numbers.items()}
        for name, text in DESCRIPTIONS.items():
            assert told[name] == text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nanomaggy is not of the standard
        table = Table.read(folder / "r.fits")
    found = rows_of(table)
    # Astropy has no null for a logical column.
    assert found[2][6] in (False, None)
    found[2] = (*found[2][:6], None, *found[2][7:])
    assert [
        tuple("" if v is None and n in BLANK else v for n, v in zip(NAMES, row, strict=True))
        for row in found
    ] == expected(blank_texts=True)


def test_votable(folder):
    parsed = votable.parse(folder / "r.vot", verify="exception")
    assert parsed.version == "1.4"
    fields = parsed.get_first_table().fields
    assert {f.name: f.description for f in fields if f.description} == DESCRIPTIONS
    text = (folder / "r.vot").read_text()
    for unit in VOUNITS.values():
        assert f'unit="{unit}"' in text
    table = parsed.get_first_table().to_table(use_names_over_ids=True)
    blanked = [
        tuple(v or "" if n in BLANK else v for n, v in zip(NAMES, row, strict=True))
        for row in rows_of(table)
    ]
    assert blanked == expected(blank_texts=True)  # astropy has no null for these


def test_ecsv(folder):
    table = Table.read(folder / "r.ecsv")
    assert {n: str(table[n].unit) for n in NAMES if table[n].unit} == {
        "flux_g": "nmgy",
        "pmra": "mas / yr",
    }
    assert "unit: nanomaggy" in (folder / "r.ecsv").read_text()
    assert table["z"].description == DESCRIPTIONS["z"]
    assert table["z"].meta == {"ucd": "src.redshift"}
    found = rows_of(table)
    # It cannot tell an empty text from null.
    found[1] = (*found[1][:-1], found[1][-1] or "")
    assert found == expected(blank_texts=False)


def test_csv(folder):
    text = (folder / "r.csv").read_text()
    frame = pl.read_csv(folder / "r.csv", schema_overrides={"id": pl.String})
    assert frame.columns == [*NAMES]
    assert frame["id"].to_list() == [str(row[0]) for row in ROWS]
    assert frame["chi2"].to_list() == [None, 12.5, 1e300]
    assert frame["targetid"].to_list() == [1, 2, BIG]
    assert [*csv.reader(io.StringIO(text))][2][-4:] == [
        "1999-12-31T23:59:59.000000Z",
        "",
        "3.25",
        "",
    ]
    assert text.splitlines()[2].endswith(',3.25,""')  # an empty text is no null


@pytest.mark.skipif(shutil.which("stilts") is None, reason="needs stilts")
@pytest.mark.parametrize("name", ["r.fits", "r.vot", "r.csv"])
def test_stilts_reads_it(folder, name):
    kind = {"r.csv": ["ifmt=csv"]}.get(name, [])
    words = ["stilts", "tpipe", f"in={folder / name}", *kind]
    told = subprocess.run(
        [*words, "cmd=keepcols 'id zwarn morphtype'", "omode=out", "ofmt=csv"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert told[3].endswith(f",{-BIG},REX")
    if name != "r.csv":  # which says nothing of types
        assert told[1] == f"{ROWS[0][0]},0,PSF"
        assert told[3].startswith("-170,")
        told = subprocess.run([*words, "omode=meta"], capture_output=True, text=True, check=True)
        assert "flux_g(Float)/" in told.stdout
        assert "Redshift from Redrock" in told.stdout


@pytest.mark.skipif(shutil.which("stilts") is None, reason="needs stilts")
def test_votlint(folder):
    told = subprocess.run(
        ["stilts", "votlint", folder / "r.vot"], capture_output=True, text=True, check=True
    )
    assert (told.stdout, told.stderr) == ("", "")


def test_arrays(dsn, tmp_path):
    text = "SELECT targetid, ARRAY[ra, NULL, dec] AS place FROM photometry ORDER BY ra"
    for suffix in ("parquet", "fits", "vot"):
        sc.query(text, dsn=dsn, schema="s", output=tmp_path / f"a.{suffix}")
    assert pl.read_parquet(tmp_path / "a.parquet")["place"].to_list()[1] == [10.125, None, -1.5]
    for table in (Table.read(tmp_path / "a.fits"), Table.read(tmp_path / "a.vot")):
        assert [
            np.isnan(float(v)) or float(v) for v in np.ma.filled(table["place"][1], np.nan)
        ] == [
            10.125,
            True,
            -1.5,
        ]


def test_arrays_that_are_null_in_fits(dsn, tmp_path):
    text = """SELECT CASE n WHEN 2 THEN ARRAY[1, 2] END AS i,
                     CASE n WHEN 2 THEN ARRAY[0.5::real] END AS f
              FROM generate_series(1, 2) n ORDER BY n"""
    sc.query(text, dsn=dsn, output=tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        rows = hdus[1].data
        assert rows["i"].tolist() == [[-(2**31)] * 2, [1, 2]]
        assert np.isnan(rows["f"][0]) and rows["f"][1] == 0.5


def test_arrays_that_do_not_count_from_1(dsn):
    frame = sc.query("SELECT '[2:4]={1,2,3}'::int[] AS a, '[-1:0]={x,NULL}'::text[] AS t", dsn=dsn)
    assert frame.row(0) == ([1, 2, 3], ["x", None])


def test_text_of_any_length_in_fits(dsn, tmp_path):
    text = "SELECT repeat('x', n) AS word, NULL::text AS nothing FROM generate_series(0, 20000) n"
    sc.query(f"{text} WHERE n % 5000 = 0", dsn=dsn, output=tmp_path / "t.fits")
    table = Table.read(tmp_path / "t.fits")
    words = table["word"].filled("")
    assert [len(word) for word in words] == [0, 5000, 10000, 15000, 20000]
    assert [*tmp_path.iterdir()] == [tmp_path / "t.fits"]


@pytest.mark.parametrize("suffix", ["parquet", "fits", "ecsv", "vot", "csv"])
def test_no_rows(dsn, tmp_path, suffix):
    file = tmp_path / f"none.{suffix}"
    sc.query(f"SELECT * FROM ({JOIN}) AS q WHERE false", dsn=dsn, schema="s", output=file)
    if suffix in ("fits", "ecsv", "vot"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = Table.read(file)
        assert (table.colnames, len(table)) == ([*NAMES], 0)
    else:
        frame = pl.read_csv(file) if suffix == "csv" else pl.read_parquet(file)
        assert (frame.columns, len(frame)) == ([*NAMES], 0)


def test_text_that_is_not_ascii(dsn, tmp_path):
    text = "SELECT 'é' AS accent, '🔭' AS rare, '' AS e, 'a' || chr(10) || ',\"' AS odd"
    for suffix in ("parquet", "ecsv", "vot", "csv"):
        sc.query(text, dsn=dsn, output=tmp_path / f"g.{suffix}")
    wanted = ("é", "🔭", "", 'a\n,"')
    assert pl.read_parquet(tmp_path / "g.parquet").row(0) == wanted
    assert pl.read_csv(tmp_path / "g.csv").row(0) == wanted
    parsed = votable.parse(tmp_path / "g.vot").get_first_table().to_table()
    assert tuple(parsed[0]) == wanted
    table = Table.read(tmp_path / "g.ecsv")
    assert (table["accent"][0], table["rare"][0], table["odd"][0]) == ("é", "🔭", wanted[3])


@pytest.mark.parametrize("kind", ["parquet", "polars"])
def test_arrays_of_texts_and_of_exact_numbers(dsn, tmp_path, kind):
    text = """SELECT n, CASE n WHEN 1 THEN ARRAY['a', NULL, ''] WHEN 2 THEN '{}'::text[] END AS t,
                     ARRAY[18446744073709551615, n]::numeric(20)[] AS u, ARRAY[true, NULL] AS b
              FROM generate_series(1, 3) n ORDER BY n"""
    if kind == "polars":
        frame = sc.query(text, dsn=dsn)
    else:
        sc.query(text, dsn=dsn, output=tmp_path / "r.parquet")
        frame = pl.read_parquet(tmp_path / "r.parquet")
    assert frame["t"].to_list() == [["a", None, ""], [], None]
    assert frame["u"].dtype == pl.List(pl.Decimal(20, 0))
    assert frame["u"].to_list() == [[2**64 - 1, n] for n in (1, 2, 3)]
    assert frame["b"].to_list() == [[True, None]] * 3


def test_comments_of_any_words_in_fits(database, tmp_path):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            r"""CREATE TABLE odd (sigma real, w real);
                COMMENT ON COLUMN odd.sigma IS E'Ω of the line,\nfitted [km s^-1]';
                COMMENT ON COLUMN odd.w IS 'Width [Å] (UCD em.wl)'"""
        )
    sc.query("SELECT * FROM odd", dsn=database, schema="public", output=tmp_path / "r.fits")
    header = fits.getheader(tmp_path / "r.fits", 1)
    assert header["TCOMM1"] == r"\u03a9 of the line,\nfitted"
    assert (header["TUNIT1"], header["TUNIT2"], header["TCOMM2"]) == ("km s^-1", r"\xc5", "Width")


def test_numbers_with_zeros_around_their_digits(dsn, tmp_path):
    text = "SELECT 1e102::numeric(3,-100) AS large, 0.0012::numeric(2,4) AS small"
    sc.query(text, dsn=dsn, output=tmp_path / "r.fits")
    row = Table.read(tmp_path / "r.fits")[0]
    assert (int(row["large"]), row["small"]) == (10**102, "0.0012")
    text = "SELECT 12300::numeric(3,-2) AS large, 0.0012::numeric(2,4) AS small"
    sc.query(text, dsn=dsn, output=tmp_path / "r.parquet")
    assert pl.read_parquet(tmp_path / "r.parquet").row(0) == (12300, Decimal("0.0012"))


def test_texts_that_are_no_comments_in_ecsv(dsn, tmp_path):
    """Rows of one column, and of several; readers drop the blanks around a text."""
    file = tmp_path / "r.ecsv"
    text = "SELECT t FROM unnest(ARRAY['a', '#b', '  ', E'c\n,d', NULL, E'x\r\ny']) AS t"
    sc.query(text, dsn=dsn, output=file)
    assert Table.read(file)["t"].filled("-").tolist() == ["a", "#b", "-", "c\n,d", "-", "x\ny"]
    sc.query(f"SELECT t, true AS b FROM ({text}) AS q", dsn=dsn, output=file, overwrite=True)
    table = Table.read(file)
    assert table["t"].filled("-").tolist() == ["a", "#b", "-", "c\n,d", "-", "x\ny"]
    assert table["b"].all()


@pytest.mark.parametrize("mark", "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
def test_what_ends_a_line_in_ecsv(dsn, tmp_path, mark):
    """In a name it is refused; in a text it is a line break for those who read it."""
    file = tmp_path / "r.ecsv"
    with pytest.raises(DatabaseError, match="a name of several lines; name it by AS"):
        sc.query(f'SELECT 1 AS "a{mark}"', dsn=dsn, output=file)
    assert not file.exists()
    sc.query(f"SELECT 'x{mark}y' AS t", dsn=dsn, output=file)
    assert Table.read(file)["t"].tolist() == ["x\ny"]


def test_names_and_comments_with_control_characters_in_votable(database, tmp_path):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            r"""CREATE TABLE odd (w real); COMMENT ON COLUMN odd.w IS E'a\001b\nc [\001m]'"""
        )
    file = tmp_path / "r.vot"
    text = 'SELECT w AS "w\x01" FROM odd'
    sc.query(text, dsn=database, schema="public", output=file)
    [field] = votable.parse(file).get_first_table().fields
    assert (field.name, field.description) == (r"w\x01", "a\\x01b\nc")
