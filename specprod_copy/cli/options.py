"""Groups of options that commands share, beside those of the libraries' own dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import click
from click.shell_completion import CompletionItem

from specprod_copy.cli.builder import completed_to, make
from specprod_copy.cli.text import warn
from specprod_copy.desi.configuration import (
    Production,
    find_production,
    ignored_keys,
    load_configuration,
)
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import ConfigurationError
from specprod_copy.option import Option
from specprod_copy.tables import SOURCES, STAGES, Inputs, specprod_catalogue
from specprod_copy.words import did_you_mean

Config = Annotated[
    Path | None,
    Option(
        "-c --config",
        "TOML or INI file that adds productions or changes known ones.",
        path="file",
        exists=True,
    ),
]


def chosen_production(name: str, config: Path | None) -> Production:
    """Return a production; say which keys of its section are not heard."""
    production = find_production(name, config)
    ignored = ignored_keys(config, name) if config is not None else []
    if ignored:
        warn(
            f"Warning: {config}, section [{name}]: {', '.join(ignored)} ignored; the server is "
            "named by --hostname, --username and --dbname or by PG* variables"
        )
    return production


@dataclass(frozen=True)
class ProductionOptions:
    """Which production, and where its files are."""

    specprod: Annotated[
        str | None,
        Option(
            "-p --specprod",
            "Name of the production, e.g. iron.",
            variable="SPECPROD",
            names_known=load_configuration,
        ),
    ] = None
    root: Annotated[
        Path | None,
        Option("-r --root", "Folder that holds spectro/, vac/ and target/.", variable="DESI_ROOT"),
    ] = None
    config: Config = None

    def files(self) -> ProductionFiles:
        """Return the production's files."""
        if not self.specprod:
            raise click.UsageError("name the production: --specprod NAME, or set SPECPROD")
        if self.root is None:
            raise click.UsageError("name the folder of the data: --root DIR, or set DESI_ROOT")
        return ProductionFiles(chosen_production(self.specprod, self.config), self.root)


def make_inputs(values: Mapping[str, Any]) -> Inputs:
    """Return the inputs that a command's options name."""
    return make(Inputs, values, files=make(ProductionOptions, values).files())


@dataclass(frozen=True)
class SchemaOptions:
    """Which schema, and which production and files if they are known."""

    schema: Annotated[
        str | None, Option("-s --schema", "Schema.  [default: name of the production]")
    ] = None
    specprod: Annotated[
        str | None,
        Option("-p --specprod", "Production.", variable="SPECPROD", names_known=load_configuration),
    ] = None
    root: Annotated[
        Path | None, Option("-r --root", "Folder of the production's files: open them.")
    ] = None
    config: Config = None

    @property
    def name(self) -> str | None:
        """The schema; None if it is not known."""
        return self.schema or self.specprod

    def inputs(self) -> Inputs | None:
        """Return the production's files; None without a root."""
        if self.root is None:
            return None
        if self.specprod is None:
            raise ConfigurationError("--root needs --specprod, to know which files there are")
        files = ProductionFiles(chosen_production(self.specprod, self.config), self.root)
        return Inputs(files, skip_missing=True)


@dataclass(frozen=True)
class Readers:
    """Who may read."""

    public: Annotated[bool, Option("--public", "Let the roles of the public read as well.")] = False
    roles: Annotated[
        tuple[str, ...], Option("--role", "Role that may read; may be given several times.")
    ] = ("desi",)
    public_roles: Annotated[
        tuple[str, ...],
        Option("--public-role", "Role that may read with --public; may be given several times."),
    ] = ("desi_public",)

    @property
    def all(self) -> tuple[str, ...]:
        """All roles that may read."""
        return (*self.roles, *(self.public_roles if self.public else ()))


@dataclass(frozen=True)
class Verbosity:
    """How much is said."""

    verbose: Annotated[bool, Option("-v --verbose", "Name each step.")] = False
    quiet: Annotated[bool, Option("-q --quiet", "Print nothing but errors.")] = False

    def __post_init__(self) -> None:
        if self.verbose and self.quiet:
            raise click.UsageError("--verbose and --quiet exclude each other")

    @property
    def level(self) -> int:
        """Negative: only errors; positive: each step."""
        return int(self.verbose) - int(self.quiet)


class Name(click.ParamType):
    """One of some known names, or the question which one is meant."""

    def __init__(self, kind: str, known: Sequence[str], listing: str) -> None:
        self.name = kind
        self._known = [*known]
        self._listing = listing

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name if it is known."""
        if value not in self._known:
            meant = did_you_mean(value, self._known)
            hints = f"{meant} {self._listing}" if meant else self._listing
            self.fail(f"no {self.name} is called {value!r}; {hints}", param, ctx)
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin so."""
        return [CompletionItem(name) for name in self._known if name.startswith(incomplete)]


JSON = click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")

complete_production = completed_to(load_configuration)
complete_table = completed_to(lambda: specprod_catalogue().definition.tables)

_PARTS = sorted({source.table for source in SOURCES.values()} - {*STAGES})
STAGE = Name(
    "stage",
    ("all", *STAGES, *_PARTS),
    f"stages: {' '.join(STAGES)}; parts of stages: {' '.join(_PARTS)}",
)
EPILOG = f"Stages, in their order: {', '.join(STAGES)}."
"""Ends the help text of commands that take stages."""
