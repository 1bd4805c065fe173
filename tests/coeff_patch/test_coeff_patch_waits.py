"""Patches of coefficients: a table that somebody writes to."""

from __future__ import annotations

from functools import partial

import pytest
from support.listening import Heard, meanwhile, open_transaction, read

from specprod_copy.coeff_patch import apply, patches_of, revert

pytest_plugins = ("support.coeff_patch_fixtures",)

SAME = "UPDATE iron.zpix SET z = z WHERE id = (SELECT {}(id) FROM iron.zpix) RETURNING id"

COEFFICIENTS = "SELECT id, coeff_0 FROM iron.zpix ORDER BY id"


def test_nobody_waits_behind_a_patch_that_waits(loaded):
    """Who came first ends first, is told of, and who comes later writes meanwhile."""
    patches, heard = patches_of("iron", ["zpix"]), Heard()
    before = read(loaded, COEFFICIENTS)
    with (
        open_transaction(loaded, SAME.format("min")) as writer,
        meanwhile(partial(apply, loaded, patches, heard), writer) as applying,
    ):
        pid = writer.info.backend_pid
        heard.await_line(f"waiting for process {pid} of ", applying)
        for _ in range(3):
            assert len(read(loaded, SAME.format("max"))) == 1
        assert read(loaded, COEFFICIENTS) == before
        writer.commit()
        [applied] = applying.result()
    assert applied.changed > 0
    over = f"no longer waiting for process {pid}"
    assert heard.await_line(over) == over


@pytest.mark.parametrize("doing", [apply, revert])
def test_nobody_waits_for_one_table_while_the_patch_waits_for_another(loaded, doing):
    patches, heard = patches_of("iron"), Heard()
    if doing is revert:
        apply(loaded, patches)
    same = SAME.replace("zpix", "ztile").format("min")
    with (
        open_transaction(loaded, same) as writer,
        meanwhile(partial(doing, loaded, patches, heard), writer) as working,
    ):
        heard.await_line(f"waiting for process {writer.info.backend_pid} of ", working)
        for _ in range(3):
            assert len(read(loaded, SAME.format("max"))) == 1
        writer.commit()
        assert all(done.changed > 0 for done in working.result())
