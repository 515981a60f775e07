"""Faults that users of other products reported, one test each, named after what they saw.

The numbers are those of issues and pull requests of PostHog, whose tracker is public.
"""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.retention.cohorts import customers_in_cell


def orders(*bought, amount=10.0, zone=None):
    """Make orders from pairs of customer and instant."""
    at = [datetime.fromisoformat(instant) for _, instant in bought]
    frame = pl.DataFrame({"customer_id": [who for who, _ in bought], "ordered_at": at, "amount": amount})
    return frame if zone is None else frame.with_columns(pl.col("ordered_at").dt.replace_time_zone(zone))


def counts(frame, **options):
    """Give active customers by cohort and age."""
    cells = crm.cohort_retention(frame, **options).tables()["cells"]
    return {(r["cohort_on"], r["period"]): r["n_active"] for r in cells.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("week_start", "first"), [("monday", date(2026, 3, 2)), ("sunday", date(2026, 3, 8)), ("saturday", date(2026, 3, 7))]
)  # fmt: skip
def test_week_start_ignored(week_start, first):
    """#25841: weeks began on Sunday whatever was set. 8 March 2026 is a Sunday."""
    got = counts(orders(("a", "2026-03-08")), period="week", week_start=week_start)
    assert list(got) == [(first, 0)]


def test_week_start_of_the_extract_is_taken_where_none_is_said():
    extract = crm.read_transactions(orders(("a", "2026-03-08")), week_start="sunday")
    assert list(counts(extract, period="week")) == [(date(2026, 3, 8), 0)]


def test_weekly_cohorts_began_on_saturday():
    """#2795: the cohorts of the table began on another day than weeks elsewhere."""
    days = [("a", f"2026-03-{day:02}") for day in range(1, 29)]
    got = counts(orders(*days), period="week", entry="recurring")
    assert {cohort.weekday() for cohort, _ in got} == {0}


@pytest.mark.parametrize(
    ("zone", "cohort"),
    [
        ("UTC", date(2026, 1, 31)),
        ("Asia/Shanghai", date(2026, 2, 1)),
        ("America/New_York", date(2026, 1, 31)),
    ],
)
def test_off_by_one_day_outside_utc(zone, cohort):
    """#17415, #24174, #19883: east of Greenwich retention lay a day late, west of it months were labelled as the one before."""
    extract = crm.read_transactions(orders(("a", "2026-01-31 20:00"), zone="UTC"), time_zone=zone)
    assert next(iter(counts(extract, period="day"))) == (cohort, 0)
    month = cohort.replace(day=1)
    assert next(iter(counts(extract, period="month"))) == (month, 0)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Pacific/Honolulu"])
def test_a_return_on_the_next_local_day_is_day_1_in_every_zone(zone):
    """#79002: east of Greenwich next-day returns counted as same-day."""
    local = orders(("a", "2026-01-31 23:30"), ("a", "2026-02-01 00:30"), ("b", "2026-02-03"), zone=zone)
    extract = crm.read_transactions(
        local.with_columns(pl.col("ordered_at").dt.convert_time_zone("UTC")), time_zone=zone
    )
    assert counts(extract, period="day")[date(2026, 1, 31), 1] == 1


@pytest.mark.parametrize("clock", ["calendar", "24h"])
def test_days_on_which_clocks_change_have_one_day_each(clock):
    """An hour too few or too many must not move a return by a day."""
    for day, after in (("2026-03-28", "2026-03-29"), ("2026-10-24", "2026-10-25")):
        local = orders(
            ("a", f"{day} 12:00"), ("a", f"{after} 13:30"), ("a", f"{after} 23:30"), zone="Europe/Berlin"
        )
        extract = crm.read_transactions(local, time_zone="Europe/Berlin")
        got = counts(extract, period="day", clock=clock, as_of=date.fromisoformat(after[:8] + "31"))
        assert got[date.fromisoformat(day), 1] == 1
        assert got[date.fromisoformat(day), 2] == 0


def test_a_month_that_starts_on_the_15th_dropped_the_whole_month():
    """#20103: the start of the month was compared with the 15th, so that nothing of that month was left."""
    frame = orders(("old", "2026-01-03"), ("a", "2026-01-20"), ("a", "2026-02-03"), ("b", "2026-02-10"))
    got = counts(frame, start=date(2026, 1, 15), as_of=date(2026, 3, 1))
    assert got == {(date(2026, 1, 1), 0): 1, (date(2026, 1, 1), 1): 1, (date(2026, 2, 1), 0): 1}


