"""What cannot be loaded is one clear error, before anything is sent; no server is needed for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from support.catalogues import Catalogues, write_fits

from specprod_copy.errors import SpecprodCopyError
from specprod_copy.loading.described import plan_catalogue
from specprod_copy.loading.options import LoadOptions
from specprod_copy.vac.draft import DraftOptions, draft
from specprod_copy.vac.parsing import read_description

TOML = """name = "own"
version = "v1"
[tables.stars]
files = "*.fits"
hdu = "STARS"
"""
SQL = """{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    targetid bigint NOT NULL, z real NOT NULL, kind varchar(3) NOT NULL,
    CONSTRAINT {{ table }}_pkey PRIMARY KEY (targetid)
);
{% endblock %}
"""
STARS = {
    "TARGETID": np.arange(4, dtype="i8"),
    "Z": np.zeros(4, "f4"),
    "KIND": np.full(4, "a", "S3"),
}


def plan(folder: Path, toml: str = TOML, sql: str = SQL, **hdus):
    (folder / "own.toml").write_text(toml)
    (folder / "stars.sql").write_text(sql)
    write_fits(folder / "a.fits", hdus or {"STARS": STARS})
    options = LoadOptions(("all",), "vac")
    return plan_catalogue(None, read_description(folder / "own.toml"), folder, options)


def refused(folder: Path, *given: str, **hdus) -> str:
    with pytest.raises(SpecprodCopyError) as caught:
        plan(folder, *given, **hdus)
    return str(caught.value)


def test_what_is_right_is_planned(tmp_path):
    found, statements = plan(tmp_path)
    assert found.n_rows == 4
    assert "stars: 40 bytes a row, 185 rows a page" in found.notes
    assert {statement.table for statement in statements if statement.phase == "table"} == {"stars"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("colour = 1", r"own.toml, [tables.stars]: unknown key colour"),
        ("hduu = 'X'", "unknown key hduu; did you mean hdu?"),
        ("filter = 'Q > 0'", "no column Q, which the filter of table stars needs"),
        ("filter = 'Z + 1'", "the filter of table stars is Float32, neither true nor false"),
        ("filter = 'Z > '", "[tables.stars], filter 'Z > '"),
        ("position = ['z', 'kind']", "position: kind is varchar, no angle"),
        ("position = ['z']", "position must name two columns"),
        ("drop = ['NOPE']", "a.fits[STARS], column NOPE: no such column, and it is to be left out"),
        ("rename = { NOPE = 'z' }", "column NOPE: no such column, and it is to be renamed"),
        ("rename = { Z = 'zz' }", "no column Z, which table stars needs"),
        ("rename = { Z = 'kind' }", "is called KIND, and so is"),
        ("[tables.stars.columns]\nzz = { value = 1 }", "no column is called zz; did you mean z?"),
        ("[tables.stars.columns]\n'q*' = { absent = 1 }", "no column is called like q*"),
        ("[tables.stars.columns]\n'z?' = { value = 1 }", "z?: value is of one column, not of all"),
        ("[tables.stars.columns]\n'[z]' = { from = 'Z' }", "[z]: from is of one column, not of"),
        ("[tables.stars.columns]\nz = { from = 'NOPE' }", "column NOPE: no such column"),
        ("[tables.stars.columns]\nz = { header = 'NOPE' }", "no NOPE in its header"),
        ("[tables.stars.columns]\nz = { path = 'x' }", "table stars, column z: *.fits has no {x}"),
        ("[tables.stars.columns]\nz = { row = true, value = 1 }", "row and value exclude each"),
        ("[tables.stars.columns]\nz = { optional = true }", "z may become NULL, and stars.sql"),
        ("[tables.stars.columns]\nz = { null = -99 }", "z may become NULL, and stars.sql says"),
        ("[tables.stars.columns]\nz = { value = 'a' }", "cannot become stars.z"),
        ("[tables.stars.columns]\nz = { id = 'zpix' }", "the id is made of program"),
        ("[[tables.stars.join]]\nhdu = 'GAS'", "has no HDU GAS; it has PRIMARY (image), STARS"),
        ("[[tables.stars.join]]\nhdu = 'STARS'", "has this column as well: name it in same"),
        ("[[tables.stars.join]]\nhdu = 'STARS'\nhow = 'left'", 'how = "left" needs by'),
        (
            "[[tables.stars.join]]\nhdu = 'STARS'\nby = 'Q'\ndrop = '*'",
            "column Q: it is joined by the values of this column",
        ),
        (
            "[[tables.stars.references]]\ncolumns = 'q'\ntable = 'a.b'\nkeys = 'id'",
            "references: no column is called q",
        ),
        (
            "[[tables.stars.references]]\ncolumns = 'z'\ntable = 'b'\nkeys = 'id'",
            "refers to b, which is none of this description",
        ),
        (
            "[[tables.stars.references]]\ncolumns = 'z'\ntable = '{specprod}.b'\nkeys = 'id'",
            "what it stands for is not known",
        ),
    ],
)
def test_descriptions(tmp_path, more, message):
    assert message in refused(tmp_path, f"{TOML}{more}\n")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('name = "own"', 'name = "a b"', "own.toml: name 'a b': only letters, digits, _ and -"),
        ('version = "v1"', "", "own.toml: version is missing"),
        ('version = "v1"', 'version = "../x"', "version '../x' stands in paths"),
        ("[tables.stars]", "[tables.select]", "be no reserved word of SQL"),
        ("[tables.stars]", "[tables.vac]\nsql = 'stars.sql'", "table vac: every schema of cat"),
        ('"*.fits"', '"../*.fits"', "must lie below the root"),
        ('"*.fits"', '"*.h5"', "no FITS file: convert it"),
        ('"*.fits"', '"z-*.fits"', "not found: "),
        ('hdu = "STARS"', 'hdu = "STARS', "own.toml: not TOML: "),
        ("[tables.stars]", "[tables.other]", "other.sql: SQL file cannot be read: No such file"),
    ],
)
def test_what_stands_in_a_description(tmp_path, before, after, message):
    assert message in refused(tmp_path, TOML.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("CREATE TABLE", "CREATE VIEW", "stars.sql: CREATE has no place in the file of a table"),
        ("z real", "z money", "column z: type money is not supported"),
        (
            "z real NOT NULL",
            "z real NOT NULL, more text",
            "no column MORE, which table stars",
        ),
        ("PRIMARY KEY (targetid)", "CHECK (z > 0)", "table stars has no primary key"),
        (
            "targetid bigint NOT NULL, z real NOT NULL, kind varchar(3) NOT NULL,\n"
            "    CONSTRAINT {{ table }}_pkey PRIMARY KEY (targetid)\n);\n{% endblock %}",
            "targetid bigint, z real NOT NULL, kind varchar(3) NOT NULL\n);\n{% endblock %}\n"
            "{% block keys %}ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey "
            "PRIMARY KEY (targetid);{% endblock %}",
            "column targetid of the primary key, which is made after the rows, must be NOT NULL",
        ),
        ("{% endblock %}", "", "stars.sql: no SQL file as those in ddl/"),
        ("{% block table %}", "{% block table %}{{ ''.__class__.__mro__ }}", "stars.sql: "),
        (
            "{% endblock %}",
            "CREATE ROLE own SUPERUSER;{% endblock %}",
            "stars.sql: CREATE has no place in the file of a table, in: CREATE ROLE own",
        ),
        ("{% endblock %}", "SELECT lo_import('/x');{% endblock %}", "SELECT has no place"),
        ("{% endblock %}", "GRANT own TO public;{% endblock %}", "GRANT has no place"),
        ("{% endblock %}", "SET ROLE own;{% endblock %}", "SET has no place"),
        ("z real", "z varchar(3)", "is Float32, which cannot become stars.z"),
        (
            "z real",
            "".join(f"c{n} real, " for n in range(1600)) + "z real",
            "table stars has 1,603 columns, and the server takes 1,600",
        ),
        (
            "z real",
            "".join(f"c{n} double precision, " for n in range(1018)) + "z real",
            "a row of table stars takes 8,304 bytes, and the server takes 8,160",
        ),
    ],
)
def test_sql_files(tmp_path, before, after, message):
    assert message in refused(tmp_path, TOML, SQL.replace(before, after, 1))


def test_hdus_that_do_not_match(tmp_path):
    toml = f"{TOML}[[tables.stars.join]]\nhdu = 'GAS'\nsame = 'TARGETID'\n"
    gas = {"TARGETID": np.arange(5, dtype="i8")}
    assert "[GAS]: has 5 rows, and " in refused(tmp_path, toml, STARS=STARS, GAS=gas)
    message = refused(tmp_path, toml, STARS=STARS, GAS={"X": np.zeros(4)})
    assert "column TARGETID: is to be the same in tables that are joined" in message


def test_columns_that_no_table_can_have(tmp_path):
    sql = SQL.replace("z real", "z real[]")
    cube = fits.Column("Z", "2M", array=np.zeros((4, 2), "c16"))
    columns = [fits.Column("TARGETID", "K", array=np.arange(4)), cube]
    columns.append(fits.Column("KIND", "3A", array=np.full(4, "a")))
    path = tmp_path / "b.fits"
    fits.BinTableHDU.from_columns(columns, name="STARS").writeto(path)
    (tmp_path / "a.fits").write_bytes(path.read_bytes())
    (tmp_path / "own.toml").write_text(TOML)
    (tmp_path / "stars.sql").write_text(sql)
    description = read_description(tmp_path / "own.toml")
    with pytest.raises(SpecprodCopyError) as caught:
        plan_catalogue(None, description, tmp_path, LoadOptions(("all",), "vac"))
    assert "a.fits[STARS], column Z: " in str(caught.value)
    assert "complex numbers or bits" in str(caught.value)
    with pytest.raises(SpecprodCopyError, match=r"TFORM 2M: complex .* leave it out by --drop Z"):
        draft([path], DraftOptions())
    assert len(draft([path], DraftOptions(drop=("z",))).tables[0].columns) == 2


def test_a_keyword_that_is_a_number_of_more_than_16_bytes(tmp_path):
    toml = TOML.replace("*.fits", "[bc].fits") + "[tables.stars.columns]\nn = { header = 'N' }\n"
    sql = SQL.replace("z real", "n numeric(39) NOT NULL, z real")
    for name, first, value in ("b", 0, 7), ("c", 4, 2**127):
        stars = {**STARS, "TARGETID": STARS["TARGETID"] + first}
        path = write_fits(tmp_path / f"{name}.fits", {"STARS": stars}, N=0)
        card = f"N       = {value}".ljust(80).encode()
        path.write_bytes(path.read_bytes().replace(b"N       = ".ljust(29) + b"0".ljust(51), card))
    with pytest.raises(
        SpecprodCopyError, match=r"c.fits\[STARS\], column N of the header: holds what no rows"
    ):
        plan(tmp_path, toml, sql)


BESIDE_COLUMNS = {
    'kind = { header = "MODE" }': "MODE of the header: text is longer than 3 characters",
    'z = { header = "MODE" }': "MODE of the header: is String, which cannot become stars.z float4",
    'kind = { path = "name" }': "name of the path: text is longer than 3 characters",
}


@pytest.mark.parametrize(("rule", "message"), BESIDE_COLUMNS.items(), ids=BESIDE_COLUMNS)
def test_what_a_value_is_made_of_that_is_in_no_column(tmp_path, database, rule, message):
    vac = Catalogues(tmp_path, database)
    (tmp_path / "own.toml").write_text(
        TOML.replace("*.fits", "{name}.fits") + f"[tables.stars.columns]\n{rule}\n"
    )
    (tmp_path / "stars.sql").write_text(SQL)
    write_fits(tmp_path / "long.fits", {"STARS": STARS}, MODE="ELG_LOP")
    assert f"long.fits[STARS], column {message}" in vac.refuse_load(tmp_path / "own.toml")


def test_the_database_stays_as_it_is(tmp_path, database):
    """Whatever is wrong is found before anything is made."""
    vac = Catalogues(tmp_path, database)
    path = tmp_path / "a.fits"
    write_fits(path, {"STARS": STARS, "GAS": {"TARGETID": STARS["TARGETID"], "X": np.zeros(4)}})
    toml = vac.draft(path, "--table", "stars")
    for changed, message in (
        ({"STARS": STARS}, "has no HDU GAS"),
        ({"STARS": STARS, "GAS": {"TARGETID": np.zeros(3, "i8"), "X": np.zeros(3)}}, "has 3 rows"),
        ({"STARS": STARS, "GAS": {"TARGETID": np.zeros(4, "i8"), "X": np.zeros(4)}}, "row 1 is ab"),
        ({"STARS": STARS, "GAS": {"TARGETID": STARS["TARGETID"]}}, "no column X"),
        (
            {"STARS": STARS, "GAS": {"TARGETID": STARS["TARGETID"], "X": np.zeros((4, 2))}},
            "column X: is Array(Float64, shape=(2,)), which cannot become stars.x",
        ),
    ):
        write_fits(path, changed)
        assert message in vac.refuse_load(toml)
        assert message in vac.refuse_load(toml, "--dry-run")


def test_a_file_cannot_say_something_else_later(tmp_path, database):
    """What is run is what a table's file may have, also where roles and schema are known."""
    vac = Catalogues(tmp_path, database)
    toml = vac.draft(write_fits(tmp_path / "a.fits", {"STARS": STARS}))
    vac.load(toml)
    more = (
        "{% block grants %}{% for role in roles %}\nCREATE ROLE own;\n{% endfor %}\n{% endblock %}"
    )
    with psycopg.connect(database) as connection:
        stored = "UPDATE vac.vac SET sql = jsonb_set(sql, '{stars.sql}', to_jsonb(%s::text))"
        text = (toml.parent / "stars.sql").read_text() + more
        connection.execute(stored, (text,))
    message = vac.refuse("grant", "--schema", "vac", "--role", "pg_monitor")
    assert message == "stars.sql: CREATE has no place in the file of a table, in: CREATE ROLE own;"
    assert vac.query("SELECT FROM pg_roles WHERE rolname = 'own'") == []


