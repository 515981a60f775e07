"""The colours are measured: contrast after WCAG 2.2, difference after colour blindness has been simulated."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from crm_analytics.charts.theme import SEGMENTS, THEMES, contrast, rank, theme
from crm_analytics.errors import UnknownNameError
from crm_analytics.segmentation.segments import Segment

# Machado, Oliveira, Fernandes (2009), IEEE TVCG 15(6), supplement: severity 1.0, applied to linear RGB
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# IEC 61966-2-1: linear sRGB to XYZ under D65
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
JUST_SEEN = 2.3  # CIELAB difference that half of all people notice (Mahy, Van Eycken, Oosterlinck 1994)

both = pytest.mark.parametrize("look", THEMES.values(), ids=lambda t: t.name)
each_sight = pytest.mark.parametrize("sight", SIGHT)


def seen(colour, sight):
    """Give a colour in CIELAB as it is seen."""
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    x, y, z = (TO_XYZ @ np.clip(SIGHT[sight] @ linear, 0, 1)) / WHITE
    fx, fy, fz = (np.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def closest(colours, sight):
    """Give the smallest CIELAB difference of any two colours."""
    return min(np.linalg.norm(seen(a, sight) - seen(b, sight)) for a, b in combinations(colours, 2))


def test_the_measure_of_difference_is_right():
    """White is L* = 100 without hue; sRGB red is L*a*b* (53.24, 80.09, 67.20), as Lindbloom's calculator gives."""
    assert seen("#ffffff", "normal") == pytest.approx([100, 0, 0], abs=0.02)
    assert seen("#ff0000", "normal") == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert closest(("#ff0000", "#ff0001"), "normal") < JUST_SEEN


@both
def test_text_stands_out(look):
    for colour in (look.text, look.muted, look.accent, look.good, look.bad):
        assert contrast(colour, look.background) >= 4.5, colour


@both
def test_marks_stand_out(look):
    for colour in (look.accent, look.quiet, look.good, look.bad, *look.categories, *look.segments.values()):
        assert contrast(colour, look.background) >= 3, colour


@both
def test_ink_is_readable_on_every_fill(look):
    for colour in (*look.segments.values(), *look.categories):
        for strength in (0.08, 0.18, 0.4, 0.6, 0.8, 1.0):
            fill = look.tint(colour, strength)
            assert contrast(look.ink(fill), fill) >= 4.3, (colour, strength)


@both
@each_sight
def test_categories_are_told_apart(look, sight):
    assert closest(look.categories, sight) > 5 * JUST_SEEN


@both
@each_sight
def test_segments_are_told_apart(look, sight):
    assert closest(look.segments.values(), sight) > 3 * JUST_SEEN


@both
@each_sight
def test_good_and_bad_news_are_told_apart(look, sight):
    assert closest((look.good, look.bad, look.quiet), sight) > 6 * JUST_SEEN


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#767676", "#ffffff", 4.54)],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    """#767676 is the lightest grey that passes 4.5:1 on white, #777777 does not (WebAIM)."""
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.005)


@both
def test_every_segment_of_rfm_has_a_colour_of_its_own(look):
    own = [s.value for s in Segment if s is not Segment.NO_PURCHASE]
    colours = [look.segment(name) for name in own]
    assert len(set(colours)) == len(own)
    assert set(colours) <= set(look.segments.values())


@pytest.mark.parametrize("name", ["Can't lose them", "CANNOT LOSE", "can’t-lose_them", "Cant lose"])  # noqa: RUF001
def test_a_segment_keeps_its_colour_however_it_is_written(name):
    assert theme("light").segment(name) == theme("light").segments["cannot lose"]


def test_an_unknown_segment_has_a_steady_colour():
    look = theme("light")
    assert look.segment("VIP") == look.segment("VIP")
    assert look.segment("VIP") in look.categories


def test_segments_are_ranked_by_meaning():
    assert [rank(s) for s in SEGMENTS] == list(range(len(SEGMENTS)))
    assert rank("of one's own") == len(SEGMENTS)


def test_tints_go_from_the_background_to_the_colour():
    look = theme("dark")
    assert look.tint("#ff8a5c", 0) == look.background
    assert look.tint("#ff8a5c", 1) == "#ff8a5c"


def test_an_unknown_theme_is_named_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"no theme 'darkk'.*Did you mean 'dark'"):
        theme("darkk")


def test_themes_give_themselves_and_register_nothing():
    import plotly.io as pio

    before = set(pio.templates)
    look = theme("light")
    assert theme(look) is look
    assert look.template.layout.paper_bgcolor == "#ffffff"
    assert set(pio.templates) == before
