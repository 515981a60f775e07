"""Exports as the products that make them write them: which columns they are taken for, and what money they bring."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.extracts.recognising.which_table import best_of, looked_at, table_scores
from crm_analytics.extracts.sources.any_source import read_raw

DAY = datetime(2024, 1, 5, 9, 30)
N = 60


def written(place, name, rows, *, encoding="utf-8", separator=","):
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    path = place / name
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def columns_of(extract):
    return {r.column: r.heading for r in extract.recognition}


def orders():
    return [(f"{i % 17:05d}", DAY + timedelta(days=i * 3), 10.5 + i, f"A{1000 + i}") for i in range(N)]


class TestWooCommerce:
    HEADINGS = (
        "Order Number", "Order Status", "Order Date", "Email (Billing)", "Cart Discount Amount", "Order Subtotal Amount",
        "Order Shipping Amount", "Order Refund Amount", "Order Total Amount", "Order Total Tax Amount",
    )  # fmt: skip

    def test_the_amount_is_the_order_s_total_and_not_its_shipping(self, tmp_path):
        rows = [
            [number, "Completed", f"{at:%Y-%m-%d %H:%M}", f"c{who}@example.org", "0", f"{money:.2f}", "4.99", "0", f"{money + 4.99:.2f}", "0"]
            for who, at, money, number in orders()
        ]  # fmt: skip
        extract = crm.read_transactions(written(tmp_path, "woo.csv", [self.HEADINGS, *rows]))
        assert columns_of(extract)["amount"] == "Order Total Amount"
        assert extract.frame.collect()["amount"].sum() == pytest.approx(
            sum(o[2] + 4.99 for o in orders()), abs=0.01
        )

    def test_without_a_total_the_shipping_is_still_no_amount(self, tmp_path):
        rows = [[o[3], f"{o[1]:%Y-%m-%d}", o[0], "4.99", "1.20"] for o in orders()]
        head = ("Order Number", "Order Date", "Customer", "Order Shipping Amount", "Order Tax Amount")
        with pytest.raises(crm.errors.ColumnError, match="recognised as 'amount'"):
            crm.read_transactions(written(tmp_path, "woo.csv", [head, *rows]))


@pytest.mark.parametrize("heading", ["Net amount incl. tax", "Order amount without shipping"])
def test_a_sum_that_says_what_it_holds_is_an_amount(heading, tmp_path):
    rows = [[o[0], f"{o[1]:%Y-%m-%d}", o[2]] for o in orders()]
    extract = crm.read_transactions(written(tmp_path, "x.csv", [["Customer", "Date", heading], *rows]))
    assert columns_of(extract)["amount"] == heading


def test_an_empty_invoice_id_gives_way_to_the_id_of_the_charge(tmp_path):
    """Stripe's payments."""
    head = ("id", "Created date (UTC)", "Amount", "Currency", "Status", "Customer ID", "Invoice ID")
    rows = [[f"ch_{o[3]}", f"{o[1]:%Y-%m-%d %H:%M:%S}", f"{o[2]:.2f}", "usd", "Paid", f"cus_{o[0]}", ""] for o in orders()]  # fmt: skip
    extract = crm.read_transactions(written(tmp_path, "stripe.csv", [head, *rows]))
    assert columns_of(extract)["order_id"] == "id"
    assert extract.frame.collect()["order_id"].n_unique() == N


