"""The files being written: opened when first needed, listed so that they can be replaced later."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from specprod_copy.atomic_files import check_replaceable, create, output_errors, remove
from specprod_copy.demo.fitsfile import Hdu, Keywords, TableFile, Written, write_file
from specprod_copy.demo.layouts import Array, Layout
from specprod_copy.errors import ConfigurationError


class Outputs:
    """The files of a production.

    A list of them, ``demo-PRODUCTION.txt`` in the root, tells a later run what it may replace.

    Raises
    ------
    ConfigurationError
        If an earlier demo has written this production and is not to be overwritten, or if there
        are files of that name that no demo of this production has written.
    """

    def __init__(
        self, root: Path, specprod: str, planned: Iterable[Path], *, overwrite: bool
    ) -> None:
        self.root = root
        self.written: list[Written] = []
        self._open: dict[Path, TableFile] = {}
        name = root / f"demo-{specprod}.txt"
        old = _listed(name, root) if os.path.lexists(name) else []
        if old and not overwrite:
            raise ConfigurationError(
                f"{root} already holds a demo of {specprod}; "
                "choose another folder, or replace it with --overwrite"
            )
        own = set(old)
        for path in planned:
            if path not in own:
                _refuse(path)
        remove(old, root)
        self._list = create(name, root)

    def table(self, path: Path, layouts: Sequence[Layout], keywords: Keywords) -> TableFile:
        """Return the growing file of that name, made when it is asked for the first time."""
        if path not in self._open:
            self._open[path] = TableFile(path, self._create(path), layouts, keywords)
        return self._open[path]

    def append(self, path: Path, layout: Layout, records: Array) -> None:
        """Append records to a file with a single table."""
        self.table(path, [layout], {}).append(records)

    def whole(self, path: Path, hdus: Sequence[Hdu], keywords: Keywords | None = None) -> None:
        """Write a complete file."""
        with self._create(path) as file:
            self.written += write_file(path, file, hdus, keywords or {})

    def text(self, path: Path, name: str, lines: Iterable[str]) -> None:
        """Write a text file, one row per line after a line with names."""
        content = list(lines)
        with self._create(path) as file:
            file.write("".join(f"{line}\n" for line in content).encode("ascii"))
        self.written.append(Written(path, name, len(content) - 1))

    def close(self, below: Path | None = None) -> None:
        """Complete all growing files, or those below a folder; without one, the list as well."""
        for path in [path for path in self._open if below is None or below in path.parents]:
            self.written += self._open.pop(path).close()
        if below is None:
            self._list.close()

    def _create(self, path: Path) -> BinaryIO:
        """Make a new file, after a note of it in the list."""
        _refuse(path)
        self._list.write(f"{path.relative_to(self.root)}\n".encode())
        self._list.flush()
        return create(path, self.root)


def _listed(name: Path, root: Path) -> list[Path]:
    """Return the files of an earlier demo, its list last."""
    check_replaceable(name)
    with output_errors(name):
        lines = name.read_text("utf-8").splitlines()
    return [*(root / line for line in lines), name]


def _refuse(path: Path) -> None:
    if os.path.lexists(path):
        raise ConfigurationError(
            f"{path} exists and was not written by a demo of this production; choose another folder"
        )
