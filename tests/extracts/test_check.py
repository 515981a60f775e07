"""Bad data: what is set aside, with which reason, and what the check says of the rest."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.errors import ColumnError, SourceError
from crm_analytics.extracts import door
from crm_analytics.extracts.raw import ROW, RawTable
from crm_analytics.extracts.readers import read, read_transactions


def orders(n=300, **columns):
    frame = {
        "customer_id": [f"C{i % 60:03}" for i in range(n)],
        "ordered_at": [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(n)],
        "amount": [f"{10 + i % 37}.{i % 90 + 10}" for i in range(n)],
        "order_id": [f"{1000 + i}" for i in range(n)],
    }
    return pl.DataFrame(frame | columns)


def changed(frame, column, rows):
    values = frame[column].to_list()
    for row, value in rows.items():
        values[row] = value
    return frame.with_columns(pl.Series(column, values, dtype=pl.String))


def check(frame, **options):
    return read_transactions(frame, **options).check


def codes(found):
    return {f.code for f in found.findings}


def finding(found, code):
    return next(f for f in found.findings if f.code == code)


def test_clean_data_has_nothing_set_aside():
    found = check(orders())
    assert (found.rows_in, found.rows_kept, found.rows_rejected) == (300, 300, 0)
    assert found.by_reason == {}
    assert found.n_customers == 60
    assert not [f for f in found.findings if f.severity != "info"]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("customer_id", None, "customer_id is missing"),
        ("customer_id", "", "customer_id is missing"),
        ("customer_id", " NULL ", "customer_id is missing"),
        ("ordered_at", "", "ordered_at is missing"),
        ("ordered_at", "2024-02-30", "ordered_at is not a date"),
        ("ordered_at", "last week", "ordered_at is not a date"),
        ("ordered_at", "2099-12-31", "ordered_at is implausible"),
        ("ordered_at", "0024-01-01", "ordered_at is implausible"),
        ("ordered_at", "1900-01-01", "ordered_at is implausible"),
        ("amount", "-", "amount is missing"),
        ("amount", "twelve", "amount is not a number"),
        ("amount", "inf", "amount is not finite"),
    ],
)
def test_each_reason(column, value, reason):
    frame = changed(orders(), column, {7: value})
    extract = read_transactions(frame)
    assert extract.check.by_reason == {reason: 1}
    assert extract.check.rows_kept == 299
    rejected = extract.rejected
    assert rejected.columns == ["__row__", *frame.columns, "reason"]
    assert rejected.row(0, named=True) == {"__row__": 8, **frame.row(7, named=True), "reason": reason}


def test_one_reason_per_row_the_first_that_holds():
    frame = changed(changed(orders(), "customer_id", {3: ""}), "amount", {3: "x", 4: "x"})
    assert check(frame).by_reason == {"amount is not a number": 1, "customer_id is missing": 1}


def test_money_is_accounted_for_to_the_cent():
    found = check(changed(orders(), "customer_id", dict.fromkeys(range(0, 300, 5), "")))
    total = sum(float(a) for a in orders()["amount"])
    assert found.amount_in == pytest.approx(total, abs=0.005)
    assert found.amount_kept + found.amount_rejected == pytest.approx(total, abs=0.005)
    assert finding(found, "customer_id_is_missing").amount == pytest.approx(found.amount_rejected)


def test_a_fifth_of_the_ids_blank_makes_no_super_customer():
    extract = read_transactions(changed(orders(), "customer_id", dict.fromkeys(range(0, 300, 5), "")))
    assert extract.check.by_reason == {"customer_id is missing": 60}
    assert "" not in extract.frame.collect()["customer_id"]


def test_future_dates_by_the_data_or_by_the_day_given():
    frame = changed(orders(), "ordered_at", {5: "2099-01-01", 6: "2031-05-05"})
    found = check(frame)
    assert found.by_reason == {"ordered_at is implausible": 2}
    assert found.window_end == datetime(2024, 12, 28)
    assert "5 May 2031" in finding(found, "implausible_dates").text
    assert check(frame, not_after=date(2099, 12, 31)).by_reason == {}
    assert check(orders(), not_after=date(2024, 11, 30)).by_reason["ordered_at is implausible"] == 25


def test_a_small_table_keeps_its_late_customer():
    frame = pl.DataFrame(
        {
            "customer_id": ["a", "b", "a"],
            "ordered_at": ["2020-01-01", "2020-02-01", "2024-01-01"],
            "amount": ["1.00", "2.00", "3.00"],
        }
    )
    assert check(frame).rows_rejected == 0


def test_every_row_twice():
    frame = pl.concat([orders(), orders()])
    found = check(frame)
    assert found.rows_kept == 600
    assert finding(found, "file_doubled").severity == "caution"
    repeats = finding(found, "exact_repeats")
    assert (repeats.n_rows, repeats.amount) == (300, pytest.approx(sum(float(a) for a in orders()["amount"])))
    rejected = check(frame, duplicates="reject")
    assert rejected.by_reason == {"exact repeat of a row": 300}
    assert not codes(rejected) & {"file_doubled", "exact_repeats"}


def test_refunds_count_as_refunds():
    found = check(changed(orders(), "amount", {1: "-12.50", 2: "(7.50)", 3: "5.00-"}))
    assert found.rows_rejected == 0
    refunds = finding(found, "refunds")
    assert (refunds.n_rows, refunds.amount, refunds.severity) == (3, pytest.approx(-25.0), "info")


def test_cancelled_invoices_with_either_sign():
    frame = changed(orders(), "order_id", {i: f"C{1000 + i}" for i in range(10)})
    assert finding(check(frame), "cancelled_positive").n_rows == 10
    negative = changed(frame, "amount", dict.fromkeys(range(10), "-5.00"))
    assert finding(check(negative), "cancelled").n_rows == 10
    assert "cancelled_positive" not in codes(check(negative))


def test_order_ids_that_all_begin_with_c_are_not_cancellations():
    found = check(orders(order_id=[f"C{i}" for i in range(300)]))
    assert not codes(found) & {"cancelled", "cancelled_positive"}


def test_a_state_column_that_says_cancelled():
    found = check(orders(**{"Order Status": ["completed"] * 280 + ["Cancelled"] * 15 + ["refunded"] * 5}))
    assert finding(found, "cancelled_status").n_rows == 20


def test_zero_amounts_are_kept_and_counted():
    found = check(changed(orders(), "amount", dict.fromkeys(range(4), "0.00")))
    assert (found.rows_kept, finding(found, "zero_amounts").n_rows) == (300, 4)


def test_credit_notes_with_positive_amounts_are_named():
    kinds = ["Invoice"] * 297 + ["Credit Note"] * 3
    found = check(orders(**{"Document type": kinds}))
    assert finding(found, "credit").n_rows == 3
    assert "turn the sign" in finding(found, "credit").text
    assert "credit" not in codes(check(orders(**{"Document type": ["Invoice"] * 300})))


def test_refunds_in_a_column_of_their_own_are_named():
    found = check(orders(**{"Amount Refunded": ["0.00"] * 298 + ["5.00", ""]}))
    assert finding(found, "refunded").n_rows == 1
    assert "not taken off the amount" in finding(found, "refunded").text
    assert (found.rows_kept, found.rows_rejected) == (300, 0)


def test_a_mark_of_debit_and_credit_is_looked_at():
    assert finding(check(orders(**{"S/H": ["S"] * 290 + ["H"] * 10})), "credit").n_rows == 10


def test_negative_quantities_with_positive_amounts_are_named():
    found = finding(check(orders(quantity=[-1] + [2] * 299)), "negative_quantity")
    assert found.text.startswith("1 row with a negative quantity and a positive amount counts as a purchase")


def test_a_row_that_adds_up_the_others_is_set_aside():
    rows = {
        "customer_id": ["1", "2", "Total"],
        "ordered_at": ["2024-01-05"] * 3,
        "amount": [10.1, 20.2, 30.3],
    }
    found = check(pl.DataFrame(rows))
    assert found.by_reason == {"a total of the other rows": 1}
    assert (found.rows_kept, round(found.amount_kept, 2)) == (2, 30.3)


def test_a_firm_called_total_is_kept_and_named():
    rows = {"customer_id": ["1", "2", "Total"], "ordered_at": ["2024-01-05"] * 3, "amount": [10.1, 20.2, 7.0]}
    found = check(pl.DataFrame(rows))
    assert (found.rows_rejected, finding(found, "named_total").n_rows) == (0, 1)


def test_amounts_no_cent_of_which_is_exact_are_set_aside():
    found = check(orders(2, amount=[1e300, 5.0]))
    assert found.by_reason == {"amount is implausibly large": 1}


def test_what_makes_the_engine_stumble_is_a_typed_error(monkeypatch):
    def stumbles(*_):
        raise pl.exceptions.PanicException("assertion failed")

    monkeypatch.setattr(door, "recognise", stumbles)
    with pytest.raises(SourceError, match="cannot be read: assertion failed"):
        check(orders())


def test_ids_that_differ_by_leading_zeros_or_capitals_are_named():
    found = check(changed(orders(), "customer_id", {0: "c001", 1: "C001"}))
    assert "1 customer id differs" in finding(found, "alike_ids").text
    assert "alike_ids" not in codes(check(orders()))


def test_what_the_reader_passed_over_is_in_the_report():
    rows = orders(3).with_row_index(ROW, offset=1)
    notes = (
        "2 rows above the headings were passed over: Report",
        "The workbook has further sheets with rows: 'May'.",
    )
    found = door.check_in(RawTable(rows.lazy(), "book.xlsx", "excel", notes=notes), "transactions").check
    said = {f.text: f.severity for f in found.findings if f.code == "source"}
    assert said == {notes[0]: "info", notes[1]: "caution"}


def test_the_user_decides_what_the_file_leaves_open():
    frame = orders(3, ordered_at=["3/1/2024", "3/2/2024", "3/3/2024"])
    assert "Set day_first=False" in finding(check(frame), "unclear_values").text
    american = read_transactions(frame, day_first=False)
    assert american.check.window_start == datetime(2024, 3, 1)
    assert "unclear_values" not in codes(american.check)


def test_an_outlier_is_kept_and_named_with_its_share():
    found = check(changed(orders(), "amount", {9: "10000000.00"}))
    outlier = finding(found, "outlier")
    assert outlier.severity == "caution"
    assert outlier.amount == 1e7
    assert "100%" in outlier.text
    assert found.rows_kept == 300


@pytest.mark.parametrize("who", ["Guest", "unknown", "Gast", "99999", "0"])
def test_stand_ins_for_unknown_customers(who):
    found = check(changed(orders(600), "customer_id", dict.fromkeys(range(0, 600, 6), who)))
    assert finding(found, "placeholder_customer").n_rows == 100


def test_a_bot_customer():
    found = check(changed(orders(2000), "customer_id", dict.fromkeys(range(1000), "BOT-7")))
    assert "BOT-7" in finding(found, "super_customer").text


def test_totals_of_an_order_on_each_of_its_lines():
    frame = orders(
        order_id=[f"{1000 + i // 3}" for i in range(300)], amount=[f"{20 + i // 3}.50" for i in range(300)]
    )
    found = finding(check(frame), "repeated_totals")
    assert found.severity == "caution"
    assert found.n_rows == 300
    assert found.amount == pytest.approx(2 / 3 * sum(float(a) for a in frame["amount"]))


def test_lines_of_their_own_amounts_are_not_taken_for_totals():
    assert "repeated_totals" not in codes(check(orders(order_id=[f"{1000 + i // 3}" for i in range(300)])))
    one_price = orders(order_id=[f"{1000 + i // 3}" for i in range(300)], amount=["9.99"] * 300)
    assert "repeated_totals" not in codes(check(one_price))


def test_the_total_of_a_line_is_preferred_to_that_of_its_order():
    totals = {"Order Total": ["30.00", "30.00", "8.00"], "Line Total": ["10.00", "20.00", "8.00"]}
    found = check(orders(3, **totals).drop("amount"))
    assert found.amount_kept == 38


def test_orders_of_shopify_lie_on_the_day_they_were_made():
    frame = orders(
        3,
        **{"Name": ["#1", "#2", "#3"], "Lineitem quantity": [1, 1, 1], "Paid at": ["2024-05-01", None, None]},
    )
    frame = frame.rename({"ordered_at": "Created at"}).drop("order_id")
    assert check(frame).rows_kept == 3


def test_several_currencies_must_be_chosen_between():
    frame = orders(currency=["EUR"] * 250 + ["USD"] * 50)
    with pytest.raises(ColumnError, match=r"in 2 currencies: EUR, USD.*cannot be added up.*currency='EUR'"):
        read_transactions(frame)
    extract = read_transactions(frame, currency="EUR")
    assert extract.check.by_reason == {"amount is in another currency": 50}
    assert extract.currency == "EUR"
    with pytest.raises(ColumnError, match="in EUR, USD, not in GBP"):
        read_transactions(frame, currency="GBP")


def test_several_currencies_beside_the_amounts():
    frame = orders(amount=["12.50 €"] * 200 + ["$12.50"] * 100)
    with pytest.raises(ColumnError, match=r"in 2 currencies: EUR, USD"):
        read_transactions(frame)


def test_one_currency_is_taken_from_where_it_stands():
    assert read_transactions(orders(currency=["GBP"] * 300)).currency == "GBP"
    assert read_transactions(orders(amount=["12,50 €"] * 300)).currency == "EUR"
    assert read_transactions(orders().rename({"amount": "Total (CHF)"})).currency == "CHF"
    assert read_transactions(orders()).currency is None


def test_amount_is_quantity_times_price_where_there_is_none():
    frame = orders().drop("amount").with_columns(quantity=pl.lit("3"), unit_price=pl.lit("2.50"))
    extract = read_transactions(changed(frame, "quantity", {0: "", 1: "x"}))
    assert extract.frame.select(pl.col("amount").unique()).collect()["amount"].to_list() == [7.5]
    assert extract.check.by_reason == {"amount is missing": 1, "amount is not a number": 1}
    assert extract.details["amount"] == "quantity x unit_price"
    assert "amount_worked_out" in codes(extract.check)


def test_no_amount_at_all_names_the_remedy():
    with pytest.raises(
        ColumnError, match=r"No column .* 'amount'; found .*columns=\{'amount'.*quantity and unit_price"
    ):
        read_transactions(orders().drop("amount", "order_id"))


def test_an_optional_value_that_cannot_be_read_is_named_and_the_row_kept():
    frame = orders(quantity=["2"] * 300)
    extract = read_transactions(changed(frame, "quantity", {4: "two", 5: ""}))
    assert extract.check.rows_kept == 300
    unread = finding(extract.check, "unread_value")
    assert (unread.n_rows, unread.column, unread.example_rows) == (1, "quantity", (5,))


def test_keyed_tables_hold_each_key_once():
    frame = pl.DataFrame(
        {
            "case_id": ["1", "2", "2", "3", "3"],
            "opened_at": ["2024-01-01"] * 5,
            "category": ["a", "b", "b", "c", "d"],
        }
    )
    extract = read("cases", frame)
    assert extract.check.by_reason == {"case_id repeated": 1, "exact repeat of a row": 1}
    assert extract.frame.collect()["category"].to_list() == ["a", "b", "c"]


def test_a_bad_row_does_not_take_the_key_from_a_good_one():
    frame = pl.DataFrame({"case_id": ["1", "1"], "opened_at": ["nonsense", "2024-01-01"]})
    assert read("cases", frame).check.by_reason == {"opened_at is not a date": 1}


def test_a_contract_that_runs_for_ever_has_not_ended():
    frame = pl.DataFrame(
        {
            "customer_id": ["a", "b"],
            "started_on": ["2024-01-01"] * 2,
            "ended_on": ["9999-12-31", "2024-06-30"],
            "monthly_amount": ["1.00", "2.00"],
        }
    )
    extract = read("subscriptions", frame)
    assert extract.frame.collect()["ended_on"].to_list() == [None, date(2024, 6, 30)]
    assert finding(extract.check, "never").n_rows == 1
    assert "unread_value" not in codes(extract.check)


def test_ends_before_beginnings_and_answers_off_the_scale():
    cases = pl.DataFrame(
        {"case_id": ["1", "2"], "opened_at": ["2024-01-02"] * 2, "closed_at": ["2024-01-01", "2024-01-03"]}
    )
    assert finding(read("cases", cases).check, "backwards").example_rows == (1,)
    surveys = pl.DataFrame({"answered_at": ["2024-01-02"] * 3, "nps": ["11", "10", ""]})
    assert finding(read("surveys", surveys).check, "off_scale").n_rows == 1


def test_ids_a_spreadsheet_has_mangled():
    assert (
        "1.23E+12"
        in finding(check(changed(orders(), "customer_id", {3: "4.01234E+12"})), "unclear_values").text
    )


def test_rows_that_could_not_be_split_are_counted_too():
    frame = orders(5).with_row_index(ROW, offset=1).lazy()
    unreadable = pl.DataFrame(
        {ROW: [3], "text": ["a;b"], "reason": ["too few cells"]}, schema_overrides={ROW: pl.UInt32}
    )
    extract = door.check_in(RawTable(frame, "orders.csv", "csv", unreadable=unreadable), "transactions")
    assert (extract.check.rows_in, extract.check.rows_rejected) == (6, 1)
    assert extract.check.by_reason == {"too few cells": 1}
    assert extract.rejected.row(0, named=True)["text"] == "a;b"


def test_nothing_at_all_is_a_typed_error():
    with pytest.raises(SourceError, match="holds no rows"):
        read_transactions(orders(0))


def test_all_rows_bad_is_still_a_report():
    extract = read_transactions(orders(amount=["?"] * 300))
    assert extract.check.rows_kept == 0
    assert extract.check.by_reason == {"amount is missing": 300}
    assert extract.check.lines()
    assert extract.check.n_customers == 0


def test_typed_frames_with_nan_and_infinity():
    frame = pl.DataFrame(
        {
            "customer_id": [1.0, 2.0, float("nan"), 4.0],
            "ordered_at": [datetime(2024, 1, 1)] * 4,
            "amount": [1.0, float("nan"), 2.0, float("inf")],
        }
    )
    extract = read_transactions(frame)
    assert extract.check.by_reason == {
        "amount is missing": 1,
        "amount is not finite": 1,
        "customer_id is missing": 1,
    }
    assert extract.frame.collect()["customer_id"].to_list() == ["1"]


@pytest.mark.parametrize(
    "odd",
    [[[1], [2]], [{"a": 1}, {"a": 2}], [timedelta(1), None], [time(1), None], [object(), object()]],
    ids=["list", "struct", "duration", "time", "object"],
)
def test_columns_of_types_that_no_table_needs_are_left_out_and_said(odd):
    frame = pl.DataFrame(
        {
            "customer_id": ["a", "b"],
            "ordered_at": [datetime(2024, 1, 1)] * 2,
            "amount": [1.0, 2.0],
            "odd": odd,
        }
    )
    extract = read_transactions(frame)
    assert extract.check.rows_kept == 2
    assert extract.details["left out"].startswith("odd (")
    with pytest.raises(ColumnError, match="recognised as 'amount'"):
        read_transactions(frame.drop("amount").rename({"odd": "amount"}))


@pytest.mark.parametrize(
    "heading",
    ["*", "^.*$", "reason", "__reason__", "__has_amount__", "text", "__row__", "", '"', "amount (2)"],
)
@pytest.mark.parametrize("table", ["transactions", "customers"])
def test_any_heading_is_just_a_heading(heading, table):
    frame = pl.DataFrame(
        {
            "customer_id": ["a", ""],
            "ordered_at": ["2024-01-01", "2024-01-02"],
            "amount": ["1.50", "2.50"],
            heading: ["p", "q"],
        }
    )
    extract = read(table, frame)
    assert extract.check.by_reason == {"customer_id is missing": 1}
    row = extract.rejected.row(0)
    assert (row[0], row[-1]) == (2, "customer_id is missing")
    assert "q" in row or heading == "__row__"


def test_large_tables_stream_and_find_the_same(monkeypatch):
    frame = changed(changed(orders(3000), "customer_id", {3: "", 9: "guest"}), "amount", {5: "x", 6: "-3.00"})
    small = read_transactions(frame)
    monkeypatch.setattr(door, "FITS", 10)
    large = read_transactions(frame.lazy())
    assert large.check.by_reason == small.check.by_reason
    assert {f.code: f.n_rows for f in large.check.findings} == {
        f.code: f.n_rows for f in small.check.findings
    }
    assert large.check.amount_in == pytest.approx(small.check.amount_in)
    assert large.frame.collect().sort(pl.all()).equals(small.frame.collect().sort(pl.all()))
    assert large.rejected.equals(small.rejected)


def test_the_report_as_dict_frame_and_lines():
    found = check(changed(orders(currency=["EUR"] * 300), "customer_id", {3: ""}))
    as_dict = found.to_dict()
    assert as_dict["rows_rejected"] == 1
    assert as_dict["findings"][0]["example_rows"] == [4]
    assert as_dict["window_start"] == "2024-01-01T00:00:00"
    frame = found.to_frame()
    assert frame["what"].to_list() == ["read", "kept", "set aside: customer_id is missing"]
    assert frame["rows"].to_list() == [300, 299, 1]
    lines = found.lines("EUR")
    assert "300 rows read as transactions, 299 kept, 1 set aside" in lines[0]
    assert any("EUR read =" in line for line in lines)


words = st.sampled_from(["", "NULL", "C1", "C2", " C3 ", "nan"])
moments = st.sampled_from(["2024-01-01", "2024-02-30", "", "x", "2024-03-05"])
amounts = st.sampled_from(["1.50", "-2.25", "x", "", "inf", "1,000.00"])


@given(st.lists(st.tuples(words, moments, amounts), min_size=1, max_size=30))
def test_no_row_is_lost_and_no_money(rows):
    frame = pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row")
    extract = read_transactions(frame)
    found = extract.check
    assert found.rows_in == len(rows) == found.rows_kept + found.rows_rejected
    assert found.rows_rejected == sum(found.by_reason.values()) == extract.rejected.height
    assert found.amount_in == pytest.approx(found.amount_kept + found.amount_rejected)
    kept = extract.frame.collect()
    assert kept.height == found.rows_kept
    assert kept.null_count().sum_horizontal().item() == 0


def test_a_table_too_large_to_look_for_repeats_says_so(monkeypatch):
    frame = pl.DataFrame(
        {"customer_id": ["a", "a"], "ordered_at": [datetime(2026, 1, 5)] * 2, "amount": [1.0, 1.0]}
    )
    assert "repeats_not_looked_for" not in {f.code for f in read_transactions(frame).check.findings}
    monkeypatch.setattr(door, "_REPEATS_UP_TO", 1)
    found = {f.code: f for f in read_transactions(frame).check.findings}
    assert "exact_repeats" not in found
    assert found["repeats_not_looked_for"].severity == "caution"
    assert "more than 1 rows repeated rows are not looked for" in found["repeats_not_looked_for"].text


def test_amounts_far_too_large_do_not_swallow_the_cents_of_the_others():
    amounts = ["10.25", "1e16", "0.07", "-1e16", "2.50", "3e15", "1e308", "1e308"]
    table = pl.DataFrame({"customer_id": ["a", "b"] * 4, "ordered_at": ["2024-01-05"] * 8, "amount": amounts})
    found = read_transactions(table.head(5)).check
    assert (found.amount_in, found.amount_kept, found.amount_rejected) == (12.82, 12.82, 0.0)
    assert found.rows_rejected == 2
    assert read_transactions(table.head(6)).check.amount_rejected == 3e15
    assert read_transactions(table).check.amount_kept == 12.82
