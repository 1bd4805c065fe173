"""What others make of patches while one is loaded: it is noticed, and nothing of theirs is lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from support.coeff_patch_tools import coefficients, objects, zall_files
from support.listening import Heard, meanwhile, open_transaction

from specprod_copy.coeff_patch import load, patches_of
from specprod_copy.errors import DatabaseError
from specprod_copy.progress import ProgressListener

pytest_plugins = ("support.coeff_patch_fixtures",)

ADD = "ALTER TABLE coeff_patch.iron_zpixpatch ADD myclass text"


class Beginning(ProgressListener):
    """Does something when rows begin to be read: the patches have been looked at by then."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work

    def begin(self, rows: int, size: int) -> None:
        self._work()


def test_two_load_the_same_patch(iron, connection, zall, wrong_root):
    refused = []

    def load_another() -> None:
        with pytest.raises(DatabaseError) as caught:
            load(iron, patches_of("iron"), [zall_files(wrong_root)["zpix"]])
        refused.append(str(caught.value))

    load(iron, patches_of("iron"), [zall["zpix"]], listener=Beginning(load_another))
    assert [text.partition(" (")[0] for text in refused] == [
        "another load is at work on schema coeff_patch_iron"
    ]
    assert coefficients(connection, "coeff_patch", "iron_zpixpatch") == coefficients(
        connection, "right_iron", "zpix"
    )


@pytest.mark.parametrize("table", ["zpixpatch", "ztilepatch"])
def test_a_patch_that_comes_meanwhile_is_not_replaced(iron, connection, zall, table):
    """A script for psql may put it there, which takes no lock of ours."""
    made = f"CREATE SCHEMA coeff_patch; CREATE TABLE coeff_patch.iron_{table} (id int)"
    beginning = Beginning(partial(connection.execute, made))
    with pytest.raises(DatabaseError) as caught:
        load(iron, patches_of("iron"), list(zall.values()), listener=beginning)
    assert str(caught.value) == f"table coeff_patch.iron_{table} exists; --overwrite replaces it"
    assert connection.execute(f"SELECT * FROM coeff_patch.iron_{table}").description[0].name == "id"
    assert "coeff_patch_iron" not in objects(connection)


def test_a_column_that_comes_meanwhile_is_not_dropped(loaded, connection, zall):
    beginning = Beginning(partial(connection.execute, ADD))
    with pytest.raises(DatabaseError, match=r"iron_zpixpatch has columns .*: myclass;"):
        load(loaded, patches_of("iron"), [zall["zpix"]], overwrite=True, listener=beginning)
    connection.execute("SELECT myclass FROM coeff_patch.iron_zpixpatch")


def test_a_column_that_comes_while_the_patch_is_waited_for(loaded, connection, zall):
    heard = Heard()
    loading = partial(
        load, loaded, patches_of("iron"), [zall["zpix"]], overwrite=True, listener=heard
    )
    with (
        open_transaction(loaded, ADD) as user,
        meanwhile(loading, user) as working,
    ):
        heard.await_line(f"waiting for process {user.info.backend_pid} of ", working)
        user.commit()
        with pytest.raises(DatabaseError, match=r"iron_zpixpatch has columns .*: myclass;"):
            working.result()
    connection.execute("SELECT myclass FROM coeff_patch.iron_zpixpatch")
