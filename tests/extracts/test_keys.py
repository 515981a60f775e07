"""Ids and repeats by sorted hashes, held against plain counting."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts import keys
from crm_analytics.extracts.keys import keyed, repeats

IDS = st.lists(st.sampled_from(["a", "b", "ab", "é", "0", "00", " ", "x" * 30, "y" * 13]), max_size=40)


def as_expected(found, ids):
    assert found.ids.to_list() == sorted(set(ids), key=str.encode)
    assert found.ids.gather(found.codes).to_list() == ids
    assert found.counts.tolist() == [ids.count(i) for i in found.ids]
    for place, rows in enumerate(found.rows_of(range(len(found.ids)))):
        assert rows.tolist() == [i for i, one in enumerate(ids) if one == found.ids[place]]


@given(IDS)
def test_every_row_has_its_id(ids):
    as_expected(keyed(pl.Series(ids, dtype=pl.String)), ids)


@given(IDS, st.data())
def test_keys_of_some_rows_are_as_if_there_were_no_others(ids, data):
    some = data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
    found = keyed(pl.Series(ids, dtype=pl.String)).of(pl.Series(some, dtype=pl.Boolean))
    as_expected(found, [one for one, kept in zip(ids, some, strict=True) if kept])


@given(IDS)
def test_hashes_that_are_alike_do_no_harm(ids):
    column, hashes = pl.Series(ids, dtype=pl.String), keys._hashes

    def bad(column, seed):  # the leading bits are the same, and two ids have one hash
        return hashes(column, seed) if seed else hashes(column, seed) % 7

    keys._hashes = bad
    try:
        as_expected(keyed(column), ids)
    finally:
        keys._hashes = hashes


@given(IDS, st.sampled_from([0, 20]))
def test_repeats(ids, few):
    column = pl.Series(ids, dtype=pl.String)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "_FEW", few)
        found = repeats(column.hash())
    assert (found.to_list() if found is not None else [False] * len(ids)) == (
        ~column.is_first_distinct()
    ).to_list()
