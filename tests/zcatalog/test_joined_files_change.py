"""What becomes of tables whose rows are in several files: changed, replaced, shared, planned."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.table import Table
from click.testing import CliRunner
from support.catalogs_v2 import PRODUCTION, inputs_of, make_catalog, zall

from specprod_copy.cli import cli
from specprod_copy.errors import ChangedFileError, DatabaseError
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.plan.limits import Limits
from specprod_copy.status import schema_status
from specprod_copy.verification import VerifyOptions, verify

SECOND = replace(PRODUCTION, photometry="v1.0")
FIRST = replace(SECOND, redshift="patch/v1")
OPTIONS = LoadOptions(("redshift",), "loa", roles=())


@pytest.fixture
def root(tmp_path):
    for kind in ("pix", "tile"):
        make_catalog(kind).write(zall(tmp_path, kind))
    return tmp_path


def extra_of(path: Path) -> Path:
    return path.with_name(path.name.replace(".fits", "-extra.fits"))


def change_extra(root: Path, *, keep_stamp: bool = False) -> Path:
    """Issue the extra file anew, with one other value; the core stays as it is."""
    path = zall(root, "pix")
    core, extra = path.read_bytes(), extra_of(path)
    stamp, time = path.stat(), extra.stat()
    catalog = make_catalog("pix")
    catalog.extra["NPIXELS"][3] = 77
    catalog.write(path)
    path.write_bytes(core)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    if keep_stamp:
        assert extra.stat().st_size == time.st_size
        os.utime(extra, ns=(time.st_atime_ns, time.st_mtime_ns))
    return extra


def failed(conninfo: str, root: Path) -> list[str]:
    options = VerifyOptions(("redshift",), "loa", alone=True)
    results = verify(conninfo, inputs_of(root, SECOND), options)
    return [str(result.detail) for result in results if not result.passed]


def query(conninfo: str, text: str) -> list[tuple]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(text.encode()).fetchall()


def test_the_ledger_has_both_files(root, database):
    load(database, inputs_of(root, SECOND), OPTIONS)
    found = query(database, "SELECT entry, inputs FROM loa.load_ledger WHERE table_name = 'zpix'")
    [(entry, [core, extra])] = found
    assert entry == f"{zall(Path(), 'pix')}[ZCATALOG]"
    assert (core["file"], core["hdu"]) == (str(zall(Path(), "pix")), "ZCATALOG")
    assert (extra["file"], extra["hdu"]) == (str(extra_of(zall(Path(), "pix"))), "ZCATALOG_EXTRA")
    assert extra["size"] == extra_of(zall(root, "pix")).stat().st_size
    assert len({core["digest"], extra["digest"]}) == 2


def test_a_change_of_the_extra_file_is_noticed_and_replaced(root, database):
    inputs = inputs_of(root, SECOND)
    load(database, inputs, OPTIONS)
    extra = change_extra(root)
    message = rf"{extra}\[ZCATALOG_EXTRA\]: the file changed .* --replace {zall(root, 'pix')}"
    with pytest.raises(ChangedFileError, match=message):
        load(database, inputs, OPTIONS)
    with psycopg.connect(database) as connection:
        told = schema_status(connection, "loa", inputs).changed
    assert [bool(re.search(message, line)) for line in told] == [True]
    name = f"{extra_of(zall(Path(), 'pix'))}[ZCATALOG_EXTRA]"
    assert any(f": {name} changed since it was loaded" in line for line in failed(database, root))
    # Whichever of the joined files is named.
    summary = load(database, inputs, replace(OPTIONS, replace=(extra,)))
    assert "zpix: 1 rows changed, 0 new, 0 removed" in summary.notes
    assert query(database, "SELECT count(*) FROM loa.zpix WHERE npixels = 77") == [(1,)]
    assert failed(database, root) == [
        line for line in failed(database, root) if "does not exist" in line
    ]


def test_one_of_the_same_size_and_time_is_noticed_by_its_content(root, database):
    inputs = inputs_of(root, SECOND)
    load(database, inputs, OPTIONS)
    change_extra(root, keep_stamp=True)
    assert sum(t.rows_kept for t in load(database, inputs, OPTIONS).tables) == 0
    with pytest.raises(ChangedFileError, match="ZCATALOG_EXTRA"):
        load(database, inputs, replace(OPTIONS, check_content=True))
    assert any("of the same size and time" in line for line in failed(database, root))


def test_copied_files_are_the_same(root, database):
    inputs = inputs_of(root, SECOND)
    load(database, inputs, OPTIONS)
    os.utime(extra_of(zall(root, "pix")), ns=(10**18, 10**18))
    assert sum(t.rows_kept for t in load(database, inputs, OPTIONS).tables) == 0
    times = query(
        database,
        "SELECT inputs -> 1 -> 'mtime_ns' FROM loa.load_ledger WHERE table_name = 'zpix'",
    )
    assert times == [(10**18,)]


def test_another_name_of_the_folder(root, database, tmp_path_factory):
    load(database, inputs_of(root, SECOND), OPTIONS)
    folder = zall(root, "pix").parent.parent
    folder.rename(folder.with_name("v2.1"))
    inputs = inputs_of(root, replace(SECOND, redshift="patch/v2.1"))
    assert sum(t.rows_kept for t in load(database, inputs, OPTIONS).tables) == 0
    names = query(
        database,
        """SELECT inputs -> 0 ->> 'file', inputs -> 1 ->> 'file' FROM loa.load_ledger
           WHERE table_name = 'zpix'""",
    )
    new = Path("spectro/redux/loa/zcatalog/v2.1/zall")
    assert names == [(str(new / "zall-pix-loa.fits"), str(new / "zall-pix-loa-extra.fits"))]


def test_parts_and_processes(root, database):
    small = Limits(small_rows=5, batch_rows=10, unit_rows=10)
    inputs, options = inputs_of(root, SECOND), replace(OPTIONS, limits=small)
    for part in (1, 2):
        load(database, inputs, replace(options, part=(part, 2)))
    load(database, inputs, replace(options, jobs=2))
    assert query(database, "SELECT count(*), max(id)::text > '' FROM loa.zpix") == [(36, True)]
    assert [line for line in failed(database, root) if "does not exist" not in line] == []


def first_format(root: Path) -> None:
    """Write the same catalogs in the first format: one file, and no best redshifts."""
    for kind in ("pix", "tile"):
        catalog = make_catalog(kind)
        columns = {**catalog.extra, **catalog.core}
        path = zall(root, kind).parents[2] / "v1" / zall(root, kind).name
        path.parent.mkdir(exist_ok=True)
        meta = {"EXTNAME": "ZCATALOG", "SPGRP": catalog.header["SPGRP"]}
        Table({n: v for n, v in columns.items() if not n.endswith("_BEST")}, meta=meta).write(path)


@pytest.mark.parametrize("replaced", [False, True])
def test_two_formats_in_two_schemas(root, database, replaced):
    first_format(root)
    load(database, inputs_of(root, FIRST), OPTIONS)
    before = query(database, "SELECT xmin, * FROM loa.zpix ORDER BY id")
    options = replace(OPTIONS, replace=(zall(root, "pix"),) if replaced else ())
    message = "catalogs are of the second format, and table loa.ztile is of the first.*loa_v2"
    with pytest.raises(DatabaseError, match=message):
        load(database, inputs_of(root, SECOND), options)
    with pytest.raises(DatabaseError, match=message):
        plan_load(database, inputs_of(root, SECOND), options)
    assert query(database, "SELECT xmin, * FROM loa.zpix ORDER BY id") == before
    load(database, inputs_of(root, SECOND), replace(OPTIONS, schema="loa_v2"))
    assert query(database, "SELECT count(*) FROM loa.zpix a JOIN loa_v2.zpix b USING (id)") == [
        (36,)
    ]
    same = "SELECT bool_and(a.z = b.z_rr), bool_or(a.z = b.z) FROM loa.zpix a JOIN loa_v2.zpix b"
    assert query(database, f"{same} USING (id)") == [(True, False)]
    message = "of the first format, and table loa_v2.ztile is of the second.*"
    with pytest.raises(DatabaseError, match=message):
        load(database, inputs_of(root, FIRST), replace(OPTIONS, schema="loa_v2"))


def test_what_the_files_are_counts(root, database):
    """The folder is called v1, and its catalogs are of the second format."""
    folder = zall(root, "pix").parent.parent
    folder.rename(folder.with_name("v1"))
    summary = load(database, inputs_of(root, FIRST), OPTIONS)
    [note] = [n for n in summary.notes if "what the files are counts" in n]
    assert "its catalogs are of the second format, though the configuration says patch/v1" in note
    assert query(database, "SELECT count(z_rr) FROM loa.zpix") == [(36,)]


def test_the_plan_has_sizes_and_space(root, tmp_path):
    config = tmp_path / "own.toml"
    config.write_text(
        '[loa]\nrelease = "dr2"\nphotometry = "v1.0"\ntarget_summary = false\n'
        'redshift = "patch/v2"\ntiles = "2.0"\n'
    )
    options = [
        "-n",
        "-p",
        "loa",
        "-r",
        str(root),
        "-c",
        str(config),
        "--server",
        str(tmp_path / "no"),
    ]
    done = CliRunner().invoke(cli, ["load", "redshift", *options[:-2]], catch_exceptions=False)
    assert done.exit_code == 0
    size = extra_of(zall(root, "pix")).stat().st_size
    assert f"file: {extra_of(zall(Path(), 'pix'))}, {size / 1e6:,.1f} MB" in done.output
    assert "space on the server: about 0.1 MB for rows, 0.0 MB for keys and indexes" in done.output


def test_the_file_of_a_survey_is_replaced_among_others(root, database):
    """Where zall catalogs are missing, those of surveys are joined to their own extra files."""
    for kind in ("pix", "tile"):
        for path in zall(root, kind).parent.glob("*"):
            path.unlink()
        for number, survey in enumerate(("main", "sv3")):
            catalog = make_catalog(kind, 20, zall=False, seed=number, surveys=(survey,))
            if survey == "sv3":
                for part in (catalog.core, catalog.extra, catalog.imaging):
                    part["TARGETID"] = part["TARGETID"] + 100
            name = {"pix": "zpix-{}-dark.fits", "tile": "ztile-{}-dark-cumulative.fits"}[kind]
            catalog.write(zall(root, kind).parents[1] / survey / name.format(survey))
    load(database, inputs_of(root, SECOND), OPTIONS)
    assert query(database, "SELECT survey, count(*) FROM loa.zpix GROUP BY 1 ORDER BY 1") == [
        ("main", 18),
        ("sv3", 18),
    ]
    catalog = make_catalog("pix", 20, zall=False, seed=0, surveys=("main",))
    catalog.extra["NPIXELS"] = np.full(20, 5, "i4")
    path = catalog.write(zall(root, "pix").parents[1] / "main" / "zpix-main-dark.fits")
    summary = load(database, inputs_of(root, SECOND), replace(OPTIONS, replace=(path,)))
    assert "zpix: 18 rows changed, 0 new, 0 removed" in summary.notes
