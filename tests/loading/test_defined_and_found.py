"""What a schema has against its definition: what status, verify and a load make of a difference."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from support.productions import load_production

from specprod_copy.demo import write_production
from specprod_copy.desi.configuration import load_configuration
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import DatabaseError, InputError
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.status import schema_status
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

STAGES = ("exposures",)
PRETENDER = """ALTER TABLE iron.exposure DROP CONSTRAINT exposure_tileid_fkey,
               ADD CONSTRAINT exposure_tileid_fkey CHECK (tileid > 0)"""
OTHER_COLUMN = "DROP INDEX iron.ix_frame_night; CREATE INDEX ix_frame_night ON iron.frame (tileid)"


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("defined")
    write_production(root, "iron", tiles=2, targets=20)
    return root


@pytest.fixture(scope="module")
def inputs(root) -> Inputs:
    return Inputs(ProductionFiles(load_configuration()["iron"], root))


@pytest.fixture(scope="module")
def loaded(module_database, root) -> str:
    load_production(module_database, root, "iron", *STAGES)
    return module_database


@pytest.fixture(params=[PRETENDER, OTHER_COLUMN], ids=["a CHECK", "another column"])
def changed(request, loaded, root):
    """A schema in which something has the name of a foreign key or an index, and is none."""
    with psycopg.connect(loaded, autocommit=True) as connection:
        connection.execute(request.param)
        name = "exposure_tileid_fkey" if "CHECK" in request.param else "ix_frame_night"
        yield loaded, name
        if "CHECK" in request.param:
            connection.execute(f"ALTER TABLE iron.exposure DROP CONSTRAINT {name}")
        else:
            connection.execute(f"DROP INDEX iron.{name}")
    load_production(loaded, root, "iron", *STAGES)


def test_status_does_not_take_a_name_for_the_thing(changed):
    conninfo, name = changed
    with psycopg.connect(conninfo) as connection:
        status = schema_status(connection, "iron")
    assert name in [each for names in status.steps_missing.values() for each in names]
    assert name not in [each for names in status.steps_done.values() for each in names]


def test_verify_says_what_it_is(changed, inputs):
    conninfo, name = changed
    results = verify(conninfo, inputs, VerifyOptions(STAGES, "iron", sample=0))
    [failed] = [result for result in results if not result.passed]
    assert failed.name == "finish"
    assert failed.detail.startswith(f"{name} is ")
    assert "; drop what is wrong, and load the stage again" in failed.detail


def test_a_load_refuses_to_go_on(changed, root):
    conninfo, name = changed
    with pytest.raises(DatabaseError, match=f"{name} is .*, not .*; drop it, and run the command"):
        load_production(conninfo, root, "iron", *STAGES)


def test_without_a_server_a_plan_is_that_of_an_empty_one(database, inputs):
    options = LoadOptions(("all",), "iron")
    there, wanted = plan_load(database, inputs, options)
    without, statements = plan_load(None, inputs, options)
    assert without.units == there.units
    assert without.n_rows > 0
    assert statements == wanted


def test_no_server_and_fiberassign_alone(inputs):
    """Which tiles there are is in the database, or among what is loaded."""
    with pytest.raises(InputError, match="the tiles of the production are not known"):
        plan_load(None, inputs, LoadOptions(("fiberassign",), "iron"))
