"""What was seen of files, saved by a dry run for the tasks of a job array."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from astropy.io import fits

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.loading.api import load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.production_catalogue import production_layout
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
    """But the files that say which columns and tiles there are."""
    load(database, inputs, LoadOptions(("all",), "iron", part=NOTHING))
    without = {path.name for path in opened}
    opened.clear()
    done = load(database, inputs, LoadOptions(("all",), "iron", part=NOTHING, plan=plan))
    found = {*opened}
    opened.clear()
    production_layout(inputs)
    assert found <= {*opened, inputs.tiles(), inputs.exposures()}
    assert not [note for note in done.notes if str(plan) in note]
    assert len(without) > 10


def test_what_has_changed_since_is_opened_again(inputs, plan, database, opened):
    (file, *_) = sorted((inputs.files.root / "target" / "fiberassign").rglob("fiberassign-*.fits*"))
    with fits.open(file) as hdus:
        hdus["FIBERASSIGN"].header["NEW"] = 1
        hdus.writeto(file, overwrite=True)
    opened.clear()
    load(database, inputs, LoadOptions(("all",), "iron", part=NOTHING, plan=plan))
    fiberassign = {path for path in opened if path.name.startswith("fiberassign-")}
    assert fiberassign == {file}


def test_what_counts_as_first_is_decided_anew_if_a_file_changed(inputs, plan, database):
    files = [*inputs.files.tractorphot(), *inputs.files.targetphot()]
    stages = ("photometry", "targetphot")
    load(database, inputs, LoadOptions(stages, "planned", plan=plan))
    # Another file comes first now, and as long as before.
    with fits.open(files[0]) as hdus:
        hdus[1].data = hdus[1].data[::-1].copy()
        hdus.writeto(files[0], overwrite=True)
    load(database, inputs, LoadOptions(stages, "changed", plan=plan))
    load(database, inputs, LoadOptions(stages, "new"))
    with psycopg.connect(database) as connection:
        rows = {
            schema: connection.execute(
                f"SELECT * FROM {schema}.photometry ORDER BY targetid"
            ).fetchall()
            for schema in ("planned", "changed", "new")
        }
    assert len(rows["planned"]) > 0
    assert rows["changed"] == rows["new"]


def test_a_plan_for_another_folder_is_of_no_use_and_that_is_said(inputs, plan, database, tmp_path):
    other = inputs.files.root.rename(tmp_path / "other")
    moved = Inputs(ProductionFiles(inputs.files.production, other))
    done = load(database, moved, LoadOptions(("exposures",), "iron", plan=plan))
    (note,) = [note for note in done.notes if note.startswith(str(plan))]
    assert note.endswith("does not know 2 of the files as they are now; they were opened")


def test_two_tasks_of_one_part(inputs, plan, database):
    """They may be at work at the same time: every row is loaded once."""

    def load_part(part: int) -> None:
        options = LoadOptions(("exposures", "photometry"), "iron", part=(part, 2), plan=plan)
        load(database, inputs, options)

    with ThreadPoolExecutor(3) as pool:
        for _ in pool.map(load_part, [1, 1, 2]):
            pass
    load(database, inputs, LoadOptions(("exposures", "photometry"), "whole"))
    with psycopg.connect(database) as connection:
        for table in ("tile", "exposure", "frame", "photometry"):
            parts, whole = (
                connection.execute(f"SELECT count(*) FROM {schema}.{table}").fetchall()
                for schema in ("iron", "whole")
            )
            assert parts == whole


def test_content_and_a_plan_contradict_each_other(inputs, plan, database):
    options = LoadOptions(("exposures",), "iron", plan=plan, check_content=True)
    for conninfo, begin in ((None, plan_load), (database, load)):
        with pytest.raises(ConfigurationError, match="leave out --plan or --check-content"):
            begin(conninfo, inputs, options)


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
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 1
    for half in (content[: len(content) // 2], content + b"1", bytes(damaged)):
        plan.write_bytes(half)
        assert "is damaged" in refused()
    plan.write_bytes(b"plan of specprod-copy 0.0.1 for A\n" + content)
    assert "is no plan by this version for these tables" in refused()
    plan.unlink()
    assert "No such file or directory; load --dry-run --plan FILE writes a plan" in refused()
