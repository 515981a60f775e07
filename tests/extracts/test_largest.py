"""The customers with the most rows, held against plain sorting."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts.checking import largest
from crm_analytics.extracts.checking.keys import keyed
from crm_analytics.extracts.checking.largest import largest_customers

IDS = st.lists(st.integers(0, 12).map("c{}".format), min_size=1, max_size=60)


@given(IDS, st.integers(1, 15))
def test_they_are_those_with_the_most_rows(ids, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(largest, "_LARGEST", most)
        found = largest_customers(keyed(pl.Series(ids)), None)
    counts = sorted((ids.count(one) for one in set(ids)), reverse=True)
    assert found.n == len(counts)
    assert found.largest["n"].to_list() == counts[:most]
    assert found.largest["n"].to_list() == [ids.count(one) for one in found.largest["customer_id"]]
    assert found.largest["typical"].unique().to_list() == [np.median(counts)]
