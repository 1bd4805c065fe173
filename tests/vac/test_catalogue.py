"""A catalogue of several files and tables: drafted, loaded, verified, replaced, versions of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from support.catalogues import FASTSPEC, Catalogues, fastspec
from support.dask_cluster import dask_cluster
from support.limits import cut

import specprod_copy as sc
from specprod_copy import ids
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.described import load_catalogue
from specprod_copy.loading.options import LoadOptions
from specprod_copy.progress import ProgressListener
from specprod_copy.vac.parsing import read_description
from specprod_copy.vac.stored import stored
from specprod_copy.verification import VerifyOptions
from specprod_copy.verification.catalogues import verify_catalogues

TABLES = ("metadata", "specphot", "fastspec")


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    fastspec(tmp_path, "dark", 0)
    fastspec(tmp_path, "bright", 100)
    return Catalogues(tmp_path, database)


def files(vac: Catalogues):
    return sorted((vac.root / FASTSPEC).glob("*.fits"))


def same_as_files(vac: Catalogues, schema: str = "vac", suffix: str = "") -> None:
    """Compare every value with what astropy reads, by bits."""
    for table in TABLES:
        parts = [fits.getdata(path, table.upper()) for path in files(vac)]
        names = [name.lower() for name in parts[0].names]
        query = f"SELECT {', '.join(names)} FROM {schema}.{table}{suffix}"
        with psycopg.connect(vac.conninfo) as connection:
            rows = connection.cursor(binary=True).execute(query.encode()).fetchall()
        rows = sorted(rows, key=lambda row: row[0])
        whole = np.concatenate(parts)
        whole = whole[np.argsort(whole["TARGETID"])]
        for n, name in enumerate(parts[0].names):
            loaded = np.array([row[n] for row in rows])
            wanted = np.char.decode(whole[name]) if whole[name].dtype.kind == "S" else whole[name]
            if wanted.dtype.kind == "f":
                kind = wanted.dtype.newbyteorder("=")
                assert loaded.astype(kind).tobytes() == wanted.astype(kind).tobytes(), name
            else:
                assert loaded.tolist() == wanted.tolist(), name


def test_from_files_to_queries(vac):
    """Draft, dry run, load, verify, status, diff, describe, query: without any edit."""
    description = vac.draft(*files(vac))
    assert sorted(path.name for path in description.parent.iterdir()) == [
        "fastspec-main.toml",
        "fastspec.sql",
        "metadata.sql",
        "specphot.sql",
    ]
    before = vac.relations()
    planned = vac.load(description, "--dry-run")
    assert vac.relations() == before
    assert "note: metadata: 116 bytes a row, 65 rows a page" in planned
    assert "240 rows" in planned
    vac.load(description)
    same_as_files(vac)
    details = vac.verify()
    assert details["metadata", "primary-key"] == "targetid, survey, program is unique"
    assert details["fastspec", "sample"].startswith("80 rows of 10 columns")
    # A second time nothing is loaded, and nothing changes.
    before = vac.relations()
    assert "schema vac: 0 rows loaded and 0 keys" in vac.load(description)
    assert vac.relations() == before
    status = vac.run("status", "--schema", "vac", "--root", vac.root)
    assert "catalogue fastspec-main v2.1 (dr1, iron): metadata, specphot, fastspec" in status
    found = json.loads(vac.run("status", "--schema", "vac", "--root", vac.root, "--json"))
    assert [row["rows_missing"] for row in found["progress"]] == [0, 0, 0]
    assert "no differences" in vac.run("diff", "--schema", "vac")
    described = vac.run("describe", "--schema", "vac", "metadata.ra")
    assert "RA" in described and "[deg]" in described
    out = vac.root / "found.fits"
    vac.run("query", "SELECT ra, dec FROM vac.metadata WHERE program = 'dark'", "-o", out)
    assert fits.getheader(out, 1)["TUNIT1"] == "deg"
    assert len(fits.getdata(out, 1)) == 40
    if vac.query("SELECT FROM pg_available_extensions WHERE name = 'q3c'"):
        assert vac.query("SELECT count(*) FROM pg_indexes WHERE indexname = 'ix_metadata_q3c'") == [
            (1,)
        ]


def test_workers_of_dask_load_and_verify(vac):
    description = vac.draft(*files(vac))
    limits = replace(cut(20, 20), quick_rows=0)
    where = {"root": vac.root, "dsn": vac.conninfo, "limits": limits, "executor": "dask"}
    with dask_cluster() as cluster:
        address = cluster.scheduler_address
        by_dask = ("--executor", "dask", "--scheduler", address)
        assert "240 rows" in vac.load(description, *by_dask, "--dry-run")
        done = [cluster.scheduler.transition_counter]
        sc.load_vac(description, **where, scheduler=address, roles=())
        done.append(cluster.scheduler.transition_counter)
        assert all(result.passed for result in sc.verify(**where, scheduler=address))
        done.append(cluster.scheduler.transition_counter)
    assert done[0] < done[1] < done[2]
    same_as_files(vac)


def test_a_catalogue_that_is_replaced_before_it_is_verified(vac):
    """What its tables were is no measure for what they are now."""
    description = vac.draft(*files(vac))
    vac.load(description)
    with psycopg.connect(vac.conninfo) as connection:
        before = stored(connection, "vac")
    fastspec(vac.root, "dark", 0, n=41)
    description.write_text(description.read_text().replace('about = ""', 'about = "mended"'))
    vac.load(description, "--overwrite", "--yes")
    options = VerifyOptions(("all",), "vac")
    with pytest.raises(DatabaseError, match=r"main v2.1 .* was replaced .* verify it again"):
        verify_catalogues(vac.conninfo, before, options)
    vac.verify()


def test_verify_needs_no_file_but_those_of_the_catalogue(vac):
    """The description is in the schema, the files may be elsewhere."""
    description = vac.draft(*files(vac))
    vac.load(description)
    shutil.rmtree(description.parent)
    moved = vac.root.parent / f"{vac.root.name}-moved"
    shutil.move(vac.root / "vac", moved / "vac")
    shutil.rmtree(vac.root)
    message = vac.refuse("verify", "--schema", "vac")
    assert "was loaded from there" in message and "--root" in message
    assert all(result.passed for result in sc.verify(dsn=vac.conninfo, root=moved))
    only = ("--catalogue", "fastspec-main")
    results = json.loads(vac.run("verify", "--schema", "vac", "--root", moved, "--json", *only))
    assert {one["table"] for one in results} == {*TABLES}
    vac.query("UPDATE vac.specphot SET kcorr = kcorr + 1 WHERE targetid = 39627 RETURNING 1")
    changed = vac.run("verify", "--schema", "vac", "--root", moved, code=1)
    assert "kcorr" in changed and "targetid 39627" in changed
    shutil.rmtree(moved)


def test_a_file_is_replaced_and_parts_are_loaded_apart(vac):
    description = vac.draft(*files(vac))
    for part in ("1/2", "2/2"):
        vac.load(description, "--part", part, "--jobs", 1)
    assert vac.query("SELECT count(*) FROM pg_indexes WHERE indexname = 'metadata_pkey'") == [(0,)]
    vac.load(description)
    assert vac.query("SELECT count(*) FROM pg_indexes WHERE indexname = 'metadata_pkey'") == [(1,)]
    changed = fastspec(vac.root, "dark", 1)
    message = vac.refuse_load(description)
    again = f"load-vac {description} --schema vac --root {vac.root} --replace {changed}"
    assert f"specprod-copy {again} replaces them" in message
    vac.load(description, "--replace", changed)
    same_as_files(vac)
    vac.verify()
    # A row with the key of another file is refused, or goes into quarantine.
    fastspec(vac.root, "backup", 2000, PROGRAM=np.array(["dark"] + ["backup"] * 39, "S6"))
    twin = fits.open(files(vac)[0], mode="update")
    for hdu in twin[1:]:
        hdu.data["TARGETID"][0], hdu.data["PROGRAM"][0] = 1000 + 39627, "dark"
    twin.close()
    message = vac.refuse_load(description)
    assert "fastspec-iron-main-backup.fits[FASTSPEC]" in message
    assert "that of a row that was loaded before" in message
    bad = vac.root / "bad"
    output = vac.load(description, "--on-error", "quarantine", "--quarantine", bad, code=3)
    assert "rows in quarantine: 1 of metadata" in output
    vac.verify()


def test_versions_side_by_side(vac):
    description = vac.draft(*files(vac))
    loaded = sc.load_vac(description, root=vac.root, dsn=vac.conninfo, roles=())
    assert [table.rows_kept for table in loaded.tables] == [80, 80, 80]
    new = vac.root / FASTSPEC.replace("v2.1", "v3.0")
    shutil.copytree(vac.root / FASTSPEC, new)
    message = vac.refuse_load(description, "--version", "v3.0")
    assert "has rows of fastspec-main v2.1" in message and "--suffix _v3_0" in message
    vac.load(description, "--version", "v3.0", "--suffix", "_v3_0")
    same_as_files(vac, suffix="_v3_0")
    assert vac.query("SELECT catalogue, version, suffix, tables FROM vac.vac ORDER BY version") == [
        ("fastspec-main", "v2.1", "", [*TABLES]),
        ("fastspec-main", "v3.0", "_v3_0", [f"{table}_v3_0" for table in TABLES]),
    ]
    assert len({table for table, _ in vac.verify()}) == 6
    # The same tables with another version, in place of the old one.
    vac.load(description, "--version", "v3.0", "--overwrite")
    assert vac.query("SELECT version, suffix FROM vac.vac ORDER BY suffix") == [
        ("v3.0", ""),
        ("v3.0", "_v3_0"),
    ]
    vac.verify()
    # What is only said about it can change; what decides about rows cannot.
    text = description.read_text()
    description.write_text(text.replace('about = ""', 'about = "Lines"'))
    vac.load(description, "--version", "v3.0")
    assert vac.query("SELECT about FROM vac.vac WHERE suffix = ''") == [("Lines",)]
    description.write_text(text.replace("[tables.specphot]", '[tables.specphot]\nfilter = "Z > 0"'))
    message = vac.refuse_load(description, "--version", "v3.0")
    assert "loaded with another description" in message and "--overwrite" in message


def notes_if(vac: Catalogues, description: Path, happens: Callable[[], object]) -> list[str]:
    """Load while something happens as soon as all is committed; return the notes."""

    class Listener(ProgressListener):
        def end(self) -> None:
            happens()

    options = LoadOptions(("all",), "vac", roles=())
    described = read_description(description)
    return load_catalogue(vac.conninfo, described, vac.root, options, Listener()).notes


def test_references_to_a_production(vac):
    """Foreign keys by the computed id: rows without counterpart are named, or counted."""
    description = vac.draft(*files(vac), "--hdu", "FASTSPEC", "--table", "lines")
    sql = description.parent / "lines.sql"
    sql.write_text(
        sql.read_text().replace(
            "    targetid bigint", "    zpix_id numeric(39),\n    targetid bigint"
        )
    )
    text = "".join(
        line.removeprefix("# ") for line in description.read_text().splitlines(keepends=True)[2:]
    ).replace("To refer", "# To refer")
    description.write_text(text)
    message = vac.refuse_load(description)
    assert "table lines refers to iron.zpix (id)" in message and "no such table" in message
    targets = [n * 1000 + 39627 for n in (*range(40), *range(100, 140))]
    known = [(ids.zpixid("dark" if t < 100_000 else "bright", "main", t),) for t in targets[1:]]
    with psycopg.connect(vac.conninfo) as connection:
        connection.execute("CREATE SCHEMA iron CREATE TABLE zpix (id numeric(39))")
        connection.cursor().executemany("INSERT INTO iron.zpix VALUES (%s)", known)
    assert "no key of it: its keys are not made yet" in vac.refuse_load(description)
    with psycopg.connect(vac.conninfo) as connection:
        connection.execute("ALTER TABLE iron.zpix ADD PRIMARY KEY (id)")
    message = vac.refuse_load(description)
    assert "has no counterpart in iron.zpix" in message
    assert "fastspec-iron-main-dark.fits[FASTSPEC] row 0" in message
    bad = vac.root / "bad"
    output = vac.load(description, "--on-error", "quarantine", "--quarantine", bad, code=3)
    assert "rows in quarantine: 1 of lines" in output
    details = vac.verify()
    assert details["lines", "foreign-key"] == "zpix_id in iron.zpix.id: 0 orphans"
    assert vac.query("SELECT convalidated FROM pg_constraint WHERE conname LIKE 'lines_zpix%'") == [
        (True,)
    ]
    assert "no differences" in vac.run("diff", "--schema", "vac")
    description.write_text(text.replace('"refuse"', '"allow"'))
    output = vac.load(description, "--overwrite")
    assert "note: lines: 1 rows refer to no row of iron.zpix: zpix_id" in output
    first = (
        rf"1 row without, .*: {ids.zpixid('dark', 'main', 39627)} \(.*dark.fits\[FASTSPEC\] row 0\)"
    )
    assert re.search(first, vac.verify()["lines", "reference"])
    assert vac.query("SELECT count(*) FROM pg_constraint WHERE conname LIKE 'lines_zpix%'") == [
        (0,)
    ]
    first_id = ids.zpixid("dark", "main", 39627)
    # What vanishes once all is loaded does not make an error of it.
    hidden = vac.root / "hidden"
    assert notes_if(vac, description, lambda: (vac.root / "vac").rename(hidden)) == [
        f"lines: 1 rows refer to no row of iron.zpix: zpix_id {first_id}"
    ]
    hidden.rename(vac.root / "vac")

    def drop() -> None:
        with psycopg.connect(vac.conninfo) as connection:
            connection.execute("DROP TABLE iron.zpix")

    [note] = notes_if(vac, description, drop)
    assert note.startswith('cannot count orphans in schema vac: relation "iron.zpix" does not')
