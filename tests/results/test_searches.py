"""Searches on the sky, and lists of one's own: by SQL and without, with q3c and without."""

from __future__ import annotations

import numpy as np
import polars as pl
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from psycopg import sql
from psycopg.conninfo import make_conninfo
from support.clusters import fresh_database

import specprod_copy as sc
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.postgres import cone
from specprod_copy.postgres.own_functions import make_functions
from specprod_copy.postgres.search_path import q3c_schema

CONES = [(10.0, 10.0, 1.0), (0.05, -0.1, 0.5), (123.0, 89.9, 0.3), (359.9, -89.95, 0.2)]
TABLES = """
    CREATE SCHEMA sky;
    CREATE TABLE sky.photometry (targetid bigint PRIMARY KEY, ra float8, dec float8);
    CREATE TABLE sky.zpix (targetid bigint, z float8);
"""


def make_cone(connection, schema):
    return make_functions(connection, schema, [cone.function(q3c_schema(connection))])


@pytest.fixture(scope="module", params=[True, False], ids=["with q3c", "without q3c"])
def sky(request, cluster):
    """A database with stars around the cones, some of them at their edges."""
    with fresh_database(cluster) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        if request.param:
            if (
                connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'q3c'").fetchone()
                is None
            ):
                pytest.skip("no q3c")
        else:
            connection.execute("DROP EXTENSION IF EXISTS q3c")
        connection.execute(TABLES)
        generator = np.random.default_rng(29)
        rows = []
        for ra, dec, radius in CONES:
            center = SkyCoord(ra, dec, unit="deg")
            angles = generator.uniform(0, 360, 60)
            distances = np.concatenate(
                [generator.uniform(0, 2 * radius, 50), radius * (1 + 1e-7 * np.array([-1, 1] * 5))]
            )
            near = center.directional_offset_by(angles * center.ra.unit, distances * center.ra.unit)
            rows += zip(near.ra.deg.tolist(), near.dec.deg.tolist(), strict=True)
        rows.append((-9999.0, -9999.0))
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO sky.photometry VALUES (%s, %s, %s)",
                [(n, ra, dec) for n, (ra, dec) in enumerate(rows)],
            )
        connection.execute("INSERT INTO sky.zpix SELECT targetid, 0.5 FROM sky.photometry")
        if request.param:
            connection.execute("CREATE INDEX ON sky.photometry (public.q3c_ang2ipix(ra, dec))")
        assert make_cone(connection, "sky") == []
        yield dsn, request.param, np.array(rows[:-1])


def within(rows: np.ndarray, ra: float, dec: float, radius: float) -> list[int]:
    stars = SkyCoord(rows[:, 0], rows[:, 1], unit="deg")
    distance = SkyCoord(ra, dec, unit="deg").separation(stars).deg
    return np.flatnonzero(distance <= radius).tolist()


@pytest.mark.parametrize("cone", CONES)
def test_the_function(sky, cone):
    dsn, _, rows = sky
    query = "SELECT targetid FROM photometry WHERE cone(ra, dec, {}, {}, {}) ORDER BY 1"
    found = sc.query(query.format(*cone), dsn=dsn, schema="sky")["targetid"].to_list()
    assert found == within(rows, *cone)
    assert 10 < len(found) < 60


@pytest.mark.parametrize("cone", CONES)
@pytest.mark.parametrize("table", ["photometry", "zpix"])
def test_without_sql(sky, cone, table):
    dsn, _, rows = sky
    frame = sc.query("", dsn=dsn, schema="sky", table=table, cone=tuple(np.array(cone)))
    assert sorted(frame["targetid"].to_list()) == within(rows, *cone)
    assert frame.columns == (
        ["targetid", "ra", "dec"] if table == "photometry" else ["targetid", "z"]
    )


