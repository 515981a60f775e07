from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl
from polars.testing import assert_frame_equal

from crm_analytics.aggregates.origins import origins

LINES = pl.DataFrame(
    {
        "customer_id": ["a", "a", "a", "b", "b", "c", "d"],
        "ordered_at": [datetime(2026, 1, d) for d in (9, 2, 2, 5, 3, 4, 20)],
        "channel": ["web", "store", "phone", "web", None, None, "web"],
        "country": ["FR", "DE", "DE", "GB", "GB", "GB", "IE"],
    }
)


def test_the_first_row_counts():
    found = origins(LINES, ["channel", "country"], as_of=date(2026, 1, 15))
    assert found.rows() == [("a", "phone", "DE"), ("b", None, "GB"), ("c", None, "GB")]


def test_row_order_does_not_matter():
    found = origins(LINES, ["channel", "country"], as_of=date(2026, 2, 1))
    for seed in range(5):
        shuffled = LINES.sample(fraction=1.0, shuffle=True, seed=seed).lazy()
        assert_frame_equal(origins(shuffled, ["channel", "country"], as_of=date(2026, 2, 1)), found)


def test_duckdb_says_the_same():
    lines = LINES
    relation = duckdb.sql("select * from lines")
    assert lines.height == 7
    assert_frame_equal(
        origins(relation, ["channel"], as_of=date(2026, 2, 1)),
        origins(LINES, ["channel"], as_of=date(2026, 2, 1)),
    )
