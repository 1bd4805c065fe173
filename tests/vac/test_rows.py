"""How rows come from files: joined HDUs and files, columns from elsewhere, what becomes NULL."""

from __future__ import annotations

import json

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from support.catalogues import Catalogues, write_fits

from specprod_copy.demo import write_production

MWS = """
name = "mws"
version = "v1"
[tables.mws]
files = "vac/mws-*.fits"
hdu = "RVTAB"
[[tables.mws.join]]
hdu = "FIBERMAP"
same = ["TARGETID", "TARGET_RA"]
drop = ["SV?_TARGET"]
rename = { PRIMARY = "is_primary" }
[[tables.mws.join]]
hdu = "GAIA"
prefix = "gaia_"
"""
MWS_SQL = """
{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    targetid bigint NOT NULL,
    target_ra double precision NOT NULL,
    vrad real NOT NULL,
    "primary" boolean NOT NULL,
    is_primary boolean NOT NULL,
    gaia_source_id bigint NOT NULL,
    gaia_ra double precision NOT NULL
);
{% endblock %}
{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey
PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}
"""
N = 5
TARGETS = np.arange(N, dtype="i8") * 10


def mws(root, **changed):
    hdus = {
        "RVTAB": {
            "TARGETID": TARGETS,
            "TARGET_RA": np.arange(N, dtype="f8"),
            "VRAD": np.arange(N, dtype="f4") / 8,
            "PRIMARY": np.arange(N) % 2 == 0,
        },
        "FIBERMAP": {
            "TARGETID": TARGETS,
            "TARGET_RA": np.arange(N, dtype="f8"),
            "SV1_TARGET": np.zeros(N, "i8"),
            "PRIMARY": np.arange(N) % 2 == 1,
        },
        "GAIA": {"SOURCE_ID": TARGETS + 1, "RA": np.full(N, np.nan)},
    }
    for name, columns in changed.items():
        hdus[name] |= columns
    return write_fits(root / "vac/mws-a.fits", hdus)


def describe(vac: Catalogues, text: str, **sql: str):
    folder = vac.root / "own"
    folder.mkdir(exist_ok=True)
    for name, script in sql.items():
        (folder / f"{name}.sql").write_text(script)
    (folder / "own.toml").write_text(text)
    return folder / "own.toml"


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    return Catalogues(tmp_path, database)


def test_hdus_are_joined_by_the_number_of_the_row(vac):
    """As the MWS catalogue: a column in two HDUs, one of other values, one HDU without TARGETID."""
    description = describe(vac, MWS, mws=MWS_SQL)
    mws(vac.root, FIBERMAP={"TARGET_RA": np.array([0.0, 1, 2, 9, 4])})
    message = vac.refuse_load(description)
    assert "[FIBERMAP], column TARGET_RA: row 3 is about 9.0" in message
    mws(vac.root, GAIA={"VRAD": np.zeros(N, "f4")})
    vac.load(description)  # it has a prefix
    assert vac.query("SELECT * FROM vac.mws WHERE targetid = 30") == [
        (30, 3.0, 0.375, False, True, 31, pytest.approx(np.nan, nan_ok=True))
    ]
    vac.verify()
    [told] = json.loads(vac.run("describe", "--schema", "vac", "mws", "--json"))
    assert told["sources"] == ["RVTAB + FIBERMAP + GAIA"]
    assert {column["name"]: column["source"] for column in told["columns"]} == {
        "targetid": "TARGETID",
        "target_ra": "TARGET_RA",
        "vrad": "VRAD",
        "primary": "PRIMARY",
        "is_primary": "PRIMARY",
        "gaia_source_id": "SOURCE_ID",
        "gaia_ra": "RA",
    }
    without = MWS.replace('rename = { PRIMARY = "is_primary" }', "")
    message = vac.refuse("load-vac", describe(vac, without), "--root", vac.root, "--overwrite")
    assert "[FIBERMAP], column PRIMARY" in message
    assert "[RVTAB], to which it is joined, has this column as well" in message
    # What is drafted from the file says the same, by a look at the values.
    drafted = vac.draft(vac.root / "vac/mws-a.fits", "--table", "stars", into="drafted")
    text = drafted.read_text()
    assert 'same = ["TARGETID", "TARGET_RA"]' in text
    assert 'rename = { "PRIMARY" = "fibermap_primary" }' in text
    assert '"primary" boolean NOT NULL' in (drafted.parent / "stars.sql").read_text()


KEYED = """
name = "keyed"
version = "v1"
[tables.spec]
files = "{survey}/spec.fits"
hdu = "SPEC"
[[tables.spec.join]]
hdu = "MASS"
file = "{stem}-mass.fits"
by = ["TARGETID"]
HOW
"""
KEYED_SQL = """
{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    targetid bigint NOT NULL, z real NOT NULL, mass real, kind varchar(3),
    CONSTRAINT {{ table }}_pkey PRIMARY KEY (targetid)
);
{% endblock %}
"""


