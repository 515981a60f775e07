"""Relatives of subsets, and starts made of them."""

from __future__ import annotations

import numpy as np
import pytest

from crm_analytics.stats.subset_family import Starts, along, chains, whole


def test_parents_have_one_driver_more_and_uncles_lost_the_same_one():
    family = whole(5, [3, 0, 4, 1, 2])
    assert sorted(family.masks.tolist()) == list(range(32))
    assert (np.diff(family.sizes) <= 0).all()
    for mask, up, uncle in zip(family.masks, family.parent, family.uncle, strict=True):
        if up < 0:
            assert mask == 31
            continue
        dropped = family.masks[up] ^ mask
        missing = [k for k in [3, 0, 4, 1, 2] if not mask >> k & 1]
        assert dropped == 1 << missing[0], "the weakest of those that are not there"
        if uncle >= 0:
            assert family.masks[family.parent[uncle]] ^ family.masks[uncle] == dropped
            assert family.sizes[uncle] == family.sizes[up]
    assert (family.uncle < 0).sum() == 6, "the subset of all, and those with one driver less"


def test_orders_make_chains_with_each_subset_once():
    orders = np.array([[0, 1, 2], [2, 1, 0], [0, 2, 1]])
    assert chains(orders)[1].tolist() == [0, 4, 6, 7]
    family = along(orders)
    assert sorted(family.masks.tolist()) == [0, 1, 3, 4, 5, 6, 7]
    for mask, up in zip(family.masks[1:], family.parent[1:], strict=True):
        assert (family.masks[up] & mask) == mask
        assert int(family.masks[up] ^ mask).bit_count() == 1


@pytest.mark.parametrize("sets", [[[0], [1], [2]], [[0, 1], [2]]])
def test_where_all_is_a_parabola_the_start_is_the_maximum(sets):
    rng = np.random.default_rng(1)
    a = rng.normal(size=(8, 4))
    bend, best = a.T @ a, rng.normal(size=4)
    family = whole(len(sets), list(range(len(sets))))
    starts = Starts(family, sets, 4)
    for parts in family.levels(128):
        for part in parts:
            inside = [
                [3, *(c for k, s in enumerate(sets) if mask >> k & 1 for c in s)]
                for mask in family.masks[part]
            ]
            found, inverse = np.zeros((4, len(inside))), np.zeros((len(inside), 4, 4))
            for j, columns in enumerate(inside):
                own = np.linalg.inv(bend[np.ix_(columns, columns)])
                found[columns, j] = own @ (bend @ best)[columns]
                inverse[j] = np.eye(4)
                inverse[np.ix_([j], columns, columns)] = own
            if family.parent[part.start] >= 0:
                start = starts.of(part)
                for j, columns in enumerate(inside):
                    assert start[columns, j] == pytest.approx(found[columns, j], abs=1e-9)
            starts.keep(part, found, inverse)