@pytest.mark.parametrize(
    ("hdu", "table"), [("VAC", "vac_"), ("LOAD_LEDGER", "load_ledger_"), ("USER", "user_")]
)
def test_drafted_names_that_are_taken(tmp_path, hdu, table):
    write_fits(tmp_path / "a.fits", {hdu: STARS})
    assert draft([tmp_path / "a.fits"], PLAIN).tables[0].name == table


def test_two_columns_with_one_name(tmp_path):
    path = write_fits(tmp_path / "a.fits", {"T": {"ONE": np.zeros(2), "TWO": np.zeros(2)}})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"'ONE     '", b"'two     '"))
    with pytest.raises(SpecprodCopyError, match=r"column TWO: two columns have this name"):
        draft([path], PLAIN)


PLAIN = DraftOptions()


def test_drafts_that_no_table_can_be(tmp_path):
    path = tmp_path / "a.fits"

    def refuse(options: DraftOptions = PLAIN, **hdus) -> str:
        write_fits(path, hdus)
        with pytest.raises(SpecprodCopyError) as caught:
            draft([path], options)
        return str(caught.value)

    assert "becomes column a_b, and so does A-B" in refuse(
        T={"A-B": np.zeros(2), "A_B": np.zeros(2)}
    )
    wide = {f"C{n}": np.zeros(1) for n in range(600)}
    both = {"T": wide, "U": {f"D{n}": np.zeros(1) for n in range(600)}}
    message = refuse(DraftOptions(table="t"), **both)
    assert "a row of table t takes 9,624 bytes, and the server takes 8,160" in message
    message = refuse(DraftOptions(table="t"), T={"A": np.zeros(2)}, U={"B": np.zeros(3)})
    assert "has 3 rows, and T has 2: they cannot be joined row by row" in message
    write_fits(tmp_path / "b.fits", {"T": {"A": np.full(2, "x", "S2")}})
    write_fits(path, {"T": {"A": np.zeros(2)}})
    with pytest.raises(SpecprodCopyError, match=r"is varchar\(2\) here, and double precision in"):
        draft([path, tmp_path / "b.fits"], DraftOptions())
    with pytest.raises(SpecprodCopyError, match=r"--drop KINDS: no column is called so; .* kind\?"):
        draft([write_fits(path, {"T": STARS})], DraftOptions(drop=("z", "kinds")))
    with pytest.raises(SpecprodCopyError, match=r"no FITS file: convert it, for example by"):
        draft([tmp_path / "a.hdf5"], DraftOptions())