@pytest.mark.parametrize("cone", [(10, -80, 60), (123, 89.9, 179.9), (300, -45, 90), (10, 10, 180)])
def test_large_cones(sky, tmp_path, cone):
    """The position that is not known is in none of them."""
    dsn, _, rows = sky
    wanted = within(rows, *cone)
    file = tmp_path / "list.csv"
    file.write_text("ra,dec\n{},{}\n".format(*cone))
    query = "SELECT targetid FROM photometry WHERE cone(ra, dec, {}, {}, {})".format(*cone)
    options = {"dsn": dsn, "schema": "sky"}
    match = {"match": "c", "radius": cone[2] * 3600, "lists": [("c", file)]}
    for frame in (
        sc.query(query, **options),
        sc.query("", table="photometry", cone=cone, **options),
        sc.query("", table="photometry", **match, **options),
    ):
        assert sorted(frame["targetid"].to_list()) == wanted
    assert len(wanted) > 50


def test_what_is_in_the_centre(sky):
    dsn, _, rows = sky
    ra, dec = rows[7].tolist()
    found = [
        sc.query(
            f"SELECT targetid FROM photometry WHERE cone(ra, dec, {ra!r}, {dec!r}, {radius})",
            dsn=dsn,
            schema="sky",
        )["targetid"].to_list()
        for radius in (0, 1e-5)
    ]
    assert found == [[], [7]]


def test_a_role_that_may_not_use_q3c(database, password_role, tmp_path):
    """It is there, and the formula finds the same."""
    role, _ = password_role
    name = sql.Identifier(role)
    with psycopg.connect(database, autocommit=True) as connection:
        if q3c_schema(connection) is None:
            pytest.skip("no q3c")
        connection.execute(TABLES)
        connection.execute("INSERT INTO sky.photometry VALUES (1, 10, 20), (2, 10, 25)")
        connection.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA sky TO {}").format(name))
        connection.execute(sql.SQL("GRANT SELECT ON sky.photometry TO {}").format(name))
        file = tmp_path / "list.csv"
        file.write_text("ra,dec\n10,24.9999\n")
        options = {
            "dsn": make_conninfo(database, user=role, password="secret"),
            "schema": "sky",
            "table": "photometry",
        }
        found = sc.query("", cone=(10, 20.5, 1), **options)
        near = sc.query("", match="c", lists=[("c", file)], **options)
        connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
    assert found.rows() == [(1, 10.0, 20.0)]
    assert near["targetid"].to_list() == [2]


def test_the_index_is_found(sky):
    dsn, q3c, _ = sky
    if not q3c:
        pytest.skip("no index without q3c")
    with psycopg.connect(dsn) as connection:
        connection.execute("SET search_path = sky, public")
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT * FROM photometry WHERE cone(ra, dec, 10, 10, 0.1)"
        ).fetchall()
    assert "Index Scan on" in str(plan) and "q3c_ang2ipix" in str(plan)


def test_made_again_when_q3c_comes(cluster):
    with fresh_database(cluster) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute(
            "DROP EXTENSION IF EXISTS q3c; SELECT 1 FROM pg_available_extensions"
        ):
            available = connection.execute(
                "SELECT 1 FROM pg_available_extensions WHERE name = 'q3c'"
            ).fetchone()
        connection.execute("CREATE SCHEMA x")
        assert make_cone(connection, "x") == []
        body = "SELECT pg_get_functiondef('x.cone'::regproc)"
        assert "asind" in connection.execute(body).fetchone()[0]
        assert make_cone(connection, "x") == []
        if available is None:
            pytest.skip("no q3c")
        connection.execute("CREATE EXTENSION q3c")
        assert make_cone(connection, "x") == []
        assert "q3c_radial_query" in connection.execute(body).fetchone()[0]


def test_made_again_where_an_older_one_is(database):
    comment = (
        "Whether the position ra, dec is within a radius of ra0, dec0; all in degrees (by q3c)"
    )
    said = "SELECT obj_description('x.cone'::regproc)"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA x")
        assert make_cone(connection, "x") == []
        now = connection.execute(said).fetchone()
        connection.execute(f"COMMENT ON FUNCTION x.cone IS '{comment}'")
        assert make_cone(connection, "x") == []
        assert connection.execute(said).fetchone() == now != (comment,)


