"""A schema as a value: the same from the SQL files and from a server; every difference is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from support.schemas import CHANGES, build

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres import ddl
from specprod_copy.postgres.columns import Column, split_comment
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema import Made, Schema, made
from specprod_copy.postgres.schema_differences import Difference, differences
from specprod_copy.postgres.schema_from_ddl import define
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.sql_text import one_form
from specprod_copy.tables import specprod_catalogue


@pytest.fixture(scope="module")
def server(module_database):
    with connect(module_database) as connection:
        build(connection, 'Wei"rd %s', q3c='The "sky"')
        yield connection


@pytest.fixture
def found(server):
    return read_schema(server, 'Wei"rd %s')


def test_files_and_server_say_the_same(found):
    defined = specprod_catalogue().definition
    assert found.tables.keys() == defined.tables.keys()
    for name, table in defined.tables.items():
        assert found.tables[name] == table
    assert differences(defined, found) == []


def test_order_is_one_in_which_rows_may_arrive(found):
    for schema in (found, specprod_catalogue().definition):
        seen: set[str] = set()
        for name, table in schema.tables.items():
            assert {reference.table for reference in table.references} <= seen
            seen.add(name)


def test_columns_are_described(found):
    ebv = next(c for c in found.tables["photometry"].columns if c.name == "ebv")
    assert (ebv.description, ebv.unit, ebv.ucd) == (
        "Galactic reddening E(B-V), SFD98 map",
        "mag",
        "phot.color.excess",
    )
    assert ebv.comment == "Galactic reddening E(B-V), SFD98 map [mag] (UCD phot.color.excess)"


@given(st.text(), st.text(), st.text())
def test_comments_are_split_without_loss(text, unit, ucd):
    for comment in (
        text,
        f"{text} [{unit}] (UCD {ucd})",
        f"{text} (UCD {ucd})",
        f"{text} [{unit}]",
    ):
        description, *rest = split_comment(comment)
        assert Column("x", "text", True, None, "", False, description, *rest).comment == comment


def test_no_such_schema(server):
    absent = read_schema(server, "nothing")
    assert (absent.exists, absent.tables) == (False, {})


def test_a_schema_without_tables(server):
    server.execute("CREATE SCHEMA bare; COMMENT ON SCHEMA bare IS 'so far'")
    bare = read_schema(server, "bare")
    assert (bare.exists, bare.tables, bare.comment) == (True, {}, "so far")
    server.execute("DROP SCHEMA bare")


@pytest.mark.parametrize("change", CHANGES)
def test_each_difference_is_found(server, change):
    statements, table, kind, text = CHANGES[change]
    name = sql.Identifier('Wei"rd %s').as_string()
    server.execute("SET allow_system_table_mods = on")
    with server.transaction(force_rollback=True):
        server.execute(statements.replace("{s}", name).encode())
        found = differences(specprod_catalogue().definition, read_schema(server, 'Wei"rd %s'))
    assert (table, kind, text) in [(d.table, d.kind, str(d)) for d in found]
    assert {d.table for d in found} == {table}


def test_what_has_the_right_name_alone_is_not_made(server):
    name = 'Wei"rd %s'
    change, *_ = CHANGES["a CHECK with a foreign key's name"]
    with server.transaction(force_rollback=True):
        server.execute(change.replace("{s}", sql.Identifier(name).as_string()).encode())
        there = made(specprod_catalogue().definition, read_schema(server, name))
    assert Made("zpix", "constraint", "zpix_targetid_fkey") not in there
    every = made(specprod_catalogue().definition, read_schema(server, name))
    wanted = ddl.statements(
        specprod_catalogue().definition,
        specprod_catalogue().definition.tables,
        ddl.MAKING_PHASES,
        schema="any",
    )
    with_their_tables = {
        Made(t, "index", f"{t}_pkey") for t in specprod_catalogue().definition.tables
    }
    with_their_tables |= {Made(ddl.LEDGER, "constraint", f"{ddl.LEDGER}_pkey")}
    with_their_tables.add(Made("version", "index", "version_package_key"))
    assert every == {statement.makes for statement in wanted} | with_their_tables


def test_some_tables_alone_are_compared(found):
    less = Schema.of("less", [replace(found.tables["zpix"], columns=())])
    assert differences(specprod_catalogue().definition, less, ["tile"]) == [
        Difference("tile", "table", "tile", specprod_catalogue().definition.tables["tile"], None)
    ]


FILE = """
{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.stars (
    "Gaia" bigint NOT NULL,
    epoch smallint, -- of the catalog, not of the star
    name character varying(20) DEFAULT 'it''s (one), of many'::text NOT NULL,
    flag boolean DEFAULT (1 > 0),
    seen timestamp with time zone DEFAULT now(),
    mags real[],
    total double precision GENERATED ALWAYS AS (epoch * 2.5) STORED,
    n bigserial,
    kind char(3) REFERENCES {{ schema }}.kinds (kind),
    letter char,
    label bpchar,
    labels "bpchar"[],
    CONSTRAINT stars_key PRIMARY KEY ("Gaia", epoch),
    UNIQUE (name),
    CONSTRAINT stars_epoch CHECK (epoch > 0)
);
{% endblock %}
{% block indexes %}
CREATE INDEX stars_lower ON {{ schema }}.stars USING btree (lower(name), epoch DESC)
WHERE (epoch > 3);
{% endblock %}
{% block foreign_keys %}
ALTER TABLE {{ schema }}.stars ADD CONSTRAINT stars_kind FOREIGN KEY (kind, epoch)
REFERENCES {{ schema }}.kinds (kind, epoch) NOT VALID;
{% endblock %}
{% block comments %}
COMMENT ON TABLE {{ schema }}.stars IS 'People''s stars';
COMMENT ON COLUMN {{ schema }}.stars."Gaia" IS 'Number [none] (UCD meta.id)';
{% endblock %}
"""
KINDS = """
{% block table %}
CREATE TABLE {{ schema }}.kinds (
    kind character(3) PRIMARY KEY,
    epoch smallint,
    CONSTRAINT kinds_both UNIQUE (kind, epoch)
);
{% endblock %}
"""


def test_files_of_others(tmp_path, database):
    """What people may write is understood as the server understands it."""
    files = [tmp_path / "stars.sql", tmp_path / "kinds.sql"]
    for file, text in zip(files, (FILE, KINDS), strict=True):
        file.write_text(text)
    defined = define(files)
    assert list(defined.tables) == ["kinds", "stars"]
    assert defined.tables["stars"].primary_key == ("Gaia", "epoch")
    with connect(database) as connection:
        connection.execute("CREATE SCHEMA mine")
        for text in (KINDS, FILE):
            for part in text.split("{% block ")[1:]:
                body = part.split("%}", 1)[1].split("{% endblock")[0]
                connection.execute(body.replace("{{ schema }}", "mine").encode())
        found = read_schema(connection, "mine")
    assert found.tables["kinds"] == defined.tables["kinds"]
    assert found.tables["stars"] == defined.tables["stars"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CREATE TABLE {{ schema }}.other (x int);", "table stars has this file, not other"),
        ("DROP TABLE {{ schema }}.stars;", "DROP has no place in the file of a table"),
        ("CREATE TABLE {{ schema }}.stars (x int;", "; has no place in column x"),
        ("CREATE TABLE {{ schema }}.stars (x int) INHERITS (y);", "; is wanted, not inherits"),
        ("CREATE TABLE {{ schema }}.stars (CHECK (true));", "a CHECK must have a name"),
        ("", "must define table stars, by CREATE TABLE"),
    ],
)
def test_files_that_are_not_understood(tmp_path, text, message):
    file = tmp_path / "stars.sql"
    file.write_text(f"{{% block table %}}{text}{{% endblock %}}")
    with pytest.raises(ConfigurationError, match=f"{file}: {message}"):
        define([file])


def test_tables_in_a_circle(tmp_path):
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.sql").write_text(
            f"{{% block table %}}CREATE TABLE {{{{ schema }}}}.{one} (x int PRIMARY KEY, "
            f"y int REFERENCES {{{{ schema }}}}.{other} (x));{{% endblock %}}"
        )
    with pytest.raises(ConfigurationError, match="refer to each other in a circle"):
        define(sorted(tmp_path.glob("*.sql")))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ('public.q3c_ang2ipix(ra, "dec")', "q3c_ang2ipix(ra, dec)"),
        ("((z > 0::double precision))", "z > 0"),
        ("(spectype)::text = 'QSO'::character varying(6)", "spectype = 'QSO'"),
        ("lower((name)::text)", "lower(name)"),
        ("(a) + (b)", "a + b"),
        ("f(a)", "f(a)"),
        ('"Big" = 1', '"Big"=1'),
    ],
)
def test_expressions_in_one_form(ours, theirs):
    assert one_form(ours) == one_form(theirs)


def test_different_expressions_stay_different():
    texts = ["(a) + (b * c)", "(a + b) * c", "f(a)", "g(a)", "a", '"A"', "'a'", "f(a, b)"]
    assert len({one_form(text) for text in texts}) == len(texts)
