"""Rows that do not go with other rows: the same key, or a reference to nothing.

Only the server sees them, when it makes a key. Where bad rows go into quarantine they are taken out
of the table, and into the ledger, and the key is made without them.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock

from specprod_copy.errors import concerning
from specprod_copy.loading.removal import Removal
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres.broken_keys import BrokenKey, DuplicateKey
from specprod_copy.postgres.connection_pool import Connections
from specprod_copy.postgres.ddl import Statement
from specprod_copy.tables import Catalogue

MOST_REPEATED = 1000
"""So many rows may be in quarantine where the configuration alone allows it."""


class KeyViolations:
    """Makes keys and, if that is wanted, takes out the rows for which one cannot be made.

    Parameters
    ----------
    catalogue : Catalogue
    schema : str
    most : int, optional
        Rows that may be in quarantine. Without it a row that does not fit is an error, but for
        spectra of which the catalogue keeps the best one (`Catalogue.keep_best`).

    Attributes
    ----------
    removed : Counter of str
        Name of a source to the number of rows that were taken out.
    notes : list of str
        Which spectra were taken out because another one with the same key is better.
    """

    def __init__(self, catalogue: Catalogue, schema: str, most: int | None) -> None:
        self._catalogue, self._schema, self._most = catalogue, schema, most
        self.notes: list[str] = []
        self._lock = Lock()
        self._rounds = 0
        self.removed: Counter[str] = Counter()

    def run(self, connections: Connections, planner: Planner, statement: Statement) -> None:
        """Run a statement, once more after rows were taken out. May be called by several threads.

        Parameters
        ----------
        connections : Connections
        planner : Planner
            Of the files.
        statement : Statement

        Raises
        ------
        DatabaseError
            As `Connections.run`, or if there are more such rows than may be in quarantine, or rows
            of the table are not those of the files.
        """
        while True:
            rounds = self._rounds
            try:
                with concerning(statement.table):
                    return connections.run(statement)
            except BrokenKey as error:
                known = isinstance(error, DuplicateKey) and error.table in self._catalogue.keep_best
                if self._most is None and not known:
                    raise
                most = MOST_REPEATED if self._most is None else self._most
                with self._lock:
                    # Another thread may have taken out the same rows for another key.
                    if rounds == self._rounds:
                        with connections.one() as connection:
                            removal = Removal(
                                self._catalogue, connection, self._schema, planner, most
                            )
                            with concerning(statement.table):
                                removal.remove(error)
                        self.removed.update(removal.removed)
                        self.notes += removal.notes
                        self._rounds += 1
