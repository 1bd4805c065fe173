"""Groups of options that commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from psycopg.conninfo import make_conninfo

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.conninfo import conninfo_parameters, server_is_named
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import Inputs

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CLUSTER = Path("specprod.pgdata")
"""Folder of the embedded server."""

_CONFIG = click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="TOML or INI file that adds productions or changes known ones.",
)


def connection_options(command: F) -> F:
    """Add the options that say which server; the command gets ``conninfo``."""

    @click.option(
        "--dsn",
        help="Connection as a URI or key=value string, e.g. 'postgresql://desi@host/specprod'. "
        "Keep passwords in ~/.pgpass.",
    )
    @click.option("-H", "--hostname", help="Host name or socket folder of the server.")
    @click.option("-U", "--username", help="Name of the database user.")
    @click.option("-D", "--dbname", help="Name of the database.")
    @click.option(
        "--embedded",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the embedded server. It is used when no other option and no PG* variable "
        f"names a server.  [default: ./{DEFAULT_CLUSTER}]",
    )
    @functools.wraps(command)
    def wrapper(
        *args: Any,
        dsn: str | None,
        hostname: str | None,
        username: str | None,
        dbname: str | None,
        embedded: Path | None,
        **kwargs: Any,
    ) -> Any:
        named = {"host": hostname, "user": username, "dbname": dbname}
        if embedded is not None and (dsn or any(named.values())):
            raise click.UsageError("--embedded and another server exclude each other")
        if embedded is None and server_is_named({"dsn": dsn, **named}):
            conninfo_parameters(dsn or "")
            conninfo = make_conninfo(dsn or "", **{k: v for k, v in named.items() if v})
        else:
            cluster = Cluster(embedded or DEFAULT_CLUSTER)
            cluster.start()
            conninfo = cluster.conninfo()
        return command(*args, conninfo=conninfo, **kwargs)

    return wrapper  # type: ignore[return-value]


def production_options(command: F) -> F:
    """Add the options that say which production; the command gets ``files``."""

    @click.option(
        "-p",
        "--specprod",
        envvar="SPECPROD",
        show_envvar=True,
        help="Name of the production, e.g. iron.",
    )
    @click.option(
        "-r",
        "--root",
        envvar="DESI_ROOT",
        show_envvar=True,
        type=click.Path(path_type=Path),
        help="Folder that holds spectro/, vac/ and target/.",
    )
    @_CONFIG
    @functools.wraps(command)
    def wrapper(
        *args: Any, specprod: str | None, root: Path | None, config: Path | None, **kwargs: Any
    ) -> Any:
        if not specprod:
            raise click.UsageError("name the production: --specprod NAME, or set SPECPROD")
        if root is None:
            raise click.UsageError("name the folder of the data: --root DIR, or set DESI_ROOT")
        production = find_production(specprod, config)
        return command(*args, files=ProductionFiles(production, root), **kwargs)

    return wrapper  # type: ignore[return-value]


def input_options(*, skip_missing: str = "") -> Callable[[F], F]:
    """Add the options that say which production and which files; the command gets ``inputs``.

    Parameters
    ----------
    skip_missing : str
        What ``--skip-missing`` does, for ``--help``; without this there is no such option.
    """
    skip_option = (
        click.option("--skip-missing", is_flag=True, help=skip_missing)
        if skip_missing
        else lambda command: command
    )

    def decorate(command: F) -> F:
        @production_options
        @click.option(
            "--tiles-file",
            type=click.Path(path_type=Path),
            help="Tiles file (FITS, CSV or ECSV) instead of the production's own.",
        )
        @click.option(
            "--exposures-file",
            type=click.Path(path_type=Path),
            help="Exposures file instead of the production's own.",
        )
        @skip_option
        @functools.wraps(command)
        def wrapper(
            *args: Any,
            files: ProductionFiles,
            tiles_file: Path | None,
            exposures_file: Path | None,
            skip_missing: bool = False,
            **kwargs: Any,
        ) -> Any:
            inputs = Inputs(files, tiles_file, exposures_file, skip_missing=skip_missing)
            return command(*args, inputs=inputs, **kwargs)

        return wrapper

    return decorate


def schema_options(purpose: str, files_tell: str) -> Callable[[F], F]:
    """Add the options that say which schema, and which production and files if they are known.

    The command gets ``schema``, the production's name or None if nothing else is told, and
    ``inputs``, None without a root.

    Parameters
    ----------
    purpose : str
        What the schema is wanted for, for ``--help``.
    files_tell : str
        What opening the files tells, for ``--help``.
    """

    def decorate(command: F) -> F:
        @click.option(
            "-s", "--schema", help=f"Schema to {purpose}.  [default: name of the production]"
        )
        @click.option("-p", "--specprod", envvar="SPECPROD", show_envvar=True, help="Production.")
        @click.option(
            "-r",
            "--root",
            type=click.Path(path_type=Path),
            help=f"Folder of the production's files: open them, to tell {files_tell}.",
        )
        @_CONFIG
        @functools.wraps(command)
        def wrapper(
            *args: Any,
            schema: str | None,
            specprod: str | None,
            root: Path | None,
            config: Path | None,
            **kwargs: Any,
        ) -> Any:
            inputs = None
            if root is not None:
                if specprod is None:
                    raise ConfigurationError(
                        "--root needs --specprod, to know which files there are"
                    )
                files = ProductionFiles(find_production(specprod, config), root)
                inputs = Inputs(files, skip_missing=True)
            return command(*args, schema=schema or specprod, inputs=inputs, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def role_options(
    help_of_flag: str, *, flag: str = "--public", readers: tuple[str, ...] = ("desi",)
) -> Callable[[F], F]:
    """Add the options that say who may read; the command gets ``roles``.

    Parameters
    ----------
    help_of_flag : str
        What the flag does, for ``--help``.
    flag : str
        The flag that adds the roles of the public.
    readers : tuple of str
        Roles that may read when none is named.
    """

    def decorate(command: F) -> F:
        @click.option(flag, "public", is_flag=True, help=help_of_flag)
        @click.option(
            "--role",
            "roles",
            multiple=True,
            default=readers,
            show_default=bool(readers),
            help="Role that may read; may be given several times.",
        )
        @click.option(
            "--public-role",
            "public_roles",
            multiple=True,
            default=("desi_public",),
            show_default=True,
            help=f"Role that may read with {flag}; may be given several times.",
        )
        @functools.wraps(command)
        def wrapper(
            *args: Any,
            public: bool,
            roles: tuple[str, ...],
            public_roles: tuple[str, ...],
            **kwargs: Any,
        ) -> Any:
            return command(*args, roles=(*roles, *(public_roles if public else ())), **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def verbosity_options(command: F) -> F:
    """Add ``-v`` and ``-q``; the command gets ``verbosity``."""

    @click.option("-v", "--verbose", is_flag=True, help="Tell each step.")
    @click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
    @functools.wraps(command)
    def wrapper(*args: Any, verbose: bool, quiet: bool, **kwargs: Any) -> Any:
        if verbose and quiet:
            raise click.UsageError("--verbose and --quiet exclude each other")
        return command(*args, verbosity=int(verbose) - int(quiet), **kwargs)

    return wrapper  # type: ignore[return-value]