def test_same_day_return_dropped():
    """#14239: who came again on the day of the first event was not seen."""
    frame = orders(
        ("a", "2026-01-05 09:00"), ("a", "2026-01-05 17:00"), ("b", "2026-01-05 10:00")
    ).with_columns(order_id=pl.Series(["1", "2", "3"]))
    row = crm.cohort_retention(frame, period="day").tables()["cells"].row(0, named=True)
    assert (row["period"], row["n_customers"], row["n_returned"]) == (0, 2, 1)


def test_two_minutes_over_midnight_are_no_day_by_the_24_hour_clock():
    """#29958, #2227: by the calendar a visit from 23:59 to 00:01 is a return on day 1."""
    frame = orders(("a", "2026-01-05 23:59"), ("a", "2026-01-06 00:01"))
    as_of, first = date(2026, 1, 9), date(2026, 1, 5)
    assert counts(frame, period="day", as_of=as_of)[first, 1] == 1
    assert counts(frame, period="day", as_of=as_of, clock="24h")[first, 1] == 0


def test_relative_to_previous_showed_overall():
    """#8366: a rate relative to the period before was that relative to the first.

    Here rates are always relative to the cohort, said so, and the one relative to the age before follows from a streak.
    """
    bought = [(who, "2026-01-05") for who in "abcd"] + [(who, "2026-02-05") for who in "abc"]
    frame = orders(*bought, ("a", "2026-03-05"), ("d", "2026-03-06"))
    result = crm.cohort_retention(frame, as_of=date(2026, 4, 1))
    assert result.tables()["cells"]["retention_rate"].to_list() == [1.0, 0.75, 0.5]
    assert "divided by the customers who could have been" in result.terms["retention_rate"].definition
    streak = crm.cohort_retention(frame, as_of=date(2026, 4, 1), criterion="streak").tables()["cells"]
    unbroken = streak["n_active"].to_list()
    assert unbroken == [4, 3, 1]
    assert unbroken[2] / unbroken[1] == pytest.approx(1 / 3)


def test_no_day_1_trend():
    """#39746: nobody could see whether day-1 retention gets better from cohort to cohort."""
    frame = pl.concat(
        orders(*((f"{day}-{i}", f"2026-01-{day:02}") for i in range(20)))
        for day in range(1, 15)
    )  # fmt: skip
    back = [(f"{day}-{i}", f"2026-01-{day + 1:02}") for day in range(1, 15) for i in range(day)]
    result = crm.cohort_retention(pl.concat([frame, orders(*back)]), period="day", as_of=date(2026, 1, 20))
    points = result.tables()["trend"].filter(period=1).sort("cohort_on")
    assert points["n_active"].to_list() == list(range(1, 15))
    assert (points["retention_rate_lower"] <= points["retention_rate"]).all()
    test = result.tables()["trend_tests"].filter(period=1).row(0, named=True)
    assert test["rate_change"] > 0.5
    assert test["p_value"] < 0.001
    assert "trend" in {view.name for view in result.views}


def test_group_cohorts_by_week():
    """#39224: cohorts of a week with ages in days, to see day-1 retention without a line per day."""
    frame = orders(("a", "2026-01-05"), ("a", "2026-01-06"), ("b", "2026-01-08"), ("b", "2026-01-12"))
    got = counts(frame, period="week", clock="24h", as_of=date(2026, 1, 20))
    assert got[date(2026, 1, 5), 1] == 1  # a on the next day
    assert got[date(2026, 1, 5), 4] == 1  # b after four days
    assert got[date(2026, 1, 5), 0] == 2


def test_cannot_export(tmp_path):
    """#8274, #10424: the table could not be taken away. Every table is a plain frame of all rows."""
    frame = orders(*((f"c{i}", f"2026-{1 + i % 9:02}-05") for i in range(300)))
    result = crm.cohort_retention(frame)
    for name, table in result.tables().items():
        table.write_csv(tmp_path / f"{name}.csv")
        assert pl.read_csv(tmp_path / f"{name}.csv").height == table.height
    assert result.from_dict(result.to_dict()).tables()["cells"].equals(result.tables()["cells"])


def test_first_time_bug():
    """#2368: who first came before the dates shown was counted as new in them."""
    frame = orders(("old", "2025-06-01"), ("old", "2026-01-05"), ("new", "2026-01-06"))
    got = counts(frame, start=date(2026, 1, 1), as_of=date(2026, 2, 1))
    assert got == {(date(2026, 1, 1), 0): 1}


