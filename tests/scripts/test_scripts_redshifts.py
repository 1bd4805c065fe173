"""The post-processing scripts that change rows of zpix and ztile."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.script_runner import FOLDER, Psql, Rows

from specprod_copy.postgres import ddl

BITMASKS = [
    *(f"{kind}_target" for kind in ("cmx", "desi", "bgs", "mws", "scnd")),
    *(f"sv{n}_{kind}_target" for n in (1, 2, 3) for kind in ("desi", "bgs", "mws", "scnd")),
]
PRIMARY = [f"{scope}_{what}" for scope in ("sv", "main", "zcat") for what in ("nspec", "primary")]


@pytest.fixture
def psql(cluster, module_database) -> Iterator[Psql]:
    with Psql.opened(cluster, module_database) as opened:
        yield opened


@pytest.fixture(params=["fuji", "iron"])
def expected(request, shared) -> Path:
    return shared / "reference" / f"{request.param}-expected"


# ------------------------------------------------------------------------------------ primary


@pytest.fixture(params=["tsnr2_lrg", "efftime_spec"])
def rank(request, psql) -> str:
    """Make both tables, with or without EFFTIME_SPEC; return what spectra are ranked by."""
    psql.build("s", ["zpix", "ztile"])
    if request.param == "efftime_spec":
        for table in ("zpix", "ztile"):
            psql.execute(f"ALTER TABLE s.{table} ADD COLUMN efftime_spec real NOT NULL")
    return request.param


def best_first(row: Mapping[str, Any], rank: str) -> tuple:
    value = row[rank]
    return row["zwarn"] != 0, value != value, 0.0 if value != value else -value, int(row["id"])


def primary(rows: Rows, rank: str = "tsnr2_lrg") -> pl.DataFrame:
    """Compute what primary.sql must find, group by group."""
    found = {row["id"]: [0, False] * 3 for row in rows}
    scopes = ({"sv1", "sv2", "sv3"}, {"main"}, {row["survey"] for row in rows})
    for position, surveys in enumerate(scopes):
        targets: dict[int, Rows] = {}
        for row in rows:
            if row["survey"] in surveys:
                targets.setdefault(row["targetid"], []).append(row)
        for spectra in targets.values():
            for place, row in enumerate(sorted(spectra, key=lambda row: best_first(row, rank))):
                found[row["id"]][2 * position : 2 * position + 2] = [len(spectra), place == 0]
    data = [[str(number), *values] for number, values in found.items()]
    return pl.DataFrame(data, ["id", *PRIMARY], orient="row").sort("id")


def test_primary_is_the_template():
    script = (FOLDER / "primary.sql").read_text()
    for table in ("zpix", "ztile"):
        for name in ("primary", "primary_ties"):
            rendered = ddl.render_template(name, schema="the_schema", table=table, rank="the_rank")
            rendered = rendered.replace("the_schema.", ':"schema".')
            assert rendered.strip().replace("the_rank", ':"rank"') in script


def test_primary_equals_the_reference(psql, expected):
    psql.build("s", ["zpix", "ztile"])
    zpix = psql.insert_file(expected / "zpix.parquet")
    psql.insert_file(expected / "ztile.parquet")
    psql.ok("primary", schema="s")
    reference = pl.read_parquet(expected / "ztile_primary.parquet").select("id", *PRIMARY)
    assert psql.read("ztile", PRIMARY).equals(reference.sort("id"))
    assert psql.read("zpix", PRIMARY).equals(primary(zpix.to_dicts()))
    again = psql.ok("primary", schema="s")
    assert again == "zpix: 0 rows changed\nztile: 0 rows changed\n"


def test_primary_order(psql, rank):
    """Each list of (ZWARN, value) is one target's, its best spectrum last."""
    nan = float("nan")
    cases = [
        [(0, -1.0), (0, 5.0)],
        [(0, -9999.0), (0, -1.0), (0, 0.0)],
        [(0, nan), (0, -9999.0)],
        [(4, 5.0), (1024, 6.0)],
        [(4, 1000.0), (0, -9999.0)],
        [(0, 0.0), (0, 1e-38)],
        [(0, 7.0)],
    ]
    rows = [
        {"id": 10 * n + i, "targetid": n, "survey": "main", "zwarn": zwarn, rank: value}
        for n, case in enumerate(cases)
        for i, (zwarn, value) in enumerate(case)
    ]
    ties = [{"id": i, "targetid": -5, "survey": "main", rank: -0.0} for i in (1003, 1002)]
    ties.append({"id": 1004, "targetid": -5, "survey": "main", rank: 0.0})
    if rank == "efftime_spec":  # The other column does not matter then.
        for row in rows + ties:
            row["tsnr2_lrg"] = float(row["id"] % 7)
    psql.insert("zpix", rows + ties)
    assert psql.ok("primary", schema="s").startswith(f"zpix: {len(rows) + 3} rows changed\n")
    got = psql.read("zpix", PRIMARY).filter(pl.col("main_primary"))
    best = {str(10 * n + len(case) - 1) for n, case in enumerate(cases)} | {"1002"}
    assert set(got["id"]) == best