@pytest.mark.parametrize("how", ["left", "inner", "all"])
def test_files_are_joined_by_columns(vac, how):
    """In another order, with rows that the first file lacks, and without one that it has."""
    targets = np.arange(400, dtype="i8")
    spec = {"SPEC": {"TARGETID": targets, "Z": targets.astype("f4") / 4}}
    write_fits(vac.root / "main/spec.fits", spec)
    others = np.random.default_rng(1).permutation(np.arange(7, 500, dtype="i8"))
    mass = {
        "TARGETID": others,
        "MASS": others.astype("f4") * 2,
        "KIND": np.char.mod("k%d", others % 10).astype("S3"),
    }
    write_fits(vac.root / "main/spec-mass.fits", {"MASS": mass})
    text = KEYED.replace("HOW", f'how = "{how}"')
    description = describe(vac, text, spec=KEYED_SQL)
    if how == "all":
        message = vac.refuse_load(description)
        assert "spec-mass.fits[MASS]: has no row with TARGETID 0" in message
        return
    vac.load(description)
    rows = vac.query("SELECT targetid, z::float8, mass::float8, kind FROM vac.spec ORDER BY 1")
    first = 0 if how == "left" else 7
    assert rows == [
        (n, n / 4, *((n * 2.0, f"k{n % 10}") if n >= 7 else (None, None)))
        for n in range(first, 400)
    ]
    vac.verify()
    mass["MASS"][3] += 1
    write_fits(vac.root / "main/spec-mass.fits", {"MASS": mass})
    assert "the file changed since its rows were loaded" in vac.refuse_load(description)
    vac.load(description, "--replace", vac.root / "main/spec-mass.fits")
    vac.verify()
    if how == "left":
        mass["TARGETID"][3] = mass["TARGETID"][4]
        write_fits(vac.root / "main/spec-mass.fits", {"MASS": mass})
        message = vac.refuse_load(description, "--overwrite")
        assert "several rows have TARGETID" in message


LSS = """
name = "lss"
version = "v1.5"
specprod = "iron"
[tables.clustering]
files = ["lss/v0/{tracer}_{cap}.fits", "lss/{version}/{tracer}_{cap}_clustering.dat.fits"]
hdu = ["LSS", "CLUSTERING"]
position = ["ra", "dec"]
filter = "WEIGHT > 0 AND Z < 3"
[tables.clustering.columns]
tracer = { path = "tracer" }
cap = { path = "cap" }
author = { header = "AUTHOR" }
seed = { header = "SEED", optional = true }
made = { value = 2024 }
row = { row = true }
zpix_id = { id = "zpix" }
survey = { value = "main" }
program = { value = "dark" }
wsys = { from = "WEIGHT-SYS" }
nx = { absent = -1 }
photsys = { optional = true }
"n*" = { null = [-99.0, nan] }
zerr = { nan = -9999.0 }
"""
LSS_SQL = """
{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    tracer varchar(4) NOT NULL, cap varchar(3) NOT NULL, "row" bigint NOT NULL,
    targetid bigint NOT NULL, ra double precision NOT NULL, dec double precision NOT NULL,
    z double precision NOT NULL, zerr real NOT NULL, weight real NOT NULL,
    wsys real NOT NULL, nz real, nx smallint, photsys varchar(1),
    author text NOT NULL, seed integer, made smallint NOT NULL, zpix_id numeric(39) NOT NULL,
    survey varchar(7) NOT NULL, program varchar(6) NOT NULL
);
{% endblock %}
{% block keys %}
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey
PRIMARY KEY (tracer, cap, "row");
{% endblock %}
"""


