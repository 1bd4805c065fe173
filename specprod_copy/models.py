"""Tables of a schema as classes of SQLAlchemy, with DESI's names for what belongs to a row::

    from specprod_copy import models

    iron = models.connect("iron", "dbname=desi")
    with iron.session() as session:
        quasars = session.query(iron.Zpix).filter(iron.Zpix.spectype == "QSO")
        print(quasars.first().photometry.flux_r)

Notebooks that were written for specprod-db run with one line changed::

    import specprod_copy.models as db

    db.setup_db(schema="iron", hostname="specprod-db.desi.lbl.gov", username="desi")
    db.dbSession.query(db.Photometry, db.Zpix).join(db.Photometry.zpix_redshifts)

The classes are made of the tables that the server has. Sessions are read-only. The 128-bit ids are
exact, as `decimal.Decimal`; pandas rounds them unless told ``coerce_float=False``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection import connect as connect_to_server
from specprod_copy.postgres.ddl import LEDGER
from specprod_copy.results.session import QUERY_SETTINGS, query_path
from specprod_copy.tables import Layout, specprod_catalogue

try:
    from sqlalchemy import MetaData, Numeric, TypeDecorator, create_engine, event, inspect
    from sqlalchemy.ext.automap import automap_base, generate_relationship
    from sqlalchemy.orm import scoped_session, sessionmaker
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "the models need SQLAlchemy: pip install 'specprod-copy[orm]'", name=error.name
    ) from error

_MANY: Final = {
    "target": "targets",
    "zpix": "zpix_redshifts",
    "ztile": "ztile_redshifts",
    "exposure": "exposures",
    "frame": "frames",
}
"""What the rows of a table are called that belong to a row of another one; else as the table."""


class _Id(TypeDecorator):
    """A 128-bit id. SQLAlchemy would send an integer that it is compared with as a bigint."""

    impl = Numeric(39, 0)
    cache_ok = True

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Return the type of what it is compared with."""
        return self

    def process_bind_param(self, value: Any, dialect: Any) -> Decimal | None:
        """Refuse numbers that have lost digits already."""
        if value is None or isinstance(value, Decimal):
            return value
        return Decimal(value) if isinstance(value, str) else Decimal(operator.index(value))


def _keep_ids_exact(_inspector: Any, _table: Any, column: dict[str, Any]) -> None:
    if getattr(column["type"], "precision", None) == 39:
        column["type"] = _Id()


@dataclass(frozen=True)
class Models:
    """The tables of a schema; each is an attribute, as in ``models.Zpix``."""

    schema: str
    engine: Any = field(repr=False)
    """An engine of SQLAlchemy. Its sessions see the schema and q3c without their names."""
    classes: Mapping[str, Any] = field(repr=False)
    """By name."""
    session: Callable[..., Any] = field(repr=False)
    """Makes a session of SQLAlchemy."""

    def __getattr__(self, name: str) -> Any:
        classes = self.__dict__.get("classes", {})
        if name in classes:
            return classes[name]
        raise AttributeError(
            f"schema {self.__dict__.get('schema')} has no {name}; there are: "
            f"{', '.join(classes)} (none for a table without its primary key, as during a load)"
        )

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.classes]


