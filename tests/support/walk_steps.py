"""A random walk through a schema: what is done, and what must come of it."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from click.testing import CliRunner

from specprod_copy import coeff_patch
from specprod_copy.cli import cli
from specprod_copy.postgres.connection import connect
from specprod_copy.status import schema_status
from specprod_copy.tables import SOURCES
from support.changing import TABLES, edit
from support.moments import await_no_loader
from support.walk_model import Model

LEAVES = ("zpix", "ztile", "fiberassign", "potential", "frame")
"""Tables that no other one refers to."""

STAGES = {
    name: [source.table for source in SOURCES.values() if name in ("all", source.stage)]
    for name in ("all", *(source.stage for source in SOURCES.values()))
}
PARTS = {table: [table] for table in TABLES if table not in STAGES}


class Walk:
    """Steps through a schema that is loaded in stages.

    Parameters
    ----------
    model : Model
    choose : random.Random
    """

    def __init__(self, model: Model, choose: random.Random) -> None:
        self.model, self.case, self.choose = model, model.case, choose
        self.number = 0
        self.keys_are_there = True
        """Whether nobody dropped a foreign key since all was loaded."""
        self.steps: Sequence[tuple[int, Callable[[], str]]] = (
            (3, self.load),
            (2, self.mend),
            (3, self.overwrite),
            (2, self.replace),
            (3, self.change),
            (2, self.touch),
            (2, self.remove_or_put_back),
            (1, self.drop),
            (1, self.truncate),
            (1, self.rename),
            (2, self.delete_rows),
            (1, self.kill_overwrite),
            (1, self.kill_load),
            (2, self.verify),
            (1, self.status),
            (1, self.upgrade),
            (1, self.adopt),
            (1, self.patch),
        )

    def step(self) -> str:
        """Do something, check what came of it, and say what it was."""
        self.number += 1
        weights, steps = zip(*self.steps, strict=True)
        [chosen] = self.choose.choices(steps, weights)
        return chosen()

    # Commands -----------------------------------------------------------------------------------

    def command(self, *arguments: object, refused: Sequence[str] = ()) -> None:
        """Run a command that succeeds, or is refused for a reason and then changes nothing."""
        before = self.case.state() if refused else None
        result = self.case.command(*arguments)
        said = str(result.exception or result.output)
        if not refused:
            assert result.exit_code == 0, f"{arguments}: {said}"
            return
        assert result.exit_code == 1, f"{arguments}: {result.exit_code} {said}; not {refused}"
        assert any(re.search(reason, said) for reason in refused), f"{said}; not {refused}"
        assert self.case.state() == before, f"{arguments}: {said}"

    def program(self, *arguments: str, refused: Sequence[str]) -> None:
        """The same by a process of its own, which ends with a code and one line."""
        before = self.case.state() if refused else None
        where = ["-p", "iron", "-r", self.case.root, "--dsn", self.case.conninfo]
        program = [sys.executable, "-m", "specprod_copy", *arguments, *where]
        done = subprocess.run(program, capture_output=True, text=True)
        if not refused:
            assert done.returncode == 0, done.stderr
            return
        [line] = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
        assert done.returncode == 1
        assert any(re.search(reason, line) for reason in refused), f"{line}; not {refused}"
        assert self.case.state() == before

    def load(self) -> str:
        stage = self.choose.choice([*STAGES, *PARTS])
        tables = (STAGES | PARTS)[stage]
        refused = self.model.why_not(tables)
        if self.choose.random() < 0.2:
            self.program("load", stage, refused=refused)
        else:
            self.command("load", stage, refused=refused)
        if not refused and stage == "all":
            self.keys_are_there = True
        return f"load {stage}: {'refused' if refused else 'nothing to do'}"

    def overwrite(self) -> str:
        stage = self.choose.choice([*STAGES, *PARTS, *LEAVES])
        return self._overwrite(stage)

    def _overwrite(self, stage: str) -> str:
        tables = (STAGES | PARTS)[stage]
        refused = self.model.not_replaced(tables)
        self.command("load", stage, "--overwrite", "--yes", refused=refused)
        if not refused:
            for table in tables:
                self.model.load(table)
        return f"load {stage} --overwrite{': refused' if refused else ''}"

    def mend(self) -> str:
        """Replace all tables, from files that are all there."""
        for file in self.model.files:
            if not file.is_there:
                file.put_back()
        self._overwrite("all")
        self.keys_are_there = True
        return "put files back, load all --overwrite"

    def replace(self) -> str:
        file = self.choose.choice([file for file in self.model.files if file.is_there])
        # A stage of that name has other tables, too.
        refused = self.model.why_not((STAGES | PARTS)[file.table], replaced=file)
        arguments = ["load", file.table, "--replace", file.path, "--yes"]
        self.command(*arguments, refused=refused)
        if not refused:
            self.model.load(file.table)
        return f"load {file.table} --replace {file.path.name}{': refused' if refused else ''}"

    def verify(self) -> str:
        clean = self.model.is_clean() and self.keys_are_there
        before = self.case.state()
        result = self.case.command("verify", "all", "-q")
        assert result.exit_code in ((0,) if clean else (0, 1) if self.model.is_clean() else (1,)), (
            f"verify: {result.exit_code}, {result.exception or result.output}"
        )
        assert self.case.state() == before
        return f"verify: {result.exit_code}"

    def status(self) -> str:
        """It tells which tables are lost, and no other ones."""
        with connect(self.case.conninfo) as connection:
            lost = schema_status(connection, "iron").lost
        assert lost.keys() == {name for name, t in self.model.tables.items() if t.is_lost}
        return f"status: {len(lost)} tables are lost"

    def upgrade(self) -> str:
        if self.model.tables["zpix"].rows is None:
            return "upgrade: no zpix"
        self.case.execute(
            "COMMENT ON COLUMN iron.zpix.z IS NULL; DROP INDEX IF EXISTS iron.ix_zpix_z;"
            "ALTER TABLE iron.zpix ALTER program TYPE varchar(6)"
        )
        self.command(
            "load",
            "zpix",
            refused=["'specprod-copy upgrade' does as much", *self.model.why_not(["zpix"])],
        )
        given = ["upgrade", "--schema", "iron", "--dsn", self.case.conninfo, "-q"]
        result = CliRunner().invoke(cli, given)
        assert result.exit_code == 0, result.exception or result.output
        return "upgrade"

    def adopt(self) -> str:
        """The ledger is lost. It comes again if the tables are those of the files."""
        if not all(table.rows for table in self.model.tables.values()):
            return "adopt: not all tables have rows"
        refused = [] if self.model.is_clean() else ["is not what its files give"]
        self.case.execute("CREATE SCHEMA aside; ALTER TABLE iron.load_ledger SET SCHEMA aside")
        self.command("adopt", "-q", refused=[*refused, *self.model.no_files(TABLES)])
        if refused:
            self.case.execute("ALTER TABLE aside.load_ledger SET SCHEMA iron")
        self.case.execute("DROP SCHEMA aside CASCADE")
        return f"adopt{': refused' if refused else ''}"

    def patch(self) -> str:
        """Apply a patch of one coefficient, and take it back."""
        if self.model.why_not(["zpix"]):
            return "patch: not now"
        file = self.model.of("zpix")[0]
        catalog = self.case.root / f"patch-{self.number}.fits"
        shutil.copy(file.path, catalog)
        key = self.choose.choice(sorted(file.rows, key=str))
        row, value = file.rows[key], float(self.number)
        coefficients = [value, *[0.5] * 9]
        edit(catalog, file.hdu, values={(row, "COEFF"): coefficients})
        patches = coeff_patch.patches_of("iron", ["zpix"])
        coeff_patch.load(self.case.conninfo, patches, [catalog], overwrite=True)
        table = self.model.tables["zpix"]
        assert table.rows is not None
        before = dict(table.rows)
        coeff_patch.apply(self.case.conninfo, patches)
        names = self.model.columns["zpix"]
        patched = dict(zip(names, before[key], strict=True))
        patched |= {f"coeff_{n}": value for n, value in enumerate(coefficients)}
        table.rows[key] = tuple(patched.values())
        self.check()
        coeff_patch.revert(self.case.conninfo, patches)
        table.rows = before
        catalog.unlink()
        return "patch coeff apply, revert"

    # Files --------------------------------------------------------------------------------------

    def change(self) -> str:
        file = self.choose.choice([file for file in self.model.files if file.is_there])
        key = self.choose.choice(sorted(file.rows, key=str))
        file.change(key, self.number / 2)
        return f"change {file.path.name}"

    def touch(self) -> str:
        file = self.choose.choice([file for file in self.model.files if file.is_there])
        file.touch(self.number)
        return f"touch {file.path.name}"

    def remove_or_put_back(self) -> str:
        file = self.choose.choice(self.model.files)
        if file.is_there:
            file.put_aside()
            return f"remove {file.path.name}"
        file.put_back()
        return f"put back {file.path.name}"

    # Tables -------------------------------------------------------------------------------------

    def drop(self) -> str:
        table = self.choose.choice(TABLES)
        self.case.execute(f"DROP TABLE IF EXISTS iron.{table} CASCADE")
        self.model.tables[table].rows = None
        self.keys_are_there = False
        return f"DROP TABLE {table}"

    def rename(self) -> str:
        table = self.choose.choice(LEAVES)
        if self.model.tables[table].rows is None:
            return "rename: no such table"
        self.case.execute(
            f"DROP TABLE IF EXISTS iron.mine; ALTER TABLE iron.{table} RENAME TO mine"
        )
        self.command("load", table, refused=self.model.lost(table))
        if self.choose.random() < 0.5:
            self.case.execute(f"ALTER TABLE iron.mine RENAME TO {table}")
            return f"rename {table}, and back"
        self.model.tables[table].rows = None
        self.case.execute("DROP TABLE iron.mine")
        return f"rename {table}, and drop it"

    def truncate(self) -> str:
        """Empty a table, and those that refer to it."""
        table = self.choose.choice(TABLES)
        if self.model.tables[table].rows is None:
            return "truncate: no such table"
        emptied = self.model.referring(table)
        self.case.execute(f"TRUNCATE iron.{table} CASCADE")
        for name in emptied:
            self.model.tables[name].rows = {}
        return f"TRUNCATE {', '.join(sorted(emptied))}"

    def delete_rows(self) -> str:
        name = self.choose.choice(LEAVES)
        rows, key = self.model.tables[name].rows, self.model.keys[name]
        if not rows:
            return "delete: no rows"
        gone = self.choose.choice(sorted(rows, key=str))
        self.case.execute(f"DELETE FROM iron.{name} WHERE {key} = {gone}")
        self.model.tables[name].rows = {k: row for k, row in rows.items() if k != gone}
        return f"DELETE one row of {name}"

    # Kills --------------------------------------------------------------------------------------

    def kill_overwrite(self) -> str:
        """The tables are the old ones, unless it was through before; the next one goes on."""
        stage = self.choose.choice([*STAGES])
        if self.model.not_replaced(STAGES[stage]):
            return "kill: not now"
        if self._killed(stage, "--overwrite"):
            self.check()
        return f"kill; {self._overwrite(stage)}"

    def kill_load(self) -> str:
        """A new load is interrupted, and continued."""
        if self.model.no_files(TABLES):
            return "kill: files are missing"
        self.case.execute("DROP SCHEMA iron CASCADE; DROP SCHEMA IF EXISTS coeff_patch CASCADE")
        self._killed("all")
        for name in TABLES:
            self.model.load(name)
            if self.case.exists(name):
                found, wanted = self.model.read(name), self.model.tables[name].rows
                assert wanted is not None
                assert found.items() <= wanted.items(), name
        self.command("load", "all")
        self.keys_are_there = True
        return "drop all, load all, kill, load all"

    def _killed(self, *arguments: str) -> bool:
        """Say whether a load was killed; it may have been through before."""
        moment = str(self.choose.randrange(30))
        script = Path(__file__).with_name("killed_load.py")
        given = [self.case.conninfo, self.case.root, moment, "iron", *arguments]
        paths = {"PYTHONPATH": str(Path(__file__).parents[1])}
        done = subprocess.run(
            [sys.executable, script, *given], env=os.environ | paths, capture_output=True, text=True
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        await_no_loader(self.case.conninfo)
        return done.returncode != 0

    def check(self) -> None:
        """Compare the tables with the model."""
        assert self.model.differences() == []
