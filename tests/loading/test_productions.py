"""Whole productions of every configured name, and what users do with the loaded tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from astropy.table import Table
from support.productions import load_production

from specprod_copy.desi.production import ProductionFiles, load_configuration
from specprod_copy.errors import DatabaseError, InputError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs

PRODUCTIONS = load_configuration()


def kept_rows(path: Path, hdu: str | int = 1) -> np.ndarray:
    """Return the TARGETIDs of a file that are neither sky nor negative, by plain arithmetic."""
    targetid = np.asarray(fits.getdata(path, hdu)["TARGETID"], dtype=np.int64)
    return targetid[(targetid > 0) & ((targetid >> 59) & 1 == 0)]


@pytest.mark.parametrize("specprod", PRODUCTIONS)
def test_load_all_of_every_production(demos, module_database, specprod):
    root = demos(specprod)
    load_production(module_database, root, specprod)
    files = ProductionFiles(PRODUCTIONS[specprod], root)
    with psycopg.connect(module_database) as connection:

        def count(table: str) -> int:
            return connection.execute(f"SELECT count(*) FROM {specprod}.{table}").fetchone()[0]

        tractor = np.concatenate([fits.getdata(f, 1)["TARGETID"] for f in files.tractorphot()])
        target = np.concatenate([fits.getdata(f, 1)["TARGETID"] for f in files.targetphot()])
        assert count("photometry") == len(np.union1d(tractor, target))
        assert count("target") == len(target)
        if specprod == "guadalupe":  # which has the same rows stacked in one file as well
            stack = files.photometry_folder / "targetphot-potential-guadalupe.fits"
            assert count("target") == len(fits.getdata(stack, 1))
        tileids = [t for (t,) in connection.execute(f"SELECT tileid FROM {specprod}.tile")]
        assigned = [f for f in files.fiberassign(tileids).values() if f]
        assert len(assigned) == len(tileids) > 0
        for table, hdu in (("fiberassign", "FIBERASSIGN"), ("potential", "POTENTIAL_ASSIGNMENTS")):
            assert count(table) == sum(len(kept_rows(f, hdu)) for f in assigned) > 0
        if specprod == "daily":
            assert files.zall_pix() is None
        else:
            assert count("zpix") == len(kept_rows(files.zall_pix())) > 0
            assert count("ztile") == len(kept_rows(files.zall_tilecumulative())) > 0
        unready = connection.execute(
            """SELECT tablename FROM pg_tables t WHERE schemaname = %s AND NOT EXISTS
               (SELECT FROM pg_indexes i WHERE i.schemaname = t.schemaname
                AND i.indexname = t.tablename || '_pkey')""",
            (specprod,),
        ).fetchall()
        assert unready == []


@pytest.fixture(scope="module")
def iron(demos, module_database):
    load_production(module_database, demos("iron"), "iron")
    with psycopg.connect(module_database, autocommit=True) as connection:
        yield connection


def test_twice_changes_nothing(demos, iron, module_database):
    query = """SELECT relname, relkind, relfilenode FROM pg_class
               WHERE relnamespace = 'iron'::regnamespace ORDER BY relname"""
    before = iron.execute(query).fetchall()
    summary = load_production(module_database, demos("iron"), "iron")
    assert iron.execute(query).fetchall() == before
    assert summary.steps == 0
    assert sum(row.rows_read for row in summary.tables) == 0


def test_every_foreign_key_joins(iron):
    keys = iron.execute(
        """SELECT conrelid::regclass, a.attname, confrelid::regclass, b.attname
           FROM pg_constraint JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
           JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = confkey[1]
           WHERE contype = 'f' AND connamespace = 'iron'::regnamespace"""
    ).fetchall()
    assert len(keys) == 12
    for table, column, other, key in keys:
        joined = f"SELECT count(*) FROM {table} a JOIN {other} b ON a.{column} = b.{key}"
        assert (
            iron.execute(joined).fetchone()
            == iron.execute(f"SELECT count(*) FROM {table}").fetchone()
        )


def test_cone_search_uses_the_sky_index(iron):
    if not iron.execute("SELECT 1 FROM pg_extension WHERE extname = 'q3c'").fetchone():
        pytest.skip("the server does not have q3c")
    ra, dec = iron.execute("SELECT ra, dec FROM iron.photometry LIMIT 1").fetchone()
    search = f"""SELECT targetid FROM iron.photometry
                 WHERE q3c_radial_query(ra, dec, {ra}, {dec}, 0.5)"""
    iron.execute("SET enable_seqscan = off")
    explained = "\n".join(line for (line,) in iron.execute(f"EXPLAIN {search}"))
    assert "ix_photometry_q3c_ang2ipix" in explained
    found = {t for (t,) in iron.execute(search)}
    rows = iron.execute("SELECT targetid, ra, dec FROM iron.photometry").fetchall()
    ids, x, y = (np.array(c) for c in zip(*rows, strict=True))
    x, y, x0, y0 = (np.radians(v) for v in (x, y, ra, dec))
    distance = 2 * np.arcsin(
        np.sqrt(np.sin((y - y0) / 2) ** 2 + np.cos(y) * np.cos(y0) * np.sin((x - x0) / 2) ** 2)
    )
    assert found == set(ids[np.degrees(distance) < 0.5].tolist())
    assert len(found) > 1


def test_ids_decode_to_their_parts(iron):
    wrong = iron.execute(
        """SELECT * FROM iron.zpix WHERE targetid <> mod(id, 2::numeric ^ 64) UNION ALL
           SELECT * FROM iron.zpix WHERE mod(div(id, 2::numeric ^ 64), 2::numeric ^ 32) <>
             array_position(ARRAY['cmx', 'special', 'sv1', 'sv2', 'sv3', 'main'], survey::text)"""
    ).fetchall()
    assert wrong == []


def test_cluster(demos, iron, module_database):
    if not iron.execute("SELECT 1 FROM pg_extension WHERE extname = 'q3c'").fetchone():
        pytest.skip("the server does not have q3c")
    files = ProductionFiles(PRODUCTIONS["iron"], demos("iron"))
    load(module_database, Inputs(files), LoadOptions(("exposures",), "ordered", cluster=True))
    clustered = iron.execute(
        """SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
           WHERE indisclustered AND i.relnamespace = 'ordered'::regnamespace ORDER BY 1"""
    ).fetchall()
    assert clustered == [("ix_exposure_q3c_ang2ipix",), ("ix_tile_q3c_ang2ipix",)]
    pixels = iron.execute(
        "SELECT q3c_ang2ipix(tilera, tiledec) FROM ordered.tile ORDER BY ctid"
    ).fetchall()
    assert pixels == sorted(pixels)


def test_duplicate_key_across_files(demos, iron, module_database, tmp_path):
    """The same target in two files, which is an error: both files and rows are named."""
    root = tmp_path / "iron"
    shutil.copytree(demos("iron"), root)
    first, second = ProductionFiles(PRODUCTIONS["iron"], root).tractorphot()[:2]
    targetid = int(fits.getdata(first, 1)["TARGETID"][1])
    with fits.open(second, mode="update") as hdus:
        hdus[1].data["TARGETID"][0] = targetid
    stages = ("photometry", "targetphot")
    with pytest.raises(DatabaseError) as caught:
        load_production(module_database, root, "iron", *stages, schema="doubled")
    assert str(caught.value).startswith(
        f"photometry_pkey of table photometry is not unique: (targetid) = ({targetid}), "
        f"from {first}[TRACTORPHOT] row 1, {second}[TRACTORPHOT] row 0. "
    )
    assert not iron.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'doubled'").fetchall()


# Without zall catalogs --------------------------------------------------------------------------


def split(zall: Path, name: str, *, with_header: bool) -> None:
    """Write the catalogs per survey and program that a zall catalog was stacked from."""
    table = Table(fits.getdata(zall, 1))
    pairs = sorted({(str(r["SURVEY"]).strip(), str(r["PROGRAM"]).strip()) for r in table})
    assert len(pairs) > 2
    for survey, program in pairs:
        rows = (np.char.strip(table["SURVEY"]) == survey) & (
            np.char.strip(table["PROGRAM"]) == program
        )
        part = table[rows]
        scopes = [n for n in part.colnames if n.startswith(("SV_", "MAIN_"))]
        part.remove_columns(["SURVEY", "PROGRAM", *scopes])
        part["ZCAT_NSPEC"] = 1
        part["ZCAT_PRIMARY"] = True
        hdu = fits.BinTableHDU(part, name="ZCATALOG")
        if with_header:
            hdu.header["SURVEY"], hdu.header["PROGRAM"] = survey, program
        hdu.writeto(zall.with_name(name.format(survey, program)))
    zall.unlink()


@pytest.mark.parametrize("with_header", [True, False])
def test_catalogs_per_survey_give_the_same(demos, iron, module_database, tmp_path, with_header):
    root = tmp_path / "iron"
    shutil.copytree(demos("iron"), root)
    files = ProductionFiles(PRODUCTIONS["iron"], root)
    split(files.zall_pix(), "zpix-{}-{}.fits", with_header=with_header)
    split(files.zall_tilecumulative(), "ztile-{}-{}-cumulative.fits", with_header=with_header)
    schema = f"split_{with_header}".lower()
    load_production(module_database, root, "iron", schema=schema)
    for table in ("zpix", "ztile"):
        both = [
            iron.execute(f"SELECT * FROM {name}.{table} ORDER BY id").fetchall()
            for name in ("iron", schema)
        ]
        assert both[0] == both[1]


# One stage after the other, and what can be missing ---------------------------------------------


def test_stages_one_by_one(demos, iron, module_database):
    stages = ("exposures", "photometry", "targetphot", "target", "redshift", "fiberassign")
    notes = {}
    for stage in reversed(stages[1:-1]):
        notes[stage] = load_production(
            module_database, demos("iron"), "iron", stage, schema="stepwise"
        ).notes
    assert "keys and indexes of photometry wait for stage photometry" in notes["targetphot"]
    assert "foreign key ztile_targetphotid_fkey waits for table target" in notes["redshift"]
    load_production(module_database, demos("iron"), "iron", "exposures", schema="stepwise")
    load_production(module_database, demos("iron"), "iron", "fiberassign", schema="stepwise")
    names = """SELECT conname FROM pg_constraint WHERE connamespace = '{0}'::regnamespace UNION
               SELECT indexname FROM pg_indexes WHERE schemaname = '{0}' ORDER BY 1"""
    assert (
        iron.execute(names.format("stepwise")).fetchall()
        == iron.execute(names.format("iron")).fetchall()
    )
    for table in ("photometry", "target", "potential"):
        query = f"SELECT * FROM {{}}.{table} ORDER BY 1, 2, 3, 4, 5"
        assert (
            iron.execute(query.format("stepwise")).fetchall()
            == iron.execute(query.format("iron")).fetchall()
        )


def test_missing_fiberassign_files(demos, iron, module_database, tmp_path):
    root = tmp_path / "iron"
    shutil.copytree(demos("iron"), root)
    files = ProductionFiles(PRODUCTIONS["iron"], root)
    tileids = [t for (t,) in iron.execute("SELECT tileid FROM iron.tile ORDER BY 1")]
    gone = tileids[1:3]
    for tileid, path in files.fiberassign(tileids).items():
        if tileid in gone:
            path.unlink()
    with pytest.raises(InputError) as caught:
        load_production(module_database, root, "iron", schema="gaps")
    message = str(caught.value)
    assert message.startswith(f"2 of {len(tileids)} fiberassign files are not below ")
    for tileid in gone:
        assert f"fiberassign-{tileid:06d}.fits" in message
    assert not iron.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'gaps'").fetchall()
    summary = load_production(module_database, root, "iron", schema="gaps", skip_missing=True)
    assert f"no fiberassign file, skipped: tiles {gone[0]}, {gone[1]}" in summary.notes
    got = [t for (t,) in iron.execute("SELECT DISTINCT tileid FROM gaps.potential ORDER BY 1")]
    assert got == [t for t in tileids if t not in gone]


def test_unknown_program(demos, module_database, tmp_path):
    root = tmp_path / "iron"
    shutil.copytree(demos("iron"), root)
    zall = ProductionFiles(PRODUCTIONS["iron"], root).zall_pix()
    with fits.open(zall, mode="update") as hdus:
        data = hdus[1].data
        row = int(np.flatnonzero(data["TARGETID"] == kept_rows(zall)[3])[0])
        data["PROGRAM"][row] = "murky"
    with pytest.raises(InputError) as caught:
        load_production(module_database, root, "iron", schema="murky")
    assert str(caught.value) == (
        f"{zall}[ZCATALOG], column PROGRAM: none of backup, bright, dark, other, bright1b, dark1b "
        f"(row {row}: 'murky'; rows counted from 0)"
    )


def test_new_programs_fit(demos, module_database, tmp_path):
    """bright1b has eight characters, and an id of its own."""
    root = tmp_path / "iron"
    shutil.copytree(demos("iron"), root)
    zall = ProductionFiles(PRODUCTIONS["iron"], root).zall_pix()
    table = Table(fits.getdata(zall, 1))
    table["PROGRAM"] = table["PROGRAM"].astype("S8")
    row = int(np.flatnonzero(table["TARGETID"] == kept_rows(zall)[0])[0])
    table["PROGRAM"][row] = "bright1b"
    fits.BinTableHDU(table, name="ZCATALOG").writeto(zall, overwrite=True)
    load_production(module_database, root, "iron", schema="newer")
    with psycopg.connect(module_database) as connection:
        got = connection.execute(
            """SELECT targetid, div(id, 2::numeric ^ 96)::int FROM newer.zpix
               WHERE program = 'bright1b'"""
        ).fetchall()
    assert got == [(int(table["TARGETID"][row]), 5)]


def test_a_catalog_of_sky_only(demos, module_database, tmp_path):
    root = tmp_path / "iron"
    shutil.copytree(demos("iron"), root)
    zall = ProductionFiles(PRODUCTIONS["iron"], root).zall_pix()
    with fits.open(zall, mode="update") as hdus:
        hdus[1].data["TARGETID"] = np.arange(len(hdus[1].data)) + (1 << 59)
        hdus[1].data["TARGET_RA"] = np.nan
    summary = load_production(module_database, root, "iron", schema="sky")
    zpix = next(row for row in summary.tables if row.table == "zpix")
    assert zpix.rows_read > 0 == zpix.rows_kept


# Real files ---------------------------------------------------------------------------------------


def test_real_files(shared, module_database):
    """The few public files in small form load, and their values arrive."""
    real = shared / "real" / "iron"
    if not real.is_dir():
        pytest.skip(f"no real files in {real}")
    redux = real / "spectro/redux/iron"
    for schema, name in (("real_fits", "tiles-iron.fits"), ("real_csv", "tiles-iron.csv")):
        path = redux / name
        load_production(module_database, real, "iron", "tile", schema=schema, tiles_file=path)
        tiles = Table.read(path)
        tiles.convert_bytestring_to_unicode()
        tiles.sort("TILEID")
        columns = ["tileid", "survey", "program", "tilera", "efftime_spec", "lastnight"]
        query = f"SELECT {', '.join(columns)} FROM {schema}.tile ORDER BY tileid"
        with psycopg.connect(module_database) as connection:
            got = connection.execute(query).fetchall()
        expected = zip(*(tiles[c.upper()].astype(object) for c in columns), strict=True)
        assert got == [tuple(row) for row in expected]
    stages = ("photometry", "ztile")
    load_production(module_database, real, "iron", *stages, schema="real_csv", tiles_file=path)
    ztile = Table.read(next(redux.glob("zcatalog/v1/ztile-*.fits")), hdu="ZCATALOG")[0]
    tractor = Table.read(next(real.rglob("tractorphot-*.fits")))[0]
    with psycopg.connect(module_database) as connection:
        got = connection.execute(
            """SELECT targetid, survey, program, z, zwarn, coeff_0, desiname, main_nspec,
                      sv_primary, std_fiber_ra, firstnight FROM real_csv.ztile"""
        ).fetchone()
        assert got[:6] == (
            ztile["TARGETID"],
            "sv1",
            "bright",
            ztile["Z"],
            ztile["ZWARN"],
            ztile["COEFF"][0],
        )
        assert got[6] == "DESI J105.4897+56.6693"
        assert got[7:] == (0, True, ztile["STD_FIBER_RA"], ztile["FIRSTNIGHT"])
        got = connection.execute(
            "SELECT targetid, ls_id, morphtype, flux_g, dchisq_ser FROM real_csv.photometry"
        ).fetchone()
        assert got == (
            tractor["TARGETID"],
            tractor["LS_ID"],
            tractor["TYPE"].strip(),
            tractor["FLUX_G"],
            tractor["DCHISQ"][4],
        )


@pytest.mark.parametrize("stage", ["all", "fiberassign"])
def test_replaced_tables_equal_the_old_ones(demos, module_database, stage):
    """Rows, keys, indexes and foreign keys, of everything or of one stage."""
    files = ProductionFiles(PRODUCTIONS["iron"], demos("iron"))
    schema = f"replaced_{stage}"
    load(module_database, Inputs(files), LoadOptions(("all",), schema))

    def state() -> list[list[tuple]]:
        with psycopg.connect(module_database) as connection:
            names = connection.execute(
                """SELECT conname, conrelid::regclass::text FROM pg_constraint
                   WHERE connamespace = %(s)s::text::regnamespace UNION
                   SELECT indexname, tablename FROM pg_indexes WHERE schemaname = %(s)s::text
                   ORDER BY 1, 2""",
                {"s": schema},
            ).fetchall()
            rows = [
                connection.execute(f"SELECT * FROM {schema}.{t} ORDER BY 1, 2, 3").fetchall()
                for t in ("tile", "target", "zpix", "fiberassign", "potential", "version")
            ]
        return [names, *rows]

    before = state()
    options = LoadOptions((stage,), schema, overwrite=True)
    summary = load(module_database, Inputs(files), options)
    assert sum(row.rows_kept for row in summary.tables) > 0
    assert state() == before
