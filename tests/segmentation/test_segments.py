"""The map of segments is a true partition."""

from __future__ import annotations

from itertools import product

import pytest

from crm_analytics.segmentation.segments import MAP, SCORED, Segment, segment_of

CELLS = list(product(range(1, 6), repeat=2))

BY_HAND = {
    # recency score: the segments of frequency scores 1 to 5
    5: ("New customers", "Potential loyalists", "Potential loyalists", "Champions", "Champions"),
    4: ("Promising", "Potential loyalists", "Potential loyalists", "Loyal customers", "Loyal customers"),
    3: ("About to sleep", "About to sleep", "Need attention", "Loyal customers", "Loyal customers"),
    2: ("Hibernating", "Hibernating", "At risk", "At risk", "Can't lose them"),
    1: ("Lost", "Lost", "At risk", "At risk", "Can't lose them"),
}


def test_each_cell_has_exactly_one_segment():
    assert sorted(MAP) == CELLS
    for r, f in CELLS:
        assert segment_of(r, f) == MAP[r, f] == BY_HAND[r][f - 1]


def test_each_of_the_eleven_segments_has_a_cell():
    assert len(SCORED) == 11
    assert set(MAP.values()) == set(SCORED)


def test_the_unscored_have_no_cell():
    assert {Segment.PROSPECT, Segment.NO_PURCHASE}.isdisjoint(MAP.values())


@pytest.mark.parametrize("bins", range(2, 11))
def test_any_number_of_bins_maps_each_pair_to_one_segment(bins):
    pairs = list(product(range(1, bins + 1), repeat=2))
    found = {pair: segment_of(*pair, bins=bins) for pair in pairs}
    assert all(s in SCORED for s in found.values())
    if bins > 2:
        assert found[bins, bins] == Segment.CHAMPIONS
        assert found[1, 1] == Segment.LOST
        assert found[bins, 1] == Segment.NEW
        assert found[1, bins] == Segment.CANNOT_LOSE


def test_ten_bins_split_the_cells_of_five():
    for r, f in product(range(1, 11), repeat=2):
        assert segment_of(r, f, bins=10) == MAP[(r + 1) // 2, (f + 1) // 2]


@pytest.mark.parametrize("segment", Segment)
def test_every_segment_says_who_and_what_to_do(segment):
    for text in (segment.meaning, segment.what_to_do):
        assert text.endswith(".")
        assert text[0].isupper()
        assert 20 < len(text) < 140


def test_names_and_words_are_different_for_each():
    assert (
        len({s.value for s in Segment})
        == len({s.meaning for s in Segment})
        == len({s.what_to_do for s in Segment})
    )
