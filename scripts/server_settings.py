"""What settings of the server are worth to a load.

    python scripts/server_settings.py --work DIR --markdown FILE

Starts a server of its own with PostgreSQL's defaults, changes one setting at a time, and measures
what the loader asks of a server: COPY of a ready-made binary file into a bare table, then its keys
and indexes, one after the other. Rounds are interleaved: each one tries every setting once, in
another order. Seconds depend on what else the machine does; those of the processor, of all
processes of the server together, depend on it less, and the bytes of the log not at all.

`specprod-copy doctor` tells the gains that were measured like this.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import psycopg
from psycopg import sql

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres import statements
from specprod_copy.postgres.connection import SESSION_SETTINGS, connect
from specprod_copy.server.account import account_for
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import Inputs, specprod_catalogue

TABLE = "zpix"
SCHEMA = "server_settings"
TARGETS_PER_TILE = 10_000
ROWS_PER_TILE = 4300

DEFAULTS: Mapping[str, str] = {
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "5min",
    "wal_compression": "off",
    "shared_buffers": "128MB",
    "max_parallel_maintenance_workers": "2",
    "max_parallel_workers": "8",
    "track_io_timing": "off",
}
"""PostgreSQL's own, in place of those of the embedded server."""


@dataclass(frozen=True)
class Variant:
    """Settings that differ from the defaults.

    Parameters
    ----------
    name : str
    server : mapping of str to str
        For the whole server.
    session : mapping of str to str
        In place of what the loader sets for its session.
    together : bool
        Make the table in the transaction of its rows, as a load of few rows does.
    freeze : bool
        COPY with FREEZE, which wants that.
    checksums : bool
        Whether the server keeps checksums of pages.
    """

    name: str
    server: Mapping[str, str] = field(default_factory=dict)
    session: Mapping[str, str] = field(default_factory=dict)
    together: bool = False
    freeze: bool = False
    checksums: bool = True


_MINIMAL = {"wal_level": "minimal", "max_wal_senders": "0"}

VARIANTS = (
    Variant("defaults"),
    Variant("wal_level=minimal", _MINIMAL),
    Variant("wal_level=minimal, table made with its rows", _MINIMAL, together=True),
    Variant("wal_level=minimal, that and FREEZE", _MINIMAL, together=True, freeze=True),
    Variant("max_wal_size=4GB", {"max_wal_size": "4GB"}),
    Variant("wal_compression=pglz", {"wal_compression": "pglz"}),
    Variant("wal_compression=lz4", {"wal_compression": "lz4"}),
    Variant("no data checksums", checksums=False),
    Variant("shared_buffers=1GB", {"shared_buffers": "1GB"}),
    Variant(
        "max_parallel_maintenance_workers=0",
        {"max_parallel_maintenance_workers": "0"},
    ),
    Variant(
        "max_parallel_maintenance_workers=1",
        {"max_parallel_maintenance_workers": "1"},
    ),
    Variant("maintenance_work_mem=64MB", session={"maintenance_work_mem": "64MB"}),
    Variant("maintenance_work_mem=1GB", session={"maintenance_work_mem": "1GB"}),
    Variant("track_io_timing=on", {"track_io_timing": "on"}),
    Variant("all of the embedded server", dict.fromkeys(DEFAULTS, "")),
)


@dataclass(frozen=True)
class Run:
    """One measurement: seconds, bytes of the write-ahead log, and checkpoints meanwhile."""

    copy: float
    indexes: float
    cpu: float
    wal: int
    checkpoints: int

    @property
    def total(self) -> float:
        """Seconds from the first row to the last index."""
        return self.copy + self.indexes


def reconfigure(cluster: Cluster, settings: Mapping[str, str], *, checksums: bool) -> None:
    """Restart the server with some settings; an empty one is that of the embedded server."""
    with psycopg.connect(cluster.conninfo(), autocommit=True) as connection:
        for name, value in settings.items():
            change = "ALTER SYSTEM SET {} = {}" if value else "ALTER SYSTEM RESET {}"
            connection.execute(sql.SQL(change).format(sql.Identifier(name), sql.Literal(value)))
        now = connection.execute("SHOW data_checksums").fetchone() == ("on",)
    cluster.stop()
    if checksums != now:
        program = str(cluster.binaries().program("pg_checksums"))
        change = "--enable" if checksums else "--disable"
        done = account_for(cluster.directory).run([program, change, f"--pgdata={cluster.data}"])
        if done.returncode:
            raise click.ClickException(done.stderr)
    cluster.start()


