"""Tables that others change while a query runs: nobody waits for ever, and no value is wrong."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from support.result_case import TABLES

from specprod_copy.errors import DatabaseError
from specprod_copy.results.formats import Contents
from specprod_copy.results.formats.fits import FITS
from specprod_copy.results.options import QueryOptions
from specprod_copy.results.query import open_query
from specprod_copy.results.stream import fetched


@pytest.fixture
def changing(database):
    """A database of which a test may alter the tables, and a connection that does."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(TABLES)
        yield database, connection


def test_a_query_waits_for_nobody_who_waits_for_it(changing):
    """Between its description and its rows it holds no lock, for which others would wait."""
    dsn, other = changing
    with open_query(dsn, "SELECT targetid FROM zpix", QueryOptions("s")) as query:
        with other.transaction():
            other.execute("LOCK TABLE s.zpix NOWAIT")
            other.execute("ALTER TABLE s.zpix ADD COLUMN mine integer")
        assert query.table(exact_as_text=False).num_rows == 3


@pytest.mark.parametrize("change", ["targetid TYPE text", "z TYPE real"])
def test_columns_of_another_type_than_was_told(changing, change):
    dsn, other = changing
    with open_query(dsn, "SELECT * FROM zpix", QueryOptions("s")) as query:
        other.execute(f"ALTER TABLE s.zpix ALTER COLUMN {change}")
        column = change.split()[0]
        with pytest.raises(DatabaseError, match=rf"column {column} is not .*run the query again"):
            query.table(exact_as_text=False)


@pytest.mark.parametrize(
    ("column", "change", "value"),
    [
        ("spectype", "spectype TYPE varchar(20)", "'GALAXY, A LONG ONE'"),
        ("id", "id TYPE numeric(80)", "1" + "0" * 70),
    ],
)
def test_texts_that_are_longer_than_was_told(changing, tmp_path, column, change, value):
    """Not cut to the width that the file has for them."""
    dsn, other = changing
    file = tmp_path / "r.fits"
    with open_query(
        dsn, f"SELECT {column} FROM zpix ORDER BY targetid", QueryOptions("s")
    ) as query:
        other.execute(f"ALTER TABLE s.zpix ALTER COLUMN {change}")
        other.execute(f"UPDATE s.zpix SET {column} = {value} WHERE targetid = 2")
        convert = query.converter(FITS, exact_as_text=True)
        writer = FITS.open(file, Contents(query.columns, convert.schema, {}))
        with (
            closing(writer),
            fetched(query.sessions, query.text, convert.wanted) as batches,
            pytest.raises(DatabaseError, match=rf"column {column}, row 1 .*run the query again"),
        ):
            for batch in batches:
                writer.write(convert.convert(batch))
