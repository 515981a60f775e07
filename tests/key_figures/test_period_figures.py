from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from crm_analytics.key_figures.period_figures import FIGURES, PARTS, by_period, customer_parts, figures_of
from crm_analytics.terms import SHARED

JAN, FEB, MAR = (date(2026, m, 1) for m in (1, 2, 3))
CELLS = pl.DataFrame(
    {
        "customer_id": ["a", "a", "b", "r"],
        "period_on": [JAN, MAR, MAR, MAR],
        "n_orders": [2, 1, 1, 0],
        "spend": [30.0, 15.0, 40.0, -5.0],
        "refunds": [0.0, 5.0, 0.0, 5.0],
        "cost": [20.0, 10.0, None, None],
        "n_lines_without_cost": [0, 0, 1, 1],
    }
)
FIRST = pl.DataFrame({"customer_id": ["a", "b"], "first_ordered_on": [date(2026, 1, 20), date(2026, 3, 3)]})
FIGURE = {f.name: f for f in FIGURES}


def totals(**parts: float) -> np.ndarray:
    return np.array([parts.get(name, 0.0) for name in PARTS])


def test_parts_of_a_customer_hand_worked():
    rows = customer_parts(CELLS, FIRST, "month").select("customer_id", "period_on", *PARTS).rows()
    #            active new returning orders spend gross refunds repeat_gross costed_spend costed_margin
    assert rows == [
        ("a", JAN, 1.0, 1.0, 0.0, 2.0, 30.0, 30.0, 0.0, 0.0, 30.0, 10.0),
        ("a", MAR, 1.0, 0.0, 1.0, 1.0, 15.0, 20.0, 5.0, 20.0, 15.0, 5.0),
        ("b", MAR, 1.0, 1.0, 0.0, 1.0, 40.0, 40.0, 0.0, 0.0, 0.0, 0.0),
        ("r", MAR, 0.0, 0.0, 0.0, 0.0, -5.0, 0.0, 5.0, 0.0, 0.0, 0.0),
    ]


def test_table_by_period_hand_worked():
    table = by_period(customer_parts(CELLS, FIRST, "month"), FIGURES, [JAN, FEB, MAR], "month")
    march = table.row(2, named=True)
    assert march == {
        "period_on": MAR,
        "n_active": 2,
        "n_new": 1,
        "n_returning": 1,
        "n_orders": 2,
        "spend": 50.0,
        "spend_per_order": 25.0,
        "orders_per_customer": 1.0,
        "refund_rate": 10 / 60,
        "margin_rate": 5 / 15,
        "repeat_spend_share": 20 / 60,
        "spend_last_year": None,
    }


def test_a_period_without_orders_is_nought_and_its_averages_are_empty():
    february = by_period(customer_parts(CELLS, FIRST, "month"), FIGURES, [JAN, FEB, MAR], "month").row(
        1, named=True
    )
    assert (february["n_active"], february["spend"]) == (0, 0.0)
    assert (february["spend_per_order"], february["refund_rate"]) == (None, None)


@pytest.mark.parametrize(
    ("period", "later"),
    [("month", date(2027, 1, 1)), ("quarter", date(2027, 1, 1)), ("year", date(2027, 1, 1))],
)
def test_spend_a_year_earlier_stands_beside(period, later):
    cells = pl.DataFrame(
        {
            "customer_id": ["a", "a"],
            "period_on": [JAN, later],
            "n_orders": [1, 1],
            "spend": [7.0, 9.0],
            "refunds": [0.0, 0.0],
        }
    )
    table = by_period(customer_parts(cells, FIRST, period), FIGURES, [JAN, later], period)
    assert table["spend_last_year"].to_list() == [None, 7.0]


def test_the_margin_rate_shows_only_where_a_cost_is_known():
    assert "margin_rate" in {f.name for f in figures_of(customer_parts(CELLS, FIRST, "month"))}
    without = customer_parts(CELLS.drop("cost", "n_lines_without_cost"), FIRST, "month")
    assert "margin_rate" not in {f.name for f in figures_of(without)}


def test_figures_divide_and_are_nan_over_nothing():
    assert FIGURE["spend_per_order"].of(totals(spend=30, orders=4)) == 7.5
    assert np.isnan(FIGURE["spend_per_order"].of(totals(spend=-3)))
    assert np.isnan(FIGURE["margin_rate"].of(totals(costed_spend=-3, costed_margin=-5)))
    assert FIGURE["spend"].of(totals(spend=-3)) == -3


def test_who_stands_behind_a_figure():
    parts = np.array([totals(active=1, orders=2, gross=10), totals(refunds=3), totals(new=1, active=1)])
    assert [
        FIGURE[n].n_behind(parts) for n in ("n_active", "n_new", "refund_rate", "orders_per_customer")
    ] == [2, 1, 2, 2]


def test_a_figure_that_shares_its_name_with_a_term_means_the_same():
    for figure in FIGURES:
        if figure.name in SHARED:
            term = SHARED[figure.name]
            assert (figure.label, figure.unit, figure.definition) == (term.label, term.unit, term.definition)
