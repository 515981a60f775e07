from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.key_figures.overview import overview

AS_OF = date(2026, 6, 10)


def orders(*rows: tuple[str, str, float]) -> pl.DataFrame:
    """(customer, day, amount), one order each."""
    frame = pl.DataFrame(rows, schema=["customer_id", "day", "amount"], orient="row")
    return frame.select(
        "customer_id",
        pl.int_range(pl.len()).cast(pl.String).alias("order_id"),
        pl.col("day").str.to_datetime("%Y-%m-%d").alias("ordered_at"),
        "amount",
    )


SHOP = orders(
    ("a", "2025-04-30", 1.0),
    ("a", "2025-05-02", 40.0),
    ("b", "2025-05-09", 60.0),
    ("a", "2026-04-01", 30.0),
    ("c", "2026-04-20", 20.0),
    ("a", "2026-05-03", 50.0),
    ("a", "2026-05-31", 25.0),
    ("d", "2026-05-05", 35.0),
    ("d", "2026-05-06", -10.0),
    ("e", "2026-06-01", 500.0),  # June is still running
)


def run(frame: pl.DataFrame = SHOP, **options):
    return overview(frame, **{"as_of": AS_OF, "n_bootstrap": 100, **options})


def figures(result) -> dict[str, dict]:
    return {row["figure"]: row for row in result.tables()["figures"].iter_rows(named=True)}


def test_values_hand_worked():
    found = figures(run())
    assert {name: row["value"] for name, row in found.items()} == {
        "n_active": 2,
        "n_new": 1,
        "n_returning": 1,
        "n_orders": 3,
        "spend": 100.0,
        "spend_per_order": pytest.approx(100 / 3),
        "orders_per_customer": 1.5,
        "refund_rate": pytest.approx(10 / 110),
        "repeat_spend_share": pytest.approx(75 / 110),
    }
    assert found["spend"]["value_text"] == "100.00"
    assert found["refund_rate"]["value_text"] == "9.1%"


def test_changes_hand_worked():
    found = figures(run())
    assert {name: (row["previous"], row["last_year"]) for name, row in found.items()} == {
        "n_active": (2, 2),
        "n_new": (1, 1),
        "n_returning": (1, 1),
        "n_orders": (2, 2),
        "spend": (50.0, 100.0),
        "spend_per_order": (25.0, 50.0),
        "orders_per_customer": (1.0, 1.0),
        "refund_rate": (0.0, 0.0),
        "repeat_spend_share": (0.6, 0.4),
    }
    assert (found["spend"]["previous_text"], found["repeat_spend_share"]["last_year_text"]) == (
        "50.00",
        "40.0%",
    )
    assert found["spend"]["change"] == pytest.approx(1.0)
    assert found["spend"]["change_last_year"] == pytest.approx(0.0)
    assert found["refund_rate"]["change"] == pytest.approx(10 / 110)
    assert found["spend"]["change_text"] == "up 100.0%, too few customers to judge"
    assert found["spend"]["change_last_year_text"] == "unchanged, too few customers to judge"
    assert found["repeat_spend_share"]["change_last_year_text"].startswith("up 28.2 points")


def test_headline_says_what_was_spent_and_how_that_compares():
    assert run().headline() == (
        "In May 2026, 2 customers spent 100.00: 100.0% more than in April (too few customers to judge) "
        "and as much as in May 2025 (too few customers to judge)."
    )


def test_a_running_period_is_reported_apart_and_never_compared():
    result = run()
    last = result.tables()["months"].row(-1, named=True)
    assert (last["period_on"], last["spend"], last["is_complete"]) == (date(2026, 6, 1), 500.0, False)
    assert last["spend_last_year"] is None
    notes = {n.code: n.text for n in result.notes}
    assert notes["running_period"] == (
        "June 2026 is still running (9 of 30 days): 1 customer has spent 500.00 so far. It is not compared with whole months."
    )


def test_a_period_that_has_just_ended_is_compared():
    result = run(as_of=date(2026, 7, 1))
    assert figures(result)["spend"]["value"] == 500.0
    assert "running_period" not in {n.code for n in result.notes}


def test_months_without_orders_are_in_the_table():
    months = run().tables()["months"]
    assert months.height == 15  # April 2025 to June 2026
    assert months.filter(pl.col("period_on") == date(2025, 8, 1))["spend"].item() == 0.0
    assert months["period_on"].is_sorted()


def test_the_first_month_is_complete_only_if_the_extract_begins_with_it():
    months = run().tables()["months"]
    assert months["is_complete"].to_list() == [False] + [True] * 13 + [False]  # begins on 30 April
    early = run(pl.concat([SHOP, orders(("z", "2025-04-03", 1.0))])).tables()["months"]
    assert early["is_complete"].to_list() == [True] * 14 + [False]


