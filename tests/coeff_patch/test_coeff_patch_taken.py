"""Patches of coefficients: rows that a trigger keeps as they are."""

from __future__ import annotations

import pytest
from support.coeff_patch_tools import contents
from support.dropping import drop_rows

from specprod_copy.coeff_patch import apply, patches_of, revert
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import statements

pytest_plugins = ("support.coeff_patch_fixtures",)


def test_apply_and_revert(loaded, connection):
    patches = patches_of("iron")
    before = contents(connection)
    drop_rows(connection.execute, "iron.ztile", "UPDATE", "NEW.id % 2 = 0")
    with pytest.raises(DatabaseError, match=r"^iron\.ztile: the server took [1-9]\d* of \d+ rows"):
        apply(loaded, patches)
    assert contents(connection) == before
    connection.execute("ALTER TABLE iron.ztile DISABLE TRIGGER dropping")
    apply(loaded, patches)
    after = contents(connection)
    connection.execute("ALTER TABLE iron.ztile ENABLE TRIGGER dropping")
    with pytest.raises(DatabaseError, match=r"^iron\.ztile: the server took [1-9]\d* of \d+ rows"):
        revert(loaded, patches)
    assert contents(connection) == after


def test_old_coefficients_are_not_saved(loaded, connection):
    """Without them nobody could take the patch back."""
    [patch] = patches_of("iron", ["zpix"])
    statements.run(connection, patch.render("create_backup"))
    drop_rows(connection.execute, "coeff_patch.iron_zpix_before", "INSERT")
    before = contents(connection)
    message = r"^coeff_patch\.iron_zpix_before: the server took 0 of \d+ rows"
    with pytest.raises(DatabaseError, match=message):
        apply(loaded, [patch])
    assert contents(connection) == before
