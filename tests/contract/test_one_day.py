"""One as-of day for all the tables of a base where nobody names one: June is over for all of them or for none."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics import registry
from crm_analytics.reports import about

ORDERS = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c", "a", "b", "a"],
        "ordered_at": ["2026-04-03", "2026-04-05", "2026-05-04", "2026-05-09", "2026-06-02", "2026-06-30"],
        "amount": [10.0, 20.0, 30.0, 15.0, 12.0, 9.0],
    }
)
CONTRACTS = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "started_on": ["2026-04-01", "2026-04-01", "2026-06-27"],
        "ended_on": [None, "2026-06-29", "2027-06-27"],
        "monthly_amount": [10.0, 20.0, 30.0],
    }
)


@pytest.fixture
def base(tmp_path):
    """A base whose contracts begin three days before its last order."""
    ORDERS.write_csv(tmp_path / "orders.csv")
    CONTRACTS.write_csv(tmp_path / "contracts.csv")
    return crm.open(tmp_path)


@pytest.mark.parametrize(
    "name", ["revenue_retention", "lifecycle", "repeat_purchase", "survival", "cohort_retention"]
)
def test_every_analysis_of_a_base_sees_up_to_the_same_day(base, name):
    options = {"grace_days": 0} if name == "survival" else {}
    seen = crm.run(name, base, **options).provenance
    assert (seen.as_of, seen.as_of_given) == (date(2026, 7, 1), False)
    assert about.as_of(seen).startswith("1 Jul 2026 (the day after the last row of any table of the base;")


def test_june_is_over_for_contracts_too(base):
    """Alone they end on 27 June: June is then unfinished, and the contract that ended on the 29th runs on."""
    whole, alone = (
        f.tables()["bridge"].row(-1, named=True)
        for f in (crm.run("revenue_retention", base), crm.revenue_retention(base.table("subscriptions")))
    )
    assert (whole["is_complete"], whole["lost_revenue"]) == (True, 20.0)
    assert (alone["is_complete"], alone["lost_revenue"]) == (False, 0.0)
    said = crm.revenue_retention(base.table("subscriptions")).provenance
    assert (said.as_of, said.as_of_rule) == (date(2026, 6, 28), "the day after the last contract began")


def test_filters_do_not_move_the_day(base):
    narrowed = base.where(customer_ids=["b"])
    assert crm.run("lifecycle", narrowed).provenance.as_of == date(2026, 7, 1)


@pytest.mark.parametrize("day", ["2026-06-15", date(2026, 6, 15)])
def test_a_day_that_is_named_wins(base, day):
    for found in (crm.run("lifecycle", base, as_of=day), crm.run("lifecycle", base.where(end=day))):
        assert (found.provenance.as_of, found.provenance.as_of_given) == (date(2026, 6, 15), True)


def test_naming_none_is_naming_no_day(base):
    assert crm.run("lifecycle", base, as_of=None).provenance.as_of == date(2026, 7, 1)


def test_a_table_that_ends_long_before_the_others_is_noted(tmp_path):
    ORDERS.write_csv(tmp_path / "orders.csv")
    CONTRACTS.with_columns(started_on=pl.lit("2026-09-01")).write_csv(tmp_path / "contracts.csv")
    result = crm.run("lifecycle", crm.open(tmp_path))
    assert result.notes[0].code == "table_ends_early"
    assert result.notes[0].text == (
        "The transactions end on 30 Jun 2026, 63 days before the last row of the base (in its subscriptions): they are taken "
        "to have ceased. If they were only drawn earlier, set as_of=2026-07-01."
    )
    assert result.provenance.as_of == date(2026, 9, 2)


def test_a_lone_table_keeps_its_own_day(tmp_path):
    ORDERS.write_csv(tmp_path / "orders.csv")
    entry = registry.analysis("lifecycle")
    run, own = crm.run("lifecycle", crm.open(tmp_path)), entry.function(ORDERS)
    assert run.provenance.as_of == own.provenance.as_of == date(2026, 7, 1)
    assert "table_ends_early" not in [n.code for n in run.notes]