def test_quarters_and_years_have_tables_of_their_own():
    quarters = run(period="quarter")
    assert quarters.headline().startswith("In Q1 2026, no customer ordered (net spend 0.00)")
    assert quarters.tables()["quarters"]["period_on"].to_list()[:2] == [date(2025, 4, 1), date(2025, 7, 1)]
    assert {v.table for v in quarters.views} == {"quarters"}
    years = run(period="year", as_of=date(2027, 1, 1))
    assert (
        years.headline()
        == "In 2026, 4 customers spent 650.00; the extract has no earlier year to compare that with."
    )


def test_of_a_year_the_headline_does_not_say_the_same_twice():
    frame = pl.concat([SHOP, orders(("a", "2025-01-01", 10.0))])
    headline = run(frame, period="year", as_of=date(2027, 1, 1)).headline()
    assert (
        headline
        == "In 2026, 4 customers spent 650.00: 485.6% more than in 2025 (too few customers to judge)."
    )


def test_an_extract_that_begins_too_late_says_what_it_cannot_compare():
    result = run(SHOP.filter(pl.col("ordered_at") >= datetime(2026, 4, 1)))
    spend = figures(result)["spend"]
    assert (spend["last_year"], spend["change_last_year"], spend["change_last_year_text"]) == (
        None,
        None,
        "no full May 2025 in the extract",
    )
    notes = {n.code: n.text for n in result.notes}
    assert (
        notes["nothing_to_compare"]
        == "The extract begins on 1 Apr 2026 and does not cover May 2025: no comparison."
    )
    assert "begins on 1 Apr 2026" in notes["first_in_the_extract"]


@pytest.mark.parametrize(("first", "severity"), [("2024-05-01", "info"), ("2024-05-02", "caution")])
def test_an_extract_of_less_than_two_years_cannot_tell_new_from_returning_well(first, severity):
    notes = {n.code: n.severity for n in run(pl.concat([SHOP, orders(("z", first, 1.0))])).notes}
    assert notes["first_in_the_extract"] == severity


def test_one_complete_month_is_an_answer_without_comparison():
    result = run(orders(("a", "2026-05-01", 5.0), ("b", "2026-05-30", 7.0)), as_of=date(2026, 6, 1))
    assert (
        result.headline()
        == "In May 2026, 2 customers spent 12.00; the extract has no earlier month to compare that with."
    )


def test_a_month_without_orders_is_an_answer():
    frame = orders(("a", "2025-04-01", 5.0), ("b", "2025-05-30", 7.0))
    assert run(frame).headline() == (
        "In May 2026, no customer ordered (net spend 0.00): 100.0% less than in May 2025 (too few customers to judge)."
    )
    assert run(frame, as_of=date(2026, 8, 1)).headline() == (
        "In July 2026, no customer ordered (net spend 0.00); no spend in June or July 2025 to compare that with."
    )


def test_less_than_a_month_is_too_little():
    with pytest.raises(
        NotEnoughDataError, match="Found 0 complete calendar months from 10 May 2026 to 20 May 2026"
    ):
        overview(orders(("a", "2026-05-10", 5.0), ("b", "2026-05-20", 7.0)))


def test_refunds_alone_are_too_little():
    with pytest.raises(NotEnoughDataError, match="Found 0 orders with a positive amount"):
        run(orders(("a", "2026-04-01", -5.0), ("b", "2026-05-30", -7.0)))


def test_start_narrows_what_is_shown_and_not_what_is_compared():
    result = run(start=date(2026, 5, 1))
    assert result.tables()["months"]["period_on"].to_list() == [date(2026, 5, 1), date(2026, 6, 1)]
    assert_frame_equal(result.tables()["figures"], run().tables()["figures"])


def test_start_after_the_last_complete_period_is_too_little():
    with pytest.raises(NotEnoughDataError, match="complete calendar months from 20 May 2026"):
        run(start=date(2026, 5, 20))


def test_rows_from_as_of_on_change_nothing():
    late = pl.concat([SHOP, orders(("a", "2026-06-10", 9e6), ("n", "2027-01-01", 3.0))])
    for name, table in run().tables().items():
        assert_frame_equal(run(late).tables()[name], table)


def test_the_margin_rate_shows_where_a_cost_is_known():
    result = run(SHOP.with_columns(cost=pl.col("amount") * 0.75))
    assert figures(result)["margin_rate"]["value"] == pytest.approx(0.25)
    assert result.tables()["months"]["margin_rate"].drop_nulls().to_list() == pytest.approx([0.25] * 5)
    assert "margin_rate" not in figures(run())


def test_customers_who_never_ordered_are_counted():
    notes = {n.code: n.text for n in run(customers=pl.DataFrame({"customer_id": ["a", "x"]})).notes}
    assert notes["never_ordered"].startswith("1 of the 2 customers in the customers table has not ordered")


