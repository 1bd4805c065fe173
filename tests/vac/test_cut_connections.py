"""Connections that are cut while functions look at a schema: an error of ours, as of any fault."""

from __future__ import annotations

import psycopg
import pytest
from support.catalogues import FASTSPEC, Catalogues, fastspec
from support.listening import meanwhile, open_transaction
from support.moments import await_waiting

import specprod_copy as sc
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.described import plan_catalogue
from specprod_copy.loading.options import LoadOptions
from specprod_copy.vac.parsing import read_description


@pytest.fixture(scope="module")
def vac(tmp_path_factory, module_database) -> Catalogues:
    vac = Catalogues(tmp_path_factory.mktemp("vac"), module_database)
    fastspec(vac.root, "dark", 0)
    drafted = vac.draft(vac.root / FASTSPEC / "fastspec-iron-main-dark.fits", into="")
    vac.load(drafted.rename(vac.root / "own.toml"))
    return vac


def verify(vac: Catalogues) -> object:
    return sc.verify(dsn=vac.conninfo, schema="vac")


def load(vac: Catalogues) -> object:
    return sc.load_vac(vac.root / "own.toml", root=vac.root, dsn=vac.conninfo, schema="vac")


def plan(vac: Catalogues) -> object:
    description = read_description(vac.root / "own.toml")
    return plan_catalogue(vac.conninfo, description, vac.root, LoadOptions(("all",), "vac"))


@pytest.mark.parametrize("function", [verify, load, plan])
def test_functions(vac, function):
    """The connection is cut when it waits for what the schema has."""
    with (
        open_transaction(vac.conninfo, "LOCK TABLE vac.vac") as holder,
        meanwhile(lambda: function(vac), holder) as working,
    ):
        await_waiting(vac.conninfo, "%")
        with psycopg.connect(vac.conninfo) as administrator:
            query = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE wait_event_type = 'Lock' AND datname = current_database()"""
            assert administrator.execute(query).fetchall() == [(True,)]
        with pytest.raises(DatabaseError) as caught:
            working.result()
    message = str(caught.value)
    assert "schema vac: terminating connection due to administrator command" in message
    assert message.endswith("; once that is over, run the command again")
