"""Ids and repeats by sorted hashes, held against plain counting."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts.checking import keys
from crm_analytics.extracts.checking.keys import keyed, repeats
from crm_analytics.extracts.checking.short_ids import grouped

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


@given(IDS)
def test_long_ids_are_found_by_their_hashes(ids):
    as_expected(keys._hashed(pl.Series(ids, dtype=pl.String)), ids)


@given(st.lists(st.text("a7\0é🙂", max_size=5), max_size=30))
def test_short_ids_of_any_letters_have_their_rows(ids):
    as_expected(keyed(pl.Series(ids, dtype=pl.String)), ids)


def test_short_ids_are_packed_and_others_are_not():
    packed = grouped(pl.Series(["C0012345", "C7", "", "C0012345"]))
    assert packed is not None
    assert packed.rows.tolist() == [2, 0, 3, 1]
    assert packed.starts.tolist() == [0, 1, 3, 4]
    assert grouped(pl.Series(["C00123456"])) is None  # nine bytes
    assert grouped(pl.Series(["a", "a\0"])) is None  # the same number
    assert grouped(pl.Series(["éééé", "ééééé"])) is None  # ten bytes
    letters = [chr(1 << k) * 8 for k in range(7)]
    assert grouped(pl.Series(letters * 100)) is None  # nearly all bits differ, none are left for the rows


def test_short_ids_of_several_blocks_are_those_of_hashes():
    ids = pl.Series([f"{i * 7919 % 30_011:05}" for i in range(150_000)])
    found, hashed = keyed(ids), keys._hashed(ids)
    assert found.ids.equals(hashed.ids)
    assert (found.codes == hashed.codes).all()
    assert (found.counts == hashed.counts).all()


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
        as_expected(keys._hashed(column), ids)
    finally:
        keys._hashes = hashes


@given(IDS, st.sampled_from([64, 2, 1]), st.integers(1, 50))
def test_repeats(ids, bits, block):
    column = pl.Series("hash", ids, dtype=pl.String)
    hashes = column.to_frame().lazy().select(pl.col("hash").hash())
    if bits < 64:  # rows that differ share the leading half of their hashes
        some = (1 << 64) - (1 << (64 - bits)) | (1 << 32) - 1
        hashes = hashes.with_columns(pl.col("hash") & some)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "_BLOCK", block)
        found = repeats(hashes, "hash", len(ids))
    assert (found.to_list() if found is not None else [False] * len(ids)) == (
        ~column.is_first_distinct()
    ).to_list()


def test_numbers_that_must_not_be_written_to_are_left_as_they_are():
    numbers = np.array([7, 5, 7], np.uint64)
    numbers.flags.writeable = False
    found = keys.keyed_numbers(numbers, lambda numbers: numbers.cast(pl.String))
    assert found.codes.tolist() == [1, 0, 1]
    assert numbers.tolist() == [7, 5, 7]
