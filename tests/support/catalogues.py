"""Value-added catalogues of a test: FITS files, their descriptions, and the commands on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner

from specprod_copy.cli import cli
from specprod_copy.errors import SpecprodCopyError

FASTSPEC = "vac/dr1/fastspecfit/iron/v2.1/catalogs"


def table_sql(columns: str, key: str = "targetid") -> str:
    """Return the SQL file of a table with some columns, the key made after the rows."""
    name = "{{ schema }}.{{ table }}"
    return (
        f"{{% block table %}}\nCREATE TABLE IF NOT EXISTS {name} ({columns});\n{{% endblock %}}\n"
        f"{{% block keys %}}\nALTER TABLE {name} ADD CONSTRAINT {{{{ table }}}}_pkey "
        f"PRIMARY KEY ({key});\n{{% endblock %}}\n"
    )


class Catalogues:
    """A folder of catalogues and a database."""

    def __init__(self, root: Path, conninfo: str) -> None:
        self.root, self.conninfo = root, conninfo

    def run(self, *arguments: object, code: int = 0) -> str:
        """Run a command, and return what it printed."""
        server = () if arguments[0] == "draft-ddl" else ("--dsn", self.conninfo)
        done = CliRunner().invoke(cli, [*map(str, arguments), *server])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.stdout if "--json" in arguments else done.output

    def refuse(self, *arguments: object) -> str:
        """Run a command that fails and leaves the database as it is; return the message."""
        before = self.relations()
        with pytest.raises(SpecprodCopyError) as caught:
            self.run(*arguments)
        assert self.relations() == before
        return str(caught.value)

    def draft(self, *arguments: object, into: str = "own") -> Path:
        """Draft a catalogue, and return its description."""
        folder = self.root / into
        self.run("draft-ddl", *arguments, "--root", self.root, "-o", folder)
        (found,) = folder.glob("*.toml")
        return found

    def load(self, description: Path, *arguments: object, code: int = 0) -> str:
        return self.run("load-vac", description, "--root", self.root, *arguments, code=code)

    def refuse_load(self, description: Path, *arguments: object) -> str:
        return self.refuse("load-vac", description, "--root", self.root, *arguments)

    def verify(self, *arguments: object) -> dict[tuple[str, str], str]:
        """Verify; every check has to pass. Return what they say."""
        results = json.loads(self.run("verify", "--schema", "vac", "--json", *arguments))
        assert [one for one in results if not one["passed"]] == []
        return {(one["table"], one["name"]): one["detail"] for one in results}

    def query(self, text: str) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute(text.encode()).fetchall()

    def relations(self) -> list[tuple]:
        return self.query("SELECT oid, relfilenode FROM pg_class WHERE oid > 16384 ORDER BY oid")


def write_fits(path: Path, hdus: Mapping[str, Mapping[str, object]], **header: object) -> Path:
    """Write binary tables; a column is an array, or (array, unit)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = [fits.PrimaryHDU()]
    for name, columns in hdus.items():
        made = []
        for column, said in columns.items():
            values, unit = said if isinstance(said, tuple) else (np.asarray(said), None)
            made.append(fits.Column(column, _form(values), unit, array=values, dim=_dim(values)))
        table = fits.BinTableHDU.from_columns(made, name=name)
        table.header.update(header)
        tables.append(table)
    fits.HDUList(tables).writeto(path, overwrite=True)
    return path


def _form(values: np.ndarray) -> str:
    letters = {"b1": "L", "u1": "B", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}
    n = int(np.prod(values.shape[1:]))
    if values.dtype.kind in "SU":
        width = values.dtype.itemsize // (4 if values.dtype.kind == "U" else 1)
        return f"{width * n}A"
    return f"{n if n > 1 else ''}{letters[values.dtype.str[1:]]}"


def _dim(values: np.ndarray) -> str | None:
    sizes = values.shape[:0:-1]
    if values.dtype.kind == "S":
        sizes = (values.dtype.itemsize, *sizes)
    return f"({','.join(map(str, sizes))})" if len(sizes) > 1 else None


def fastspec(root: Path, program: str, first: int, n: int = 40, **changed: object) -> Path:
    """Write a file in the form of FastSpecFit: three HDUs of the same rows."""
    rng = np.random.default_rng(first)
    targetid = np.arange(first, first + n, dtype="i8") * 1000 + 39627
    same = {
        "TARGETID": targetid,
        "SURVEY": np.full(n, "main", "S7"),
        "PROGRAM": np.full(n, program, "S6"),
        "HEALPIX": np.arange(n, dtype="i4"),
    }
    metadata = {
        **same,
        "RA": (rng.uniform(0, 360, n), "deg"),
        "DEC": (rng.uniform(-80, 80, n), "deg"),
        "DESI_TARGET": np.full(n, 2**62, "i8"),
        "Z": rng.uniform(0, 1, n),
        "ZWARN": np.zeros(n, "i8"),
        "SPECTYPE": np.full(n, "GALAXY", "S6"),
        "TILEID_LIST": np.full(n, "1000,1001", "S12"),
        **changed,
    }
    flux = rng.normal(size=n).astype("f4")
    flux[3] = np.nan
    flux[4] = -0.0
    specphot = {**same, "KCORR": rng.normal(size=n).astype("f4"), "LOGMSTAR": flux}
    lines = {
        f"{line}_{kind}": (rng.normal(size=n).astype("f4"), "10**(-17) erg/(s cm2)")
        for line in ("OII_3726", "HALPHA", "NII_6584")
        for kind in ("FLUX", "FLUX_IVAR")
    }
    hdus = {"METADATA": metadata, "SPECPHOT": specphot, "FASTSPEC": {**same, **lines}}
    path = root / FASTSPEC / f"fastspec-iron-main-{program}.fits"
    return write_fits(path, hdus, SPECPROD="iron")
