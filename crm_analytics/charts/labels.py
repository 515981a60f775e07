"""Where to put the names of points so that they do not lie on each other, on a phone too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_WIDTH: Final = 290.0
_HEIGHT: Final = 340.0
_LETTER: Final = 7.2
_LINE: Final = 16.0
_GAP: Final = 8.0
_STRETCH: Final = 3.0  # a screen is that much wider than a phone: lines across grow with it, names do not
_LINE_HALF: Final = 1.5  # a line of an interval and a little air

_PLACES: Final = (
    "top center", "bottom center", "middle right", "middle left", "top right", "top left", "bottom right", "bottom left",
)  # fmt: skip

Box = tuple[float, float, float, float]


def label_places(
    x: Sequence[float],
    y: Sequence[float],
    names: Sequence[str],
    x_range: Sequence[float],
    y_range: Sequence[float],
    crosses: Sequence[Box] = (),
) -> list[str]:
    """Choose plotly's `textposition` for each name, one after the other: where it covers least.

    Measured on the plot of a phone, where room is scarcest. `crosses` are the ends of the intervals of each point: left,
    lower, right and upper. A name lies rather beside a line than on it.

    >>> label_places([0, 0], [0, 0.01], ["one", "two"], [-1, 1], [-1, 1])
    ['top center', 'bottom center']
    """
    at = [_pixels(a, b, x_range, y_range) for a, b in zip(x, y, strict=True)]
    dots: list[Box] = [(px - 6, py - 6, px + 6, py + 6) for px, py in at]
    for (px, py), (left, lower, right, upper) in zip(at, crosses, strict=False):
        west, south = _pixels(left, lower, x_range, y_range)
        east, north = _pixels(right, upper, x_range, y_range)
        west, east = px + _STRETCH * (west - px), px + _STRETCH * (east - px)
        dots += [
            (west, py - _LINE_HALF, east, py + _LINE_HALF),
            (px - _LINE_HALF, south, px + _LINE_HALF, north),
        ]
    taken: list[Box] = []
    chosen = []
    for (px, py), name in zip(at, names, strict=True):
        boxes = {place: _box(px, py, name, place) for place in _PLACES}
        best = min(_PLACES, key=lambda p: (_covered(boxes[p], taken, dots), _PLACES.index(p)))
        taken.append(boxes[best])
        chosen.append(best)
    return chosen


def _pixels(a: float, b: float, x_range: Sequence[float], y_range: Sequence[float]) -> tuple[float, float]:
    """Place a point on the plot of a phone."""
    return (
        (a - x_range[0]) / ((x_range[1] - x_range[0]) or 1) * _WIDTH,
        (b - y_range[0]) / ((y_range[1] - y_range[0]) or 1) * _HEIGHT,
    )


def _box(px: float, py: float, name: str, place: str) -> Box:
    width = _LETTER * len(name)
    up = {"top": _GAP, "bottom": -_GAP - _LINE, "middle": -_LINE / 2}[place.split(maxsplit=1)[0]]
    side = place.split()[1]
    aside = _GAP if place.startswith("middle") else 2.0
    left = {"center": px - width / 2, "right": px + aside, "left": px - aside - width}[side]
    return left, py + up, left + width, py + up + _LINE


def _covered(box: Box, taken: Sequence[Box], dots: Sequence[Box]) -> float:
    """Measure what a box would cover: other names, points, and what juts out of the plot."""
    outside = max(0.0, -box[0]) + max(0.0, box[2] - _WIDTH) + max(0.0, -box[1]) + max(0.0, box[3] - _HEIGHT)
    return sum(_common(box, other) for other in (*taken, *dots)) + outside * _LINE


def _common(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(tall, 0.0)