def test_first_time_is_decided_on_all_history_behind_a_base_window():
    frame = orders(("old", "2025-06-01"), ("old", "2026-01-05"), ("new", "2026-01-06"))
    in_window = crm.cohort_retention(frame, start="2026-01-01", entry="recurring").tables()["cells"]
    assert in_window.filter(period=0)["n_customers"].to_list() == [2]


def test_a_november_customer_was_returning_because_of_december():
    """Shopify looks at the whole history of a customer, so that past reports change."""
    until_november = orders(("a", "2026-10-05"), ("b", "2026-11-06"))
    with_december = pl.concat([until_november, orders(("b", "2026-12-24"))])
    before = crm.cohort_retention(until_november, as_of=date(2026, 12, 1))
    replayed = crm.cohort_retention(with_december, as_of=date(2026, 12, 1))
    assert replayed.tables()["cells"].equals(before.tables()["cells"])
    assert replayed.headline() == before.headline()


def test_on_or_after_made_recent_customers_look_worse():
    """Amplitude's overall curve rises and falls because old cohorts have had longer to return; a horizon mends it."""
    slow = [(f"c{m}", f"2025-{m:02}-10") for m in range(1, 13)]
    back = [(f"c{m}", f"{2025 + (m + 4) // 12}-{(m + 4) % 12 + 1:02}-10") for m in range(1, 13)]
    frame = orders(*slow, *back)  # everyone comes back five months later, and never again
    options = {"as_of": date(2026, 3, 1), "criterion": "on_or_after"}
    open_ended = crm.cohort_retention(frame, **options)
    by_cohort = open_ended.tables()["cells"].filter(pl.col("period") == 1, "is_complete").sort("cohort_on")
    assert (
        by_cohort["retention_rate"].to_list()[-4:-1] != [1.0] * 3
    )  # the young have not had their five months
    assert "open_ended" in {note.code for note in open_ended.notes}
    fixed = crm.cohort_retention(frame, **options, horizon=6).tables()["cells"]
    assert fixed.filter(pl.col("period") == 1, "is_complete")["retention_rate"].unique().to_list() == [1.0]


def test_shades_were_relative_to_each_row():
    """Mixpanel shades within a row, so that a column cannot be read down."""
    frame = orders(*((f"{m}-{i}", f"2026-{m:02}-05") for m in range(1, 7) for i in range(m * 3)),
                   *((f"{m}-{i}", f"2026-{m + 1:02}-05") for m in range(1, 6) for i in range(m)))  # fmt: skip
    figure = crm.cohort_retention(frame).plot("heatmap")
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert maps
    scales = {
        (trace.zmin, trace.zmax, trace.coloraxis)
        for trace in maps
        if trace.zmax is not None or trace.coloraxis
    }
    assert len(scales) == 1


@pytest.mark.parametrize("customers", [1, 2, 7])
def test_small_firms_were_locked_out(customers):
    """Klaviyo asks for 500 buyers and 180 days, Dynamics 365 for 1,000 profiles and a year: here n and interval speak."""
    frame = orders(*((f"c{i}", "2026-01-05") for i in range(customers)), ("c0", "2026-02-01"))
    result = crm.cohort_retention(frame, as_of=date(2026, 3, 1))
    month_1 = result.tables()["curve"].filter(period=1).row(0, named=True)
    assert month_1["n_customers"] == customers
    assert month_1["retention_rate"] == pytest.approx(1 / customers)
    assert month_1["retention_rate_upper"] - month_1["retention_rate_lower"] > 0.3


def test_a_firm_that_sold_nothing_for_months_was_refused():
    """Klaviyo wants an order in the last 30 days; a silent firm has an answer too: nobody came back."""
    frame = orders(("a", "2025-01-05"), ("b", "2025-02-05"))
    curve = crm.cohort_retention(frame, as_of=date(2026, 1, 1)).tables()["curve"]
    assert curve.filter(period=10)["retention_rate"].to_list() == [0.0]


def test_the_list_behind_a_number_had_another_count():
    """#2325: opening a cell showed customers who were not the ones counted."""
    frame = orders(("a", "2026-01-05"), ("a", "2026-02-05"), ("b", "2026-01-09"), ("c", "2026-02-01"))
    result = crm.cohort_retention(frame, as_of=date(2026, 4, 1))
    for row in result.tables()["cells"].iter_rows(named=True):
        listed = customers_in_cell(result, cohort_on=row["cohort_on"], period=row["period"])
        assert listed.height == row["n_active"]
