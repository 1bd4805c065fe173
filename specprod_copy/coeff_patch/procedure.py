"""The whole procedure of the coefficient patch, as a script for psql."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from specprod_copy.coeff_patch.patches import PATCH_SCHEMA, Patch, patches_of
from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres import ddl

PRODUCTIONS: Final = ("guadalupe", "fuji", "iron")
"""Productions whose coefficients were wrong, in the order of patching.

The smallest one, which is not public, comes first: there it can be seen whether all is well.
"""

DATA_LAB: Final[Mapping[str, str]] = MappingProxyType({"fuji": "desi_edr", "iron": "desi_dr1"})
"""The productions that Data Lab has, and their names there."""


def render_procedure(
    productions: Sequence[str] = PRODUCTIONS,
    *,
    schema: str | None = None,
    patch_schema: str = PATCH_SCHEMA,
) -> str:
    """Return a script that ``psql -f`` runs as it is: moving, applying, restoring, renaming.

    Its statements are those that `apply` and the other functions run.

    Parameters
    ----------
    productions : sequence of str
        The productions, in the order of patching.
    schema : str, optional
        Schema of the tables, for a single production; its name when None.
    patch_schema : str
        Schema of the patches.

    Raises
    ------
    ConfigurationError
        If a name is longer than PostgreSQL allows, or one schema is given for several productions.
    """
    if schema is not None and len(productions) > 1:
        raise ConfigurationError("each production has a schema of its own; name one production")
    chosen = {
        name: patches_of(name, schema=schema, patch_schema=patch_schema) for name in productions
    }
    elsewhere = {
        old: patches_of(old, patch_schema=patch_schema, name=new) for old, new in DATA_LAB.items()
    }
    return ddl.render_template(
        "coeff/procedure",
        patch_schema=patch_schema,
        productions=[
            {"name": name, "patches": [_names(patch) for patch in patches]}
            for name, patches in chosen.items()
        ],
        datalab={
            "names": list(DATA_LAB.values()),
            "dropped": [
                patch.patch
                for name, patches in chosen.items()
                if name not in (*DATA_LAB, *DATA_LAB.values())
                for patch in patches
            ],
            "renamed": [
                _renamed(old, new)
                for name, patches in elsewhere.items()
                for old, new in zip(
                    patches_of(name, patch_schema=patch_schema), patches, strict=True
                )
            ],
        },
    )


def _names(patch: Patch) -> ddl.Names:
    return {
        "schema": patch.schema,
        "table": patch.table,
        "patch": patch.patch,
        "backup": patch.backup,
        "backup_key": patch.backup_key,
        "own_schema": patch.own_schema,
        "plain": patch.plain,
        "indexes": patch.indexes,
    }


def _renamed(old: Patch, new: Patch) -> ddl.Names:
    names = zip(old.indexes, new.indexes, strict=True)
    return {
        "table": old.patch,
        "new": new.patch,
        "indexes": [(before, after) for (_, before), (_, after) in names],
    }
