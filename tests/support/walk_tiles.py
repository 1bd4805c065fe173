"""A random walk through a schema that is loaded tile by tile."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence

import pytest
from astropy.io import fits

from specprod_copy.adopt.options import AdoptOptions
from specprod_copy.adopt.run import adopt
from specprod_copy.daily.summary import TilesSummary
from specprod_copy.errors import DatabaseError
from specprod_copy.verification import VerifyOptions, verify
from support.daily_tiles import Daily, edit

LEAVES = ("ztile", "fiberassign", "potential")


class TileWalk:
    """Steps, and what the tables must hold.

    Parameters
    ----------
    daily : Daily
        All of it is loaded.
    choose : random.Random
    """

    def __init__(self, daily: Daily, choose: random.Random) -> None:
        self.daily, self.choose, self.number = daily, choose, 0
        self.tiles = daily.tileids()
        self.first = daily.contents()
        self._names = self._columns()
        self.z: dict[int, dict[int, float]] = {tile: {} for tile in self.tiles}
        """Tile to redshifts that its files give now, where these are not the first ones."""
        self.loaded = {tile: dict(values) for tile, values in self.z.items()}
        """The same for the table."""
        self.lost = ""
        self.steps: Sequence[tuple[int, Callable[[], str]]] = (
            (3, self.sync),
            (2, self.tile),
            (3, self.change),
            (2, self.touch),
            (1, self.verify),
            (1, self.lose),
            (1, self.overwrite),
            (1, self.adopt),
        )

    def step(self) -> str:
        """Do something, check what came of it, and say what it was."""
        self.number += 1
        weights, steps = zip(*self.steps, strict=True)
        [chosen] = self.choose.choices(steps, weights)
        return chosen()

    def _run(self, work: Callable[[], TilesSummary], tiles: Sequence[int]) -> str:
        """Run a command; it loads the tiles that changed, or is refused and changes nothing."""
        if self.lost:
            before = self.daily.query("SELECT ctid, xmin, entry FROM daily.load_ledger ORDER BY 3")
            with pytest.raises(DatabaseError, match=rf"daily\.{self.lost} .*since it was loaded"):
                work()
            after = self.daily.query("SELECT ctid, xmin, entry FROM daily.load_ledger ORDER BY 3")
            assert after == before
            return "refused"
        changed = [tile for tile in tiles if self.z[tile] != self.loaded[tile]]
        summary = work()
        assert summary.failed == {}
        assert {result.tileid for result in summary.loaded if result.changed} == {*changed}
        for tile in tiles:
            self.loaded[tile] = dict(self.z[tile])
        return f"{len(changed)} tiles changed"

    def sync(self) -> str:
        return f"sync: {self._run(self.daily.sync, self.tiles)}"

    def tile(self) -> str:
        tile = self.choose.choice(self.tiles)
        return f"tile {tile} --update: " + self._run(
            lambda: self.daily.tile(tile, update=True), [tile]
        )

    def verify(self) -> str:
        """It passes if the tables are what the files give, and only then."""
        results = verify(self.daily.conninfo, self.daily.inputs, VerifyOptions(("all",), "daily"))
        failed = [result for result in results if not result.passed]
        assert (not failed) == self.clean, failed[:3]
        return f"verify: {len(failed)} checks failed"

    def adopt(self) -> str:
        """The ledger is lost. It comes again if the tables are those of the files."""
        self.daily.execute("CREATE SCHEMA aside; ALTER TABLE daily.load_ledger SET SCHEMA aside")
        options = AdoptOptions("daily")
        if clean := self.clean:
            adopt(self.daily.conninfo, self.daily.inputs, options)
        else:
            said = rf"has no table {self.lost}|is not what its files give"
            with pytest.raises(DatabaseError, match=said):
                adopt(self.daily.conninfo, self.daily.inputs, options)
            self.daily.execute("ALTER TABLE aside.load_ledger SET SCHEMA daily")
        self.daily.execute("DROP SCHEMA aside CASCADE")
        return f"adopt{'' if clean else ': refused'}"

    @property
    def clean(self) -> bool:
        """Whether the tables are what the files give."""
        return not self.lost and self.z == self.loaded

    def overwrite(self) -> str:
        self.lost, self.loaded = "", {tile: {} for tile in self.tiles}
        summary = self.daily.tile(*self.tiles, overwrite=True)
        assert summary.failed == {}
        self.loaded = {tile: dict(values) for tile, values in self.z.items()}
        return "tile --overwrite"

    def change(self) -> str:
        tile = self.choose.choice(self.tiles)
        path = self.choose.choice(self.daily.redrock(tile))
        targets = fits.getdata(path, "REDSHIFTS")["TARGETID"].tolist()
        column = self._names.index("targetid")
        known = {row[column] for row in self.first["ztile"]}.intersection(targets)
        if not known:
            return f"{path.name} has no target"
        target = self.choose.choice(sorted(known))
        value = self.number / 2

        def set_z(table) -> None:
            table["Z"][targets.index(target)] = value

        edit(path, "REDSHIFTS", set_z)
        self.z[tile] = {**self.z[tile], target: value}
        return f"change {path.name}"

    def touch(self) -> str:
        path = self.choose.choice(self.daily.redrock(self.choose.choice(self.tiles)))
        os.utime(path, (1_700_000_000 + self.number, 1_700_000_000 + self.number))
        return f"touch {path.name}"

    def lose(self) -> str:
        if self.lost:
            return self.overwrite()
        self.lost = self.choose.choice(LEAVES)
        how = self.choose.choice(
            [
                f"DROP TABLE daily.{self.lost} CASCADE",
                f"TRUNCATE daily.{self.lost}",
                f"DELETE FROM daily.{self.lost} WHERE id = (SELECT max(id) FROM daily.{self.lost})",
            ]
        )
        self.daily.execute(how)
        return how

    def _columns(self) -> list[str]:
        query = """SELECT attname FROM pg_attribute WHERE attrelid = 'daily.ztile'::regclass
                   AND attnum > 0 ORDER BY attnum"""
        return [name for (name,) in self.daily.query(query)]

    def check(self) -> None:
        """Compare the tables with the model."""
        if self.lost:
            return
        wanted = dict(self.first)
        names = self._names
        z, targetid, tileid = (names.index(name) for name in ("z", "targetid", "tileid"))
        wanted["ztile"] = [
            (*row[:z], self.loaded[row[tileid]].get(row[targetid], row[z]), *row[z + 1 :])
            for row in self.first["ztile"]
        ]
        found = self.daily.contents()
        assert [table for table in wanted if found[table] != wanted[table]] == []
