"""Output files that appear all together or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from specprod_copy.errors import InputError


def refuse_existing(folder: Path, names: Sequence[str]) -> None:
    """Raise an InputError if one of the files exists."""
    if existing := [name for name in names if os.path.lexists(folder / name)]:
        raise InputError(
            f"exists; add --overwrite to replace it: {', '.join(existing)}", path=folder
        )


@contextmanager
def staged(folder: Path, names: Sequence[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary folder; what is written there is moved to its place in the end.

    After an error or an interrupt the folder is as it was before. (A process that is killed leaves
    whole files at most, and its temporary folder ``.patch-*``.)

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the files; made if it does not exist.
    names : sequence of str
        The files; all of them have to be written.
    overwrite : bool
        Whether to replace existing files.

    Yields
    ------
    pathlib.Path
        The temporary folder, on the same file system.

    Raises
    ------
    InputError
        If a file exists and is not to be replaced, or cannot be written.
    """
    if not overwrite:
        refuse_existing(folder, names)
    try:
        with ExitStack() as undo:
            _make_folder(folder, undo)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".patch-") as temporary:
                new, old = Path(temporary) / "new", Path(temporary) / "old"
                new.mkdir()
                old.mkdir()
                yield new
                if not overwrite:
                    refuse_existing(folder, names)
                with ExitStack() as move_back:
                    for name in names:
                        _replace(new / name, folder / name, old / name, move_back)
                    move_back.pop_all()
            undo.pop_all()
    except OSError as error:
        reason = error.strerror or str(error)
        path = error.filename or folder
        raise InputError(f"cannot be read or written: {reason}", path=path) from error


def _make_folder(folder: Path, undo: ExitStack) -> None:
    """Make a folder and those above it; they are removed again by `undo`."""
    absent = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in reversed(absent):
        undo.callback(path.rmdir)


def _replace(new: Path, final: Path, old: Path, move_back: ExitStack) -> None:
    """Move a file to its place; what was there is kept until everything is in place."""
    if os.path.lexists(final):
        final.rename(old)
        move_back.callback(old.rename, final)
    new.rename(final)
    move_back.callback(final.unlink)
