"""How the columns of a file become those of a table: chosen, read, checked, or named as missing."""

from __future__ import annotations

import polars as pl
import pytest

from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import Column
from specprod_copy.rows.recipe import Recipe, find_recipe
from specprod_copy.tables.source import Check, TableSource

FLOATS = pl.Array(pl.Float64, 3)


def source(**options) -> TableSource:
    return TableSource("thing", "stage", lambda inputs: [], ("A",), **options)


def recipe(
    made_of: TableSource,
    columns: dict[str, str],
    schema: dict[str, pl.DataType],
    **constants: type,
) -> Recipe:
    """Find how a table is made; columns are given as name to type."""
    wanted = tuple(Column(name, kind) for name, kind in columns.items())
    return find_recipe(made_of, wanted, tuple(schema.items()), tuple(constants.items()))


def results(found: Recipe, frame: pl.DataFrame) -> dict[str, list]:
    return frame.with_columns(found.elements).select(found.results).to_dict(as_series=False)


def refused(*arguments, **constants) -> InputError:
    with pytest.raises(InputError) as caught:
        recipe(*arguments, **constants)
    return caught.value


def test_copies_in_the_order_of_the_table():
    schema = {"B": pl.Int32(), "UNUSED": pl.String(), "A": pl.Float64()}
    found = recipe(source(), {"a": "float8", "b": "int4"}, schema)
    assert found.inputs == ["B", "A"]
    frame = pl.DataFrame({"B": [1], "A": [0.5]})
    assert [*results(found, frame).items()] == [("a", [0.5]), ("b", [1])]
    assert (found.blame("a"), found.blame("b")) == ("A", "B")


def test_the_first_way_whose_columns_there_are():
    """A way without input columns is always there."""
    made_of = source(
        derived={"n": (pl.col("NEW"), pl.col("OLD") + pl.col("SHIFT"), pl.lit(7, pl.Int32))}
    )
    kinds = {"NEW": pl.Int32(), "OLD": pl.Int32(), "SHIFT": pl.Int32()}
    frame = pl.DataFrame({"NEW": [1], "OLD": [2], "SHIFT": [3]})
    for present, value, blamed in (
        (["NEW", "OLD", "SHIFT"], 1, "NEW"),
        (["OLD", "SHIFT"], 5, "OLD+SHIFT"),
        (["OLD"], 7, "n"),
    ):
        found = recipe(made_of, {"n": "int4"}, {name: kinds[name] for name in present})
        assert results(found, frame.select(present)) == {"n": [value]}
        assert found.blame("n") == blamed


def test_elements_of_vectors():
    """Only those that are wanted; a column of its own with such a name comes first."""
    schema = {"V": FLOATS, "V_1": pl.Float64()}
    found = recipe(source(), {"v_0": "float8", "v_1": "float8", "v_2": "float8"}, schema)
    assert found.inputs == ["V", "V_1"]
    assert [expression.meta.output_name() for expression in found.elements] == ["V_0", "V_2"]
    frame = pl.DataFrame({"V": [[1.0, 2.0, 3.0]], "V_1": [9.0]}, schema=schema)
    assert results(found, frame) == {"v_0": [1.0], "v_1": [9.0], "v_2": [3.0]}
    assert recipe(source(), {"v_1": "float8"}, schema).inputs == ["V_1"]
    error = refused(source(), {"v_3": "float8"}, {"V": FLOATS})
    assert str(error).startswith("no column V_3, which table thing needs")


def test_constants_fill_in_for_columns():
    columns, schema = {"n": "int4", "survey": "varchar"}, {"N": pl.Int32()}
    found = recipe(source(), columns, schema, SURVEY=str)
    assert found.inputs == ["N"]
    frame = pl.DataFrame({"N": [1], "SURVEY": ["main"]})
    assert results(found, frame) == {"n": [1], "survey": ["main"]}
    both = recipe(source(), columns, {**schema, "SURVEY": pl.String()}, SURVEY=str)
    assert both.inputs == ["N", "SURVEY"]
    error = refused(source(), columns, schema, SURVEY=int)
    assert error.column == "SURVEY"


def test_all_missing_columns_are_named_with_what_is_close():
    made_of = source(derived={"sum": (pl.col("FIRST") + pl.col("SECOND"),)})
    columns = {"sum": "int4", "night": "int4", "expid": "int4"}
    error = refused(made_of, columns, {"SECOND": pl.Int32(), "NIGHTS": pl.Int32(), "Z": FLOATS})
    assert (
        str(error) == "no column FIRST, NIGHT, EXPID, which table thing needs (the file has NIGHTS)"
    )
    error = refused(made_of, columns, {})
    assert str(error) == "no column FIRST, SECOND, NIGHT, EXPID, which table thing needs"


def test_types_that_can_never_fit():
    error = refused(source(), {"n": "int4"}, {"N": pl.String()})
    assert (str(error), error.column) == (
        "column N: is String, which cannot become thing.n int4",
        "N",
    )
    made_of = source(derived={"n": (pl.col("A") * pl.col("B"),)})
    error = refused(made_of, {"n": "int4"}, {"A": pl.String(), "B": pl.Binary()})
    assert str(error) == "column A+B: is String, Binary, which cannot become thing.n int4"


def test_what_has_to_be_finite():
    """All floats that anything is made of, checks and the filter of rows included."""
    made_of = source(
        derived={"n": (pl.col("X") * 2,)},
        checks=(Check("Y", pl.col("Y") > 1, "too large"),),
        row_filter=pl.col("V_1") > 0,
    )
    schema = {"V": FLOATS, "Y": pl.Float32(), "X": pl.Float64(), "I": pl.Int32(), "Z": pl.Float64()}
    found = recipe(made_of, {"n": "float8", "i": "int4"}, schema)
    assert found.inputs == ["V", "Y", "X", "I"]
    assert found.floats == ["V_1", "X", "Y"]
    frame = pl.DataFrame({"V_1": [1.0, 2.0], "X": [3.0, 4.0], "Y": [5.0, 6.0]})
    assert frame.select(found.sums).row(0) == (3.0, 7.0, 11.0)
    infinite = source(derived=made_of.derived, finitize=False)
    assert recipe(infinite, {"n": "int4"}, schema).floats == []


def test_checks():
    """Those of absent columns do not count, a null breaks the others, text is refused at once."""
    checks = (
        Check("N", pl.col("N") > 9, "too large"),
        Check("GONE", pl.col("GONE") > 9, "too large"),
        Check("N", pl.col("N") < 0, "negative"),
    )
    found = recipe(source(checks=checks), {"n": "int4"}, {"N": pl.Int32()})
    assert found.checks == [checks[0], checks[2]]
    for value, broken in ((5, (False, False)), (10, (True, False)), (None, (True, True))):
        frame = pl.DataFrame({"N": [value]}, schema={"N": pl.Int32()})
        assert frame.select(found.broken).row(0) == broken
    text = source(
        derived={"n": (pl.lit(1, pl.Int32),)}, checks=(Check("T", -pl.col("T") > 0, "x"),)
    )
    error = refused(text, {"n": "int4"}, {"T": pl.String()})
    assert (str(error), error.column) == ("column T: is String, not a number", "T")


def test_a_recipe_is_found_once_for_all_files_of_a_kind():
    made_of, schema = source(), {"N": pl.Int32()}
    assert recipe(made_of, {"n": "int4"}, schema) is recipe(made_of, {"n": "int4"}, dict(schema))
    assert recipe(made_of, {"n": "int4"}, schema) is not recipe(source(), {"n": "int4"}, schema)
