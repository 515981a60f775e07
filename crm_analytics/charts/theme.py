"""One look for every figure, light and dark.

The colours are told apart with normal sight and with each of the three kinds of colour blindness (simulated after
Machado, Oliveira and Fernandes 2009), and stand out from the background by at least 3:1 (marks) and 4.5:1 (text);
the tests measure both. Colour is never the only carrier of a meaning: labels and hover text say it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import plotly.graph_objects as go

from crm_analytics.errors import UnknownNameError

FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", sans-serif'
"""Fonts every system has; nothing is fetched."""

TEXT_SIZE: Final = 14
TITLE_SIZE: Final = 17

SEGMENTS: Final = (
    "champions",
    "loyal",
    "potential loyalists",
    "new",
    "promising",
    "need attention",
    "about to sleep",
    "at risk",
    "cannot lose",
    "hibernating",
    "lost",
    "prospect",
)
"""Segments by meaning, from the best to those who are gone; a colour each."""

_DROPPED: Final = frozenset({"customers", "customer", "them", "users"})
_SAME: Final = {
    "cant lose": "cannot lose",
    "can not lose": "cannot lose",
    "loyal": "loyal",
    "recent": "new",
    "needs attention": "need attention",
    "potential loyalist": "potential loyalists",
    "champion": "champions",
    "prospects": "prospect",
}


@dataclass(frozen=True)
class Theme:
    """Colours of a look.

    `accent` draws what a figure is about, `quiet` what it is compared with; `good` and `bad` judge a change.
    `categories` are for things without a fixed colour, `segments` for the segments of `SEGMENTS`.
    """

    name: str
    background: str
    text: str
    muted: str
    grid: str
    accent: str
    quiet: str
    good: str
    bad: str
    categories: tuple[str, ...]
    segments: Mapping[str, str]

    def segment(self, name: str) -> str:
        """Give the fixed colour of a segment, or a category colour for a name not among them.

        >>> theme("light").segment("Can't lose them") == theme("light").segments["cannot lose"]
        True
        """
        key = _meaning(name)
        return self.segments.get(key) or self.categories[sum(map(ord, key)) % len(self.categories)]

    def ink(self, fill: str) -> str:
        """Give black or white, whichever is easier to read on `fill`."""
        return max(("#ffffff", "#111111"), key=lambda ink: contrast(ink, fill))

    def tint(self, colour: str, strength: float) -> str:
        """Mix a colour into the background: 1 is the colour itself, 0 the background.

        >>> theme("light").tint("#000000", 0.5)
        '#808080'
        """
        parts = zip(_rgb(colour), _rgb(self.background), strict=True)
        return "#" + "".join(f"{round(strength * c + (1 - strength) * b):02x}" for c, b in parts)

    @property
    def template(self) -> go.layout.Template:
        """The plotly template of the look: a value to hand to a figure, registered nowhere."""
        return _template(self.name)


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance).

    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def theme(name: str | Theme) -> Theme:
    """Give the theme of this name.

    Raises
    ------
    UnknownNameError
        If there is no such theme.
    """
    if isinstance(name, Theme):
        return name
    if name not in THEMES:
        raise UnknownNameError.of("theme", name, THEMES)
    return THEMES[name]


def rank(segment: str) -> int:
    """Give the place of a segment in the order of meaning; unknown ones come last.

    >>> rank("Champions") < rank("At risk") < rank("Lost") < rank("Something else")
    True
    """
    key = _meaning(segment)
    return SEGMENTS.index(key) if key in SEGMENTS else len(SEGMENTS)


def _meaning(segment: str) -> str:
    letters = "".join(
        c if c.isalpha() or c.isspace() else " " if c in "-_/" else "" for c in segment.casefold()
    )
    key = " ".join(w for w in letters.split() if w not in _DROPPED)
    return _SAME.get(key, key)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 sRGB

    red, green, blue = (linear(part / 255) for part in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _segments(*colours: str) -> dict[str, str]:
    return dict(zip(SEGMENTS, colours, strict=True))


THEMES: Final[Mapping[str, Theme]] = {
    t.name: t
    for t in (
        Theme(
            name="light",
            background="#ffffff",
            text="#1b2430",
            muted="#556070",
            grid="#e3e7ec",
            accent="#235ac4",
            quiet="#8793a1",
            good="#0f7d6c",
            bad="#c2410c",
            categories=("#235ac4", "#bb800d", "#119f90", "#a00c6c", "#815700", "#8d70d3"),
            segments=_segments(
                "#213097", "#235ac4", "#148191", "#18a17b", "#556703", "#c88607",
                "#d05e4b", "#cb1040", "#7d1038", "#997bd4", "#705072", "#7a97b0",
            ),
        ),
        Theme(
            name="dark",
            background="#12161c",
            text="#e8ecf1",
            muted="#a7b1bd",
            grid="#2b323c",
            accent="#6aa5ff",
            quiet="#7d8896",
            good="#35c9a5",
            bad="#ff8a5c",
            categories=("#6aa5ff", "#dda543", "#14976b", "#ff66b7", "#f5e182", "#926bf2"),
            segments=_segments(
                "#88c0ff", "#3b83f1", "#24b2a0", "#35e49f", "#b0e95d", "#ebb308",
                "#d29866", "#d66752", "#cb376a", "#a595e6", "#827caf", "#e0cae2",
            ),
        ),
    )
}  # fmt: skip
"""The two looks by name."""


@lru_cache(maxsize=len(THEMES))
def _template(name: str) -> go.layout.Template:
    look = THEMES[name]
    axis = {
        "automargin": True,
        "gridcolor": look.grid,
        "linecolor": look.quiet,
        "zerolinecolor": look.quiet,
        "tickfont": {"color": look.muted, "size": TEXT_SIZE},
        "title": {"font": {"color": look.muted, "size": TEXT_SIZE}, "standoff": 10},
        "separatethousands": True,
        "exponentformat": "B",
        "fixedrange": True,  # a figure is read, not dragged; on a phone dragging scrolls the page
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": TEXT_SIZE, "color": look.text},
            "title": {
                "font": {"size": TITLE_SIZE, "color": look.text, "weight": 600},
                "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
                "pad": {"l": 16, "t": 16, "b": 12},
            },
            "paper_bgcolor": look.background,
            "plot_bgcolor": look.background,
            "colorway": list(look.categories),
            "margin": {"l": 16, "r": 20, "t": 16, "b": 16, "pad": 4},
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": look.background, "bordercolor": look.quiet, "align": "left",
                "font": {"family": FONT, "size": TEXT_SIZE, "color": look.text},
            },
            "legend": {
                "orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 0.01, "yanchor": "bottom",
                "font": {"color": look.text, "size": TEXT_SIZE}, "itemclick": False, "itemdoubleclick": False,
            },
            "dragmode": False,
            "annotationdefaults": {"font": {"color": look.text, "size": TEXT_SIZE}, "showarrow": False},
        }
    )  # fmt: skip
