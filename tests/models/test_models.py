"""The tables as classes: the kinds of queries of the published tutorials, against plain SQL."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import and_, func, select, text
from sqlalchemy.exc import DBAPIError, StatementError
from support.reference import data_tables

import specprod_copy.models as db
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs


@pytest.fixture(scope="module")
def dsn(module_database, shared):
    inputs = Inputs(ProductionFiles(find_production("fuji"), shared / "reference" / "fuji"))
    load(module_database, inputs, LoadOptions(("all",), "fuji"))
    return module_database


@pytest.fixture(scope="module")
def fuji(dsn):
    models = db.connect("fuji", dsn)
    yield models
    models.engine.dispose()


@pytest.fixture
def session(fuji):
    with fuji.session() as opened:
        yield opened


@pytest.fixture
def plain(dsn):
    """Return what asks a server in SQL, by no mapper."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SET search_path = fuji, public")
        yield lambda query: connection.execute(query).fetchall()


def test_there_is_a_class_for_each_table_of_the_schema_and_none_for_the_ledger(fuji, plain):
    made = {models.__table__.name for models in fuji.classes.values()}
    [(there,)] = plain(
        "SELECT array_agg(relname) FROM pg_class WHERE relnamespace = 'fuji'::regnamespace"
        " AND relkind = 'r'"
    )
    assert made == set(data_tables()) & set(there)
    assert {"Zpix", "Ztile", "Photometry", "Target", "Tile", "Exposure", "Frame"} <= set(dir(fuji))
    with pytest.raises(AttributeError, match="schema fuji has no Load_ledger; there are: "):
        fuji.Load_ledger  # noqa: B018


