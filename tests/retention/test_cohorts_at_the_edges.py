"""Odd extracts and odd options: an answer with finite figures, or a typed error that says what to do."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.errors import CrmError, NotEnoughDataError, OptionError


def orders(*bought):
    """Make orders from customer, instant and amount."""
    rows = [(who, datetime.fromisoformat(at), float(amount)) for who, at, amount in bought]
    return pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row")


ONE = orders(("a", "2026-01-05", 10))
TEN_YEARS = pl.DataFrame(
    {
        "customer_id": [f"c{i % 97}" for i in range(1500)],
        "ordered_at": [datetime(2016, 1, 4) + timedelta(days=i * 37 % 3650) for i in range(1500)],
        "amount": 10.0,
    }
)


@pytest.mark.parametrize(
    ("frame", "options"),
    [
        (ONE, {}),
        (ONE, {"criterion": "bracket", "brackets": [(1, 3)]}),
        (ONE, {"compare_definitions": True, "shrink": True}),
        (ONE, {"as_of": "2036-02-15", "period": "week"}),
        (orders(*((f"c{i}", "2026-01-05", 5) for i in range(40))), {}),
        (orders(("a", "2026-01-05", 10), ("a", "2026-02-10", 10)), {"as_of": "2026-02-15"}),
        (orders(("a", "2026-01-05", -3)), {"activity": "any"}),
        (orders(("a", "2026-01-05", -3), ("a", "2026-02-05", 10)), {}),
        (orders(("a", "2026-01-05", 1e15), ("a", "2026-02-05", -1e15), ("b", "2026-01-05", 0.01)), {}),
        (orders(("a", "2026-01-31T23:59:59.999999", 1), ("a", "2026-02-01", 1)), {"period": "day"}),
        (TEN_YEARS, {"period": "week"}),
        (TEN_YEARS, {"period": "week", "entry": "recurring", "criterion": "on_or_after"}),
        (TEN_YEARS, {"period": "week", "clock": "24h", "criterion": "streak", "max_periods": 40}),
        (TEN_YEARS, {"period": "quarter", "fiscal_year_start": 4, "value": "average_order"}),
        (TEN_YEARS.with_columns(pl.col("ordered_at").dt.strftime("%d.%m.%Y")), {}),
        (TEN_YEARS, {"min_customers": 1000}),
        (ONE, {"criterion": "on_or_after", "horizon": 10**9}),
    ],
)
def test_odd_extracts_have_finite_answers(frame, options):
    result = crm.cohort_retention(frame, **options)
    assert "nan" not in result.headline().casefold()
    for name, table in result.tables().items():
        for column in table.select(pl.col(pl.Float64)).columns:
            assert table[column].is_finite().all(), f"{name}.{column}"
            if f"{column}_lower" in table.columns:
                known = table.drop_nulls([column, f"{column}_lower", f"{column}_upper"])
                assert (known[f"{column}_lower"] <= known[column] + 1e-9).all(), f"{name}.{column}"
                assert (known[column] <= known[f"{column}_upper"] + 1e-9).all(), f"{name}.{column}"
    for view in result.views:
        result.plot(view.name)


@pytest.mark.parametrize("amount", [-3, 0])
def test_nobody_who_bought_is_said(amount):
    with pytest.raises(NotEnoughDataError, match="Found 0 customers with a first order"):
        crm.cohort_retention(orders(("a", "2026-01-05", amount)))


def test_a_window_without_newcomers_is_said():
    with pytest.raises(NotEnoughDataError, match="first order in the window"):
        crm.cohort_retention(orders(("a", "2025-01-05", 5), ("a", "2026-02-10", 5)), start="2026-01-01")


@pytest.mark.parametrize(
    "options",
    [
        {"criterion": "onn"},
        {"period": "fortnight"},
        {"clock": "12h"},
        {"average": "median"},
        {"horizon": 3},
        {"criterion": "on_or_after", "horizon": 0},
        {"criterion": "on_or_after", "horizon": "3"},
        {"criterion": "bracket"},
        {"criterion": "bracket", "brackets": []},
        {"criterion": "bracket", "brackets": [3]},
        {"criterion": "bracket", "brackets": [(1.5, 3)]},
        {"criterion": "bracket", "brackets": [(3, 1)]},
        {"criterion": "bracket", "brackets": [(1, 3), (2, 5)]},
        {"criterion": "bracket", "brackets": [(0, 3)]},
        {"brackets": [(1, 3)]},
        {"max_periods": 0},
        {"min_customers": 0},
        {"min_customers": None},
        {"fiscal_year_start": 13},
        {"value": "margin"},
        {"value": "payback"},
    ],
)
def test_odd_options_are_typed_errors(options):
    with pytest.raises(OptionError, match=r"Expected|expected"):
        crm.cohort_retention(ONE, **options)


@pytest.mark.parametrize("options", [{"by": "channel"}, {"entry": "first"}])
def test_unknown_attributes_are_named(options):
    with pytest.raises(CrmError, match="There is no"):
        crm.cohort_retention(ONE, **options)


def test_recurring_members_take_their_own_deeds_and_money():
    """As many pairs of member and period as the extract has customer-periods, yet not the same ones."""
    frame = orders(
        ("a", "2026-01-05", 1), ("a", "2026-02-05", 2), ("a", "2026-03-05", 4),
        ("b", "2026-01-09", -8), ("b", "2026-02-09", -16), ("b", "2026-03-09", -32),
    )  # fmt: skip
    result = crm.cohort_retention(frame, entry="recurring", as_of=date(2026, 4, 1))
    cells = result.tables()["cells"].select("cohort_on", "period", "n_active", "spend")
    assert [row[2:] for row in cells.sort("cohort_on", "period").rows()] == [
        (1, 1.0), (1, 2.0), (1, 4.0), (1, 2.0), (1, 4.0), (1, 4.0),
    ]  # fmt: skip


def test_ages_are_said_to_be_left_out_where_they_are(monkeypatch):
    rows = pl.DataFrame(
        {
            "customer_id": ["a", "b", "a", "b"],
            "ordered_at": [date(2025, 1, 5), date(2025, 3, 5), date(2025, 12, 30), date(2025, 12, 31)],
            "amount": [1.0, 2.0, 3.0, 4.0],
        }
    )
    bracket = {"criterion": "bracket", "brackets": [(1, 2), (4, 6)]}

    def codes(**options):
        return {note.code for note in crm.cohort_retention(rows, **options).notes}

    assert "ages_left_out" not in codes() | codes(**bracket) | codes(max_periods=2)
    monkeypatch.setattr("crm_analytics.retention.cohorts.rows.MOST_CELLS", 8)
    assert "ages_left_out" in codes()
    assert "ages_left_out" in codes(**bracket)
    assert "ages_left_out" not in codes(max_periods=2)
