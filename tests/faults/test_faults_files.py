"""Input files that change while they are read: an error, and never a row of a wrong file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from astropy.io import fits
from support.fault_loads import Loads, one_error
from support.waiting import wait_until

from specprod_copy.errors import ChangedFileError, InputError
from specprod_copy.plan import planning

pytest_plugins = ("support.fault_loads",)

# The 90 rows of zpix come in three units, of which the last two share a transaction.
FIRST_UNIT = 40
UNITS = {"before": 40, "read": 80}


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def replace(path: Path) -> None:
    """Put another file into its place, with as many rows, as a pipeline does: by renaming."""
    new = path.with_suffix(".new")
    with fits.open(path) as hdus:
        hdus[1].data["Z"][:] += 0.5
        hdus.writeto(new)
    new.rename(path)


def shorten(path: Path) -> None:
    """The same, with only half of the rows."""
    new = path.with_suffix(".new")
    with fits.open(path) as hdus:
        hdus[1].data = hdus[1].data[: len(hdus[1].data) // 2]
        hdus.writeto(new)
    new.rename(path)


def vanish(path: Path) -> None:
    path.unlink()


CHANGED = ": the file changed while it was loaded; run the command again"
TRUNCATED = "[ZCATALOG]: truncated: the data of 90 rows go to byte 95760, but the file ends after "


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("fault", "moment", "message"),
    [
        (truncate, "before", TRUNCATED),
        (replace, "before", CHANGED),
        (shorten, "before", "[ZCATALOG]: rows 40 to 80 are asked for, but the table has 45"),
        (vanish, "before", ": no such file"),
        (truncate, "read", CHANGED),
        (replace, "read", CHANGED),
        (vanish, "read", ": cannot be read any more: No such file or directory"),
    ],
)
def test_file_changes(own_files, whole, gate, fault, moment, message, jobs):
    """Before its second half is read, or when all is read and not committed yet."""
    path = own_files.inputs.files.zall_pix()
    good = shutil.copy2(path, own_files.root / "good.fits")
    closed = gate("zpix", UNITS[moment], moment)
    process = own_files.start("-j", jobs, gate=closed)
    closed.await_loader(process)
    # The other worker must not meet the fault.
    wait_until(lambda: last_row(own_files) == FIRST_UNIT, "the first unit is loaded", process)
    fault(path)
    closed.open()
    assert one_error(process).startswith(f"Error: {path}{message}")
    assert last_row(own_files) == FIRST_UNIT
    good.rename(path)
    own_files.complete(whole)


def last_row(loads: Loads) -> int:
    return loads.query("SELECT max(last_row) FROM iron.load_ledger WHERE table_name = 'zpix'")[0][0]


def test_file_stays_another_one(own_files, gate):
    """Its first rows are in the table: the next load refuses the rest, and can replace all."""
    path = own_files.inputs.files.zall_pix()
    closed = gate("zpix", FIRST_UNIT, "before")
    process = own_files.start("-j", "1", gate=closed)
    closed.await_loader(process)
    replace(path)
    closed.open()
    one_error(process)
    with pytest.raises(ChangedFileError, match="the file changed since its rows were loaded into"):
        own_files.load()
    assert last_row(own_files) == FIRST_UNIT
    own_files.load(schema="changed")
    own_files.load(overwrite=True)
    own_files.is_complete(own_files.contents("changed"))
    own_files.execute("DROP SCHEMA changed CASCADE")


def test_file_replaced_while_it_is_planned(own_files, whole, monkeypatch):
    """Its number of rows is taken from the old file, so nothing of the new one may be loaded."""
    path = own_files.inputs.files.zall_pix()
    full = shutil.copy2(path, own_files.root / "full.fits")
    shorten(path)
    real = planning.Transform

    def meanwhile(source, table, columns):
        if table.path == path and full.exists():
            full.rename(path)
        return real(source, table, columns)

    monkeypatch.setattr(planning, "Transform", meanwhile)
    with pytest.raises(InputError, match="the file changed while it was loaded"):
        own_files.load()
    own_files.complete(whole)