def test_subscriptions_that_have_all_that_orders_have_are_known_by_start_end_and_plan(tmp_path):
    """Stripe's subscriptions, in a file of any name."""
    head = ("id", "Customer ID", "Plan", "Quantity", "Currency", "Interval", "Amount", "Status", "Created (UTC)",
            "Start (UTC)", "Current Period Start (UTC)", "Current Period End (UTC)", "Trial Start (UTC)", "Canceled At (UTC)",
            "Ended At (UTC)")  # fmt: skip
    days = ["2024-01-03 10:00", "2024-01-03 10:00", "2024-12-03 10:00", "2025-01-03 10:00", ""]
    ends = [["", ""], ["2024-11-05 10:00", "2024-12-03 10:00"]]
    rows = [
        [f"sub_{i}", f"cus_{i}", "gold", "1", "eur", "month", "20.00", "active", *days, *ends[i % 2]]
        for i in range(40)
    ]
    raw = read_raw(written(tmp_path, "export.csv", [head, *rows]))
    assert best_of(table_scores(raw.headings, looked_at(raw))) == "subscriptions"
    extract = crm.read_subscriptions(tmp_path / "export.csv")
    assert columns_of(extract)["ended_on"] == "Ended At (UTC)"
    asked = [row[:14] for row in rows]
    extract = crm.read_subscriptions(written(tmp_path, "asked.csv", [head[:14], *asked]))
    assert columns_of(extract)["ended_on"] == "Canceled At (UTC)"


def test_bookings_with_a_stay_are_orders(tmp_path):
    head = (
        "Booking",
        "Guest",
        "Booked on",
        "Product",
        "Start date",
        "End date",
        "Amount",
        "Currency",
        "Status",
    )
    rows = [
        [f"B{i}", f"g{i % 20}", "2024-01-03", "room", "2024-02-03", "2024-02-05", "120.00", "eur", "paid"]
        for i in range(40)
    ]
    raw = read_raw(written(tmp_path, "export.csv", [head, *rows]))
    assert best_of(table_scores(raw.headings, looked_at(raw))) == "transactions"


WORDS = ("Very dissatisfied", "Somewhat dissatisfied", "Neither satisfied nor dissatisfied", "Somewhat satisfied", "Very satisfied")  # fmt: skip


class TestSurveys:
    def test_qualtrics_has_three_heading_rows_and_one_language(self, tmp_path):
        codes = [
            "StartDate",
            "Status",
            "Finished",
            "EndDate",
            "ExternalReference",
            "UserLanguage",
            "Q1",
            "Q2_1",
            "Q3",
        ]
        asked = [
            "Start Date", "Response Type", "Finished", "End Date", "External Data Reference", "User Language",
            "How likely are you to recommend us to a friend or colleague?", "Please rate - Delivery",
            "Overall, how satisfied are you?",
        ]  # fmt: skip
        technical = [f'{{"ImportId":"{c}"}}' for c in codes]
        rows = [
            [f"{o[1]}", "IP Address", "True", f"{o[1]}", o[0], "EN", i % 11, 1 + i % 5, WORDS[i % 5]]
            for i, o in enumerate(orders())
        ]
        extract = crm.read_surveys(written(tmp_path, "q.csv", [codes, asked, technical, *rows]))
        frame = extract.frame.collect()
        assert (frame.height, frame["customer_id"].n_unique(), frame["nps"].max()) == (N, 17, 10)
        assert frame["csat"].to_list() == [1.0 + i % 5 for i in range(N)]
        assert columns_of(extract)["answered_at"] == "End Date"
        assert not any("ImportId" in column for column in frame.columns)

    def test_surveymonkey_says_below_a_question_how_it_is_answered(self, tmp_path):
        head = [
            "Respondent ID", "Start Date", "End Date", "Email Address",
            "How likely is it that you would recommend this company to a friend or colleague?",
            "Overall, how satisfied or dissatisfied are you with our company?", "How helpful was our staff?",
        ]  # fmt: skip
        below = ["", "", "", "", "Open-Ended Response", "Response", "Response"]
        helpful = (
            "Not at all helpful",
            "Not so helpful",
            "Somewhat helpful",
            "Very helpful",
            "Extremely helpful",
        )
        rows = [
            [10**10 + i, f"{o[1]:%m/%d/%Y %I:%M:%S %p}", f"{o[1]:%m/%d/%Y %I:%M:%S %p}", f"c{o[0]}@example.org", i % 11, WORDS[i % 5], helpful[i * 2 % 5]]
            for i, o in enumerate(orders())
        ]  # fmt: skip
        extract = crm.read_surveys(written(tmp_path, "sm.csv", [head, below, *rows]))
        frame = extract.frame.collect()
        assert extract.check.rows_rejected == 0
        assert frame["csat"].to_list() == [1.0 + i % 5 for i in range(N)]
        assert frame["nps"].sum() == sum(i % 11 for i in range(N))
        found = crm.satisfaction_drivers(extract, n_bootstrap=100).tables()["drivers"]
        assert found["driver"].to_list() == ["How helpful was our staff? Response"]

    def test_satisfaction_in_german_words_is_satisfaction(self, tmp_path):
        words = ("sehr unzufrieden", "unzufrieden", "teils/teils", "zufrieden", "sehr zufrieden")
        rows = [[f"{o[1]:%d.%m.%Y}", o[0], words[i % 5], 1 + i % 4] for i, o in enumerate(orders())]
        head = ["Datum", "Kundennummer", "Gesamtzufriedenheit", "Lieferung"]
        path = written(tmp_path, "umfrage.csv", [head, *rows], encoding="cp1252", separator=";")
        assert crm.read_surveys(path).frame.collect()["csat"].to_list() == [1.0 + i % 5 for i in range(N)]


