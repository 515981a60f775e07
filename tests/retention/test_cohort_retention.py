"""Cohorts, worked out by hand for every criterion, entry and clock; what is said of them; what is refused."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.aggregates.cohorts import activity_cube
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.retention.cohorts import customers_in_cell


def orders(*rows, **columns):
    """Make transactions of (customer, instant, amount), each an order of its own."""
    frame = pl.DataFrame(
        {
            "customer_id": [r[0] for r in rows],
            "order_id": [f"o{i}" for i in range(len(rows))],
            "ordered_at": [datetime.fromisoformat(r[1]) for r in rows],
            "amount": [float(r[2]) for r in rows],
        },
        schema_overrides={"ordered_at": pl.Datetime("us")},
    )
    return frame.with_columns(pl.Series(name, values) for name, values in columns.items())


SHOP = orders(
    ("ann", "2026-01-05", 10),
    ("ann", "2026-01-20", 20),  # a second order in the month of entry
    ("ann", "2026-02-10", 30),
    ("ann", "2026-04-01", 40),
    ("bob", "2026-01-31", 50),
    ("bob", "2026-03-02", 60),
    ("bob", "2026-03-09", -60),  # a refund: money, not activity
    ("cy", "2026-02-14", 70),
    ("cy", "2026-03-14", 80),
    ("cy", "2026-04-14", 90),
    ("dee", "2026-01-15", 100),
)
"""ann is active at ages 0 1 3, bob at 0 2 (with a refund at 2), cy at 0 1 2, dee at 0."""

AS_OF = date(2026, 5, 1)


def counts(frame=SHOP, as_of=AS_OF, cohort=date(2026, 1, 1), **options):
    """Give what the cells of a cohort count, by age."""
    cells = crm.cohort_retention(frame, as_of=as_of, **options).tables()["cells"]
    return cells.filter(pl.col("cohort_on") == cohort)["n_active"].to_list()


@pytest.mark.parametrize(
    ("options", "january", "february"),
    [
        ({"criterion": "on"}, [3, 1, 1, 1], [1, 1, 1]),
        ({"criterion": "on_or_after"}, [3, 2, 2, 1], [1, 1, 1]),
        ({"criterion": "on_or_after", "horizon": 1}, [3, 1, 1, 1], [1, 1, 1]),
        ({"criterion": "on_or_after", "horizon": 2}, [3, 2, 2, 1], [1, 1, 1]),
        ({"criterion": "on_or_before"}, [3, 1, 2, 2], [1, 1, 1]),
        ({"criterion": "streak"}, [3, 1, 0, 0], [1, 1, 1]),
        ({"criterion": "bracket", "brackets": [(1, 2), (3, 3)]}, [3, 2, 1], [1, 1]),
    ],
)
def test_each_criterion_by_hand(options, january, february):
    assert counts(**options) == january
    assert counts(cohort=date(2026, 2, 1), **options) == february


def test_recurring_entry_by_hand():
    assert counts(entry="recurring") == [3, 1, 1, 1]
    assert counts(entry="recurring", cohort=date(2026, 2, 1)) == [2, 1, 2]  # ann again, and cy
    assert counts(entry="recurring", cohort=date(2026, 3, 1)) == [2, 1]  # bob and cy
    assert counts(entry="recurring", criterion="streak", cohort=date(2026, 2, 1)) == [2, 1, 1]
    assert counts(entry="recurring", criterion="on_or_before", cohort=date(2026, 2, 1)) == [2, 1, 2]


@pytest.mark.parametrize(
    ("clock", "january"),
    [
        ("calendar", [3, 1, 1, 1]),
        (
            "month",
            [3, 2, 1, 0],
        ),  # ann: 36 days is month 1, 86 days month 2; bob from 31 Jan to 2 Mar: month 1
        ("30d", [3, 2, 1, 0]),  # ann 0, 15, 36, 86 days; bob 0, 30 days
        ("7d", [3, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
    ],
)
def test_each_clock_by_hand(clock, january):
    assert counts(clock=clock)[: len(january)] == january


def test_hours_are_counted_from_the_instant():
    rows = orders(
        ("ann", "2026-01-05 18:00", 1), ("ann", "2026-01-06 17:59", 1),
        ("bob", "2026-01-05 18:00", 1), ("bob", "2026-01-06 18:00", 1),
    )  # fmt: skip
    found = counts(rows, date(2026, 1, 9), date(2026, 1, 5), period="day", clock="24h")
    assert found[:2] == [2, 1]
    assert counts(rows, date(2026, 1, 9), date(2026, 1, 5), period="day")[:2] == [2, 2]


def test_hours_are_right_over_the_day_on_which_clocks_change():
    rows = orders(("ann", "2026-03-28 12:00", 1), ("ann", "2026-03-29 12:30", 1), ("bob", "2026-04-02", 1))
    there = crm.read_transactions(rows, time_zone="Europe/Berlin")  # 29 March has 23 hours there
    nowhere = crm.read_transactions(rows)
    options = {"period": "day", "clock": "24h"}
    assert counts(there, date(2026, 4, 5), date(2026, 3, 28), **options)[:2] == [1, 0]
    assert counts(nowhere, date(2026, 4, 5), date(2026, 3, 28), **options)[:2] == [1, 1]


def test_instants_with_a_zone_fall_on_their_local_day():
    rows = pl.DataFrame(
        {
            "customer_id": ["ann", "ann", "bob"],
            "ordered_at": ["2026-01-31T23:30:00Z", "2026-02-15T12:00:00Z", "2026-03-20T12:00:00Z"],
            "amount": [1.0, 1.0, 1.0],
        }
    )
    berlin = crm.read_transactions(rows, time_zone="Europe/Berlin")
    first = crm.cohort_retention(berlin).tables()["cells"]["cohort_on"][0]
    assert first == date(2026, 2, 1)  # 00:30 on 1 February
    utc = crm.read_transactions(rows, time_zone="UTC")
    assert crm.cohort_retention(utc).tables()["cells"]["cohort_on"][0] == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("week_start", "starts", "active"),
    [
        (
            "monday",
            [date(2026, 1, 5)],
            [2, 1],
        ),  # Saturday 10 to Sunday 11 January is one week, Monday the next
        ("sunday", [date(2026, 1, 4), date(2026, 1, 11)], [1, 1]),
        ("saturday", [date(2026, 1, 10)], [2, 0]),
    ],
)
def test_weeks_begin_on_the_day_asked_for(week_start, starts, active):
    rows = orders(
        ("ann", "2026-01-10", 1), ("ann", "2026-01-12", 1), ("bob", "2026-01-11", 1), ("zed", "2026-01-25", 1)
    )
    cells = crm.cohort_retention(rows, period="week", week_start=week_start).tables()["cells"]
    found = cells.filter(pl.col("cohort_on") < date(2026, 1, 17))
    assert found["cohort_on"].unique().sort().to_list() == starts
    assert counts(rows, None, starts[0], period="week", week_start=week_start)[:2] == active


def test_fiscal_years_and_quarters_begin_with_their_month():
    rows = orders(("ann", "2025-03-31", 1), ("bob", "2025-04-01", 1), ("ann", "2026-05-01", 1))
    for period, want in (
        ("year", [date(2024, 4, 1), date(2025, 4, 1)]),
        ("quarter", [date(2025, 1, 1), date(2025, 4, 1)]),
    ):
        cells = crm.cohort_retention(rows, period=period, fiscal_year_start=4).tables()["cells"]
        assert cells["cohort_on"].unique().sort().to_list() == want


@pytest.mark.parametrize(
    ("first", "again", "age"),
    [
        ("2026-01-31", "2026-02-27", 0),
        ("2026-01-31", "2026-02-28", 1),  # the last day of a shorter month is the anniversary
        ("2026-01-31", "2026-03-30", 1),
        ("2026-01-31", "2026-03-31", 2),
        ("2024-02-29", "2025-02-27", 11),
        ("2024-02-29", "2025-02-28", 12),  # no leap day a year later
        ("2024-02-29", "2028-02-28", 47),
        ("2024-02-29", "2028-02-29", 48),
    ],
)
def test_month_anniversaries_at_month_ends_and_leap_days(first, again, age):
    rows = orders(("ann", first, 1), ("ann", again, 1))
    assert crm.cohort_retention(rows, clock="month").tables()["customers"][
        "last_active_period"
    ].to_list() == [age]


def test_a_return_within_the_first_period_is_counted_and_is_not_a_new_age():
    cell = crm.cohort_retention(SHOP, as_of=AS_OF).tables()["cells"].row(0, named=True)
    assert (cell["n_active"], cell["n_returned"], cell["n_orders"]) == (3, 1, 4)


def test_first_ever_is_decided_before_the_start():
    cells = crm.cohort_retention(SHOP, as_of=AS_OF, start="2026-02-01").tables()["cells"]
    assert cells["cohort_on"].unique().to_list() == [date(2026, 2, 1)]
    assert cells["n_customers"].unique().to_list() == [1]  # cy alone; ann and bob are old customers


def test_money_is_net_of_refunds_and_per_original_customer():
    january = (
        crm.cohort_retention(SHOP, as_of=AS_OF)
        .tables()["cells"]
        .filter(pl.col("cohort_on") == date(2026, 1, 1))
    )
    assert january["spend"].to_list() == [180, 30, 0, 40]
    assert january["cumulative_spend"].to_list() == [180, 210, 210, 250]
    assert january["cumulative_spend_per_customer"].to_list() == [60, 70, 70, pytest.approx(250 / 3)]
    assert january["n_orders"].to_list() == [4, 1, 1, 1]


def test_refund_lines_are_activity_only_where_asked():
    rows = orders(
        ("ann", "2026-01-05", 10),
        ("ann", "2026-02-05", -10),
        ("bob", "2026-01-06", 5),
        ("bob", "2026-03-01", 5),
    )
    assert counts(rows, date(2026, 4, 1)) == [2, 0, 1]
    assert counts(rows, date(2026, 4, 1), activity="any") == [2, 1, 1]


@pytest.mark.parametrize(
    ("as_of", "clock", "complete"),
    [
        (date(2026, 5, 1), "calendar", [True, True, True, True]),
        (date(2026, 4, 30), "calendar", [True, True, True, False]),
        (date(2026, 5, 1), "month", [True, True, True, False]),  # who came on 31 Jan is in month 3 until 30 April
        (date(2026, 4, 30), "month", [True, True, True, False]),
        (date(2026, 5, 31), "month", [True, True, True, True, False]),
        (date(2026, 3, 2), "30d", [True, False]),  # 31 Jan + 30 days is 2 March
        (date(2026, 3, 1), "30d", [False, False]),
    ],
)  # fmt: skip
def test_a_cell_is_finished_when_its_last_possible_customer_has_lived_through_it(as_of, clock, complete):
    cells = crm.cohort_retention(SHOP, as_of=as_of, clock=clock).tables()["cells"]
    assert cells.filter(pl.col("cohort_on") == date(2026, 1, 1))["is_complete"].to_list() == complete


def test_a_window_is_finished_when_its_last_age_is():
    cells = crm.cohort_retention(SHOP, as_of=AS_OF, criterion="on_or_after", horizon=3).tables()["cells"]
    assert cells.filter(pl.col("cohort_on") == date(2026, 1, 1))["is_complete"].to_list() == [
        True,
        True,
        False,
        False,
    ]


def test_unfinished_cells_are_in_no_average():
    curve = crm.cohort_retention(SHOP, as_of=date(2026, 4, 15)).tables()["curve"]
    assert curve.select("period", "n_customers", "n_active").rows() == [(0, 4, 4), (1, 4, 2), (2, 3, 1)]


def test_averages_by_hand():
    tables = crm.cohort_retention(SHOP, as_of=AS_OF).tables()
    rates = {
        (r["average"], r["period"]): r["retention_rate"] for r in tables["averages"].iter_rows(named=True)
    }
    assert rates["pooled", 1] == pytest.approx(2 / 4)
    assert rates["simple", 1] == pytest.approx((1 / 3 + 1) / 2)
    assert rates["mature_only", 1] == pytest.approx(
        1 / 3
    )  # January alone has finished as many ages as half have
    assert ("mature_only", 3) in rates


def test_small_cohorts_show_their_size_and_nothing_else():
    result = crm.cohort_retention(SHOP, as_of=AS_OF, min_customers=2)
    february = result.tables()["cells"].filter(pl.col("cohort_on") == date(2026, 2, 1))
    assert february["n_customers"].to_list() == [1, 1, 1]
    assert february["is_suppressed"].all()
    assert february.select("n_active", "retention_rate", "spend", "shown_value").null_count().row(0) == (
        3,
        3,
        3,
        3,
    )
    assert result.tables()["curve"]["n_customers"][1] == 4  # pooled averages count them
    assert "1 cohort has fewer than 2 customers" in {n.code: n.text for n in result.notes}["suppressed"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("customers", [1, 1 / 3, 1 / 3, 1 / 3]),
        ("orders", [4 / 3, 1 / 3, 1 / 3, 1 / 3]),
        ("spend", [60, 10, 0, 40 / 3]),
        ("average_order", [45, 30, 0, 40]),
        ("cumulative", [60, 70, 70, 250 / 3]),
        ("margin", [30, 5, 0, 20 / 3]),
    ],
)
def test_each_value_by_hand(value, shown):
    rows = SHOP.with_columns(cost=pl.col("amount") / 2)
    cells = crm.cohort_retention(rows, as_of=AS_OF, value=value).tables()["cells"]
    found = cells.filter(pl.col("cohort_on") == date(2026, 1, 1))["shown_value"].to_list()
    assert found == pytest.approx(shown, abs=1e-6)


def test_interval_of_a_mean_is_that_of_its_customers():
    cell = crm.cohort_retention(SHOP, as_of=AS_OF, value="spend").tables()["cells"].row(0, named=True)
    spent = pl.Series([30.0, 50.0, 100.0])
    half = 4.302653 * spent.std() / 3**0.5  # Student's, two degrees of freedom
    assert cell["shown_value_lower"] == pytest.approx(60 - half, abs=1e-4)
    assert cell["shown_value_upper"] == pytest.approx(60 + half, abs=1e-4)


def test_payback_by_hand():
    people = pl.DataFrame({"customer_id": ["ann", "bob", "cy"], "acquisition_cost": [60.0, 100.0, 200.0]})
    result = crm.cohort_retention(SHOP, as_of=AS_OF, customers=people, value="payback")
    january = result.tables()["cells"].filter(pl.col("cohort_on") == date(2026, 1, 1))
    assert january["n_with_cost"].to_list() == [2, 2, 2, 2]  # dee's cost is not known
    assert january["payback_share"].to_list() == pytest.approx([80 / 160, 110 / 160, 110 / 160, 150 / 160])
    row = result.tables()["payback"].row(1, named=True)
    assert (row["cohort_acquisition_cost"], row["payback_share"], row["paid_back_period"]) == (200, 1.2, 2)


@pytest.mark.parametrize("criterion", ["on", "on_or_after", "on_or_before", "streak", "bracket"])
@pytest.mark.parametrize("entry", ["first_ever", "recurring", "channel"])
def test_the_customers_of_every_cell_are_those_it_counts(criterion, entry):
    rows = SHOP.with_columns(
        channel=pl.when(pl.col("customer_id") < "c").then(pl.lit("web")).otherwise(pl.lit("store"))
    )
    brackets = [(1, 2), (3, 3)] if criterion == "bracket" else None
    result = crm.cohort_retention(rows, as_of=AS_OF, criterion=criterion, entry=entry, brackets=brackets)
    for cell in result.tables()["cells"].iter_rows(named=True):
        at = {k: cell[k] for k in ("cohort_on", "group") if k in cell}
        active = customers_in_cell(result, period=cell["period"], **at)
        away = customers_in_cell(result, period=cell["period"], state="away", **at)
        assert (active.height, active.height + away.height) == (cell["n_active"], cell["n_customers"])


def test_customers_of_a_cell_from_the_transactions_and_over_many_ages():
    found = customers_in_cell(SHOP, cohort_on="2026-01-01", period=1, as_of=AS_OF)
    assert found["customer_id"].to_list() == ["ann"]
    assert found["active_periods"].to_list() == ["0 1 3"]
    result = crm.cohort_retention(SHOP, as_of=AS_OF, period="day")  # ages beyond 62 days
    assert customers_in_cell(result, cohort_on=date(2026, 1, 5), period=86)["active_periods"].to_list() == [
        "0 15 36 86"
    ]


def test_attributes_of_the_first_order_and_of_the_customers_table():
    rows = orders(
        ("ann", "2026-01-05", 1), ("ann", "2026-02-05", 1), ("bob", "2026-01-06", 1), ("bob", "2026-03-06", 1),
        channel=["web", "store", "store", "web"],
    )  # fmt: skip
    people = pl.DataFrame({"customer_id": ["ann", "bob"], "channel": ["tv", "tv"], "plan": ["a", None]})
    options = {"as_of": date(2026, 4, 1), "customers": people}
    by_first = crm.cohort_retention(rows, entry="channel", **options).tables()["cells"]
    assert by_first.filter(pl.col("period") == 1).select("group", "n_customers", "n_active").rows() == [
        ("store", 1, 0), ("web", 1, 1),
    ]  # fmt: skip
    assert set(crm.cohort_retention(rows, by="customers.channel", **options).tables()["cells"]["group"]) == {
        "tv"
    }
    assert set(crm.cohort_retention(rows, by="plan", **options).tables()["cells"]["group"]) == {
        "a",
        "(not known)",
    }


def test_groups_add_up_to_everyone(firm_orders):
    whole = crm.cohort_retention(firm_orders).tables()
    parts = crm.cohort_retention(firm_orders, by="channel").tables()
    summed = (
        parts["cells"]
        .group_by("cohort_on", "period")
        .agg(pl.col("n_customers", "n_active", "spend").sum())
        .sort("cohort_on", "period")
    )
    want = whole["cells"].select(summed.columns).sort("cohort_on", "period")
    cohorts = summed.select("cohort_on", "period")  # a group's cohort without customers has no row
    assert_frame_equal(cohorts, want.select(cohorts.columns))
    assert_frame_equal(summed, want)
    everyone = parts["curve"].filter(pl.col("group") == "All customers").drop("group")
    assert_frame_equal(everyone, whole["curve"])


@pytest.fixture(scope="module")
def firm_orders():
    return crm.sample().table("transactions").frame.collect()


def test_duckdb_gives_the_same_cube(firm_orders):
    lines = firm_orders
    asked = {"as_of": date(2026, 1, 1), "calendar": Calendar("week", "sunday")}
    relation = duckdb.sql("select * from lines")
    assert_frame_equal(activity_cube(relation, **asked), activity_cube(lines.lazy(), **asked))


def test_month_nought_is_everyone_and_on_or_before_only_rises(firm_orders):
    cells = crm.cohort_retention(firm_orders, criterion="on_or_before").tables()["cells"]
    assert (cells.filter(pl.col("period") == 0)["retention_rate"] == 1).all()
    later = cells.filter(pl.col("period") > 0).sort("cohort_on", "period")
    assert later.select((pl.col("n_active").diff().over("cohort_on").drop_nulls() >= 0).all()).item()


def test_layers_add_up_to_the_ledger(firm_orders):
    tables = crm.cohort_retention(firm_orders).tables()
    notes = {n.code for n in crm.cohort_retention(firm_orders).notes}
    assert "money_in_no_cell" not in notes
    assert tables["layers"]["spend"].sum() == pytest.approx(firm_orders["amount"].sum())
    assert tables["losses"]["lost_after_share"].sum() == pytest.approx(1)


def test_the_truth_of_the_sample_company_is_found(firm_orders):
    """Store customers buy most often and marketplace customers least: alpha 7 and 18 weeks."""
    base = crm.sample()
    curve = crm.cohort_retention(
        firm_orders, customers=base.table("customers"), by="customers.channel"
    ).tables()["curve"]
    rates = dict(curve.filter(pl.col("period") == 1).select("group", "retention_rate").rows())
    assert rates["store"] > rates["web"] > rates["phone"] > rates["marketplace"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"criterion": "sometimes"}, "criterion='sometimes'.*one of on"),
        ({"horizon": 3}, "horizon=3.*on_or_after"),
        ({"criterion": "on_or_after", "horizon": 0}, "horizon=0.*at least 1"),
        ({"brackets": [(1, 2)]}, "brackets.*pairs of ages"),
        ({"criterion": "bracket"}, "brackets=None.*pairs of ages"),
        ({"criterion": "bracket", "brackets": [(1, 3), (3, 4)]}, "without overlap"),
        ({"criterion": "bracket", "brackets": [(0, 3)]}, "from 1 on"),
        ({"period": "decade"}, "period='decade'.*one of day"),
        ({"fiscal_year_start": 13}, "fiscal_year_start=13"),
        ({"week_start": "friday"}, "week_start='friday'"),
        ({"value": "margin"}, "no cost"),
        ({"value": "payback"}, "acquisition_cost"),
        ({"min_customers": 0}, "min_customers=0"),
        ({"entry": "order_channel", "by": "country"}, "both name an attribute"),
    ],
)
def test_options_out_of_range_are_refused(options, match):
    with pytest.raises(OptionError, match=match):
        crm.cohort_retention(SHOP, **options)


def test_unknown_names_are_refused_with_a_suggestion():
    rows = SHOP.with_columns(channel=pl.lit("web"))
    with pytest.raises(UnknownNameError, match="Did you mean 'channel'"):
        crm.cohort_retention(rows, by="chanel")
    with pytest.raises(UnknownNameError, match="Did you mean 'first_ever'"):
        crm.cohort_retention(rows, entry="first")
    result = crm.cohort_retention(SHOP, as_of=AS_OF)
    with pytest.raises(UnknownNameError, match="no cell"):
        customers_in_cell(result, cohort_on="2026-01-01", period=9)
    with pytest.raises(OptionError, match="state='gone'"):
        customers_in_cell(result, cohort_on="2026-01-01", period=1, state="gone")
    with pytest.raises(OptionError, match="none beside a Result"):
        customers_in_cell(result, cohort_on="2026-01-01", period=1, criterion="on")


def test_refunds_alone_are_no_cohort():
    with pytest.raises(NotEnoughDataError, match="0 customers with a first order"):
        crm.cohort_retention(orders(("ann", "2026-01-05", -1), ("bob", "2026-01-06", -2)))
