"""Photometry, target and fiberassign from redshift catalogs; potential without its foreign key."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl
import psycopg
import pytest
from astropy.table import Table
from support.catalogs_v2 import PRODUCTION, TARGETID, below, inputs_of, make_catalog, zall

from specprod_copy.errors import InputError
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.plan.production_catalogue import production_catalogue
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.status import schema_status
from specprod_copy.tables import layout_of, specprod_catalogue
from specprod_copy.verification import VerifyOptions, verify

STAGES = ("photometry", "target", "redshift", "fiberassign")
N = 40
ONLY_PIX = TARGETID + 500


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two zall catalogs: of tiles, in which targets come in several surveys, and of HEALPixels."""
    root = tmp_path_factory.mktemp("root")
    tile = make_catalog("tile", N, surveys=("cmx", "sv1", "special", "main", "sv3"))
    # The first five rows are of one target, as are rows 20 (cmx) and 22 (special).
    for part in (tile.core, tile.extra, tile.imaging):
        part["TARGETID"][:5] = TARGETID
        part["TARGETID"][20:23:2] = TARGETID + 20
        part["TILEID"][:23] = np.arange(1000, 1023)
    tile.imaging["PMRA"][6] = np.nan
    del tile.imaging["EBV"]
    tile.write(zall(root, "tile"))
    pix = make_catalog("pix", N, seed=2)
    for part in (pix.core, pix.extra, pix.imaging):
        part["TARGETID"][:3] = ONLY_PIX + np.arange(3)
    del pix.imaging["EBV"]
    pix.write(zall(root, "pix"))
    for tileid in (1000, 1001):
        folder = root / "target/fiberassign/tiles/tags/2.0/001"
        folder.mkdir(parents=True, exist_ok=True)
        columns = {
            "TARGETID": TARGETID + np.array([0, 700, 701]),
            "FIBER": np.arange(3, dtype="i4"),
            "LOCATION": np.arange(3, dtype="i4"),
        }
        meta = {"EXTNAME": "POTENTIAL_ASSIGNMENTS", "TILEID": tileid}
        Table(columns, meta=meta).write(folder / f"fiberassign-{tileid:06d}.fits")
    return root


@pytest.fixture(scope="module")
def inputs(root):
    return inputs_of(root, tileids=(1000, 1001))


@pytest.fixture(scope="module")
def loaded(module_database, inputs):
    summary = load(module_database, inputs, LoadOptions(STAGES, "loa", roles=()))
    with psycopg.connect(module_database, autocommit=True) as connection:
        yield connection, summary


def rows(connection, query: str) -> list[tuple]:
    return connection.execute(query.encode(), binary=True).fetchall()


def table(root, kind: str, suffix: str) -> pl.DataFrame:
    path = zall(root, kind)
    found = Table.read(path.with_name(path.name.replace(".fits", f"{suffix}.fits")), hdu=1)
    return pl.DataFrame({name: np.asarray(found[name]) for name in found.columns})


def test_the_row_of_the_first_survey_counts_and_tiles_come_first(loaded, root):
    connection, _ = loaded
    found = rows(connection, "SELECT targetid, ra, dec, flux_r FROM loa.photometry ORDER BY 1")
    tile, imaging = table(root, "tile", ""), table(root, "tile", "-imaging")
    pix, pix_imaging = table(root, "pix", ""), table(root, "pix", "-imaging")
    # Of the first five the fourth one is of main; special comes before cmx.
    left_out = {0, 1, 2, 4, 20, *range(9, N, 10)}
    wanted = [
        (tile["TARGETID"][n], tile["TARGET_RA"][n], tile["TARGET_DEC"][n], imaging["FLUX_R"][n])
        for n in range(N)
        if n not in left_out
    ]
    known = {*tile["TARGETID"].to_list()}
    wanted += [
        (pix["TARGETID"][n], pix["TARGET_RA"][n], pix["TARGET_DEC"][n], pix_imaging["FLUX_R"][n])
        for n in range(N)
        if pix["TARGETID"][n] not in known
    ]
    assert found == sorted(wanted)
    assert {ONLY_PIX, TARGETID, TARGETID + 20} <= {row[0] for row in found}


def test_what_the_catalogs_do_not_have(loaded):
    connection, _ = loaded
    query = """SELECT DISTINCT nobs_g, allmask_z, gaia_duplicated_source, dchisq_psf,
                      mw_transmission_w4, shape_r, ls_id - brick_objid
               FROM loa.photometry"""
    assert rows(connection, query) == [
        (0, 0, False, -9999.0, -9999.0, -9999.0, 9010 << 40 | 330000 << 16)
    ]
    query = "SELECT min(ebv), max(ebv), count(*) FILTER (WHERE pmra = -9999) FROM loa.photometry"
    assert rows(connection, query) == [(-9999.0, -9999.0, 1)]


