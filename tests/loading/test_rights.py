"""Rights to tables that ``--overwrite`` replaces: given again, or named with their GRANT."""

from __future__ import annotations

from support.changing import iron, loaded

__all__ = ["iron", "loaded"]

READER, WRITER = "pg_monitor", "pg_signal_backend"
RIGHTS = """
    SELECT relname, coalesce(attname, ''), a.grantee::regrole::text, privilege_type, is_grantable
    FROM (SELECT oid, NULL AS attname, relacl AS acl FROM pg_class
          UNION ALL SELECT attrelid, attname, attacl FROM pg_attribute) AS parts
    JOIN pg_class c USING (oid) CROSS JOIN LATERAL aclexplode(acl) a
    WHERE relnamespace = 'iron'::regnamespace AND grantee <> relowner ORDER BY 1, 2, 3, 4"""
GONE = "gone with the old table: "


def gone(notes: list[str]) -> list[str]:
    return [note.removeprefix(GONE) for note in notes if note.startswith(GONE)]


def test_rights_to_read_single_columns(loaded):
    loaded.execute(
        f"GRANT SELECT (targetid, z) ON iron.zpix TO {READER};"
        f"GRANT SELECT (z) ON iron.zpix TO PUBLIC;"
        f"GRANT SELECT (z) ON iron.ztile TO {READER} WITH GRANT OPTION;"
        f"GRANT SELECT ON iron.ztile TO {WRITER} WITH GRANT OPTION"
    )
    before = loaded.query(RIGHTS)
    assert len(before) == 5
    summary = loaded.load("zpix", "ztile", overwrite=True)
    assert loaded.query(RIGHTS) == before
    assert gone(summary.notes) == []


def test_rights_to_write(loaded):
    """Tables alike are named together; the GRANTs that are named give all of it again."""
    loaded.execute(
        f"""GRANT SELECT, INSERT ON iron.zpix, iron.ztile TO {WRITER};
            GRANT UPDATE (z, zerr), DELETE ON iron.zpix TO {READER};
            GRANT INSERT ON iron.zpix TO {READER} WITH GRANT OPTION;
            GRANT TRIGGER ON iron.ztile TO PUBLIC"""
    )
    before = loaded.query(RIGHTS)
    named = gone(loaded.load("zpix", "ztile", overwrite=True).notes)
    assert named == [
        f"rights that {text} gives again"
        for text in (
            f'GRANT DELETE, UPDATE ("z", "zerr") ON "iron"."zpix" TO "{READER}"',
            f'GRANT INSERT ON "iron"."zpix" TO "{READER}" WITH GRANT OPTION',
            f'GRANT INSERT ON "iron"."zpix", "iron"."ztile" TO "{WRITER}"',
            'GRANT TRIGGER ON "iron"."ztile" TO PUBLIC',
        )
    ]
    left = loaded.query(RIGHTS)
    assert [row[3] for row in left] == ["SELECT", "SELECT"]
    for text in named:
        loaded.execute(text.removeprefix("rights that ").removesuffix(" gives again"))
    assert loaded.query(RIGHTS) == before


def test_rights_that_new_tables_have_anyway(loaded):
    loaded.execute(f"ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO {WRITER}")
    loaded.execute(f"GRANT INSERT ON iron.zpix TO {WRITER}")
    assert gone(loaded.load("zpix", overwrite=True).notes) == []


def test_rights_to_what_is_no_more(loaded):
    """Partitions, of which there may be fewer now."""
    loaded.load("all", overwrite=True, partitions=3)
    loaded.execute(f"GRANT SELECT, UPDATE ON iron.zpix, iron.zpix_p2 TO {READER}")
    loaded.execute(f"GRANT SELECT (z) ON iron.zpix_p0, iron.zpix_p2 TO {WRITER}")
    named = gone(loaded.load("all", overwrite=True, partitions=2).notes)
    gone_part = 'rights to what is no more, by GRANT SELECT{} ON "iron"."zpix_p2" TO "{}"'
    assert named == [
        f'rights that GRANT UPDATE ON "iron"."zpix" TO "{READER}" gives again',
        gone_part.format(", UPDATE", READER),
        gone_part.format(' ("z")', WRITER),
    ]
