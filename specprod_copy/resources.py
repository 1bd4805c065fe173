"""Where the packaged ``ddl/`` and ``templates/`` folders lie."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_folder(name: str) -> Path:
    """Return the folder of packaged files with the given name.

    In a wheel the folders are inside the package, in a source checkout (or an editable
    install of one) they are beside it.

    Parameters
    ----------
    name : str
        ``ddl`` or ``templates``.

    Returns
    -------
    pathlib.Path
    """
    packaged = _PACKAGE / "_resources" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name
