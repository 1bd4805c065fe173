"""The page about a schema: what it says, what it leaves out, what a browser makes of it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from support.daily_tiles import Daily, demo, loaded

from specprod_copy.cli import cli
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.postgres.connection import connect
from specprod_copy.progress import ProgressListener
from specprod_copy.report import Contents, read_contents
from specprod_copy.report.spectra import DEC_CELLS, RA_CELLS, REDSHIFT_BINS

__all__ = ["demo", "loaded"]


def make(conninfo: str, *arguments: object) -> Result:
    """Run the command."""
    words = ["report", "--dsn", conninfo, *map(str, arguments)]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def refused(conninfo: str, *arguments: object) -> str:
    """Run the command; return the error it ends with."""
    result = CliRunner().invoke(cli, ["report", "--dsn", conninfo, *map(str, arguments)])
    assert isinstance(result.exception, SpecprodCopyError), result.output
    return str(result.exception)


@pytest.fixture(scope="module")
def contents(iron_database: str) -> Contents:
    with connect(iron_database) as connection:
        return read_contents(connection, "iron", ProgressListener())


@pytest.fixture(scope="module")
def page(iron_database: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a database, with results of a verification."""
    folder = tmp_path_factory.mktemp("report")
    checks = folder / "checks.json"
    results = [
        {"table": "zpix", "name": "values", "passed": True, "detail": "all"},
        {"table": "zpix", "name": "rows", "passed": False, "detail": "/secret/<b>\x1b[31m.fits"},
    ]
    checks.write_text(json.dumps(results))
    output = folder / "iron.html"
    arguments = ("--schema", "iron", "-o", output, "--verification", checks)
    result = make(iron_database, *arguments, "--moc", folder / "iron.moc.fits")
    assert result.stdout.startswith(f"{output}: ")
    return output


def test_numbers_are_those_of_the_tables(iron_database, contents):
    with psycopg.connect(iron_database) as connection:
        for one in contents.loaded:
            name = sql.Identifier("iron", one.table)
            query = sql.SQL("SELECT count(*) FROM {}").format(name)
            assert connection.execute(query).fetchone() == (one.rows,), one.table
            assert one.disk > 0
        assert {one.table for one in contents.loaded} == {
            *("tile", "exposure", "frame", "photometry", "target"),
            *("zpix", "ztile", "fiberassign", "potential"),
        }
        changed = "SELECT sum(values_changed) FROM iron.load_ledger"
        total = sum(one.values_changed for one in contents.loaded)
        assert connection.execute(changed).fetchone() == (total,)
    # Rows of each table are spread over its periods, and none gets lost.
    for one in contents.loaded:
        spread = sum(time.rows for time in contents.load_times if time.table == one.table)
        assert spread == pytest.approx(one.rows, rel=1e-6)


def test_sky_and_redshifts_equal_numpys(iron_database, contents):
    with psycopg.connect(iron_database) as connection:
        rows = connection.execute(
            """SELECT mean_fiber_ra, mean_fiber_dec, z, zwarn, survey, program, spectype
               FROM iron.zpix"""
        ).fetchall()
    ra, dec, z, zwarn = (np.array([row[n] for row in rows]) for n in range(4))
    cells = np.histogram2d(
        np.sin(np.radians(dec)),
        ra,
        bins=(DEC_CELLS, RA_CELLS),
        range=((-1, 1), (0, 360)),
    )[0]
    assert contents.spectra.table == "zpix"
    assert (contents.spectra.sky == cells).all()
    assert contents.spectra.unplaced == 0
    good = zwarn == 0
    assert contents.spectra.without_redshift == (~good).sum() > 0
    found = contents.spectra.redshifts
    assert found["spectra"].sum() == good.sum()
    for row in found.iter_rows(named=True):
        key = (row["survey"], row["program"], row["spectype"])
        mine = np.array([tuple(r[4:]) == key for r in rows]) & good
        low, high = row["z"], row["z"] + 1 / REDSHIFT_BINS
        in_bin = (np.floor(z * REDSHIFT_BINS) == round(low * REDSHIFT_BINS)) & mine
        assert row["spectra"] == in_bin.sum(), (key, low, high)


def test_nights_equal_those_of_the_tables(iron_database, contents):
    with psycopg.connect(iron_database) as connection:
        [expected] = connection.execute(
            "SELECT count(*), count(DISTINCT night), sum(exptime) FROM iron.exposure"
        )
    nights = contents.nights.exposures
    assert nights["exposures"].sum() == expected[0]
    assert nights["night"].n_unique() == expected[1]
    assert nights["exptime"].sum() == pytest.approx(expected[2])


