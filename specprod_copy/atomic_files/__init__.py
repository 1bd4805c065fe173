"""The only way files are written and removed: whole or not at all, and nothing that is not ours.

A name that is taken is replaced only where a regular file has it. A folder, a socket, a disk or a
link is refused. Into a FIFO or a device such as ``/dev/stdout`` the content is written. An input
is never replaced.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from errno import EISDIR
from pathlib import Path
from typing import BinaryIO

from specprod_copy.atomic_files.streams import is_stream, opened_stream
from specprod_copy.errors import InputError

_TEMPORARY = ".specprod-copy-"


def refuse_existing(folder: Path, names: Sequence[str]) -> None:
    """Raise an InputError if one of the files exists."""
    existing = [name for name in names if os.path.lexists(folder / name)]
    if len(existing) == 1:
        raise InputError("exists; add --overwrite to replace it", path=folder / existing[0])
    if existing:
        raise InputError(
            f"has {', '.join(existing)} already; add --overwrite to replace them", path=folder
        )


def check_replaceable(path: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Check that there is no file of that name, or one that may be replaced.

    Parameters
    ----------
    path : pathlib.Path
        The file to be written.
    inputs : iterable of pathlib.Path
        Files that are read.

    Raises
    ------
    InputError
        If it is no regular file, or one of the inputs.
    """
    with output_errors(path):
        if not os.path.lexists(path):
            return
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise InputError(f"is a link to {path.readlink()}; name a file", path=path)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if not stat.S_ISREG(mode):
            raise InputError("exists and is no regular file; it is not replaced", path=path)
        for file in inputs:
            if file.exists() and path.samefile(file):
                raise InputError("is an input; it is not replaced", path=path)


def check_folder(
    folder: Path, names: Iterable[str], *, overwrite: bool = True, inputs: Iterable[Path] = ()
) -> None:
    """Check what `staged` would refuse, before there is anything to write."""
    if folder.is_symlink() and not folder.exists():
        raise InputError(f"is a link to {folder.readlink()}, which does not exist", path=folder)
    names, inputs = list(names), list(inputs)
    if not overwrite:
        refuse_existing(folder, names)
    for name in names:
        check_replaceable(folder / name, inputs=inputs)


def write_output(
    path: Path, content: bytes, *, inputs: Iterable[Path] = (), mode: int | None = None
) -> None:
    """Write a file, whole or not at all; into a FIFO or a character device the content goes as is.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    content : bytes
        All of it.
    inputs : iterable of pathlib.Path
        As for `check_replaceable`.
    mode : int, optional
        Permissions. By default as for `staged`.

    Raises
    ------
    InputError
        If it cannot be written, or is not to be replaced.
    """
    with written(path, overwrite=True, inputs=inputs, mode=mode) as new:
        new.write_bytes(content)


@contextmanager
def written(
    path: Path,
    *,
    overwrite: bool = False,
    inputs: Iterable[Path] = (),
    mode: int | None = None,
) -> Iterator[Path]:
    """Yield the name of a new file; what is written there is moved to its place in the end.

    Into a FIFO or a character device its content goes then. Parameters and errors as for `staged`.
    """
    with output_errors(path):
        stream = is_stream(path)
    if not stream:
        with (
            staged(path.parent, [path.name], overwrite=overwrite, inputs=inputs, mode=mode) as new,
            output_errors(path),
        ):
            yield new / path.name
        return
    with output_errors(path), tempfile.TemporaryDirectory(prefix=_TEMPORARY) as temporary:
        new = Path(temporary) / (path.name or "output")
        yield new
        with new.open("rb") as content, opened_stream(path) as file:
            shutil.copyfileobj(content, file)


def create(path: Path, within: Path) -> BinaryIO:
    """Open a new file below a folder, and make the folders between.

    Parameters
    ----------
    path : pathlib.Path
        The file; nothing may have its name.
    within : pathlib.Path
        The folder that it must be in, links followed.

    Raises
    ------
    InputError
        If the file exists or a link leads out of the folder.
    """
    with output_errors(path):
        _refuse_outside(path, within)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")


