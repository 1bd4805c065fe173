"""Several files appear together, or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from support.summary_productions import content

from specprod_copy import atomic_files
from specprod_copy.atomic_files import staged, written
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


def test_folder_that_others_use_meanwhile(tmp_path: Path) -> None:
    """It stays, and does not hide why the work failed."""
    with (
        pytest.raises(InputError, match=r"^no$"),
        staged(tmp_path / "new" / "folder", ["a"]),
    ):
        (tmp_path / "new" / "theirs").touch()
        raise InputError("no")
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "theirs"]


@contextmanager
def at_line(wanted: int, happens: Callable[[], None]) -> Iterator[list[int]]:
    """Let something happen at the n-th line of the module that is run; yield the lines so far."""
    lines: list[int] = []

    def trace(frame, event, argument):
        if frame.f_code.co_filename != atomic_files.__file__:
            return None
        if event == "line":
            lines.append(frame.f_lineno)
            if len(lines) == wanted:
                happens()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)


def test_interrupted_anywhere(tmp_path: Path) -> None:
    """There is the old file, or in the end the new one."""
    file = tmp_path / "a"

    def interrupt() -> None:
        raise KeyboardInterrupt

    found = []
    for wanted in count(1):
        file.write_text("old")
        try:
            with at_line(wanted, interrupt) as lines, written(file, overwrite=True) as new:
                new.write_text("new")
        except KeyboardInterrupt:
            found.append(file.read_text())
        if len(lines) < wanted:
            break
    assert found == sorted(found, reverse=True)
    assert found.count("old") > 50
    assert content(tmp_path) == {"a": b"new"}


def test_file_of_another_that_comes_at_any_moment(tmp_path: Path) -> None:
    """It is not replaced, and who comes second is told."""
    file = tmp_path / "a"

    def come() -> None:
        with suppress(FileExistsError), file.open("x") as other:
            other.write("other")
            first.append("other")

    for wanted in count(1):
        file.unlink(missing_ok=True)
        first: list[str] = []
        told = ""
        try:
            with at_line(wanted, come) as lines, written(file) as new:
                new.write_text("new")
        except InputError as error:
            told = str(error)
        if len(lines) < wanted:
            break
        refused = f"{file}: exists; add --overwrite to replace it"
        assert (told == refused) == bool(first), lines[-1]
        assert file.read_text() == ("other" if first else "new"), lines[-1]


def test_a_reader_finds_a_file_at_any_moment(tmp_path: Path) -> None:
    file = tmp_path / "a"
    found: list[str] = []
    for wanted in count(1):
        file.write_text("old")
        with (
            at_line(wanted, lambda: found.append(file.read_text())) as lines,
            written(file, overwrite=True) as new,
        ):
            new.write_text("new")
        if len(lines) < wanted:
            break
    assert {*found} == {"old", "new"}
