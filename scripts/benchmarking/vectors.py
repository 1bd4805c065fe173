"""The same numbers as vectors, in arrays, and as scalars, in a column each."""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np
from astropy.io import fits
from psycopg import sql

from benchmarking import machine
from benchmarking.bench import SCHEMA, server
from benchmarking.report import Document, markdown, number
from benchmarking.rounds import summary
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.connection import connect
from specprod_copy.tables import Catalogue, Inputs, TableSource

VECTORS, ELEMENTS = 18, 46
"""As many as FastSpecFit has quantities, and lines."""

_SQL = """
{{% block table %}}
CREATE TABLE IF NOT EXISTS {{{{ schema }}}}.{name} (
    targetid bigint NOT NULL,
    {columns}
){options};
{{% endblock %}}
{{% block keys %}}
CREATE UNIQUE INDEX IF NOT EXISTS {name}_pkey ON {{{{ schema }}}}.{name} (targetid);
ALTER TABLE {{{{ schema }}}}.{name} ADD CONSTRAINT {name}_pkey PRIMARY KEY USING INDEX {name}_pkey;
{{% endblock %}}
"""

_NAMES = {
    "vectors": [f"v{v}" for v in range(VECTORS)],
    "scalars": [f"v{v}_{n}" for v in range(VECTORS) for n in range(ELEMENTS)],
}


def measure(work: Path, rows: int, *, runs: int, dsn: str | None) -> Document:
    """Load so many rows of 828 numbers in both forms, by turns, by one process.

    Parameters
    ----------
    work : pathlib.Path
        Folder for server and files.
    rows : int
    runs : int
        Number of runs of each.
    dsn : str, optional
        A server; a private one without it.
    """
    root = work / "vectors"
    root.mkdir(exist_ok=True)
    sources = [_source(root, name) for name in _NAMES]
    catalogue = Catalogue.of([root / f"{name}.sql" for name in _NAMES], sources)
    _write(root, rows)
    inputs = Inputs(ProductionFiles(find_production("iron"), root))
    seconds: dict[str, list[float]] = {name: [] for name in _NAMES}
    size: dict[str, int] = {}
    with server(work, dsn) as conninfo, connect(conninfo) as connection:
        for run in range(runs):
            for name in _NAMES:
                click.echo(f"run {run + 1} of {runs}: {name}", err=True)
                begin = time.monotonic()
                options = LoadOptions((name,), SCHEMA, roles=(), jobs=1)
                load(conninfo, inputs, options, catalogue=catalogue)
                seconds[name].append(time.monotonic() - begin)
                row = connection.execute(
                    "SELECT pg_table_size(%s::regclass)", (f"{SCHEMA}.{name}",)
                ).fetchone()
                size[name] = row[0] if row else 0
                drop = sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA))
                connection.execute(drop)
    for path in root.iterdir():
        path.unlink()
    plain = summary(seconds["scalars"])[0]
    body = [
        [
            f"{VECTORS} real[{ELEMENTS}]" if name == "vectors" else f"{VECTORS * ELEMENTS} real",
            *map(number, summary(seconds[name])),
            number(plain / summary(seconds[name])[0]),
            number(rows / summary(seconds[name])[0], 0),
            number(size[name] / 1e6, 1),
            number(size[name] / size["scalars"]),
        ]
        for name in _NAMES
    ]
    head = ["columns", "median s", "least", "most", "of scalars", "rows/s", "MB on disk"]
    return Document(
        f"{rows:,} rows of {VECTORS * ELEMENTS} numbers as vectors and as scalars, {runs} runs",
        machine.client_circumstances(),
        [markdown([*head, "of scalars' MB"], body)],
        {"seconds": seconds, "bytes": size},
        ["A whole load of one job, key and checks included. MB are those of heap and TOAST."],
    )


def _source(root: Path, name: str) -> TableSource:
    kind = "real[]" if name == "vectors" else "real"
    columns = ",\n    ".join(f"{column} {kind} NOT NULL" for column in _NAMES[name])
    # By default the server would compress rows of more than 2 kB, and move them elsewhere.
    options = " WITH (toast_tuple_target = 8160)" if name == "vectors" else ""
    text = _SQL.format(name=name, columns=columns, options=options)
    (root / f"{name}.sql").write_text(text)
    return TableSource(name, name, lambda inputs: [root / f"{name}.fits"], ("DATA",))


def _write(root: Path, rows: int) -> None:
    """Write both files; noise does not compress."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(rows, VECTORS, ELEMENTS)).astype(">f4")
    targetid = fits.Column("TARGETID", "K", array=np.arange(rows))
    vectors = [
        fits.Column(name.upper(), f"{ELEMENTS}E", array=values[:, n])
        for n, name in enumerate(_NAMES["vectors"])
    ]
    flat = values.reshape(rows, -1)
    scalars = [
        fits.Column(name.upper(), "E", array=flat[:, n]) for n, name in enumerate(_NAMES["scalars"])
    ]
    for name, columns in (("vectors", vectors), ("scalars", scalars)):
        table = fits.BinTableHDU.from_columns([targetid, *columns], name="DATA")
        table.writeto(root / f"{name}.fits", overwrite=True)
