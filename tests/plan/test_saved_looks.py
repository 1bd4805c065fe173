"""What was seen of files, saved by a dry run for the tasks of a job array."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from astropy.io import fits

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError
from specprod_copy.loading.api import load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.reader.fits import FitsTable
from specprod_copy.tables import Inputs

NOTHING = (1, 10**6)
"""A share of the files that is so small that none belongs to it."""


@pytest.fixture
def inputs(iron_root, tmp_path) -> Inputs:
    root = Path(shutil.copytree(iron_root, tmp_path / "root"))
    return Inputs(ProductionFiles(find_production("iron"), root))


@pytest.fixture
def plan(inputs, tmp_path) -> Path:
    path = tmp_path / "plan"
    plan_load(None, inputs, LoadOptions(("all",), "iron", plan=path))
    return path


@pytest.fixture
def opened(monkeypatch) -> list[Path]:
    """Return the files that are opened."""
    found = []
    describe = FitsTable.__init__

    def described(self, path, *others):
        found.append(path)
        describe(self, path, *others)

    monkeypatch.setattr(FitsTable, "__init__", described)
    return found


def test_a_share_of_nothing_opens_next_to_nothing(inputs, plan, database, opened):
    """But catalogs, to know their format, and what decides which rows are the first ones."""
    load(database, inputs, LoadOptions(("all",), "iron", part=NOTHING))
    without = {path.name for path in opened}
    opened.clear()
    load(database, inputs, LoadOptions(("all",), "iron", part=NOTHING, plan=plan))
    fiberassign = {name for name in without if name.startswith("fiberassign-")}
    assert len(fiberassign) == 4
    assert {path.name for path in opened}.isdisjoint(fiberassign)
    assert len(opened) < len(without)


def test_what_has_changed_since_is_opened_again(inputs, plan, database, opened):
    (file, *_) = sorted((inputs.files.root / "target" / "fiberassign").rglob("fiberassign-*.fits*"))
    with fits.open(file) as hdus:
        hdus["FIBERASSIGN"].header["NEW"] = 1
        hdus.writeto(file, overwrite=True)
    opened.clear()
    load(database, inputs, LoadOptions(("all",), "iron", part=NOTHING, plan=plan))
    fiberassign = {path for path in opened if path.name.startswith("fiberassign-")}
    assert fiberassign == {file}


def test_plans_that_are_refused(inputs, plan, database):
    def refused() -> str:
        with pytest.raises(InputError) as error:
            load(database, inputs, LoadOptions(("all",), "iron", plan=plan))
        assert str(error.value).startswith(f"{plan}: ")
        return str(error.value)

    content = plan.read_bytes()
    assert plan.stat().st_mode & 0o777 == 0o600
    plan.chmod(0o660)
    assert "others may write to it" in refused()
    plan.chmod(0o600)
    plan.write_bytes(content[: len(content) // 2])
    assert "is damaged" in refused()
    plan.write_bytes(b"plan of specprod-copy 0.0.1 for A\n" + content)
    assert "is no plan by this version for these tables" in refused()
    plan.unlink()
    assert "No such file or directory; load --dry-run --plan FILE writes a plan" in refused()