def test_a_function_of_somebody_else_stays(database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA x")
        connection.execute(
            """CREATE FUNCTION x.cone(float8, float8, float8, float8, float8) RETURNS int
               LANGUAGE sql AS 'SELECT 1'"""
        )
        [note] = make_cone(connection, "x")
        assert "of somebody else" in note


LIST = pl.DataFrame(
    {
        "NAME": ["a", "b", "c"],
        "RA": [10.125, 359.75, 50.0],
        "DEC": [-1.5, 89.5, 50.0],
        "TARGETID": [1, 2, 5],
    }
)


def write(frame: pl.DataFrame, file):
    table = Table(
        {
            name: frame[name].to_numpy() if name != "NAME" else frame[name].to_list()
            for name in frame.columns
        }
    )
    if file.suffix == ".parquet":
        frame.write_parquet(file)
    elif file.suffix == ".csv":
        frame.write_csv(file)
    elif file.suffix == ".vot":
        table.write(file, format="votable")
    else:
        table.write(file)
    return file


@pytest.mark.parametrize("suffix", ["fits", "csv", "ecsv", "parquet", "vot"])
def test_own_lists(dsn, tmp_path, suffix):
    file = write(LIST, tmp_path / f"list.{suffix}")
    query = "SELECT name, z FROM mine JOIN zpix USING (targetid) ORDER BY name"
    frame = sc.query(query, dsn=dsn, schema="s", lists=[("mine", file)])
    assert frame.rows() == [("a", 0.1), ("b", 1.5)]


def test_columns_of_which_nothing_is_known(dsn, tmp_path):
    file = tmp_path / "list.parquet"
    pl.DataFrame({"targetid": [1, 2], "word": [None, None]}).write_parquet(file)
    query = "SELECT word, z FROM mine JOIN zpix USING (targetid) ORDER BY z"
    for frame in (pl.read_parquet(file), pl.read_parquet(file).clear()):
        frame.write_parquet(file)
        found = sc.query(query, dsn=dsn, schema="s", lists=[("mine", file)])
        assert found["word"].to_list() == [None] * len(frame)
        assert found.schema["word"] == pl.String


def test_a_name_that_is_no_pattern(dsn, tmp_path):
    for name, n in (("list1", 1), ("list[1]", 2)):
        pl.DataFrame({"n": [n]}).write_parquet(tmp_path / f"{name}.parquet")
    lists = [("mine", tmp_path / "list[1].parquet")]
    assert sc.query("SELECT n FROM mine", dsn=dsn, lists=lists).item() == 2


def test_a_result_as_a_list(dsn, tmp_path):
    """With its 128-bit ids."""
    file = tmp_path / "list.parquet"
    sc.query("SELECT id, zwarn + 1 AS more FROM zpix", dsn=dsn, schema="s", output=file)
    query = "SELECT more - zwarn AS one, z.id = m.id AS same FROM mine m JOIN zpix z USING (id)"
    frame = sc.query(query, dsn=dsn, schema="s", lists=[("mine", file)])
    assert frame.rows() == [(1, True)] * 3


def test_neighbours_of_a_list(dsn, tmp_path):
    frame = LIST.with_columns(RA=pl.col("RA") + 0.5 / 3600)
    file = write(frame, tmp_path / "list.csv")
    options = {"dsn": dsn, "schema": "s", "table": "photometry", "lists": [("mine", file)]}
    found = sc.query("", match="mine", radius=np.float64(0.51), **options).sort("name")
    assert found.columns[:7] == [
        *("name", "mine_ra", "mine_dec", "mine_targetid"),
        *("targetid", "ra", "dec"),
    ]
    assert found["name"].to_list() == ["a", "b"]
    assert found["separation"].to_list() == pytest.approx(
        [0.5 * np.cos(np.radians(1.5)), 0.5 * np.cos(np.radians(89.5))], rel=1e-6
    )
    assert len(sc.query("", match="mine", radius=0.3, **options)) == 1
    found = sc.query("", match="mine", **options | {"table": "zpix"})
    assert sorted(found["z"].to_list()) == [0.1, 1.5]
    with pytest.raises(SpecprodCopyError, match="no list is called other"):
        sc.query("", match="other", **options)


def test_neighbours_by_q3c_and_without(sky, tmp_path):
    dsn, _, rows = sky
    file = tmp_path / "list.csv"
    pl.DataFrame({"ra": [c[0] for c in CONES], "dec": [c[1] for c in CONES]}).write_csv(file)
    options = {"schema": "sky", "table": "photometry", "lists": [("c", file)]}
    found = sc.query("", dsn=dsn, match="c", radius=720, **options)
    assert sorted(found["targetid"].to_list()) == sorted(
        target for ra, dec, _ in CONES for target in within(rows, ra, dec, 0.2)
    )


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ([("zpix", "list.csv")], "a table is called zpix already"),
        ([("mine", "nowhere.csv")], "nowhere.csv"),
        ([("mine", "list.txt")], "unknown kind of list"),
    ],
)
def test_lists_that_cannot_be(dsn, tmp_path, lists, said):
    write(LIST, tmp_path / "list.csv")
    paths = [(name, tmp_path / file) for name, file in lists]
    with pytest.raises(SpecprodCopyError, match=said):
        sc.query("SELECT 1", dsn=dsn, schema="s", lists=paths)