def test_target_and_fiberassign(loaded, root):
    connection, _ = loaded
    core, extra = table(root, "tile", ""), table(root, "tile", "-extra")
    imaging = table(root, "tile", "-imaging")
    science = [n for n in range(N) if n % 10 != 9]
    wanted = sorted(
        (
            core["TARGETID"][n],
            core["TILEID"][n],
            core["SURVEY"][n].decode(),
            core["PROGRAM"][n].decode(),
            imaging["PHOTSYS"][n].decode(),
            extra["SUBPRIORITY"][n],
            core["DESI_TARGET"][n],
            0,
            -1,
        )
        for n in science
    )
    query = """SELECT targetid, tileid, survey, program, photsys, subpriority, desi_target,
                      cmx_target, hpxpixel FROM loa.target ORDER BY targetid, tileid"""
    assert rows(connection, query) == wanted
    query = """SELECT targetid, tileid, location, fiber, fiberstatus, target_dec, pmdec, fa_type
               FROM loa.fiberassign ORDER BY targetid, tileid"""
    assert rows(connection, query) == sorted(
        (
            core["TARGETID"][n],
            core["TILEID"][n],
            extra["LOCATION"][n],
            core["FIBER"][n],
            core["COADD_FIBERSTATUS"][n] & 8,
            core["TARGET_DEC"][n],
            imaging["PMDEC"][n],
            1,
        )
        for n in science
    )


def test_potential_has_no_foreign_key_and_everybody_says_so(loaded, inputs, module_database):
    connection, summary = loaded
    found = read_schema(connection, "loa")
    assert [key.table for key in found.tables["potential"].references] == []
    assert [key.table for key in found.tables["zpix"].references] == ["photometry"]
    assert any("potential, which has the others" in note for note in summary.notes)
    for known in (inputs, None):
        status = schema_status(connection, "loa", known)
        assert status.partial == {"potential": ["targetid in photometry"]}
        assert status.conflicts == {}
    results = verify(module_database, inputs, VerifyOptions(("all",), "loa", alone=True))
    failed = [str(r) for r in results if not r.passed if "tile" not in r.detail]
    assert [line for line in failed if "does not exist; load stage exposures" not in line] == []
    [said] = [r for r in results if r.name == "reference"]
    rows = r"3962700000000070\d \(\S+/fiberassign-00100\d\.fits\[POTENTIAL_ASSIGNMENTS\] row \d\)"
    allowed = "targetid in photometry.targetid: 4 rows without, which is as it should be"
    assert re.fullmatch(f"{allowed}: {rows}(; {rows})*", said.detail)


def test_the_layout_is_seen_in_the_schema(loaded, inputs):
    connection, _ = loaded
    seen = specprod_catalogue(layout_of(read_schema(connection, "loa")))
    assert seen.definition.tables == production_catalogue(inputs).definition.tables


def test_a_second_load_has_nothing_to_do(loaded, inputs, module_database):
    again = load(module_database, inputs, LoadOptions(STAGES, "loa", roles=()))
    assert sum(table.rows_kept for table in again.tables) == 0


def test_catalogs_of_surveys_go_by_their_survey(tmp_path):
    for number, survey in enumerate(("cmx", "main", "sv1")):
        for kind in ("tile", "pix"):
            catalog = make_catalog(kind, 10, zall=False, seed=number, surveys=(survey,))
            catalog.write(below(tmp_path, kind, survey, "dark"))
    options = LoadOptions(("photometry",), "loa")
    plan, _ = plan_load(None, inputs_of(tmp_path), options)
    named = [(unit.path.name, unit.n_rows) for unit in plan.files]
    assert named == [
        ("ztile-main-dark-cumulative.fits", 10),
        ("ztile-sv1-dark-cumulative.fits", 0),
        ("ztile-cmx-dark-cumulative.fits", 0),
        ("zpix-main-dark.fits", 0),
        ("zpix-sv1-dark.fits", 0),
        ("zpix-cmx-dark.fits", 0),
    ]


def test_without_catalogs_of_the_second_format(tmp_path):
    with pytest.raises(InputError, match='loa has photometry = "zcatalog" in its configuration'):
        production_catalogue(inputs_of(tmp_path))
    other = replace(PRODUCTION, photometry="v1.0")
    found, usual = production_catalogue(inputs_of(tmp_path, other)), specprod_catalogue()
    assert found.sources == usual.sources
    # Tables of exposures may be made before there are catalogs: there the configuration counts.
    differing = {n for n, t in found.definition.tables.items() if t != usual.definition.tables[n]}
    assert differing == {"exposure", "frame"}


def test_imaging_is_needed(tmp_path):
    make_catalog("tile").write(zall(tmp_path, "tile"), leave_out="-imaging")
    make_catalog("pix").write(zall(tmp_path, "pix"))
    message = "zall-tilecumulative-loa-imaging.fits: not there, and zall-tilecumulative-loa.fits is"
    with pytest.raises(InputError, match=message):
        plan_load(None, inputs_of(tmp_path), LoadOptions(("photometry",), "loa"))
    plan, _ = plan_load(None, inputs_of(tmp_path), LoadOptions(("redshift",), "loa"))
    assert plan.n_rows == 80
