"""Files of a tile whose content changed, or only their time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from astropy.io import fits
from support.daily_tiles import demo, empty, loaded, own_copy

from specprod_copy.plan.tile_states import Verdict

__all__ = ["demo", "empty", "loaded", "own_copy"]


def change(path: Path) -> None:
    """Change redshifts in place: size and time stay."""
    before = path.stat()
    with fits.open(path, mode="update") as hdus:
        hdus["REDSHIFTS"].data["Z"] += 1
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_changed_values_of_the_same_size(own_copy):
    """A new time makes them look at the content."""
    tileid = own_copy.tileids()[0]
    path = own_copy.redrock(tileid)[0]
    change(path)
    os.utime(path)
    [changed] = own_copy.sync(dry_run=True).having(Verdict.CHANGED)
    assert (changed.tileid, changed.reason) == (tileid, f"content of {path.name}")
    [why] = own_copy.tile(tileid).failed.values()
    assert why == f"changed (content of {path.name}); --update replaces it"
    [result] = own_copy.sync().loaded
    with fits.open(path) as hdus:
        wanted = {row["TARGETID"]: row["Z"] for row in hdus["REDSHIFTS"].data}
    assert result.changed == len(wanted)
    found = dict(own_copy.query("SELECT targetid, z FROM daily.ztile WHERE tileid = %s", tileid))
    assert {target: found[target] for target in wanted} == wanted
    assert own_copy.sync(dry_run=True).having(Verdict.CHANGED) == []


def test_content_is_checked_in_any_case(own_copy):
    tileid = own_copy.tileids()[0]
    path = own_copy.redrock(tileid)[0]
    change(path)
    assert own_copy.sync(dry_run=True).having(Verdict.CHANGED) == []
    [changed] = own_copy.sync(dry_run=True, check_content=True).having(Verdict.CHANGED)
    assert changed.reason == f"content of {path.name}"
    assert own_copy.tile(tileid, check_content=True).failed.keys() == {tileid}
    [result] = own_copy.sync(check_content=True).loaded
    assert result.changed > 0


def test_copies_are_the_same(own_copy):
    """Their new times are written down, but not by a dry run."""
    tileid = own_copy.tileids()[0]
    path = own_copy.redrock(tileid)[0]
    query = "SELECT inputs FROM daily.load_ledger ORDER BY entry"
    before = own_copy.query(query)
    shutil.copyfile(path, path.with_name("copy"))
    path.with_name("copy").replace(path)
    assert own_copy.sync(dry_run=True).having(Verdict.CHANGED) == []
    assert own_copy.query(query) == before
    assert own_copy.sync().loaded == []
    after = own_copy.query(query)
    assert after != before
    times = {i["file"]: i["mtime_ns"] for (inputs,) in after for i in inputs}
    assert times[str(path.relative_to(own_copy.root))] == path.stat().st_mtime_ns


def test_changed_fiberassign_file(own_copy):
    tileid = own_copy.tileids()[0]
    [path] = (own_copy.root / "target/fiberassign/tiles").rglob(f"fiberassign-{tileid:06}.fits*")
    path.write_bytes(path.read_bytes() + b"\0" * 2880)
    [changed] = own_copy.sync(dry_run=True).having(Verdict.CHANGED)
    assert changed.reason == f"content of {path.name}"
