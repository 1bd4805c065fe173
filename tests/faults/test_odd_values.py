"""Values at and beyond the limits of every type, in every column that a file has.

Each is loaded, or is an error of its file and harms no other tile. ``SPECPROD_COPY_ODD_VALUES``
sets how many are tried; example N is always the same.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from support.daily_tiles import Daily, demo, loaded, own_copy
from support.mutants import Lab
from support.odd_values import make_odd, tables

from specprod_copy.demo import write_production
from specprod_copy.errors import InputError

__all__ = ["demo", "loaded", "own_copy"]

EXAMPLES = int(os.environ.get("SPECPROD_COPY_ODD_VALUES", "20"))


def test_through_load(tmp_path: Path, database: str) -> None:
    """What is loaded is what other readers find; see mutants.py."""
    write_production(tmp_path, "iron", tiles=2, targets=12)
    lab = Lab(database, tmp_path)
    files = [seed for seed in lab.seeds if seed.suffix == ".fits"]
    fates = {"refused": 0, "loaded": 0}
    for number in range(EXAMPLES):
        random = Random(f"odd {number}")
        seed = random.choice(files)
        path = tmp_path / f"odd-{number}.fits"
        path.write_bytes(seed.content)
        names = [name for name in tables(path) if name in seed.source.hdus]
        said = make_odd(random, path, random.choice(names or tables(path)))
        try:
            got = lab.loaded(seed.source, path)  # refuses errors that do not name the file
            fate = "refused" if got is None else lab.compare(got, seed, path).partition(":")[0]
        except Exception as error:
            error.add_note(f"example {number}: {said}")
            raise
        assert fate in ("refused", "loaded", "unconfirmed"), (number, said)
        fates["refused" if fate == "refused" else "loaded"] += 1
        path.unlink()
    assert min(fates.values()) > EXAMPLES / 10, fates


def test_through_sync(own_copy: Daily) -> None:
    """Only the tile that the file is of fails, and the others are as they were."""
    tileid, *others = own_copy.tileids()
    summaries = own_copy.exposures_file
    query = "SELECT id, z, zerr FROM daily.ztile WHERE tileid = ANY (%s) ORDER BY id"
    before = own_copy.query(query, others)
    folder = own_copy.root / "vac/daily/lsdr9-photometry/daily/computed/potential-targets"
    files = [
        *own_copy.redrock(tileid)[:3],
        folder / f"targetphot-potential-{tileid}.fits",
        folder / f"tractorphot/tractorphot-{tileid}.fits",
        summaries,
    ]
    fates = {"refused": 0, "loaded": 0}
    for number in range(EXAMPLES):
        random = Random(f"odd {number}")
        path = random.choice(files)
        content = path.read_bytes()
        said = make_odd(random, path, random.choice(tables(path)))
        try:
            failed = own_copy.tile(tileid, update=True).failed
        except InputError as error:
            assert path == summaries, (number, said, error)
            failed = {tileid: str(error)}
        except Exception as error:
            error.add_note(f"example {number}: {said}")
            raise
        assert failed.keys() <= {tileid}, (number, said)
        assert all(str(own_copy.root) in message for message in failed.values()), failed
        assert all("\n" not in message for message in failed.values()), failed
        fates["refused" if failed else "loaded"] += 1
        path.write_bytes(content)
        if path != summaries:
            assert own_copy.query(query, others) == before
    assert min(fates.values()) > EXAMPLES / 10, fates
    assert own_copy.sync().failed == {}