@pytest.mark.parametrize(("option", "value"), [("period", "week"), ("n_bootstrap", 5)])
def test_options_out_of_range(option, value):
    with pytest.raises(OptionError, match=option):
        run(**{option: value})


def test_steady_trade_is_within_normal_variation_and_a_slump_beyond():
    days = [f"{date(2026, m, 1 + i % 28)}" for m in (4, 5) for i in range(60)]
    steady = orders(*((f"c{i % 60:02d}", day, 20.0 + (7 * i) % 30) for i, day in enumerate(days)))
    assert figures(run(steady))["spend"]["is_within_normal_variation"] is True
    slump = steady.filter((pl.col("ordered_at") < datetime(2026, 5, 1)) | (pl.col("customer_id") < "c20"))
    spend = figures(run(slump))["spend"]
    assert spend["is_within_normal_variation"] is False
    assert spend["change_upper"] < -0.4


@st.composite
def shops(draw):
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 14), st.integers(0, 420), st.integers(-30, 300)), min_size=4, max_size=50
        )
    )
    return orders(
        ("c00", "2025-04-01", 30.0),
        *((f"c{c:02d}", f"{date(2025, 4, 1) + timedelta(days=d)}", a / 2) for c, d, a in rows),
    )


@settings(max_examples=15)
@given(shops(), st.randoms(use_true_random=False))
def test_neither_order_nor_names_matter(frame, random):
    shuffled = frame[random.sample(range(frame.height), frame.height)]
    renamed = shuffled.with_columns(pl.lit("K") + pl.col("customer_id").str.reverse())
    for name, table in run(frame).tables().items():
        assert_frame_equal(run(renamed).tables()[name], table, rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=15)
@given(shops())
def test_new_and_returning_are_all_the_active_and_money_ties(frame):
    months = run(frame).tables()["months"]
    assert (months["n_new"] + months["n_returning"] == months["n_active"]).all()
    seen = frame.filter(pl.col("ordered_at") < datetime(2026, 6, 10))
    assert months["spend"].sum() == pytest.approx(seen["amount"].sum())


@settings(max_examples=15)
@given(shops(), st.sampled_from([0.25, 4.0, 100.0]))
def test_another_currency_scales_money_alone(frame, factor):
    dearer = figures(run(frame.with_columns(pl.col("amount") * factor)))
    for name, row in figures(run(frame)).items():
        scale = factor if row["unit"] == "money" else 1.0
        assert dearer[name]["value"] == (
            None if row["value"] is None else pytest.approx(row["value"] * scale)
        )
        assert dearer[name]["change"] == (None if row["change"] is None else pytest.approx(row["change"]))


@settings(max_examples=10)
@given(shops())
def test_the_same_base_twice_doubles_sums_and_keeps_rates_and_changes(frame):
    twice = pl.concat([frame, frame.with_columns(pl.col("customer_id") + "x", pl.col("order_id") + "x")])
    both = figures(run(twice))
    for name, row in figures(run(frame)).items():
        scale = (
            1.0
            if name in {"spend_per_order", "orders_per_customer", "refund_rate", "repeat_spend_share"}
            else 2.0
        )
        assert both[name]["value"] == (None if row["value"] is None else pytest.approx(row["value"] * scale))
        assert both[name]["change"] == (None if row["change"] is None else pytest.approx(row["change"]))


@pytest.fixture(scope="module")
def retail_path(shared_data):
    return shared_data("online_retail/online_retail.csv")


@pytest.mark.real_data
def test_online_retail_november_by_a_plain_loop(retail_path):
    spend, first = defaultdict(int), {}
    invoices: dict[tuple[str, str], int] = defaultdict(int)
    days: dict[tuple[str, str], str] = {}
    with retail_path.open(encoding="utf-8", errors="replace", newline="") as lines:
        for row in csv.DictReader(lines):
            if not row["CustomerID"]:
                continue
            who, month = row["CustomerID"], row["InvoiceDate"][:7]
            money = int(row["Quantity"]) * round(float(row["UnitPrice"]) * 1000)
            key = (who, row["InvoiceNo"])
            days[key] = min(days.get(key, month), month)
            invoices[key] += money
            spend[month] += money
    bought = [(days[key], key[0]) for key, money in invoices.items() if money > 0]
    for month, who in bought:
        first[who] = min(first.get(who, month), month)
    active = {who for month, who in bought if month == "2011-11"}
    result = crm.overview(crm.read_transactions(retail_path), n_bootstrap=100)
    found = {name: row["value"] for name, row in figures(result).items()}
    assert found["n_active"] == len(active)
    assert found["n_new"] == sum(first[who] == "2011-11" for who in active)
    assert found["n_orders"] == sum(month == "2011-11" for month, _ in bought)
    assert result.tables()["months"]["spend"].sum() == pytest.approx(sum(spend.values()) / 1000, abs=0.005)
    assert found["spend"] == pytest.approx(spend["2011-11"] / 1000, abs=0.005)
