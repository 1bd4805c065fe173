"""A table to be patched, its patch, and the names of all that belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from specprod_copy.coeff_patch.kinds import KINDS, Kind
from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres import ddl
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.schema import Schema
from specprod_copy.tables import specprod_catalogue

PATCH_SCHEMA: Final = "coeff_patch"
"""The schema that patches of all productions share."""


@dataclass(frozen=True)
class Patch:
    """The patch of one table.

    Raises
    ------
    ConfigurationError
        If one of the names is longer than PostgreSQL allows.
    """

    kind: Kind
    name: str
    """Begins the names of what belongs to the patch: that of the production, or Data Lab's."""
    schema: str
    patch_schema: str = PATCH_SCHEMA
    """Schema of the patch and of the saved coefficients."""

    def __post_init__(self) -> None:
        names = (self.schema, self.patch_schema, self.own_schema, self.backup_key)
        for name in (*names, *(new for _, new in self.indexes)):
            quote_identifier(name)

    @property
    def table(self) -> str:
        """The table that is patched."""
        return self.kind.table

    @property
    def plain(self) -> str:
        """The patch by its plain name, which it has in a schema of its own."""
        return self.kind.source.table

    @property
    def patch(self) -> str:
        """The patch by the name that it has in the patch schema."""
        return f"{self.name}_{self.plain}"

    @property
    def backup(self) -> str:
        """The table of saved coefficients."""
        return f"{self.name}_{self.table}_before"

    @property
    def backup_key(self) -> str:
        """Its primary key."""
        return f"{self.backup}_pkey"

    @property
    def own_schema(self) -> str:
        """The schema in which a patch is made before it is moved to the others."""
        return f"{self.patch_schema}_{self.name}"

    @property
    def indexes(self) -> list[tuple[str, str]]:
        """Names of indexes in the own schema and in the patch schema."""
        defined = specprod_catalogue().definition
        made = ddl.statements(defined, [self.plain], ["keys", "indexes"], schema=self.own_schema)
        names = [s.makes.name for s in made if s.makes and s.makes.kind == "index"]
        return [(name, name.replace(self.plain, self.patch)) for name in names]

    @property
    def definition(self) -> Schema:
        """The patch as it is defined, under its names in the patch schema."""
        defined = specprod_catalogue().definition.tables[self.plain]
        table = replace(defined.with_parts_renamed(dict(self.indexes)), name=self.patch)
        return Schema(self.patch_schema, {self.patch: table})

    def render(self, template: str, **names: ddl.Names) -> str:
        """Return the SQL of one of the templates ``coeff/``.

        Parameters
        ----------
        template : str
            Its name.
        **names
            Names beyond, or instead of, those of the patch.
        """
        known: dict[str, ddl.Names] = {
            "schema": self.schema,
            "table": self.table,
            "patch_schema": self.patch_schema,
            "patch": self.patch,
            "backup": self.backup,
            "backup_key": self.backup_key,
        }
        return ddl.render_template(f"coeff/{template}", **(known | names))


def patches_of(
    production: str,
    tables: Sequence[str] = (),
    *,
    schema: str | None = None,
    patch_schema: str = PATCH_SCHEMA,
    name: str | None = None,
) -> list[Patch]:
    """Return the patches of a production.

    Parameters
    ----------
    production : str
        Name of the production.
    tables : sequence of str
        ``zpix`` or ``ztile``; both when empty.
    schema : str, optional
        Schema of the tables; the production's name when None.
    patch_schema : str
        Schema of the patches.
    name : str, optional
        What names in the patch schema begin with; the production's name when None.

    Raises
    ------
    ConfigurationError
        If a table is unknown, or a name is longer than PostgreSQL allows.
    """
    unknown = [table for table in tables if table not in KINDS]
    if unknown:
        raise ConfigurationError(f"no patch is for table {unknown[0]!r}; known: {_listed(KINDS)}")
    return [
        Patch(
            kind=kind,
            name=production if name is None else name,
            schema=production if schema is None else schema,
            patch_schema=patch_schema,
        )
        for kind in KINDS.values()
        if kind.table in tables or not tables
    ]


def _listed(names: Iterable[str]) -> str:
    return " ".join(names)