def test_cases_of_salesforce(tmp_path):
    head = [
        "Case Number",
        "Account ID",
        "Subject",
        "Status",
        "Case Origin",
        "Case Reason",
        "Date/Time Opened",
        "Date/Time Closed",
    ]
    rows = [
        [f"{i:08d}", f"001A{o[0]}", f"Help {i}", "Closed", "Phone", ("Billing", "Late")[i % 2], f"{o[1]:%m/%d/%Y %I:%M %p}", f"{o[1] + timedelta(hours=5):%m/%d/%Y %I:%M %p}"]
        for i, o in enumerate(orders())
    ]  # fmt: skip
    extract = crm.read_cases(written(tmp_path, "export.csv", [head, *rows]))
    found = columns_of(extract)
    assert found["category"] == "Case Reason"
    assert (found["opened_at"], found["closed_at"]) == ("Date/Time Opened", "Date/Time Closed")
    assert "Look whether" not in " ".join(f.text for f in extract.check.findings)


def test_tickets_of_freshdesk(tmp_path):
    head = [
        "Ticket ID",
        "Subject",
        "Type",
        "Created time",
        "Due by Time",
        "Resolved time",
        "Resolution time (in hrs)",
        "Contact ID",
    ]
    rows = [
        [i, "Help", ("Question", "Problem")[i % 2], f"{o[1]}", "", f"{o[1] + timedelta(hours=5)}" if i % 4 else "", 5, o[0]]
        for i, o in enumerate(orders())
    ]  # fmt: skip
    extract = crm.read_cases(written(tmp_path, "tickets.csv", [head, *rows]))
    found = columns_of(extract)
    assert (found["opened_at"], found["closed_at"], found["category"]) == (
        "Created time",
        "Resolved time",
        "Type",
    )
    assert extract.frame.collect()["closed_at"].null_count() == N // 4