@pytest.mark.parametrize("seed", range(3))
def test_primary_of_random_rows(psql, rank, seed):
    """Few values, so many ties; old flags are overwritten, also where a row left a scope."""
    choose = random.Random(seed).choice
    rows = [
        {
            "id": number,
            "targetid": choose(range(-20, 200)) << 40,
            "survey": choose(["sv1", "sv2", "sv3", "main", "cmx", "special"]),
            "zwarn": choose([0, 0, 4, 1 << 40]),
            rank: choose([-9999.0, -1.5, -0.0, 0.0, 1e-30, 0.25, 88.5, float("nan")]),
            "sv_nspec": choose([0, 1, 7]),
            "main_primary": choose([True, False]),
        }
        for number in random.Random(seed).sample(range(10**6), 1000)
    ]
    psql.insert("ztile", rows)
    psql.ok("primary", schema="s")
    assert psql.read("ztile", PRIMARY).equals(primary(rows, rank))
    assert psql.ok("primary", schema="s").endswith("ztile: 0 rows changed\n")


def test_primary_names_what_values_do_not_decide(psql, rank):
    """Each target has its spectra as (ZWARN, value); the first one is marked in the table."""
    nan = float("nan")
    undecided = [
        [(0, 5.0), (0, 5.0)],
        [(0, -1.0), (0, 5.0)],
        [(0, 0.0), (0, 5.0), (4, 9.0)],
        [(0, nan), (0, -9999.0)],
        [(4, nan), (4, 0.0)],
    ]
    decided = [
        [(0, 4.0), (0, 5.0)],
        [(4, 0.0), (0, -9999.0)],
        [(4, 5.0), (0, 5.0)],
        [(0, 6.0), (0, 5.0), (0, -1.0)],
    ]
    rows = [
        # The key decides of equals; the marked one has the largest.
        {"id": 10 * n + 9 - i, "targetid": n, "survey": "sv3", "zwarn": zwarn, rank: value}
        | {"zcat_nspec": len(case), "sv_nspec": len(case), "zcat_primary": i == 0}
        | {"sv_primary": i == 0}
        for n, case in enumerate(undecided + decided)
        for i, (zwarn, value) in enumerate(case)
    ]
    psql.insert("zpix", rows)
    assert psql.ok("primary", schema="s") == (
        "zpix: 16 rows changed\n"
        "zpix: for 5 targets the table had another choice because of a tie or a value of 0 or less "
        f"({rank})\nztile: 0 rows changed\n"
    )
    assert psql.read("zpix", PRIMARY).equals(primary(rows, rank))
    assert psql.ok("primary", schema="s") == "zpix: 0 rows changed\nztile: 0 rows changed\n"


# ---------------------------------------------------------------------------- target_bitmasks


def combined(zpix: pl.DataFrame, target: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the bitmasks that zpix must get, and how many of its rows have target rows."""
    group = ["targetid", "survey", "program"]
    masks = target.group_by(group).agg(pl.col(BITMASKS).bitwise_or())
    joined = zpix.join(masks, on=group, how="left", suffix="_new", maintain_order="left")
    new = [pl.coalesce(f"{mask}_new", mask).alias(mask) for mask in BITMASKS]
    return joined.select("id", *new), joined["cmx_target_new"].count()


def check_bitmasks(psql: Psql, zpix: pl.DataFrame, target: pl.DataFrame) -> None:
    zpix = zpix.with_columns(pl.col("id").cast(pl.String)).sort("id")
    wanted, matched = combined(zpix, target)
    differs = [a != b for a, b in zip(zpix[wanted.columns].rows(), wanted.rows(), strict=True)]
    assert 0 < sum(differs) < zpix.height
    where = psql.read("zpix", ["ctid"])
    output = psql.ok("target_bitmasks", "-At", schema="s")
    counts = [zpix.height, matched, zpix.height - matched]
    assert output == "|".join(map(str, [*counts, sum(differs)])) + "\n"
    assert psql.read("zpix", BITMASKS).equals(wanted)
    moved = psql.read("zpix", ["ctid"])["ctid"] != where["ctid"]
    assert moved.to_list() == differs
    assert psql.ok("target_bitmasks", "-At", schema="s") == "|".join(map(str, [*counts, 0])) + "\n"


def test_bitmasks_of_the_reference(psql, expected):
    psql.build("s", ["zpix", "target"])
    zpix = psql.insert_file(expected / "zpix.parquet")
    target = psql.insert_file(expected / "target.parquet")
    psql.run("target_bitmasks", schema="s")
    psql.execute("UPDATE s.zpix SET sv2_mws_target = sv2_mws_target + 1 WHERE zwarn = 0")
    changed = psql.read("zpix", BITMASKS)
    check_bitmasks(psql, zpix.select(pl.exclude(BITMASKS)).join(changed, on="id"), target)


def test_bitmasks_of_random_rows(psql):
    """All 64 bits of all 17 masks; groups that differ in one of their three columns only."""
    random_ = random.Random(1)
    keys = [
        {"targetid": target << 50, "survey": survey, "program": program}
        for target in range(-10, 20)
        for survey in ("main", "sv1")
        for program in ("dark", "bright1b")
    ]

    def row(number: int, key: dict[str, Any]) -> dict[str, Any]:
        masks = {mask: (1 << random_.randrange(64)) - (1 << 63) for mask in BITMASKS}
        return {"id": number, **key, **masks}

    zpix = [row(n, key) for n, key in enumerate(keys)]
    chosen = random_.sample(keys, 90)
    target = [row(n, key) for n, key in enumerate(chosen + random_.sample(chosen, 60))]
    same = next(row for row in zpix if {k: row[k] for k in keys[0]} == chosen[-1])
    target = [r for r in target if {k: r[k] for k in keys[0]} != chosen[-1]] + [same | {"id": -1}]
    psql.build("s", ["zpix", "target"])
    psql.insert("zpix", zpix)
    psql.insert("target", [r | {"tileid": n} for n, r in enumerate(target)])
    check_bitmasks(psql, pl.DataFrame(zpix), pl.DataFrame(target))
