"""Cohorts of public data: rows that others have counted, and what must hold on real extracts."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

import crm_analytics as crm

pytestmark = pytest.mark.real_data

DECEMBER = date(2010, 12, 1)


@pytest.fixture(scope="module")
def online_retail(shared_data):
    return crm.read_transactions(shared_data("online_retail/online_retail.csv"))


@pytest.fixture(scope="module")
def cdnow(shared_data):
    """All 23,570 customers who first bought in the first quarter of 1997, to June 1998."""
    lines = shared_data("cdnow/CDNOW_master.txt").read_text().splitlines()
    cells = [line.split() for line in lines[1:]]
    frame = pl.DataFrame(
        {
            "customer_id": [c[0] for c in cells],
            "ordered_at": [datetime.strptime(c[1], "%Y%m%d") for c in cells],
            "amount": [float(c[3]) for c in cells],
        }
    )
    return crm.read_transactions(frame)


def row(result, cohort):
    """Give the active customers of a cohort by age."""
    return result.tables()["cells"].filter(cohort_on=cohort).sort("period")["n_active"].to_list()


def test_december_2010_with_refund_lines_as_activity(online_retail):
    """The row that tutorials print: every line of a customer counts, cancelled invoices too."""
    result = crm.cohort_retention(online_retail, activity="any")
    assert row(result, DECEMBER) == [948, 362, 317, 367, 341, 376, 360, 336, 336, 374, 354, 474, 260]


def test_december_2010_with_purchases_only(online_retail):
    """The same month of those who bought: Quantity and UnitPrice above 0."""
    result = crm.cohort_retention(online_retail)
    assert row(result, DECEMBER)[:4] == [885, 324, 286, 340]
    last = result.tables()["cells"].filter(cohort_on=DECEMBER, period=12).row(0, named=True)
    assert not last["is_complete"]  # the extract ends on 9 December 2011


def test_every_buyer_is_in_one_cohort(online_retail):
    cohorts = crm.cohort_retention(online_retail).tables()["cohorts"]
    assert cohorts["n_customers"].sum() == 4338
    assert (
        crm.cohort_retention(online_retail, activity="any").tables()["cohorts"]["n_customers"].sum() == 4372
    )


def test_money_of_all_cells_ties_to_the_extract(online_retail):
    """With refunds as activity everyone has a cohort, so that no money is outside the cells."""
    cells = crm.cohort_retention(online_retail, activity="any").tables()["cells"]
    with_id = online_retail.frame.filter(pl.col("customer_id").is_not_null()).select(pl.col("amount").sum())
    assert cells["spend"].sum() == pytest.approx(with_id.collect().item(), abs=0.01)


def test_definitions_differ_in_the_known_order(online_retail):
    table = crm.cohort_retention(online_retail, compare_definitions=True).tables()["definitions"]
    month_1 = dict(table.filter(period=1).select("definition", "retention_rate").iter_rows())
    assert month_1["Pooled"] == pytest.approx(940 / 3974)
    assert (
        month_1["Simple mean"]
        < month_1["Pooled"]
        < month_1["Return on or after"]
        < month_1["Weighted average"]
    )


def test_cdnow_has_three_cohorts_and_falls_steeply(cdnow):
    result = crm.cohort_retention(cdnow, as_of=date(1998, 7, 1), activity="any")
    sizes = result.tables()["cohorts"].select("cohort_on", "n_customers").rows()
    assert sum(n for _, n in sizes) == 23_570
    assert [cohort for cohort, _ in sizes] == [date(1997, m, 1) for m in (1, 2, 3)]
    rates = result.tables()["curve"].sort("period")["retention_rate"].to_list()
    assert rates[0] == 1.0
    assert 0.05 < rates[12] < rates[1] < 0.20


@pytest.mark.parametrize("cohort", [date(1997, 1, 1), date(1997, 2, 1), date(1997, 3, 1)])
def test_cdnow_cells_are_what_sets_of_ids_give(cdnow, cohort):
    frame = cdnow.frame.select("customer_id", "ordered_at").collect()
    months: dict[str, set[int]] = {}
    for who, at in frame.iter_rows():
        months.setdefault(who, set()).add(at.year * 12 + at.month - 1)
    first = cohort.year * 12 + cohort.month - 1
    members = [seen for seen in months.values() if min(seen) == first]
    ages = range(1998 * 12 + 6 - first)
    want = [sum(first + age in seen for seen in members) for age in ages]
    assert row(crm.cohort_retention(cdnow, as_of=date(1998, 7, 1), activity="any"), cohort) == want


def test_one_day_of_a_real_extract_has_an_answer(online_retail):
    """One day of a real extract: one cohort, everyone in it, nothing finished beyond it."""
    day = online_retail.frame.filter(pl.col("ordered_at").dt.date() == DECEMBER)
    cells = crm.cohort_retention(day).tables()["cells"]
    assert cells.height == 1
    assert cells["retention_rate"].to_list() == [1.0]
    assert cells["is_complete"].to_list() == [False]