def connect(schema: str, dsn: str = "") -> Models:
    """Return the tables of a schema as classes.

    Parameters
    ----------
    schema : str
        As in the catalog.
    dsn : str
        Connection string, as libpq takes it. What it leaves open comes from the ``PG*`` variables
        and ``.pgpass``. It is kept out of everything that SQLAlchemy shows.

    Returns
    -------
    Models
        One class for each table of a production that the schema has, but not for the ledger:
        ``Zpix`` for zpix. Relations have the names of specprod-db: ``targets``,
        ``zpix_redshifts``, ``ztile_redshifts``, ``exposures``, ``frames``, ``fiberassign``,
        ``potential``; the other way ``photometry``, ``target``, ``tile``, ``exposure``.

    Raises
    ------
    ConfigurationError
        If the connection string is none.
    DatabaseError
        If there is no server, no such schema, or no table of a production in it.
    """

    def connected() -> psycopg.Connection:
        connection = connect_to_server(dsn, settings=QUERY_SETTINGS)
        path = query_path(connection, schema)
        connection.execute("SELECT set_config('search_path', %s, false)", (path,))
        connection.autocommit = False
        connection.read_only = True
        return connection

    engine = create_engine("postgresql+psycopg://", creator=connected)
    known = set(inspect(engine).get_table_names(schema=schema))
    wanted = [t for t in _EVERY.definition.tables if t in known and t != LEDGER]
    if not wanted:
        engine.dispose()
        raise DatabaseError(f"schema {schema} has none of the tables of a production")
    metadata = MetaData()
    event.listen(metadata, "column_reflect", _keep_ids_exact)
    # Our sessions see the schema; the server then leaves its name out of foreign keys.
    metadata.reflect(engine, schema=schema, only=wanted, postgresql_ignore_search_path=True)
    _leave_out_partitions(metadata, wanted)
    base: Any = automap_base(metadata=metadata)
    base.__repr__ = _row_text
    base.prepare(
        generate_relationship=partial(generate_relationship, overlaps=_OVERLAPS),
        classname_for_table=lambda _base, table, _: table.capitalize(),
        name_for_scalar_relationship=lambda _base, _local, other, _key: other.__table__.name,
        name_for_collection_relationship=lambda _base, _local, other, _key: _MANY.get(
            other.__table__.name, other.__table__.name
        ),
    )
    base.registry.configure()  # relations exist before the first query
    return Models(schema, engine, dict(base.classes.items()), sessionmaker(engine))


def _leave_out_partitions(metadata: Any, wanted: Collection[str]) -> None:
    """Remove tables that came along by foreign keys: the server has one for each partition, too."""
    others = {table for table in metadata.tables.values() if table.name not in wanted}
    for table in set(metadata.tables.values()) - others:
        for constraint in {c for c in table.foreign_key_constraints if c.referred_table in others}:
            table.constraints.discard(constraint)
            for key in constraint.elements:
                key.parent.foreign_keys.discard(key)
                table.foreign_keys.discard(key)
    for table in others:
        metadata.remove(table)


_OVERLAPS = "photometry,target,ztile_redshifts"
"""Relations of tables in partitions, where both foreign keys of ztile have its targetid."""


def _row_text(row: Any) -> str:
    """Return a row as people see it: by its primary key, asking the server nothing."""
    state = inspect(row)
    keys = [state.mapper.get_property_by_column(c).key for c in state.mapper.primary_key]
    values = state.identity or [state.dict.get(key) for key in keys]
    shown = ", ".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))
    return f"{type(row).__name__}({shown})"


_EVERY = specprod_catalogue(Layout(light_curves=True))
"""With the tables that are loaded when they are asked for."""

dbSession: Any = scoped_session(sessionmaker())  # noqa: N816 - the name that notebooks use
"""The session of `setup_db`."""

_chosen: Models | None = None
"""What `setup_db` was called for last."""


def setup_db(
    *, schema: str, hostname: str = "", username: str = "", dbname: str = "", dsn: str = ""
) -> Models:
    """Connect as notebooks for specprod-db do; then the classes are attributes of this module.

    Parameters
    ----------
    schema : str
        Schema of the production.
    hostname, username, dbname : str
        Where it is. What is left out comes from `dsn`, the ``PG*`` variables or libpq's rules; the
        password from ``.pgpass``.
    dsn : str
        Connection string with whatever else is needed.

    Returns
    -------
    Models

    Raises
    ------
    ConfigurationError, DatabaseError
        As `connect`. What was set up before stays then.
    """
    global _chosen
    named = {"host": hostname, "user": username, "dbname": dbname}
    given = {name: value for name, value in named.items() if value}
    try:
        conninfo = make_conninfo(dsn, **given)
    except psycopg.Error:
        conninfo = dsn  # which `connect` refuses without showing it
    models = connect(schema, conninfo)
    dbSession.remove()
    dbSession.configure(bind=models.engine)
    if _chosen is not None:
        _chosen.engine.dispose()
    _chosen = models
    return models


def __getattr__(name: str) -> Any:
    """Return the engine, or a class, of what `setup_db` was called for."""
    if name.startswith("_") or (name != "engine" and not name[:1].isupper()):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _chosen is None:
        raise AttributeError(f"call setup_db(schema=...) before {name} is used")
    return getattr(_chosen, name)
