"""The files being written: opened when first needed, listed so that they can be replaced later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from specprod_copy.demo.fitsfile import Hdu, Keywords, TableFile, Written, write_file
from specprod_copy.demo.layouts import Array, Layout
from specprod_copy.errors import ConfigurationError


class Outputs:
    """The files of a production.

    A list of them, ``demo-PRODUCTION.txt`` in the root, tells a later run what it may replace.

    Parameters
    ----------
    root : pathlib.Path
        Folder that holds ``spectro``, ``vac`` and ``target``.
    specprod : str
        Name of the production.
    planned : iterable of pathlib.Path
        Files that will be written for sure.
    overwrite : bool
        Remove the files that an earlier demo has written.

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
        self._list = root / f"demo-{specprod}.txt"
        if self._list.exists():
            if not overwrite:
                raise ConfigurationError(
                    f"{root} already holds a demo of {specprod}; "
                    "choose another folder, or replace it with --overwrite"
                )
            for name in self._list.read_text("utf-8").splitlines():
                (root / name).unlink(missing_ok=True)
        for path in planned:
            _refuse(path)
        root.mkdir(parents=True, exist_ok=True)
        self._list.write_text("", "utf-8")

    def table(self, path: Path, layouts: Sequence[Layout], keywords: Keywords) -> TableFile:
        """Return the growing file of that name, made when it is asked for the first time."""
        if path not in self._open:
            self._claim(path)
            self._open[path] = TableFile(path, layouts, keywords)
        return self._open[path]

    def append(self, path: Path, layout: Layout, records: Array) -> None:
        """Append records to a file with a single table."""
        self.table(path, [layout], {}).append(records)

    def whole(self, path: Path, hdus: Sequence[Hdu], keywords: Keywords | None = None) -> None:
        """Write a complete file."""
        self._claim(path)
        self.written += write_file(path, hdus, keywords or {})

    def text(self, path: Path, name: str, lines: Iterable[str]) -> None:
        """Write a text file, one row per line after a line with names."""
        self._claim(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = list(lines)
        path.write_text("".join(f"{line}\n" for line in content), "ascii")
        self.written.append(Written(path, name, len(content) - 1))

    def close(self, below: Path | None = None) -> None:
        """Complete all growing files, or those below a folder."""
        for path in [path for path in self._open if below is None or below in path.parents]:
            self.written += self._open.pop(path).close()

    def _claim(self, path: Path) -> None:
        """Make sure that a file is new, and note it before it is made."""
        _refuse(path)
        with self._list.open("a", encoding="utf-8") as file:
            file.write(f"{path.relative_to(self.root)}\n")


def _refuse(path: Path) -> None:
    if path.exists():
        raise ConfigurationError(
            f"{path} exists and was not written by a demo of this production; choose another folder"
        )
