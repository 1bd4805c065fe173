"""Settings of the server: which values are good for a load, why, and what they gain."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from specprod_copy.doctor.findings import Finding

_RULES: Mapping[str, Callable[[Any, Any], bool]] = {
    "at least": operator.ge,
    "is": operator.eq,
    "is not": operator.ne,
}


@dataclass(frozen=True)
class Setting:
    """A value of a setting that is good for loads."""

    name: str
    rule: str  # ``at least``, ``is`` or ``is not``
    good: str  # the value of the rule, in PostgreSQL's notation
    why: str
    gain: str = ""  # what `scripts/server_settings.py` measured; empty if it was not measured
    suggest: str = ""  # what to set where the rule is broken; `good` if empty
    also: Mapping[str, str] = field(default_factory=dict)  # settings that have to go with it
    unless: str = "false"  # SQL condition: where it is true the setting stays, for this reason
    reason: str = ""


SETTINGS: Sequence[Setting] = (
    Setting(
        "shared_buffers",
        "at least",
        "1GB",
        "index builds and checks of foreign keys find pages in the server's own cache",
        gain="12 % of the server's processor time, against 128MB; with 4GB another 24 % of the "
        "time of index builds, as long as a table is not larger than a quarter of it",
    ),
    Setting(
        "wal_compression",
        "is",
        "off",
        "whole pages are logged as they are; compressed, they take processor time",
        gain="30 % of the server's processor time against pglz, 8 % against lz4, for about 12 % "
        "more log",
    ),
    Setting(
        "max_parallel_maintenance_workers",
        "at least",
        "1",
        "an index build uses more than one core; several builds at a time (--jobs) do as well",
        gain="up to 40 % of the time of index builds, one at a time on 2 cores of a busy machine, "
        "for the same processor time",
    ),
    Setting(
        "max_parallel_workers",
        "at least",
        "2",
        "workers of index builds come from this number",
        suggest="8",
    ),
    Setting("max_worker_processes", "at least", "8", "the upper limit of all workers"),
    Setting(
        "wal_level",
        "is",
        "minimal",
        "index builds are not logged, nor are rows of new tables that are no more than a job's "
        "share; only for a server that nobody replicates and whose log nobody archives",
        gain="index builds: 24 % of the log's bytes, no processor time; rows: of a whole "
        "production a tenth of the time of COPY, of one large table nothing",
        also={"max_wal_senders": "0"},
        unless="current_setting('archive_mode') <> 'off' "
        "OR EXISTS (SELECT FROM pg_replication_slots) OR EXISTS (SELECT FROM pg_stat_replication)",
        reason="stays, for this server is replicated or its log archived",
    ),
    Setting(
        "max_wal_size",
        "at least",
        "4GB",
        "fewer checkpoints during a load: each makes the next change to a page log the whole page",
        gain="nothing for a load that logs less than half of it; not measured for larger ones",
    ),
    Setting("checkpoint_timeout", "at least", "15min", "fewer checkpoints during a load"),
    Setting(
        "track_io_timing",
        "is",
        "off",
        "the clock is read around every read and write; turn it on to find out what is slow",
        gain="9 % of the server's processor time",
    ),
    Setting(
        "effective_io_concurrency",
        "at least",
        "16",
        "pages of a search on the sky are asked for ahead, which matters for those that are not "
        "in memory (solid-state disks)",
        suggest="200",
    ),
    Setting(
        "temp_file_limit",
        "is",
        "-1",
        "an index build sorts in temporary files what does not fit into maintenance_work_mem, and "
        "fails at the limit",
    ),
    Setting("huge_pages", "is not", "off", "less memory for the tables of pages", suggest="try"),
    Setting("autovacuum", "is", "on", "leave it on: it keeps the planner's statistics"),
    Setting("fsync", "is", "on", "leave it on: off loses the database when the machine fails"),
    Setting("full_page_writes", "is", "on", "leave it on, for the same reason"),
    Setting(
        "data_checksums",
        "is",
        "on",
        "broken pages are noticed, for no processor time that could be measured; for a stopped "
        "server: pg_checksums --enable",
    ),
)
"""What is looked at: settings of the whole server, first those that gain most.

The gains are those of `scripts/server_settings.py`; see ``docs/server-settings.md``.
"""

_UNITS = {
    **{"B": 1, "kB": 1 << 10, "8kB": 8 << 10, "MB": 1 << 20, "16MB": 16 << 20, "GB": 1 << 30},
    **{"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000},
    "": 1,
}
"""PostgreSQL's units of size [bytes] and of time [ms]."""


def _number(text: str, unit: str = "") -> float:
    found = re.fullmatch(r"(-?[\d.]+) *([A-Za-z]*)", text)
    if found is None:
        raise ValueError(f"not a number with a unit: {text!r}")
    return float(found[1]) * _UNITS[found[2] or unit]


def check_settings(
    connection: psycopg.Connection, settings: Sequence[Setting] = SETTINGS
) -> Iterator[Finding]:
    """Yield what is to be said about each setting that the server knows.

    The connection has the settings of the server, not those of the loader.
    """
    query = """
        SELECT name, setting, COALESCE(unit, '') AS unit, vartype, context,
               current_setting(name) AS shown
        FROM pg_settings WHERE name = ANY(%s)"""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query, ([setting.name for setting in settings],))
        known = {row["name"]: row for row in cursor}
    for setting in settings:
        row = known.get(setting.name)
        if row is None:
            continue
        if _is_good(setting, row):
            yield Finding("settings", setting.name, row["shown"], why=setting.why)
        elif _holds(connection, setting.unless):
            yield Finding("settings", setting.name, row["shown"], why=setting.reason)
        else:
            yield _advice(setting, row["shown"], row["context"])


def _is_good(setting: Setting, row: Mapping[str, str]) -> bool:
    rule = _RULES[setting.rule]
    if row["vartype"] in ("integer", "real"):
        unit = row["unit"]
        return rule(_number(row["setting"], unit), _number(setting.good, unit))
    return rule(row["setting"], setting.good)


def _holds(connection: psycopg.Connection, condition: str) -> bool:
    row = connection.execute(f"SELECT {condition}".encode()).fetchone()
    return bool(row and row[0])


def _advice(setting: Setting, shown: str, context: str) -> Finding:
    good = setting.suggest or setting.good
    changes = {setting.name: good, **setting.also}
    # An internal setting belongs to the files of the server: no statement changes it.
    remedy = [f"ALTER SYSTEM SET {name} = '{value}';" for name, value in changes.items()]
    return Finding(
        "settings",
        setting.name,
        shown,
        "advice",
        good,
        setting.why,
        setting.gain,
        () if context == "internal" else tuple(remedy),
        restart=context == "postmaster",
    )
