"""The chart: a bar for each contender, with the range of its runs."""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarking.result import Result
from benchmarking.rounds import summary
from benchmarking.targets import LIMIT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = {"rows": "FITS to committed rows", "ready": "FITS to ready, with keys and indexes"}
"""Figure to its title."""

GIANT = 10
"""What takes so many times as long as most goes beyond the end of the axis."""


def write_chart(result: Result, path: Path) -> str | None:
    """Write a PNG; return why there is none, if so."""
    if importlib.util.find_spec("matplotlib") is None:
        return "no chart: matplotlib is missing (pip install specprod-copy[benchmark])"
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    names = [name for name, figures in result.figures.items() if {*PANELS} & set(figures)]
    size = (11, 0.4 * len(names) + 1.6)
    figure, panels = pyplot.subplots(
        1, len(PANELS), sharey=True, figsize=size, layout="constrained"
    )
    for axes, (kind, title) in zip(panels, PANELS.items(), strict=True):
        runs = {n: result.figures[name].get(kind) for n, name in enumerate(names)}
        _bars(axes, {n: summary(values) for n, values in runs.items() if values})
        axes.set_title(title, fontsize=10)
        if (limit := result.medians.get((LIMIT, kind))) is not None:
            axes.axvline(limit, color="black", linestyle=":", linewidth=1)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    figure.suptitle(result.subject, fontsize=10)
    figure.supxlabel("seconds: median, least and most of the runs; dotted: the limit", fontsize=9)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return None


def _bars(axes: Axes, figures: Mapping[int, tuple[float, float, float]]) -> None:
    """Draw median, least and most at each place; the axis ends where all but giants end."""
    medians = [median for median, _, _ in figures.values()]
    errors = [
        [median - least for median, least, _ in figures.values()],
        [most - median for median, _, most in figures.values()],
    ]
    axes.barh(list(figures), medians, 0.7, xerr=errors, color="#4878a8", ecolor="#333333")
    usual = statistics.median_low(medians)
    end = 1.25 * max(most for _, _, most in figures.values() if most <= GIANT * usual)
    axes.set_xlim(0, end)
    for place, (median, _, most) in figures.items():
        beyond = most > end
        axes.annotate(
            f"{median:,.1f} s{' →' if beyond else ''}",
            (end if beyond else most, place),
            xytext=(-4 if beyond else 4, 0),
            textcoords="offset points",
            horizontalalignment="right" if beyond else "left",
            verticalalignment="center",
            color="white" if beyond else "black",
            fontsize=8,
        )
