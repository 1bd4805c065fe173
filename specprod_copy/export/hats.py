"""HATS catalogs (https://hats.readthedocs.io), for LSDB: tables cut into pixels of the sky.

The rows are written into Parquet files first, then hats-import sorts them into pixels, on Dask.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from specprod_copy import __version__
from specprod_copy.atomic_files import staged
from specprod_copy.errors import (
    ConfigurationError,
    InputError,
    SpecprodCopyError,
)
from specprod_copy.executors.executor import Workers
from specprod_copy.executors.workers import processes
from specprod_copy.export import parts
from specprod_copy.export.contents import Exported, exported, wrong_name
from specprod_copy.export.options import ExportSummary, HatsOptions
from specprod_copy.export.parts import Part
from specprod_copy.plan.production_catalogue import production_catalogue
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import connect, translated_errors
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Inputs, layout_of, specprod_catalogue

_PACKAGES: Final = ("hats_import", "distributed")


def export_files(
    inputs: Inputs,
    options: HatsOptions,
    listener: ProgressListener | None = None,
    *,
    workers: Workers | None = None,
) -> ExportSummary:
    """Make a HATS catalog of the files of a production, without a database.

    Parameters
    ----------
    inputs : Inputs
        The production's files.
    options : HatsOptions
    listener : ProgressListener, optional
        Receives progress events.
    workers : Workers, optional
        Who reads, instead of processes of this machine. Those of Dask sort and write as well; they
        have to reach the files and the folder.

    Raises
    ------
    ConfigurationError
        If the extra hats is not installed, or the table cannot be exported.
    InputError
        If a file is not as it must be, or the folder exists or cannot be written.
    """
    check(options)
    catalogue = production_catalogue(inputs)
    export = exported(catalogue, catalogue.definition, options.table, options.names)
    with _folders(options) as folders:
        with nullcontext(workers) if workers else processes(options.jobs) as readers:
            written = parts.from_files(
                catalogue,
                inputs,
                export,
                folders.temporary,
                workers=readers,
                listener=listener or ProgressListener(),
            )
        return _make(export, written, options, folders, workers)


def export_schema(
    conninfo: str,
    schema: str,
    options: HatsOptions,
    listener: ProgressListener | None = None,
    *,
    workers: Workers | None = None,
) -> ExportSummary:
    """Make a HATS catalog of a loaded table, as it is at one moment.

    Parameters
    ----------
    conninfo : str
        For libpq.
    schema : str
    options, listener, workers
        As for `export_files`.

    Raises
    ------
    SpecprodCopyError
        As `export_files`; and if there is no such schema, or the server refuses.
    """
    check(options)
    with (
        connect(conninfo) as connection,
        translated_errors(f"cannot look at schema {schema}"),
    ):
        require_schema(connection, schema)
        found = read_schema(connection, schema)
    catalogue = specprod_catalogue(layout_of(found))
    export = exported(catalogue, found, options.table, options.names)
    with _folders(options) as folders:
        written = parts.from_server(
            conninfo,
            catalogue,
            found,
            export,
            folders.temporary,
            listener=listener or ProgressListener(),
        )
        return _make(export, written, options, folders, workers)


def check(options: HatsOptions) -> None:
    """Check what can be checked before anything is read or started; errors as `export_files`."""
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise ConfigurationError(
            f"{' and '.join(missing)} not installed: pip install 'specprod-copy[hats]'"
        )
    if not options.folder.name:
        raise InputError("name a folder for the catalog", path=options.folder)
    if os.path.lexists(options.folder):
        raise InputError("exists; name a new folder for the catalog", path=options.folder)
    if wrong := wrong_name(options.folder.name):
        raise InputError(f"{wrong}; name another folder", path=options.folder)


class _Folders(NamedTuple):
    temporary: Path
    """For what comes in between."""
    new: Path
    """What the catalog is made in."""


@contextmanager
def _folders(options: HatsOptions) -> Iterator[_Folders]:
    folder = options.folder.absolute()
    with (
        staged(folder.parent, [folder.name]) as new,
        tempfile.TemporaryDirectory(dir=new.parent) as temporary,
    ):
        yield _Folders(Path(temporary), new)


def _make(
    export: Exported,
    written: Sequence[Part],
    options: HatsOptions,
    folders: _Folders,
    workers: Workers | None,
) -> ExportSummary:
    """Sort rows into the pixels of a catalog."""
    filled = [part for part in written if part.rows]
    rows = sum(part.rows for part in filled)
    if not filled:
        raise ConfigurationError(f"table {export.table} has no rows with a position")
    default = () if options.all_columns else export.principal
    _import(export, filled, options, default, folders, workers)
    return ExportSummary(rows, sum(part.left_out for part in written), export.named, default)


def _import(
    export: Exported,
    filled: Sequence[Part],
    options: HatsOptions,
    default: Sequence[str],
    folders: _Folders,
    workers: Workers | None,
) -> None:
    # They take seconds to import.
    from hats_import.catalog.file_readers import ParquetPyarrowReader
    from hats_import.collection.arguments import CollectionArguments
    from hats_import.collection.run_import import run

    from specprod_copy.executors.dask_client import losses_told
    from specprod_copy.executors.dask_workers import client_of

    properties: dict[str, Any] = {"hats_builder": f"specprod-copy {__version__}"}
    if default:
        properties["hats_cols_default"] = list(default)
    try:
        arguments = CollectionArguments(
            output_path=folders.new,
            output_artifact_name=options.folder.name,
            tmp_dir=folders.temporary,
            progress_bar=False,
            resume=False,
        ).catalog(
            output_artifact_name=export.table,
            input_file_list=[part.path for part in filled],
            file_reader=ParquetPyarrowReader(),
            use_schema_file=filled[0].path,
            ra_column=export.position[0],
            dec_column=export.position[1],
            expected_total_rows=sum(part.rows for part in filled),
            pixel_threshold=options.pixel_rows,
            addl_hats_properties=properties,
        )
        if options.margin:
            arguments.add_margin(
                margin_threshold=float(options.margin),
                is_default=True,
                addl_hats_properties={k: v for k, v in properties.items() if default},
            )
        with (
            client_of(workers, options.jobs) as client,
            client.as_current(),
            losses_told(client),
            _silence(),
        ):
            run(arguments, client)
    except (ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        raise SpecprodCopyError(f"hats-import cannot make the catalog: {said}") from error


@contextmanager
def _silence() -> Iterator[None]:
    """Keep to itself what libraries log and warn of; their errors are raised."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
