"""Bulk COPY loader for DESI spectroscopic productions: FITS files into PostgreSQL.

::

    import specprod_copy as sc

    summary = sc.load("all", specprod="fuji", root="/path/of/dr", dsn="dbname=desi")
    print(sum(table.rows_kept for table in summary.tables))

Every function is a command of ``specprod-copy`` as well. What they need is imported when they are
called. They print nothing: give them a `ProgressListener` to follow what happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import polars as pl
    from astropy.table import Table

    from specprod_copy.daily.summary import TilesSummary
    from specprod_copy.desi import ids
    from specprod_copy.loading.summary import LoadSummary
    from specprod_copy.plan.planning import Plan
    from specprod_copy.progress import ProgressListener
    from specprod_copy.results.api import QuerySummary
    from specprod_copy.verification import Result

__version__ = "0.1.0"

__all__ = ["ids", "load", "load_tiles", "load_vac", "plan_load", "query", "sync", "verify"]


def load(
    *stages: str,
    specprod: str,
    dsn: str = "",
    listener: ProgressListener | None = None,
    **options: Any,
) -> LoadSummary:
    """Load stages of a production; what is loaded already is not loaded again.

    Parameters
    ----------
    *stages : str
        Stages (``exposures``, ``photometry``, ``targetphot``, ``target``, ``redshift``,
        ``fiberassign``), names of tables for their part of a stage, or ``all``.
    specprod : str
        Name of the production.
    dsn : str
        Connection string, as libpq takes it. What it leaves open comes from the ``PG*`` variables.
    listener : ProgressListener, optional
        Receives progress events.
    **options
        Where the files are: `root` (path; by default ``$DESI_ROOT``), `config` (path of a TOML or
        INI file with productions), `tiles_file`, `exposures_file` (paths), `skip_missing` (bool).
        How to load: the fields of `specprod_copy.loading.options.LoadOptions`, e.g. `schema` (by
        default the name of the production), `jobs`, `overwrite`, `replace`, `roles`. Who loads:
        the fields of `specprod_copy.executors.options.ExecutorOptions`, e.g. `executor="dask"` and
        `scheduler`.

    Returns
    -------
    LoadSummary

    Raises
    ------
    SpecprodCopyError
        If the options, an input file or the server are not as they must be. A load of up to 100,000
        rows leaves the database as it was then, unless others use its tables; a larger one
        continues with the next call.

    Examples
    --------
    >>> import specprod_copy as sc
    >>> summary = sc.load("exposures", specprod="fuji", root=root, dsn=dsn)
    >>> [table.table for table in summary.tables]
    ['tile', 'exposure', 'frame']
    >>> again = sc.load("exposures", specprod="fuji", root=root, dsn=dsn)
    >>> sum(table.rows_kept for table in again.tables)
    0
    """
    from specprod_copy.arguments import take_executor, take_inputs
    from specprod_copy.loading.api import load as run
    from specprod_copy.loading.options import LoadOptions

    inputs, executor = take_inputs(specprod, options), take_executor(options)
    wanted = LoadOptions(stages, **{"schema": specprod, **options})
    with executor.workers(wanted.jobs, inputs.files.root) as workers:
        return run(dsn, inputs, wanted, listener, workers=workers)


def plan_load(*stages: str, specprod: str, dsn: str = "", **options: Any) -> Plan:
    """Find out what a load would do, without doing it: every file is opened and checked.

    Parameters
    ----------
    *stages, specprod, dsn, **options
        As for `load`.

    Returns
    -------
    Plan
        Its `units` are what would be loaded.

    Raises
    ------
    SpecprodCopyError
        As `load`, before it sends the first row.

    Examples
    --------
    >>> import specprod_copy as sc
    >>> sc.plan_load("exposures", specprod="fuji", root=root, dsn=dsn).n_rows
    0
    """
    from specprod_copy.arguments import take_executor, take_inputs
    from specprod_copy.loading.dry_run import plan_load as run
    from specprod_copy.loading.options import LoadOptions

    inputs, executor = take_inputs(specprod, options), take_executor(options)
    wanted = LoadOptions(stages, **{"schema": specprod, **options})
    with executor.workers(wanted.jobs, inputs.files.root) as workers:
        return run(dsn, inputs, wanted, workers=workers)[0]


def verify(
    *stages: str,
    specprod: str | None = None,
    dsn: str = "",
    listener: ProgressListener | None = None,
    **options: Any,
) -> list[Result]:
    """Read the files again and compare every value with the database.

    Parameters
    ----------
    *stages, specprod, dsn, listener
        As for `load`, but without stages all are verified. Without `specprod` the schema is one of
        value-added catalogues, which says itself what it was loaded from.
    **options
        Where the files are, as for `load`; and the fields of
        `specprod_copy.verification.VerifyOptions`, e.g. `schema`, `jobs`, `sample`. Who verifies,
        as for `load`.

    Returns
    -------
    list of Result
        One for each check of each table; `passed` says how it ended.

    Raises
    ------
    SpecprodCopyError
        If the options or the server are not as they must be. What is wrong with files and tables is
        in the results.

    Examples
    --------
    >>> import specprod_copy as sc
    >>> all(check.passed for check in sc.verify("exposures", specprod="fuji", root=root, dsn=dsn))
    True
    """
    from specprod_copy.arguments import take_executor, take_inputs
    from specprod_copy.verification import VerifyOptions
    from specprod_copy.verification import verify as run

    if specprod is None:
        return _verify_catalogues(dsn, listener, options)
    inputs, executor = take_inputs(specprod, options), take_executor(options)
    wanted = VerifyOptions(stages or ("all",), **{"schema": specprod, **options})
    with executor.workers(wanted.jobs, inputs.files.root) as workers:
        return run(dsn, inputs, wanted, listener, workers=workers)


def load_vac(
    description: Path | str,
    *,
    dsn: str = "",
    listener: ProgressListener | None = None,
    **options: Any,
) -> LoadSummary:
    """Load a value-added catalogue that a TOML file describes, see ``docs/value-added.md``.

    Parameters
    ----------
    description : path-like
        The TOML file; the SQL files that it names lie beside it.
    dsn, listener
        As for `load`.
    **options
        `root`, the folder that paths of the description begin in (path; by default
        ``$DESI_ROOT``); `version`, `release`, `specprod` (str) instead of what it says, `suffix`
        (str) of the names of tables; and the fields of
        `specprod_copy.loading.options.LoadOptions`, `schema` is ``vac`` by default. Who loads, as
        for `load`.

    Returns
    -------
    LoadSummary

    Raises
    ------
    SpecprodCopyError
        As `load`; or if the description is not as it must be.

    Examples
    --------
    >>> import specprod_copy as sc
    >>> summary = sc.load_vac(description, root=vac_root, dsn=dsn)
    >>> [(table.table, table.rows_kept) for table in summary.tables]
    [('masses', 3)]
    """
    from pathlib import Path

    from specprod_copy.arguments import take_executor, take_root
    from specprod_copy.loading.described import load_catalogue
    from specprod_copy.loading.options import LoadOptions
    from specprod_copy.vac.parsing import read_description

    root, executor = take_root(options), take_executor(options)
    named = ("version", "release", "specprod", "suffix")
    given = {name: options.pop(name) for name in named if name in options}
    described = read_description(Path(description)).with_parameters(**given)
    wanted = LoadOptions(**{"stages": ("all",), "schema": "vac", **options})
    with executor.workers(wanted.jobs, root) as workers:
        return load_catalogue(dsn, described, root, wanted, listener, workers=workers)


def load_tiles(
    tileids: Iterable[int],
    *,
    specprod: str = "daily",
    dsn: str = "",
    listener: ProgressListener | None = None,
    **options: Any,
) -> TilesSummary:
    """Load or update single tiles of a daily production, one transaction each.

    Parameters
    ----------
    tileids : iterable of int
    specprod, dsn, listener
        As for `load`.
    **options
        Where the files are, as for `load`; and the fields of
        `specprod_copy.daily.options.TileOptions`, e.g. `schema`, `update`, `primary`, `jobs`.

    Returns
    -------
    TilesSummary
        `failed` has the tiles that are as they were before, and why.

    Raises
    ------
    SpecprodCopyError
        If the tiles file lacks a tile, or nothing could be done at all.

    Examples
    --------
    >>> import specprod_copy as sc
    >>> summary = sc.load_tiles([tileid], root=daily_root, dsn=dsn)
    >>> [loaded.tileid == tileid for loaded in summary.loaded], summary.failed
    ([True], {})
    """
    from specprod_copy.arguments import take_inputs
    from specprod_copy.daily.options import TileOptions
    from specprod_copy.daily.run import load_tiles as run

    inputs = take_inputs(specprod, options)
    return run(dsn, inputs, [*tileids], TileOptions(**{"schema": specprod, **options}), listener)


def sync(
    *,
    specprod: str = "daily",
    dsn: str = "",
    listener: ProgressListener | None = None,
    **options: Any,
) -> TilesSummary:
    """Bring the tables of a daily production into step with its files.

    Parameters
    ----------
    specprod, dsn, listener
        As for `load`.
    **options
        As for `load_tiles`; and `since` (only tiles whose LASTNIGHT is not before this night, as
        YYYYMMDD), `delete` (remove tiles that vanished from the tiles file or are not loadable any
        more) and `dry_run` (only find out what there is to do).

    Returns
    -------
    TilesSummary

    Raises
    ------
    SpecprodCopyError
        If nothing could be done at all.

    Examples
    --------
    >>> import specprod_copy as sc
    >>> summary = sc.sync(root=daily_root, dsn=dsn)
    >>> tileid in [loaded.tileid for loaded in summary.loaded], summary.failed
    (False, {})
    """
    from specprod_copy.arguments import take_inputs
    from specprod_copy.daily.options import SyncOptions
    from specprod_copy.daily.run import sync as run

    inputs = take_inputs(specprod, options)
    return run(dsn, inputs, SyncOptions(**{"schema": specprod, **options}), listener)


def query(
    sql: str,
    *,
    dsn: str = "",
    output: Path | str | None = None,
    kind: Literal["polars", "astropy"] = "polars",
    listener: ProgressListener | None = None,
    **options: Any,
) -> pl.DataFrame | Table | QuerySummary:
    """Run a query in a read-only transaction, and return its result or write it to a file.

    Parameters
    ----------
    sql : str
        One statement that returns rows.
    dsn, listener
        As for `load`.
    output : path-like, optional
        File for the result: ``.parquet``, ``.fits``, ``.ecsv``, ``.vot`` or ``.csv``. It appears
        when it is complete.
    kind : {"polars", "astropy"}
        Without `output`: what is returned. In a Polars frame ids are ``Decimal(38, 0)``; an astropy
        Table has them as text, and has units, descriptions and UCDs.
    **options
        The other fields of `specprod_copy.results.options.QueryOptions`: `schema` (str), whose
        tables need no schema in front of their names; `parameters` (mapping) for what stands as
        ``%(name)s`` in the query; `keep_9999` (bool), otherwise -9999 where the loader has put it
        is null; `format` and `overwrite` of the file; `lists`, (name, path) of lists of your own
        that the query sees as tables; and, with an empty `sql`, `table` with `cone` (ra, dec,
        radius in degrees) or `match` (name of a list) and `radius` (arcsec).

    Returns
    -------
    polars.DataFrame or astropy.table.Table or QuerySummary
        The last one, with the number of rows, for a file.

    Raises
    ------
    SpecprodCopyError
        If the query is refused, the format cannot hold its result, or the file cannot be written.

    Examples
    --------
    >>> import specprod_copy as sc
    >>> sc.query("SELECT count(*) FROM tile", schema="fuji", dsn=dsn).item() > 0
    True
    """
    from pathlib import Path

    from specprod_copy.results import api
    from specprod_copy.results.options import QueryOptions

    path = None if output is None else Path(output)
    wanted = QueryOptions(output=path, **options)
    if path is not None:
        return api.run(dsn, sql, wanted, listener)
    return api.in_memory(dsn, sql, wanted, kind)


def _verify_catalogues(
    dsn: str, listener: ProgressListener | None, options: dict[str, Any]
) -> list[Result]:
    """Verify a schema of value-added catalogues."""
    from specprod_copy.arguments import take_executor, take_path
    from specprod_copy.errors import ConfigurationError
    from specprod_copy.verification import VerifyOptions
    from specprod_copy.verification.catalogues import catalogues_at, verify_catalogues

    root, executor = take_path(options, "root"), take_executor(options)
    wanted = VerifyOptions(**{"stages": ("all",), "schema": "vac", **options})
    catalogues = catalogues_at(dsn, wanted.schema)
    if not catalogues:
        raise ConfigurationError(
            f"schema {wanted.schema} has no value-added catalogues; of a production name specprod"
        )
    with executor.workers(wanted.jobs, root) as workers:
        return verify_catalogues(dsn, catalogues, wanted, listener, root=root, workers=workers)


def __getattr__(name: str) -> Any:
    if name == "ids":
        from importlib import import_module

        return import_module("specprod_copy.desi.ids")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
