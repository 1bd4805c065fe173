"""Which tables a plan makes complete: they get keys and indexes, the others have to wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.planning import Plan, Planner
from specprod_copy.postgres.columns import Column
from specprod_copy.tables import Catalogue


def missing_stages(
    catalogue: Catalogue,
    tables: Collection[str],
    plan: Plan,
    planner: Planner,
    columns: Mapping[str, Sequence[Column]],
    ledger: Ledger,
) -> dict[str, list[str]]:
    """Find the stages that tables still want rows from.

    Parameters
    ----------
    catalogue : Catalogue
    tables : collection of str
        The tables that exist.
    plan : Plan
        What is about to be loaded.
    planner : Planner
    columns : mapping of str to sequence of Column
        Columns of each table that the plan is about.
    ledger : Ledger
        What is loaded already.

    Returns
    -------
    dict of str to list of str
        Table to stages, in alphabetical order; none for a table that will be complete. Tables are
        in the order of their sources.

    Raises
    ------
    InputError
        If a file of another stage of these tables cannot be read, or changed since it was loaded.
    """

    def interrupted(table: str, stage: str) -> bool:
        """Say whether an earlier run has left a stage of a table half loaded, beside the plan."""
        of_table = catalogue.of_table(table)
        others = [s for s in of_table if s.stage == stage and s not in plan.sources]
        return bool(planner.plan(others, columns, ledger).units)

    needed: dict[str, set[str]] = {}
    for source in catalogue.sources.values():
        if source.table in tables and source.applies(planner.inputs):
            needed.setdefault(source.table, set()).add(source.stage)
    missing = {}
    for table, stages in needed.items():
        coming = {unit.stage for unit in plan.files if unit.table == table}
        absent = stages - coming - ledger.stages(table).keys()
        if any(source.table == table for source in plan.sources):
            absent |= {stage for stage in stages - absent if interrupted(table, stage)}
        missing[table] = sorted(absent)
    return missing