def test_a_code_for_no_answer_hides_no_recommendation(tmp_path):
    rows = [[f"{o[1]:%Y-%m-%d}", o[0], 99 if i % 10 == 0 else i % 11] for i, o in enumerate(orders())]
    extract = crm.read_surveys(written(tmp_path, "s.csv", [["Date", "Customer", "NPS"], *rows]))
    assert columns_of(extract)["nps"] == "NPS"
    scored = crm.satisfaction_scores(extract).tables()["scores"].row(0, named=True)
    assert (scored["metric"], scored["n"]) == ("nps", N - N // 10)


def test_campaigns_are_named_by_their_title(tmp_path):
    rows = [[f"p{o[0]}@example.org", "Ann", "Spring", f"{o[1]:%b %d, %Y %I:%M %p}"] for o in orders()[:17]]
    head = ["Email Address", "First Name", "Campaign Title", "Send Date"]
    assert (
        columns_of(crm.read_contacts(written(tmp_path, "c.csv", [head, *rows])))["campaign_id"]
        == "Campaign Title"
    )


def test_deals_are_dated_by_their_close_and_lost_ones_are_named(tmp_path):
    head = ["Opportunity ID", "Account ID", "Amount", "Stage", "Created Date", "Close Date"]
    rows = [
        [f"006{i}", f"001{o[0]}", o[2], "Closed Won" if i % 4 else "Closed Lost", f"{o[1] - timedelta(days=9):%m/%d/%Y}", f"{o[1]:%m/%d/%Y}"]
        for i, o in enumerate(orders())
    ]  # fmt: skip
    extract = crm.read_transactions(written(tmp_path, "deals.csv", [head, *rows]))
    assert columns_of(extract)["ordered_at"] == "Close Date"
    assert any(
        f.text.startswith("15 rows with a positive amount, marked as cancelled")
        for f in extract.check.findings
    )


class TestJapanese:
    ROWS = (("顧客ID", "注文日", "金額", "注文番号"),)

    @pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "utf-8"])
    def test_headings_and_dates(self, encoding, tmp_path):
        rows = [[o[0], f"{o[1]:%Y年%m月%d日}", f"{o[2]:,.0f}円"[:-1], o[3]] for o in orders()]
        extract = crm.read_transactions(written(tmp_path, "o.csv", [*self.ROWS, *rows], encoding=encoding))
        frame = extract.frame.collect()
        assert frame["ordered_at"].dt.date().to_list() == [o[1].date() for o in orders()]
        assert columns_of(extract)["order_id"] == "注文番号"

    def test_headings_alone_are_enough_to_tell_the_encoding(self, tmp_path):
        rows = [[o[0], f"{o[1]:%Y/%m/%d}", f"{o[2]:.0f}", o[3]] for o in orders()]
        path = written(tmp_path, "o.csv", [*self.ROWS, *rows], encoding="cp932")
        assert crm.read_transactions(path).frame.collect().height == N

    def test_digits_as_wide_as_letters(self, tmp_path):
        wide = str.maketrans("0123456789", "０１２３４５６７８９")  # noqa: RUF001
        rows = [[o[0].translate(wide), f"{o[1]:%Y/%m/%d}".translate(wide), f"{o[2]:.2f}".translate(wide), o[3]] for o in orders()]  # fmt: skip
        frame = crm.read_transactions(written(tmp_path, "o.csv", [*self.ROWS, *rows])).frame.collect()
        assert frame["amount"].to_list() == [o[2] for o in orders()]
        assert frame["customer_id"].to_list() == [o[0] for o in orders()]


@pytest.mark.parametrize("form", ['="{}"', "'{}"])
def test_ids_that_a_spreadsheet_was_to_leave_alone(form, tmp_path):
    rows = [[form.format(o[0]), f"{o[1]:%Y-%m-%d}", o[2]] for o in orders()]
    path = written(tmp_path, "o.csv", [["customer_id", "date", "amount"], *rows])
    assert crm.read_transactions(path).frame.collect()["customer_id"].to_list() == [o[0] for o in orders()]


class TestHeadingsInTwoRows:
    def rows(self):
        return [[o[0], "Ann", f"{o[1]:%d.%m.%Y}", f"{o[2]:.2f}".replace(".", ",")] for o in orders()]

    def test_the_lower_row_alone_where_it_says_more(self, tmp_path):
        heads = [["Kunde", "", "Verkauf", ""], ["Kundennummer", "Name", "Datum", "Betrag"]]
        extract = crm.read_transactions(written(tmp_path, "o.csv", [*heads, *self.rows()], separator=";"))
        assert columns_of(extract) == {
            "customer_id": "Kundennummer",
            "ordered_at": "Datum",
            "amount": "Betrag",
        }
        assert any("the last of them" in f.text for f in extract.check.findings)

    def test_both_where_the_lower_says_too_little(self, tmp_path):
        heads = [["Kunden", "", "Bestell", "Bestell"], ["Nr", "Wer", "Datum", "Wert"]]
        extract = crm.read_transactions(written(tmp_path, "o.csv", [*heads, *self.rows()], separator=";"))
        assert columns_of(extract)["customer_id"] == "Kunden Nr"