@pytest.mark.parametrize(
    ("positions", "said"),
    [
        ("10,0\n,5", "row 1: ra is None, not in"),
        ("10,0\n10,NaN", "row 1: dec is nan, not in"),
        ("10,-9999", "row 0: dec is -9999, not in"),
        ("x,0", "column ra is String, wanted are degrees"),
        ("", "column ra is empty, wanted are degrees"),
    ],
)
def test_positions_that_are_none(dsn, tmp_path, positions, said):
    file = tmp_path / "list.csv"
    file.write_text(f"ra,dec\n{positions}\n")
    options = {"dsn": dsn, "schema": "s", "table": "photometry", "lists": [("mine", file)]}
    with pytest.raises(SpecprodCopyError, match=f"list mine.*{said}"):
        sc.query("", match="mine", **options)


@pytest.mark.parametrize(
    "cone", [(10, 0, -1), (10, 0, 0), (10, 0, 180.1), (370, 0, 1), (10, float("nan"), 1), (10, 0)]
)
def test_cones_that_cannot_be(dsn, cone):
    with pytest.raises(SpecprodCopyError, match=r"RA is in \[0, 360\]|wanted are three numbers"):
        sc.query("", dsn=dsn, schema="s", table="photometry", cone=cone)


@pytest.mark.parametrize("radius", [0, -1, 648_000.1, float("nan"), float("inf")])
def test_radii_that_cannot_be(dsn, tmp_path, radius):
    options = {"dsn": dsn, "schema": "s", "table": "photometry", "match": "mine"}
    with pytest.raises(SpecprodCopyError, match="above 0, and at most 648,000 arcsec"):
        sc.query("", radius=radius, lists=[("mine", tmp_path / "list.csv")], **options)


def test_no_right_to_make_temporary_tables(dsn, tmp_path, password_role):
    role, _ = password_role
    with psycopg.connect(dsn, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(
            sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
        )
    file = write(LIST, tmp_path / "list.csv")
    with pytest.raises(
        SpecprodCopyError, match=r"list mine: permission denied.*GRANT TEMPORARY ON"
    ):
        login = make_conninfo(dsn, user=role, password="secret")
        sc.query("SELECT * FROM mine", dsn=login, lists=[("mine", file)])