def remove(paths: Iterable[Path], within: Path) -> None:
    """Remove regular files below a folder, all or none; some may be gone already.

    Raises
    ------
    InputError
        If one is no regular file, or outside of the folder by its name or by a link.
    """
    paths = list(paths)
    for path in paths:
        with output_errors(path):
            _refuse_outside(path, within)
            check_replaceable(path)
    for path in paths:
        with output_errors(path):
            path.unlink(missing_ok=True)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into an InputError with the name of the file that is being written."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot be written: {_reason(error)}", path=path) from error


@contextmanager
def staged(
    folder: Path,
    names: Sequence[str],
    *,
    overwrite: bool = False,
    inputs: Iterable[Path] = (),
    mode: int | None = None,
) -> Iterator[Path]:
    """Yield a temporary folder; what is written there is moved to its place in the end.

    After an error or an interrupt the folder is as it was before. (A process that is killed leaves
    whole files at most, and its temporary folder ``.specprod-copy-*``.)

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the files; made if it does not exist.
    names : sequence of str
        The files; all of them have to be written.
    overwrite : bool
        Whether to replace existing files. They keep their owner where root replaces them.
    inputs : iterable of pathlib.Path
        As for `check_replaceable`.
    mode : int, optional
        Permissions. By default those of the replaced files, or what the umask leaves.

    Yields
    ------
    pathlib.Path
        The temporary folder, on the same file system.

    Raises
    ------
    InputError
        If a file exists and is not to be replaced, or cannot be written.
    """
    inputs = list(inputs)
    check_folder(folder, names, overwrite=overwrite, inputs=inputs)
    try:
        with ExitStack() as undo:
            _make_folder(folder, undo)
            with tempfile.TemporaryDirectory(dir=folder, prefix=_TEMPORARY) as temporary:
                new, old = Path(temporary) / "new", Path(temporary) / "old"
                new.mkdir()
                old.mkdir()
                yield new
                check_folder(folder, names, overwrite=overwrite, inputs=inputs)
                with ExitStack() as move_back:
                    for name in names:
                        moved = new / name, folder / name, old / name
                        _move(*moved, move_back, overwrite=overwrite, mode=mode)
                    move_back.pop_all()
            undo.pop_all()
    except OSError as error:
        path = error.filename or folder
        raise InputError(f"cannot be read or written: {_reason(error)}", path=path) from error


def _reason(error: OSError) -> str:
    return " ".join((error.strerror or str(error)).split())


def _make_folder(folder: Path, undo: ExitStack) -> None:
    """Make a folder and those above it; `undo` removes them, unless somebody else uses them."""
    absent = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in reversed(absent):
        undo.callback(_remove_empty, path)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _move(
    new: Path, final: Path, old: Path, move_back: ExitStack, *, overwrite: bool, mode: int | None
) -> None:
    """Move a file to its place; what was there is kept until everything is in place."""
    # Before anything is moved: an interrupt may come right behind it.
    move_back.callback(_move_back, new.lstat(), final, old)
    if mode is not None:
        new.chmod(mode)
    if not overwrite:
        _link(new, final)
        return
    if os.path.lexists(final):
        _link(final, old)  # and not moved: the name stands for a file at any moment
        check_replaceable(old)  # again: this is what will be replaced
        before = old.stat()
        if os.geteuid() == 0:
            os.chown(new, before.st_uid, before.st_gid)
        if mode is None:
            new.chmod(stat.S_IMODE(before.st_mode))
    new.replace(final)


def _link(path: Path, other: Path) -> None:
    """Give a file another name, which must be free; it may lose the one it has."""
    try:
        os.link(path, other, follow_symlinks=False)
    except FileExistsError:
        refuse_existing(other.parent, [other.name])
        raise
    except OSError:  # a folder, somebody else's file, or a file system without hard links
        path.rename(other)


def _move_back(made: os.stat_result, final: Path, old: Path) -> None:
    """Let a name stand for what it stood for before, unless somebody else has taken it."""
    taken = os.path.lexists(final)
    if taken and not os.path.samestat(final.lstat(), made):
        return
    if os.path.lexists(old):
        old.replace(final)
    elif taken:
        final.rename(old)


def _refuse_outside(path: Path, within: Path) -> None:
    if not path.parent.resolve().is_relative_to(within.resolve()):
        raise InputError(f"is not in folder {within}; it is left alone", path=path)