class TestDates:
    def read(self, place, form, **options):
        rows = [[o[0], form(o[1]), o[2]] for o in orders()]
        return crm.read_transactions(
            written(place, "o.csv", [["Customer", "Month", "Amount"], *rows]), **options
        )

    @pytest.mark.parametrize(
        ("form", "first"),
        [
            (lambda d: f"{d.year} Q{(d.month + 2) // 3}", "1q"),
            (lambda d: f"Q{(d.month + 2) // 3}/{d.year}", "1q"),
            (lambda d: f"{(d.month + 2) // 3}. Quartal {d.year}", "1q"),
            (lambda d: f"{d:%Y-%m}", "1mo"),
            (lambda d: f"{d:%m/%Y}", "1mo"),
            (lambda d: f"{d:%b-%y}", "1mo"),
            (lambda d: f"{d:%B %Y}", "1mo"),
            (lambda d: f"{d:%G-W%V}", "1w"),
        ],
    )
    def test_whole_periods_are_their_first_day_and_the_check_says_so(self, form, first, tmp_path):
        extract = self.read(tmp_path, form, columns={"ordered_at": "Month"})
        days = pl.Series([o[1] for o in orders()]).dt.truncate(first).dt.date()
        assert extract.frame.collect()["ordered_at"].dt.date().to_list() == days.to_list()
        assert any("taken for its first day" in f.text for f in extract.check.findings)

    def test_a_heading_is_enough(self, tmp_path):
        assert self.read(tmp_path, lambda d: f"{d:%Y-%m}").check.rows_kept == N

    def test_words_with_a_number_are_no_months(self, tmp_path):
        extract = self.read(tmp_path, lambda d: f"Box-{d:%y}", columns={"ordered_at": "Month"})
        assert extract.check.by_reason == {"ordered_at is not a date": N}

    def test_half_of_the_dates_turned_round_by_a_spreadsheet(self, tmp_path):
        """25/03 stays text, 05/03 becomes 3 May: such a column is never right, whichever way it is read."""

        def opened(d):
            return f"{d:%d/%m/%Y}" if d.day > 12 else f"{d.year}-{d.day:02d}-{d.month:02d}"

        extract = self.read(tmp_path, opened, columns={"ordered_at": "Month"})
        assert any("wrong way round" in f.text for f in extract.check.findings)

    def test_sound_dates_in_two_forms_are_not_warned_of(self, tmp_path):
        extract = self.read(
            tmp_path,
            lambda d: f"{d:%d/%m/%Y}" if d.month < 4 else f"{d:%Y-%m-%d}",
            columns={"ordered_at": "Month"},
        )
        assert not any("wrong way round" in f.text for f in extract.check.findings)


class TestOneFile:
    def cases(self, place, name):
        rows = [[i, f"{o[1]}", o[0], f"{o[1] + timedelta(hours=5)}", "late"] for i, o in enumerate(orders())]
        return written(
            place, name, [["Ticket ID", "Created at", "Customer ID", "Closed at", "Category"], *rows]
        )

    def test_of_any_name_is_the_table_its_columns_speak_for(self, tmp_path):
        base = crm.open(self.cases(tmp_path, "export_2024.csv"))
        assert list(base.tables) == ["cases"]
        assert "cases" in crm.run("complaints", base).headline()

    def test_orders_stay_orders(self, tmp_path):
        rows = [[o[0], f"{o[1]:%Y-%m-%d}", o[2]] for o in orders()]
        base = crm.open(written(tmp_path, "x.csv", [["Customer", "Date", "Amount"], *rows]))
        assert list(base.tables) == ["transactions"]

    def test_files_of_a_folder_that_were_not_read_are_named(self, tmp_path):
        self.cases(tmp_path, "tickets.csv")
        self.cases(tmp_path, "allerlei.csv")
        with pytest.raises(crm.errors.SourceError, match=r"not read: allerlei\.csv"):
            crm.open(tmp_path).table("surveys")