def test_tiles_loaded_one_by_one(loaded: Daily):
    with connect(loaded.conninfo) as connection:
        contents = read_contents(connection, loaded.schema, ProgressListener())
        rows = connection.execute(f'SELECT count(*) FROM "{loaded.schema}".ztile').fetchone()
    assert contents.spectra.table == "ztile"
    [ztile] = [one for one in contents.loaded if one.table == "ztile"]
    assert (ztile.rows,) == rows
    assert len(contents.tiles) == ztile.entries == len(loaded.tileids())


def test_files_and_people_are_left_out_if_wanted(iron_database, page, tmp_path):
    text = page.read_text()
    assert "spectro/redux/iron" in text
    assert "/secret/&lt;b&gt;\\x1b[31m.fits" in text
    anonymous = tmp_path / "anonymous.html"
    checks = page.parent / "checks.json"
    arguments = ("--schema", "iron", "-o", anonymous, "--verification", checks)
    make(iron_database, *arguments, "--anonymous")
    text = re.sub('base64,[^"]*', "", anonymous.read_text())
    named = conninfo_to_dict(iron_database)
    secrets = ("spectro/", "/secret", ".fits", named["dbname"], named["host"], "read by")
    for secret in secrets:
        assert secret not in text, secret
    assert "loaded by" in text


def test_coverage_of_the_tiles(contents, page):
    mocpy = pytest.importorskip("mocpy")
    moc = mocpy.MOC.from_fits(page.parent / "iron.moc.fits")
    places = {(tile.ra, tile.dec) for tile in contents.tiles}
    ra, dec = np.array(sorted(places)).T
    from astropy.coordinates import Latitude, Longitude

    lon, lat = Longitude(ra, unit="deg"), Latitude(dec, unit="deg")
    assert moc.contains_lonlat(lon, lat).all()
    assert not moc.contains_lonlat(lon, lat + 1.75 * lon.unit).all()
    # Tiles that overlap cover more than one of them, and less than their sum.
    assert 8.3 < moc.sky_fraction * 41252.96 < 8.5 * len(contents.tiles)


def test_what_is_refused(iron_database, tmp_path, monkeypatch):
    output = tmp_path / "r.html"
    said = refused(iron_database, "--schema", "nowhere", "-o", output)
    assert said.startswith("there is no schema nowhere; there are: iron, ")
    bad = tmp_path / "bad.json"
    bad.write_text("{}[")
    arguments = ("--schema", "iron", "-o", output, "--verification", bad)
    assert "is not what 'specprod-copy verify --json' prints" in refused(iron_database, *arguments)
    arguments = ("--schema", "iron", "-o", bad, "--verification", bad)
    assert "is an input" in refused(iron_database, *arguments)
    arguments = (
        "--schema",
        "iron",
        "-o",
        output,
        "--moc",
        tmp_path / ".." / tmp_path.name / "r.html",
    )
    assert refused(iron_database, *arguments).endswith("two outputs would go there; name two files")
    arguments = ("--schema", "iron", "-o", output, "--verification", bad, "--moc", bad)
    assert "bad.json: is an input" in refused(iron_database, *arguments)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = refused(iron_database, "--schema", "iron", "-o", output)
    assert said.endswith("pip install 'specprod-copy[report]'")
    assert not output.exists()


def test_a_browser_shows_it_light_and_dark(page):
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium")
    from PIL import Image

    backgrounds = set()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            opened = browser.new_context(color_scheme=scheme).new_page()
            opened.set_default_timeout(120_000)
            asked: list[str] = []
            opened.on("request", lambda request, asked=asked: asked.append(request.url))
            problems: list[str] = []
            opened.on("console", lambda message, problems=problems: problems.append(message.text))
            opened.goto(page.as_uri())
            assert asked == [page.as_uri()]
            assert problems == []
            widths = opened.evaluate("[...document.images].map(image => image.naturalWidth)")
            assert len(widths) == 4
            assert min(widths) > 1000
            assert opened.evaluate("[...document.images].every(image => image.alt.length > 40)")
            assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            shot = Image.open(BytesIO(opened.screenshot(full_page=True))).convert("RGB")
            colors = shot.getcolors(shot.width * shot.height)
            assert len(colors) > 500
            backgrounds.add(max(colors)[1])
        browser.close()
    assert backgrounds == {(255, 255, 255), (13, 17, 23)}
