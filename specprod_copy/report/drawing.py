"""How pictures are drawn: once for light pages, once for dark ones."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI: Final = 130

COLORS: Final = {
    "dark": "#4477cc",
    "bright": "#e07b2c",
    "backup": "#3f9a56",
    "other": "#b0569b",
    "GALAXY": "#4477cc",
    "QSO": "#e07b2c",
    "STAR": "#3f9a56",
}
MORE_COLORS: Final = ("#4477cc", "#e07b2c", "#3f9a56", "#b0569b", "#8a7a2e", "#5ba4b5", "#c2484f")


@dataclass(frozen=True)
class Theme:
    """Colors that fit a page."""

    name: str
    ink: str
    faint: str
    density: str
    """Name of matplotlib's colors for counts."""


THEMES: Final = (
    Theme("light", ink="#1f2328", faint="#8c959f", density="Purples"),
    Theme("dark", ink="#e6edf3", faint="#6e7681", density="magma"),
)


@dataclass(frozen=True)
class Picture:
    """A picture, and what it shows in words."""

    title: str
    alt: str
    images: dict[str, bytes]
    """PNG by the name of a theme."""


def drawn(
    title: str, alt: str, draw: Callable[[Figure, Theme], None], *, size: tuple[float, float]
) -> Picture:
    """Draw a picture in each theme, on nothing, so that the page shows through."""
    import matplotlib.pyplot as plt

    images = {}
    for theme in THEMES:
        settings: Any = {
            "text.color": theme.ink,
            "axes.labelcolor": theme.ink,
            "axes.edgecolor": theme.faint,
            "axes.titlecolor": theme.ink,
            "xtick.color": theme.ink,
            "ytick.color": theme.ink,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "font.size": 9,
            "figure.constrained_layout.use": True,
        }
        with plt.rc_context(settings):
            figure = plt.figure(figsize=size)
            try:
                draw(figure, theme)
                for axes in figure.axes:
                    axes.patch.set_alpha(0)
                content = io.BytesIO()
                figure.savefig(content, format="png", dpi=_DPI, transparent=True)
            finally:
                plt.close(figure)
        images[theme.name] = content.getvalue()
    return Picture(title, alt, images)


def ordered(names: Iterable[str]) -> list[str]:
    """Return different names, those with a color of their own first."""
    known = list(COLORS)
    return sorted(
        set(names), key=lambda name: (known.index(name) if name in known else len(known), name)
    )


def color_of(name: str) -> str:
    """Return the color of a program or a spectral type."""
    return COLORS.get(name, MORE_COLORS[-1])
