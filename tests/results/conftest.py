"""A database with the schema of `support.result_case`."""

from __future__ import annotations

import psycopg
import pytest
from support.result_case import TABLES


@pytest.fixture(scope="module")
def dsn(module_database: str) -> str:
    """Return how to connect to a database with that schema."""
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute(TABLES)
    return module_database
