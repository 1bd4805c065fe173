"""Headers of catalogs that contradict what their names say."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import BadRowsError, InputError
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.known_tiles import with_tiles_of_file
from specprod_copy.rows.read import table_rows
from specprod_copy.tables import SOURCES, Inputs, specprod_catalogue


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("iron")
    write_production(root, "iron", tiles=4, targets=40, per_survey=True)
    return root


@pytest.fixture
def files(original, tmp_path) -> ProductionFiles:
    shutil.copytree(original, tmp_path / "iron")
    return ProductionFiles(find_production("iron"), tmp_path / "iron")


def plan(files: ProductionFiles, table: str) -> None:
    plan_load(None, Inputs(files), LoadOptions((table,), "iron"))


def refused(files: ProductionFiles, table: str) -> tuple[str, str] | None:
    """Return which column of a file is refused, and why."""
    inputs = with_tiles_of_file(Inputs(files))
    planned, _ = plan_load(None, inputs, LoadOptions((table,), "iron"))
    columns = specprod_catalogue().definition.columns_of(table)
    try:
        for unit in planned.units:
            if unit.table == table:
                list(table_rows(unit, SOURCES, columns))
    except BadRowsError as error:
        return error.column, error.reason
    return None


def rewrite(path: Path, hdu: str, change) -> None:
    with fits.open(path) as hdus:
        number = hdus.index_of(hdu)
        new = [h.copy() for h in hdus]
        rows = Table(hdus[hdu].data)
    change(rows)
    new[number] = fits.BinTableHDU(rows, name=hdu)
    fits.HDUList(new).writeto(path, overwrite=True)


@pytest.mark.parametrize("table", ["ztile", "zpix"])
@pytest.mark.parametrize("group", ["pernight", "perexp"])
def test_group(files, table, group):
    expected = {"ztile": "cumulative", "zpix": "healpix"}
    path = files.zall_pix() if table == "zpix" else files.zall_tilecumulative()
    fits.setval(path, "SPGRP", value=expected[table], extname="ZCATALOG")
    plan(files, table)
    fits.setval(path, "SPGRP", value=group, extname="ZCATALOG")
    with pytest.raises(InputError) as caught:
        plan(files, table)
    allowed = {"ztile": "'cumulative'", "zpix": "'healpix' or 'uniqpix'"}[table]
    assert str(caught.value) == f"{path}[ZCATALOG]: SPGRP is {group!r}, not {allowed}"


@pytest.mark.parametrize("keyword", ["SPGRP", "TILEID"])
def test_primary_header_that_says_something_else(files, keyword):
    """Though that of the table, which counts, is right."""
    if keyword == "SPGRP":
        table, hdu, path, right, wrong = "zpix", "ZCATALOG", files.zall_pix(), "healpix", "perexp"
    else:
        right = int(fits.getdata(files.tiles())["TILEID"][0])
        path = files.fiberassign([right])[right]
        table, hdu, wrong = "potential", "POTENTIAL_ASSIGNMENTS", right + 1
    fits.setval(path, keyword, value=right, extname=hdu)
    fits.setval(path, keyword, value=right, ext=0)
    assert refused(files, table) is None
    fits.setval(path, keyword, value=wrong, ext=0)
    with pytest.raises(InputError) as caught:
        refused(files, table)
    assert str(caught.value) == (
        f"{path}[{hdu}]: {keyword} is {right!r} in its header, and {wrong!r} in the primary header"
    )


@pytest.mark.parametrize("table", ["ztile", "zpix"])
@pytest.mark.parametrize(("keyword", "value"), [("SURVEY", "sv9"), ("PROGRAM", "nothing")])
def test_survey_and_program(files, table, keyword, value):
    for zall in (files.zall_pix(), files.zall_tilecumulative()):
        zall.unlink()
    found = files.zpix_survey_program if table == "zpix" else files.ztile_survey_program
    path = found()[0]
    said = dict(zip(("SURVEY", "PROGRAM"), path.name.split(".")[0].split("-")[1:3], strict=True))
    for name, right in said.items():
        fits.setval(path, name, value=right, extname="ZCATALOG")
    plan(files, table)
    fits.setval(path, keyword, value=value, extname="ZCATALOG")
    with pytest.raises(InputError) as caught:
        plan(files, table)
    assert str(caught.value) == (
        f"{path}[ZCATALOG]: {keyword} is {value!r} in its header, and {said[keyword]!r} in its name"
    )


@pytest.mark.parametrize(("column", "value"), [("SURVEY", "special"), ("PROGRAM", "bright")])
@pytest.mark.parametrize("table", ["ztile", "zpix"])
def test_columns_of_a_catalog_and_its_name(files, table, column, value):
    for zall in (files.zall_pix(), files.zall_tilecumulative()):
        zall.unlink()
    path = (files.zpix_survey_program if table == "zpix" else files.ztile_survey_program)()[0]
    said = dict(zip(("SURVEY", "PROGRAM"), path.name.split(".")[0].split("-")[1:3], strict=True))

    def add(rows: Table) -> None:
        for name, word in (said | {column: value}).items():
            rows[name] = np.full(len(rows), word)

    rewrite(path, "ZCATALOG", add)
    assert refused(files, table) == (column, "not what the header or the name of the file says")


@pytest.mark.parametrize("table", ["fiberassign", "potential"])
def test_column_tileid_of_a_fiberassign_file(files, table):
    tileid, other = fits.getdata(files.tiles())["TILEID"][:2].tolist()
    path = files.fiberassign([tileid])[tileid]
    hdu = {"fiberassign": "FIBERASSIGN", "potential": "POTENTIAL_ASSIGNMENTS"}[table]
    for number, refusal in (
        (tileid, None),
        (other, ("TILEID", "not what the header or the name of the file says")),
    ):
        rewrite(path, hdu, lambda rows, number=number: rows.__setitem__("TILEID", number))
        assert refused(files, table) == refusal


def test_survey_of_a_targetphot_file(files):
    [path] = [path for path in files.targetphot() if "-sv1-" in path.name]
    assert refused(files, "target") is None
    fits.setval(path, "PROGRAM", value="nothing", extname="TARGETPHOT")
    assert refused(files, "target")[0] == "PROGRAM"
    fits.delval(path, "PROGRAM", extname="TARGETPHOT")
    path.rename(path.with_name(path.name.replace("-sv1-", "-sv2-")))
    assert refused(files, "target") == (
        "SURVEY",
        "not what the header or the name of the file says",
    )