def prepare(cluster: Cluster, work: Path, rows: int) -> Path:
    """Write a production, load the table, and let the server write its rows to a file."""
    file = cluster.data / f"{TABLE}.copy"
    root = work / "production"
    tiles = max(1, rows // ROWS_PER_TILE)
    write_production(root, "iron", tiles=tiles, targets=TARGETS_PER_TILE, overwrite=True)
    inputs = Inputs(ProductionFiles(find_production("iron", None), root))
    load(cluster.conninfo(), inputs, LoadOptions(("zpix",), "source"))
    with psycopg.connect(cluster.conninfo(), autocommit=True) as connection:
        statement = sql.SQL("COPY {} TO {} (FORMAT BINARY)")
        connection.execute(
            statement.format(sql.Identifier("source", TABLE), sql.Literal(str(file)))
        )
        connection.execute("DROP SCHEMA source CASCADE")
    return file


def run_statements(connection: psycopg.Connection, phases: Sequence[str]) -> None:
    """Run the statements of some phases of the table, one after the other."""
    statements.make(
        connection, specprod_catalogue().definition, ["schema", TABLE], phases, schema=SCHEMA
    )


def state(connection: psycopg.Connection) -> tuple[int, int]:
    """Return the place in the log [bytes] and the number of forced checkpoints so far."""
    checkpoints = "checkpoints_req FROM pg_stat_bgwriter"
    if connection.info.server_version >= 170_000:
        checkpoints = "num_requested FROM pg_stat_checkpointer"
    query = f"SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, {checkpoints}"
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def processor_seconds(postmaster: int) -> float:
    """Return the processor time of a server's processes, of those that have ended as well."""
    ticks = 0
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for pid in (postmaster, *map(int, children)):
        # After the name in parentheses: user, system, and the same of awaited children.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(cluster: Cluster, variant: Variant, file: Path) -> Run:
    """Fill and index the table once."""
    reconfigure(cluster, {**DEFAULTS, **variant.server}, checksums=variant.checksums)
    settings = {**SESSION_SETTINGS, **variant.session}
    copy = sql.SQL("COPY {} FROM {} (FORMAT BINARY, FREEZE {})").format(
        sql.Identifier(SCHEMA, TABLE), sql.Literal(str(file)), sql.Literal(variant.freeze)
    )
    with connect(cluster.conninfo(), settings=settings) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
        if not variant.together:
            run_statements(connection, ["table"])
        connection.execute("CHECKPOINT")
        pid = cluster.postmaster().pid
        before, cpu = state(connection), processor_seconds(pid)
        started = time.monotonic()
        with connection.transaction():
            if variant.together:
                run_statements(connection, ["table"])
            connection.execute(copy)
        copied = time.monotonic()
        run_statements(connection, ["keys", "indexes"])
        done = time.monotonic()
        # The checkpoint that is still to come belongs to the load.
        after = state(connection)
        connection.execute("CHECKPOINT")
        cpu = processor_seconds(pid) - cpu
    return Run(copied - started, done - copied, cpu, after[0] - before[0], after[1] - before[1])


def table_of(runs: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return medians and the spread of the sums as a Markdown table, beside the defaults."""
    base = statistics.median(run.cpu for run in runs[VARIANTS[0].name])
    lines = [
        "| settings | COPY [s] | indexes [s] | sum [s] | least to most | processor [s] "
        "| least to most | to the defaults | log [MB] | forced checkpoints |",
        "|---|" + "---:|" * 9,
    ]
    for name, measured in runs.items():
        total, cpu = [run.total for run in measured], [run.cpu for run in measured]
        cells = (
            name,
            f"{statistics.median(run.copy for run in measured):.2f}",
            f"{statistics.median(run.indexes for run in measured):.2f}",
            f"{statistics.median(total):.2f}",
            f"{min(total):.2f} to {max(total):.2f}",
            f"{statistics.median(cpu):.2f}",
            f"{min(cpu):.2f} to {max(cpu):.2f}",
            f"{statistics.median(cpu) / base - 1:+.0%}",
            f"{statistics.median(run.wal for run in measured) / 1e6:,.0f}",
            f"{statistics.median(run.checkpoints for run in measured):.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rows", type=click.IntRange(1000), default=400_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("server_settings.work"),
    show_default=True,
    help="Folder for the production and the server, which is stopped at the end.",
)
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write it here.")
def main(rows: int, rounds: int, work: Path, markdown: Path | None) -> None:
    """Measure COPY and index builds under several settings of the server."""
    work.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(work / "pg")
    cluster.start()
    try:
        file = prepare(cluster, work, rows)
        runs: dict[str, list[Run]] = {variant.name: [] for variant in VARIANTS}
        for number in range(rounds):
            for variant in random.Random(number).sample(VARIANTS, len(VARIANTS)):  # noqa: S311
                runs[variant.name].append(measure(cluster, variant, file))
            size = f"{file.stat().st_size / 1e6:,.0f} MB"
            text = [f"{TABLE}, {size}, medians of {number + 1}", "", *table_of(runs), ""]
            click.echo("\n".join(text))
            if markdown is not None:
                markdown.write_text("\n".join(text), encoding="utf-8")
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
