"""What a load refuses, and that nothing is half done then."""

from __future__ import annotations

import os

import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner
from support.load_command import edit, fuji

from specprod_copy.cli import cli
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.postgres import locks

__all__ = ["fuji"]


def test_no_file(fuji):
    fuji.exposures.unlink()
    message = fuji.refuse("exposures")
    assert str(fuji.exposures) in message and "check the data root" in message


def test_no_hdu(fuji):
    with fits.open(fuji.exposures) as hdus:
        fits.HDUList([hdus[0], hdus["EXPOSURES"]]).writeto(fuji.root / "e.fits")
    message = fuji.refuse("exposures", "--exposures-file", str(fuji.root / "e.fits"))
    assert "e.fits" in message and "FRAMES" in message and "EXPOSURES" in message


def test_missing_columns_are_all_named(fuji):
    def change(table):
        table.remove_columns(["NEXP", "LASTNIGHT"])
        table.rename_column("MINTFRAC", "MINTFRACT")

    edit(fuji.tiles, fits.getheader(fuji.tiles, 1)["EXTNAME"], change)
    message = fuji.refuse("exposures")
    assert (
        "no column NEXP, MINTFRAC, LASTNIGHT, which table tile needs (the file has MINTFRACT)"
        in message
    )
    assert str(fuji.tiles) in message


def test_wrong_type(fuji):
    def change(table):
        table["NEXP"] = [str(value) for value in table["NEXP"]]

    edit(fuji.tiles, fits.getheader(fuji.tiles, 1)["EXTNAME"], change)
    message = fuji.refuse("exposures")
    assert "column NEXP: is String, which cannot become tile.nexp int8" in message


def test_value_out_of_range(fuji):
    def change(table):
        table["EXPID"] = table["EXPID"].astype("i8")
        table["EXPID"][2] = 2**40

    edit(fuji.exposures, "EXPOSURES", change)
    message = fuji.refuse("exposures")
    assert (
        str(fuji.exposures) + "[EXPOSURES], column EXPID: value does not fit into int4" in message
    )
    assert f"row 2: {2**40}" in message


def test_text_too_long(fuji):
    def change(table):
        table["FAFLAVOR"] = table["FAFLAVOR"].astype("S40")
        table["FAFLAVOR"][1] = "x" * 40

    edit(fuji.exposures, "EXPOSURES", change)
    message = fuji.refuse("exposures")
    assert f"text is longer than 19 characters (row 1: '{'x' * 40}'" in message


def test_unknown_survey(fuji):
    fuji.change(fuji.exposures, "EXPOSURES", "SURVEY", 1, "xyz")
    message = fuji.refuse("exposures")
    assert "column SURVEY: none of cmx, special, sv1, sv2, sv3, main (row 1: 'xyz'" in message


def test_unknown_camera(fuji):
    fuji.change(fuji.exposures, "FRAMES", "CAMERA", 5, "q3")
    assert "column CAMERA: no such camera" in fuji.refuse("exposures")


def test_truncated(fuji):
    with fuji.exposures.open("r+b") as file:
        file.truncate(fuji.exposures.stat().st_size - 2880 * 3)
    message = fuji.refuse("exposures")
    assert str(fuji.exposures) in message


def test_not_fits(fuji):
    fuji.tiles.write_text("no FITS at all")
    assert str(fuji.tiles) in fuji.refuse("exposures")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission_to_read(fuji):
    fuji.tiles.chmod(0)
    assert str(fuji.tiles) in fuji.refuse("exposures")


def test_unknown_production(fuji):
    with pytest.raises(SpecprodCopyError, match=r"unknown production 'fujii'|fujii"):
        CliRunner().invoke(
            cli,
            ["load", "exposures", "-p", "fujii", "-r", str(fuji.root), "--dsn", fuji.conninfo],
            catch_exceptions=False,
        )


def test_unknown_stage(fuji):
    done = fuji.invoke("expos")
    assert done.exit_code == 2
    assert done.stderr.endswith(
        "no stage is called 'expos'; did you mean exposure or exposures? stages: exposures "
        "photometry targetphot target redshift fiberassign; parts of stages: exposure frame "
        "potential tile zpix ztile\n"
    )


def test_duplicate_key_names_files_and_rows(fuji):
    first = int(fits.getdata(fuji.tiles, 1)["TILEID"][0])
    fuji.change(fuji.tiles, 1, "TILEID", 2, first)
    fuji.change(fuji.exposures, "EXPOSURES", "TILEID", slice(None), first)
    message = fuji.refuse("exposures")
    assert f"tile_pkey of table tile is not unique: (tileid) = ({first})" in message
    assert f"{fuji.tiles}[" in message
    assert "row 0" in message and "row 2" in message


def test_orphan_foreign_key(fuji):
    fuji.change(fuji.exposures, "EXPOSURES", "TILEID", 0, 99999)
    message = fuji.refuse("exposures")
    assert message == (
        "exposure_tileid_fkey of table exposure has no counterpart in tile: (tileid) = (99999), "
        f"from {fuji.exposures}[EXPOSURES] row 0. "
        "Take the rows out of the files, or load the right files with --overwrite"
    )


def test_table_with_rows_of_unknown_origin(fuji):
    fuji.run("exposures")
    with psycopg.connect(fuji.conninfo) as connection:
        connection.execute("DELETE FROM fuji.load_ledger WHERE table_name = 'frame'")
    message = fuji.refuse("exposures")
    assert message.startswith("table fuji.frame already has rows that this program did not load")
    fuji.run("exposures", "--overwrite")


def test_no_server(fuji, tmp_path):
    message = ""
    with pytest.raises(SpecprodCopyError) as caught:
        fuji.run("exposures", dsn=f"host={tmp_path} dbname=x")
    message = str(caught.value)
    assert message.startswith("cannot connect: ")
    assert "Check the connection string and ~/.pgpass" in message
    assert "--" not in message


def test_wrong_password(fuji, password_role):
    role, conninfo = password_role
    message = fuji.refuse("exposures", dsn=f"{conninfo} user={role} password=not-the-one")
    assert f'password authentication failed for user "{role}"' in message
    assert "not-the-one" not in message


def test_no_right_to_create(fuji, password_role):
    role, conninfo = password_role
    message = fuji.refuse("exposures", dsn=f"{conninfo} user={role} password=secret")
    assert "permission denied for database" in message
    assert "secret" not in message


def test_second_loader_is_told_who_is_at_work(fuji):
    with (
        psycopg.connect(fuji.conninfo) as connection,
        locks.hold_schema_lock(connection, "fuji", shared=False),
    ):
        message = fuji.refuse("exposures")
    assert message.startswith("another load is at work on schema fuji (process ")
    fuji.run("exposures")