def test_columns_come_from_paths_headers_and_constants(vac):
    """As the LSS catalogues: overlapping files, a row number as the key, sentinels, a filter."""
    for tracer, cap in (("LRG", "NGC"), ("LRG", "SGC"), ("QSO", "NGC")):
        columns = {
            "TARGETID": TARGETS,
            "RA": np.array([1.0, np.nan, 3, 4, 5]),
            "DEC": np.zeros(N),
            "Z": np.array([0.5, 0.6, 0.7, 9.0, np.nan]),
            "ZERR": np.array([0.1, np.nan, 0.3, 0.4, 0.5], "f4"),
            "WEIGHT": np.array([1, 1, 0, 1, 1], "f4"),
            "WEIGHT-SYS": np.arange(N, dtype="f4"),
            "NZ": np.array([-99, np.nan, 1, 2, 3], "f4"),
        }
        if tracer == "QSO":
            columns |= {"NX": np.full(N, 5, "i2"), "PHOTSYS": np.full(N, "S", "S1")}
        path = vac.root / f"lss/v1.5/{tracer}_{cap}_clustering.dat.fits"
        write_fits(path, {"LSS": columns}, AUTHOR="me", **({"SEED": 7} if cap == "SGC" else {}))
    description = describe(vac, LSS, clustering=LSS_SQL)
    vac.load(description)
    names = 'tracer, cap, "row", nx, photsys, author, seed, made, wsys::int, nz::int, zerr::int, ra'
    query = f"SELECT {names} FROM vac.clustering ORDER BY 1, 2, 3"
    # Row 2 has no weight, row 3 is too far, and NaN is larger than all numbers, as in the server.
    assert [row for row in vac.query(query) if row[2] == 0] == [
        ("LRG", "NGC", 0, -1, None, "me", None, 2024, 0, None, 0, 1.0),
        ("LRG", "SGC", 0, -1, None, "me", 7, 2024, 0, None, 0, 1.0),
        ("QSO", "NGC", 0, 5, "S", "me", None, 2024, 0, None, 0, 1.0),
    ]
    assert next(row for row in vac.query(query) if row[2] == 1)[-3:] == (None, -9999, -9999.0)
    assert vac.query('SELECT DISTINCT "row" FROM vac.clustering ORDER BY 1') == [(0,), (1,)]
    vac.verify()
    assert "no differences" in vac.run("diff", "--schema", "vac")
    [told] = json.loads(vac.run("describe", "--schema", "vac", "clustering", "--json"))
    sources = {column["name"]: column["source"] for column in told["columns"]}
    assert sources["tracer"] == "tracer of the path"
    assert sources["author"] == "AUTHOR of the header"
    assert sources["row"] == "number of the row"
    assert (sources["wsys"], sources["made"]) == ("WEIGHT-SYS", "2024")


def test_numbers_are_what_they_are_whatever_the_table_is_called(vac):
    """In a table photometry of a production -9999 stands for NaN; here it is a number."""
    columns = {"TARGETID": TARGETS, "FLUX_G": np.array([1, -9999, np.nan, -0.0, np.inf], "f4")}
    write_fits(vac.root / "phot.fits", {"PHOT": columns})
    description = vac.draft(vac.root / "phot.fits", "--table", "photometry")
    vac.load(description)
    out = vac.root / "out.fits"
    query = "SELECT flux_g FROM vac.photometry ORDER BY targetid"
    vac.run("query", query, "-o", out)
    found = fits.getdata(out, 1)["flux_g"].astype("f4")
    assert found.tobytes() == columns["FLUX_G"].tobytes()
    vac.verify()


def test_schemas_that_are_not_what_they_were(vac):
    """A table was dropped, a description changed by hand, a schema is that of a production."""
    write_fits(vac.root / "a.fits", {"": {"A": np.arange(3, dtype="i4")}})
    description = vac.draft(vac.root / "a.fits")
    assert 'hdu = "1"' in description.read_text()  # it has no name
    vac.load(description)
    assert vac.query("SELECT file_row, a FROM vac.a ORDER BY 1") == [(0, 0), (1, 1), (2, 2)]
    assert "pg_monitor may read 4 tables" in vac.run("grant", "-s", "vac", "--role", "pg_monitor")
    with psycopg.connect(vac.conninfo) as connection:
        connection.execute("DROP TABLE vac.a")
    lost = "'specprod-copy load-vac DESCRIPTION.toml --overwrite' loads it again"
    assert lost in vac.run("status", "--schema", "vac")
    assert lost in vac.refuse_load(description)
    vac.load(description, "--overwrite")
    vac.verify()
    write_production(vac.root / "fuji", "fuji", tiles=2, targets=20)
    load = ("load", "exposures", "--specprod", "fuji", "--root", vac.root / "fuji", "--schema")
    assert "schema vac has value-added catalogues" in vac.refuse(*load, "vac")
    assert "schema vac has value-added catalogues" in vac.refuse(*load, "vac", "--dry-run")
    daily = ("--specprod", "daily", "--root", vac.root / "daily", "--schema", "vac")
    write_production(vac.root / "daily", "daily", tiles=2, targets=20)
    assert "schema vac has value-added catalogues" in vac.refuse("sync", *daily)
    assert "schema vac has value-added catalogues" in vac.refuse("sync", "--dry-run", *daily)
    vac.run(*load, "fuji")
    message = vac.refuse_load(description, "--schema", "fuji")
    assert "schema fuji has tables of a production" in message
    with psycopg.connect(vac.conninfo) as connection:
        connection.execute("UPDATE vac.vac SET description = 'x = ['")
    for command in ("verify", "status", "diff"):
        assert "a in vac.vac: not TOML" in vac.refuse(command, "--schema", "vac")
