"""``load --overwrite`` after files have changed, interrupted or not."""

from __future__ import annotations

import psycopg
from support import limits
from support.listening import read
from support.load_command import fuji

from specprod_copy.loading import send
from specprod_copy.loading.beside import Beside

__all__ = ["fuji"]


def test_changed_file_is_refused_and_overwrite_replaces(fuji):
    fuji.run("exposures")
    fuji.change(fuji.tiles, 1, "NEXP", 0, 77)
    message = fuji.refuse("exposures")
    assert "the file changed since its rows were loaded into tile" in message
    fuji.run("exposures", "--overwrite")
    assert fuji.query("SELECT count(*) FROM fuji.tile WHERE nexp = 77") == [(1,)]


def test_overwrite_leaves_views_alone(fuji):
    fuji.run("exposures")
    with psycopg.connect(fuji.conninfo) as connection:
        connection.execute("CREATE VIEW fuji.mine AS SELECT tileid FROM fuji.tile")
    message = fuji.refuse("exposures", "--overwrite")
    assert "view fuji.mine depends on table fuji.tile" in message
    assert "load all --overwrite" in message


def test_failed_overwrite_keeps_the_old_tables(fuji):
    fuji.run("exposures")
    fuji.change(fuji.exposures, "EXPOSURES", "SURVEY", 0, "xyz")
    fuji.refuse("exposures", "--overwrite")


def test_interrupted_overwrite_keeps_the_old_tables_and_goes_on(fuji, monkeypatch):
    fuji.run("exposures")
    fuji.change(fuji.tiles, 1, "NEXP", 0, 77)
    fuji.limits = limits.cut(300, 300)
    old = {t: fuji.query(f"SELECT * FROM fuji.{t}") for t in ("tile", "frame", "load_ledger")}
    real, calls = send.load_units, []

    def dying(*arguments, **options):
        calls.append(arguments)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(send, "load_units", dying)
    assert fuji.invoke("exposures", "--overwrite", "-j", "1").exit_code != 0
    assert {table: fuji.query(f"SELECT * FROM fuji.{table}") for table in old} == old
    monkeypatch.setattr(send, "load_units", real)
    printed = fuji.run("exposures", "--overwrite", "-j", "1")
    tile = next(line.split() for line in printed.splitlines() if line.startswith("tile"))
    assert tile[3] == "0"  # rows of tile: none were read again
    assert fuji.query("SELECT count(*) FROM fuji.tile WHERE nexp = 77") == [(1,)]
    assert fuji.query("SELECT count(*) FROM fuji.frame") == [(len(old["frame"]),)]
    assert not fuji.query("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'specprod_copy_%'")


def test_overwrite_after_the_file_changed_twice(fuji, monkeypatch):
    """What an interrupted run left beside is of an older file, so it is not used."""
    fuji.run("exposures")
    with monkeypatch.context() as patched:
        patched.setattr(Beside, "swap", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        fuji.change(fuji.tiles, 1, "NEXP", 0, 77)
        assert fuji.invoke("exposures", "--overwrite").exit_code != 0
    fuji.change(fuji.tiles, 1, "NEXP", 0, 78)
    fuji.run("exposures", "--overwrite")
    assert fuji.query("SELECT count(*) FROM fuji.tile WHERE nexp IN (77, 78)") == [(1,)]
    assert fuji.query("SELECT count(*) FROM fuji.tile WHERE nexp = 78") == [(1,)]


def test_readers_go_on_while_tables_are_replaced(fuji, monkeypatch):
    fuji.run("exposures")
    seen = []
    real = Beside.swap

    def looking(*arguments):
        seen.extend(read(fuji.conninfo, "SELECT count(*) FROM fuji.frame"))
        return real(*arguments)

    monkeypatch.setattr(Beside, "swap", looking)
    fuji.run("exposures", "--overwrite")
    assert seen == fuji.query("SELECT count(*) FROM fuji.frame")
