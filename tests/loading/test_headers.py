"""Headers of catalogs that contradict what their names say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from astropy.io import fits

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs


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
