"""Purchases are the same whether Polars, DuckDB or Spark's interface reduces the transactions."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from crm_analytics.aggregates.purchase_days import money_back, purchase_days, purchase_instants

AS_OF = date(2026, 2, 20)
LINES = pl.DataFrame(
    [
        (f"c{i % 7}", f"{i // 3}", datetime(2026, 1, 1, 8) + timedelta(hours=31 * (i // 3)), amount)
        for i, amount in enumerate([10.0, 5.5, -3.25, 0.0, 40.0, -40.0, 7.75] * 12)
    ],
    schema=["customer_id", "order_id", "ordered_at", "amount"],
    orient="row",
)


def on_duckdb() -> object:
    return duckdb.connect().from_arrow(LINES.to_arrow())


def on_spark() -> object:
    """Give a frame with the interface of Spark; sqlframe runs it on DuckDB, so that no cluster is needed."""
    pytest.importorskip("sqlframe", reason="sqlframe stands in for Spark")
    from sqlframe.duckdb import DuckDBSession

    return DuckDBSession().createDataFrame(LINES.rows(), schema=LINES.columns)


@pytest.mark.parametrize("engine", [on_duckdb, on_spark])
@pytest.mark.parametrize("aggregate", [purchase_days, purchase_instants, money_back])
def test_engines_agree(engine, aggregate):
    here, there = (
        aggregate(frame, as_of=AS_OF).collect("polars").to_native() for frame in (LINES.lazy(), engine())
    )
    assert here.height
    assert_frame_equal(here, there.select(here.columns), check_row_order=False)


@pytest.mark.parametrize("engine", [on_duckdb, on_spark])
def test_free_orders_are_left_out_on_every_engine(engine):
    few, same = (
        purchase_days(frame, as_of=AS_OF, free_orders=False).collect("polars").to_native()
        for frame in (LINES.lazy(), engine())
    )
    assert few.height < purchase_days(LINES.lazy(), as_of=AS_OF).collect("polars").to_native().height
    assert_frame_equal(few, same.select(few.columns), check_row_order=False)
