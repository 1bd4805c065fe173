"""Several files appear together, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.summary_productions import content

from specprod_copy.atomic_files import staged
from specprod_copy.errors import InputError


@pytest.mark.parametrize("fault", [InputError("no"), KeyboardInterrupt(), OSError(28, "full", "x")])
def test_failed_run_leaves_nothing(tmp_path: Path, fault: BaseException) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a").write_text("old")
    for folder in (kept, tmp_path / "new" / "folder"):
        with (
            pytest.raises((InputError, KeyboardInterrupt)),
            staged(folder, ["a", "b"], overwrite=True) as temporary,
        ):
            (temporary / "a").write_text("new")
            raise fault
    assert content(kept) == {"a": b"old"}
    assert list(tmp_path.iterdir()) == [kept]


def test_failed_move_is_undone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old a")
    (tmp_path / "c").write_text("old c")
    with (
        pytest.raises(InputError, match="/new/c: cannot be read or written: No such file"),
        staged(tmp_path, ["a", "b", "c"], overwrite=True) as temporary,
    ):
        (temporary / "a").write_text("new")
        (temporary / "b").write_text("new")
    assert content(tmp_path) == {"a": b"old a", "c": b"old c"}
