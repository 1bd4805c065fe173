"""Where the packaged ``ddl/`` and ``templates/`` folders lie, and pages made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from specprod_copy.words import escaped

_PACKAGE = Path(__file__).resolve().parent


def resource_folder(name: str) -> Path:
    """Return the folder of packaged files with the given name.

    In a wheel the folders are inside the package, in a source checkout (or an editable
    install of one) they are beside it.

    Parameters
    ----------
    name : str
        ``ddl`` or ``templates``.
    """
    packaged = _PACKAGE / "_resources" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def html_page(
    template: str, values: Mapping[str, object], filters: Mapping[str, Callable[..., Any]] = {}
) -> str:
    """Return a page for browsers, a template that is filled; every text is escaped."""
    import jinja2  # The package itself is to be imported quickly.

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_folder("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=lambda value: escaped(value) if isinstance(value, str) else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(template).render(values)