def test_partitioned_tables(dsn):
    """A partition is no class of its own; relations lead on by the whole table."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            """CREATE SCHEMA parted;
               CREATE TABLE parted.photometry (LIKE fuji.photometry, PRIMARY KEY (targetid))
                   PARTITION BY HASH (targetid);
               CREATE TABLE parted.zpix (LIKE fuji.zpix, PRIMARY KEY (targetid, id),
                   FOREIGN KEY (targetid) REFERENCES parted.photometry)
                   PARTITION BY HASH (targetid)"""
        )
        for table in ("photometry", "zpix"):
            for part in range(3):
                connection.execute(
                    f"CREATE TABLE parted.{table}_{part} PARTITION OF parted.{table}"
                    f" FOR VALUES WITH (MODULUS 3, REMAINDER {part})"
                )
            connection.execute(f"INSERT INTO parted.{table} SELECT * FROM fuji.{table}")
        try:
            of_parts, of_whole = (related_rows(db.connect(n, dsn)) for n in ("parted", "fuji"))
        finally:
            connection.execute("DROP SCHEMA parted CASCADE")
    assert of_parts == (["Photometry", "Zpix"], *of_whole[1:])
    assert len(of_whole[1]) > 0


def related_rows(models):
    """Return the classes, and rows that relations lead to."""
    with models.session() as session:
        query = session.query(models.Photometry.targetid, models.Zpix.id)
        rows = query.join(models.Photometry.zpix_redshifts).order_by(models.Zpix.id).all()
        first = session.query(models.Zpix).order_by(models.Zpix.id).first().photometry.targetid
    models.engine.dispose()
    return sorted(models.classes), rows, first


def test_relations_have_the_names_of_specprod_db(fuji):
    relations = {
        name: set(models.__mapper__.relationships.keys()) for name, models in fuji.classes.items()
    }
    assert relations["Zpix"] == {"photometry"}
    assert relations["Ztile"] == {"photometry", "target", "tile"}
    assert relations["Photometry"] == {
        "targets",
        "zpix_redshifts",
        "ztile_redshifts",
        "fiberassign",
        "potential",
    }
    assert relations["Target"] == {"photometry", "tile", "ztile_redshifts"}
    assert relations["Tile"] == {
        "exposures",
        "fiberassign",
        "potential",
        "targets",
        "ztile_redshifts",
    }
    assert relations["Exposure"] == {"tile", "frames"}
    assert relations["Frame"] == {"exposure"}
    assert relations["Fiberassign"] == relations["Potential"] == {"photometry", "tile"}


def test_columns_of_a_condition(fuji, session, plain):
    rows = (
        session.query(fuji.Zpix.targetid, fuji.Zpix.z, fuji.Zpix.spectype)
        .filter(and_(fuji.Zpix.zwarn == 0, fuji.Zpix.survey == "sv1"))
        .order_by(fuji.Zpix.id)
        .all()
    )
    wanted = plain(
        "SELECT targetid, z, spectype FROM zpix WHERE zwarn = 0 AND survey = 'sv1' ORDER BY id"
    )
    assert wanted
    assert [tuple(row) for row in rows] == wanted


def test_a_join_along_relations(fuji, session, plain):
    rows = (
        session.query(fuji.Photometry.targetid, fuji.Photometry.flux_g, fuji.Zpix.z)
        .join(fuji.Photometry.zpix_redshifts)
        .filter(fuji.Photometry.flux_g > 0)
        .order_by(fuji.Zpix.id)
        .all()
    )
    wanted = plain(
        "SELECT targetid, flux_g, z FROM zpix JOIN photometry USING (targetid)"
        " WHERE flux_g > 0 ORDER BY id"
    )
    assert wanted
    assert [tuple(row) for row in rows] == wanted


def test_a_chain_of_relations(fuji, session, plain):
    rows = (
        session.query(fuji.Tile.tileid, fuji.Exposure.expid, fuji.Frame.camera)
        .join(fuji.Tile.exposures)
        .join(fuji.Exposure.frames)
        .order_by(fuji.Frame.frameid)
        .all()
    )
    wanted = plain(
        "SELECT tile.tileid, expid, camera FROM tile JOIN exposure USING (tileid)"
        " JOIN frame USING (expid) ORDER BY frameid"
    )
    assert wanted
    assert [tuple(row) for row in rows] == wanted


def test_counts_in_groups(fuji, session, plain):
    rows = (
        session.query(fuji.Zpix.survey, fuji.Zpix.program, func.count(fuji.Zpix.targetid))
        .group_by(fuji.Zpix.survey, fuji.Zpix.program)
        .order_by(fuji.Zpix.survey, fuji.Zpix.program)
        .all()
    )
    wanted = plain("SELECT survey, program, count(*) FROM zpix GROUP BY 1, 2 ORDER BY 1, 2")
    assert [tuple(row) for row in rows] == wanted


def test_bits_of_a_mask(fuji, session, plain):
    found = session.scalar(
        select(func.count()).where(fuji.Target.sv1_desi_target.op("&")(1).__ne__(0))
    )
    assert [(found,)] == plain("SELECT count(*) FROM target WHERE sv1_desi_target & 1 <> 0")


def test_a_row_leads_to_what_belongs_to_it(fuji, session, plain):
    [(row_id, target, tile, spectra)] = plain(
        "SELECT id, targetphotid, tileid, (SELECT count(*) FROM zpix WHERE targetid = z.targetid)"
        " FROM ztile z JOIN photometry USING (targetid) ORDER BY id LIMIT 1"
    )
    found = session.get(fuji.Ztile, row_id)
    assert found.target.id == target
    assert found.tile.tileid == tile
    assert found in found.target.ztile_redshifts
    assert len(found.photometry.zpix_redshifts) == spectra


def test_ids_are_exact_whatever_they_are_compared_with(fuji, session, plain):
    wanted = [row_id for (row_id,) in plain("SELECT id FROM zpix ORDER BY id")]
    assert max(wanted) > 2**64
    found = session.scalars(select(fuji.Zpix.id).order_by(fuji.Zpix.id)).all()
    assert found == wanted
    assert {type(row_id) for row_id in found} == {Decimal}
    last = wanted[-1]
    for given in (last, int(last), str(last)):
        assert session.query(fuji.Zpix).filter_by(id=given).one().id == last
    assert session.query(fuji.Zpix).filter(fuji.Zpix.id.in_([int(last)])).count() == 1
    with pytest.raises(StatementError, match="'float' object cannot be interpreted"):
        session.query(fuji.Zpix).filter_by(id=float(last)).count()


@pytest.mark.usefixtures("q3c")
def test_a_cone_by_q3c_without_its_schema(fuji, session, plain):
    [(ra, dec)] = plain("SELECT ra, dec FROM photometry ORDER BY targetid LIMIT 1")
    near = func.q3c_radial_query(fuji.Photometry.ra, fuji.Photometry.dec, ra, dec, 0.5)
    found = session.scalars(select(fuji.Photometry.targetid).where(near)).all()
    cone = f"q3c_radial_query(ra, dec, {ra}, {dec}, 0.5)"
    wanted = plain(f"SELECT targetid FROM photometry WHERE {cone}")
    assert found
    assert sorted(found) == sorted(row[0] for row in wanted)


def test_rows_are_shown_by_their_key_without_asking(fuji, session, plain):
    [(row_id,)] = plain("SELECT id FROM zpix ORDER BY id LIMIT 1")
    [(tile,)] = plain("SELECT tileid FROM tile ORDER BY tileid LIMIT 1")
    row = session.get(fuji.Zpix, row_id)
    session.expire_all()
    session.close()
    assert repr(row) == f"Zpix(id={row_id})"
    assert repr(fuji.Tile(tileid=tile)) == f"Tile(tileid={tile})"
    assert repr(fuji.Tile()) == "Tile(tileid=None)"


def test_sessions_cannot_write(fuji, session, plain):
    before = plain("SELECT count(*) FROM zpix WHERE z = 99")
    session.query(fuji.Zpix).first().z = 99
    with pytest.raises(DBAPIError, match="read-only transaction"):
        session.commit()
    session.rollback()
    assert plain("SELECT count(*) FROM zpix WHERE z = 99") == before


def test_the_spelling_of_specprod_db(dsn, plain):
    parts = conninfo_to_dict(dsn)
    made = db.setup_db(
        schema="fuji",
        hostname=str(parts["host"]),
        username=str(parts["user"]),
        dbname=str(parts["dbname"]),
        dsn=dsn,
    )
    assert made.schema == "fuji"
    [(wanted,)] = plain("SELECT count(*) FROM ztile")
    assert db.dbSession.query(db.Ztile).count() == wanted
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM fuji.ztile")).scalar() == wanted
    again = db.setup_db(schema="fuji", dsn=dsn)
    assert db.Ztile is again.Ztile is not made.Ztile
    assert db.dbSession.query(db.Ztile).count() == wanted
    db.dbSession.remove()
    again.engine.dispose()


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        db.nonsense  # noqa: B018


def test_a_schema_without_our_tables_is_refused(dsn):
    with pytest.raises(DatabaseError, match="there is no schema iron; there are: fuji, public"):
        db.connect("iron", dsn)
    with pytest.raises(DatabaseError, match="schema public has none of the tables of a production"):
        db.connect("public", dsn)


def test_no_password_is_shown(password_role, caplog):
    role, conninfo = password_role
    secret = f"{conninfo} user={role} password=secret"
    caplog.set_level("DEBUG", logger="sqlalchemy")
    with pytest.raises(DatabaseError) as refused:
        db.connect("nowhere", secret)
    with pytest.raises(DatabaseError) as wrong:
        db.connect("nowhere", f"{conninfo} user={role} password=sesame")
    with pytest.raises(ConfigurationError) as none:
        db.setup_db(schema="fuji", dsn="password=secret sesame")
    seen = f"{refused.value} {wrong.value} {none.value} {caplog.text}"
    assert "there is no schema nowhere" in seen
    assert "secret" not in seen
    assert "sesame" not in seen


def test_the_connection_string_is_in_no_text(fuji, dsn):
    shown = f"{fuji!r} {fuji.engine!r} {fuji.engine.url} {fuji.session!r}"
    assert repr(fuji) == "Models(schema='fuji')"
    assert str(conninfo_to_dict(dsn)["dbname"]) not in shown
