"""Load, update and remove tiles: what the commands ``tile`` and ``sync`` do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import psycopg

from specprod_copy.daily import primary, schema
from specprod_copy.daily.load import TileResult, untouched
from specprod_copy.daily.options import SyncOptions, TileOptions
from specprod_copy.daily.plan import examine
from specprod_copy.daily.summary import TilesSummary
from specprod_copy.daily.work import TileContext, TileWorker, load_one, remove_one
from specprod_copy.executors.executor import in_order
from specprod_copy.executors.workers import threads
from specprod_copy.plan import ledger, ledger_format, loaded_tiles, lost_tables
from specprod_copy.plan.existing_tables import tiles_layout
from specprod_copy.plan.failures import try_to_write
from specprod_copy.plan.tile_states import Verdict, look_at_tile, vanished
from specprod_copy.postgres import locks
from specprod_copy.postgres.connection import connect, first_cause, translated_errors
from specprod_copy.postgres.patience import Patience
from specprod_copy.postgres.schema_conflicts import refuse_conflicts
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.waiting_room import one_by_one
from specprod_copy.postgres.waits import watched
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Inputs, specprod_catalogue
from specprod_copy.tiles.read import TABLES
from specprod_copy.tiles.summaries import Summaries
from specprod_copy.vac.entries import refuse_mixed


def load_tiles(
    conninfo: str,
    inputs: Inputs,
    tileids: Sequence[int],
    options: TileOptions,
    listener: ProgressListener | None = None,
) -> TilesSummary:
    """Load some tiles.

    Each tile is one transaction. Tiles that are up to date or not loadable are left alone; those
    that changed since they were loaded are replaced with `TileOptions.update`, else refused.

    Parameters
    ----------
    conninfo : str
        For libpq.
    inputs : Inputs
    tileids : sequence of int
    options : TileOptions
    listener : ProgressListener, optional

    Raises
    ------
    SpecprodCopyError
        If the tiles file does not have a tile, or nothing could be done at all.
    """
    with _Run.begin(conninfo, inputs, options, listener or ProgressListener()) as run:
        run.summaries.refuse_unknown(tileids, inputs.tiles())
        run.prepare()
        run.examine(sorted(set(tileids)))
        run.renew()
        wanted = run.summary.having(Verdict.NEW)
        known = run.summary.having(Verdict.CHANGED, Verdict.SAME)
        if options.update:
            wanted += known
        else:
            for found in run.summary.having(Verdict.CHANGED):
                run.fail(found.tileid, f"changed ({found.reason}); --update replaces it")
        run.load(found.tileid for found in wanted)
        run.note_failures()
        run.close()
    return run.summary


def sync(
    conninfo: str,
    inputs: Inputs,
    options: SyncOptions,
    listener: ProgressListener | None = None,
) -> TilesSummary:
    """Bring the tables into step with the files: load what is new or changed.

    Parameters
    ----------
    conninfo, inputs, options, listener
        As for `load_tiles`.

    Raises
    ------
    SpecprodCopyError
        If nothing could be done at all.
    """
    with _Run.begin(conninfo, inputs, options, listener or ProgressListener()) as run:
        if not options.dry_run:
            run.prepare()
        tiles, since = run.summaries.tiles, options.since or 0
        run.examine([n for n, tile in tiles.items() if tile.lastnight >= since])
        found = read_schema(run.connection, options.schema)
        loaded = loaded_tiles.loaded_tiles(run.connection, found)
        # What another run has loaded since then may be of a later tiles file.
        before = run.before.loaded
        known = [tile for tile in loaded.values() if tile.loaded_at == before.get(tile.tileid)]
        late = (tile.tileid for tile in known if tile.lastnight >= since)
        run.summary.states += vanished(tiles, late)
        if options.dry_run:
            return run.summary
        run.renew()
        if options.delete:
            run.remove(f.tileid for f in run.summary.having(Verdict.OBSOLETE))
        run.load(f.tileid for f in run.summary.having(Verdict.NEW, Verdict.CHANGED))
        # Of tiles that are in no file any more no run would ever look at the failure again.
        gone = [] if since else [n for n in run.before.failed if n not in tiles]
        run.note_failures(gone)
        run.close()
    return run.summary


class _Run:
    """One run: what its steps share."""

    def __init__(
        self,
        connection: psycopg.Connection,
        conninfo: str,
        inputs: Inputs,
        options: TileOptions,
        listener: ProgressListener,
    ) -> None:
        self.connection = connection
        self.conninfo = conninfo
        self.files = inputs.files
        self.options = options
        self.schema = options.schema
        self.listener = listener
        found = read_schema(connection, options.schema)
        refuse_mixed(connection, found, described=False)
        self.layout = tiles_layout(
            inputs,
            found,
            TABLES,
            overwrite=options.overwrite,
            partitions=options.partitions,
        )
        self.defined = specprod_catalogue(self.layout).definition
        self.inputs = inputs
        # Before the files: what others do from now on may be of later ones.
        self.before = loaded_tiles.Entries.read(connection, found)
        self.summaries = Summaries.read(inputs)
        self.summary = TilesSummary()

    @classmethod
    @contextmanager
    def begin(
        cls, conninfo: str, inputs: Inputs, options: TileOptions, listener: ProgressListener
    ) -> Iterator[_Run]:
        """Connect, and be at work on the schema: beside other runs, but not beside a load."""
        started = time.monotonic()
        with (
            watched(conninfo, listener) as conninfo,
            connect(conninfo) as connection,
            translated_errors(f"cannot load tiles into schema {options.schema}"),
            locks.hold_schema_lock(connection, options.schema, shared=not options.overwrite),
            first_cause(connection),
        ):
            run = cls(connection, conninfo, inputs, options, listener)
            try:
                yield run
            finally:
                listener.end()
                run.summary.seconds = time.monotonic() - started

    def prepare(self) -> None:
        """Make tables, keys and indexes that are not there."""
        taken_over = ledger_format.take_over(
            self.connection, self.defined, self.schema, self.listener
        )
        with self.connection.transaction():
            one_by_one(self.connection, self.defined)
            self.columns = schema.prepare(
                self.connection,
                self.defined,
                self.files.production,
                self.options,
                self.listener,
            )
        schema.complete(self.connection, self.defined, self.options, self.listener)
        if taken_over or self.options.overwrite:
            # That was no other run, but this one.
            found = read_schema(self.connection, self.schema)
            self.before = loaded_tiles.Entries.read(self.connection, found)

    def examine(self, tileids: Iterable[int]) -> None:
        """Find out what there is to do for some tiles of the files."""
        found = read_schema(self.connection, self.schema)
        if ledger_format.require(self.connection, self.defined, self.schema):
            lost_tables.check_tables(self.connection, self.schema, TABLES)
        schema.refuse_other_rows(self.connection, found)
        refuse_conflicts(self.defined, found, [*schema.keys_of(self.defined), ledger.TABLE])
        tiles = [self.summaries.tiles[tileid] for tileid in tileids]
        look = partial(look_at_tile, self.files, check_content=self.options.check_content)
        states = examine(self.connection, self.defined, found, look, self.summaries, tiles)
        self.summary.states += states
        for one in states:
            if one.verdict is Verdict.FAULTY:
                self.fail(one.tileid, one.reason)

    def renew(self) -> None:
        """Write the new times of files that are the same."""
        for found in self.summary.having(Verdict.SAME):
            if found.inputs:
                with self.connection.transaction():
                    if untouched(self.connection, self.schema, found.tileid, self.before):
                        loaded_tiles.renew(self.connection, self.schema, found.tileid, found.inputs)

    def load(self, tileids: Iterable[int]) -> None:
        """Load tiles, several at a time."""
        self.summary.loaded += self._each(sorted(tileids), load_one)

    def remove(self, tileids: Iterable[int]) -> None:
        """Remove tiles."""
        self.summary.removed += self._each(sorted(tileids), remove_one)

    def fail(self, tileid: int, why: str) -> None:
        """Remember that a tile could not be brought into its new state."""
        self.summary.failed[tileid] = why

    def note_failures(self, gone: Sequence[int] = ()) -> None:
        """Write down which tiles could not be loaded, and why, if that is possible."""
        looked_at = [*gone, *(found.tileid for found in self.summary.states)]
        write = partial(
            loaded_tiles.note_failures,
            self.connection,
            self.schema,
            looked_at,
            self.summary.failed,
        )
        if hindrance := try_to_write(self.connection, write):
            self.summary.notes.append(
                f"the ledger does not say how this ended, status tells of earlier runs: {hindrance}"
            )

    def close(self) -> None:
        """Do what is to be done once, after the last tile."""
        options = self.options
        if self.summary.loaded:
            self.summary.notes += self.summaries.notes(self.inputs, self.columns)
            self.summary.notes += self.layout.notes
        if options.primary:
            choices = primary.choose_primary(self.connection, self.schema, self.listener)
            self.summary.primary_changed = choices["ztile"].changed
        if options.primary or options.cluster:
            primary.refresh_indexes(
                self.connection,
                self.defined,
                self.schema,
                Patience(self.listener, options.patience),
                cluster=options.cluster,
            )

    def _each(
        self, tileids: Sequence[int], work: Callable[[TileWorker, int], TileResult | str | None]
    ) -> Iterator[TileResult]:
        """Work on tiles, each in a transaction; one that fails does not keep others from theirs."""
        if not tileids:
            return
        context = TileContext(
            self.conninfo, self.schema, self.defined, self.files, self.summaries, self.before
        )
        with (
            threads(min(self.options.jobs, len(tileids))) as workers,
            workers.sharing(context, self.listener.info) as executor,
        ):
            for tileid, result in in_order(executor, work, tileids):
                if isinstance(result, str):
                    self.fail(tileid, result)
                elif result is None:
                    self.summary.notes.append(
                        f"tile {tileid}: another command has loaded or removed it since this one "
                        "read the tiles file; it stays as that has left it until the next sync"
                    )
                else:
                    yield result
