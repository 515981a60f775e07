"""Dates as people write them, read in one way for a whole column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts.cells import dates
from crm_analytics.extracts.cells.month_names import MONTHS


def read(values, time_zone=None, hint=None, dtype=None):
    column = pl.Series("x", values, dtype=dtype)
    texts = column.cast(pl.String).drop_nulls().unique(maintain_order=True)
    style = dates.decide(texts, hint=hint) if not column.dtype.is_temporal() else dates.DateStyle()
    return (
        column.to_frame()
        .select(dates.date_expr(pl.col("x"), column.dtype, style, time_zone).alias("x"))["x"]
        .to_list()
    )


def style_of(*values, **options):
    return dates.decide(pl.Series(values, dtype=pl.String), **options)


D = datetime


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-03-12", D(2024, 3, 12)),
        ("2024-3-2", D(2024, 3, 2)),
        ("2024/03/12", D(2024, 3, 12)),
        ("2024-03-12 08:26", D(2024, 3, 12, 8, 26)),
        ("2024-03-12T08:26:30", D(2024, 3, 12, 8, 26, 30)),
        ("2024-03-12 08:26:30.250", D(2024, 3, 12, 8, 26, 30, 250000)),
        ("2024-03-12T08:26:30Z", D(2024, 3, 12, 8, 26, 30)),
        ("20240312", D(2024, 3, 12)),
        ("20240312T082630Z", D(2024, 3, 12, 8, 26, 30)),
        ("13.03.2024", D(2024, 3, 13)),
        ("13.3.24", D(2024, 3, 13)),
        ("13/03/1998 17:05", D(1998, 3, 13, 17, 5)),
        ("03/13/2024 5:05 PM", D(2024, 3, 13, 17, 5)),
        ("03/13/2024 12:05:10 am", D(2024, 3, 13, 0, 5, 10)),
        ("13-Mar-2024", D(2024, 3, 13)),
        ("13-MAR-24", D(2024, 3, 13)),
        ("13. März 2024", D(2024, 3, 13)),
        ("13. März 2024, 17:05 Uhr", D(2024, 3, 13, 17, 5)),
        ("13 mars 2024", D(2024, 3, 13)),
        ("13 de marzo de 2024", D(2024, 3, 13)),
        ("13 marzo 2024", D(2024, 3, 13)),
        ("13 maart 2024", D(2024, 3, 13)),
        ("13 de março de 2024", D(2024, 3, 13)),
        ("13 marca 2024", D(2024, 3, 13)),
        ("1er août 2024", D(2024, 8, 1)),
        ("March 13, 2024", D(2024, 3, 13)),
        ("Mar 13, 2024 12:33:00 PM", D(2024, 3, 13, 12, 33)),
        ("Wed, 13 Mar 2024 10:00:00 GMT", D(2024, 3, 13, 10)),
        ("Wednesday, March 13th, 2024", D(2024, 3, 13)),
        ("45364", D(2024, 3, 13)),
        ("45364.5", D(2024, 3, 13, 12)),
        ("1710324000", D(2024, 3, 13, 10)),
        ("1710324000000", D(2024, 3, 13, 10)),
    ],
)
def test_usual_ways_of_writing_a_date(written, expected):
    assert read([written]) == [expected]


@pytest.mark.parametrize(
    "written",
    [
        "2024-02-30",
        "31.04.2024",
        "2024-13-01",
        "13 Smarch 2024",
        "20241301",
        "yesterday",
        "12",
        "2024-03-12 25:00",
        "3.14",
    ],
)
def test_what_is_not_a_date_is_null(written):
    assert read([written, "2024-03-12"])[0] is None


def test_day_or_month_first_is_decided_for_the_whole_column():
    assert read(["03/04/2024", "25/04/2024"]) == [D(2024, 4, 3), D(2024, 4, 25)]
    assert read(["03/04/2024", "04/25/2024"]) == [D(2024, 3, 4), D(2024, 4, 25)]


def test_dates_against_the_order_of_the_column_are_no_dates_and_are_counted():
    values = ["25/04/2024", "26/04/2024", "04/27/2024"]
    assert style_of(*values).against == 1
    assert read(values)[2] is None


def test_order_in_the_file_decides_where_the_numbers_do_not():
    assert read(["12/01/2024", "01/02/2024", "05/02/2024", "02/03/2024", "01/04/2024"])[0] == D(2024, 1, 12)
    assert read(["01/12/2024", "02/01/2024", "02/05/2024", "03/02/2024", "04/01/2024"])[0] == D(2024, 1, 12)
    assert (
        "order of time"
        in style_of("12/01/2024", "01/02/2024", "05/02/2024", "02/03/2024", "01/04/2024").decided_by
    )


def test_a_few_dates_that_stand_in_order_by_chance_decide_nothing():
    assert style_of("12/01/2024", "01/02/2024", "05/02/2024").ambiguous


def test_american_times_of_day_whose_order_is_open_are_read():
    found = read(
        ["1/5/2024 3:04 PM", "2/6/2024 12:30 AM", "3/7/2024 12:30 PM", "3/8/2024 1:00 PM", "4/9/2024 2:00 AM"]
    )
    assert found[:3] == [D(2024, 1, 5, 15, 4), D(2024, 2, 6, 0, 30), D(2024, 3, 7, 12, 30)]


@pytest.mark.parametrize("mark", ["-", "/"])
def test_two_digit_years_that_stand_first(mark):
    written = [w.replace("-", mark) for w in ("24-01-05", "24-02-16", "23-03-27", "24-01-30")]
    assert read(written) == [D(2024, 1, 5), D(2024, 2, 16), D(2023, 3, 27), D(2024, 1, 30)]
    assert read(["99-12-05", "98-02-16"]) == [D(1999, 12, 5), D(1998, 2, 16)]
    assert read(["05/01/24", "16/02/24", "22/02/23"]) == [D(2024, 1, 5), D(2024, 2, 16), D(2023, 2, 22)]
    assert read(["01/05/24", "02/16/24", "03/22/23"]) == [D(2024, 1, 5), D(2024, 2, 16), D(2023, 3, 22)]


def test_another_column_full_stops_and_am_pm_decide_too():
    assert style_of("01/02/2024", hint=False).day_first is False
    assert style_of("01.02.2024").day_first is True
    assert style_of("01/02/2024 5:00 PM").day_first is False


def test_undecidable_puts_the_day_first_and_says_so():
    style = style_of("01/02/2024", "05/03/2024")
    assert (style.day_first, style.ambiguous) == (True, True)
    assert "assumed" in style.described()


def test_two_ways_in_one_column_are_both_read():
    assert read(["2024-03-12", "13.03.2024"]) == [D(2024, 3, 12), D(2024, 3, 13)]


def test_one_shape_takes_the_quick_way():
    assert style_of("2024-03-12 08:26:00", "2024-03-13 08:26:00").fast == "%Y-%m-%d %H:%M:%S"
    assert style_of("13/03/2024", "14/03/2024").fast == "%d/%m/%Y"
    assert style_of("2024-3-12", "2024-03-13").fast is None


def test_instants_with_a_zone_go_to_the_zone_of_the_firm():
    written = ["2024-07-01T22:30:00Z", "2024-07-01T22:30:00+05:00", "2024-07-01T22:30:00"]
    assert read(written, "Europe/Berlin") == [
        D(2024, 7, 2, 0, 30),
        D(2024, 7, 1, 19, 30),
        D(2024, 7, 1, 22, 30),
    ]
    assert read(written[:2]) == [D(2024, 7, 1, 22, 30), D(2024, 7, 1, 17, 30)]


def test_a_shop_that_writes_its_summer_time_keeps_its_clock():
    assert read(["2024-01-01 00:30:00 +0100", "2024-07-01 00:30:00 +0200"]) == [
        D(2024, 1, 1, 0, 30),
        D(2024, 7, 1, 0, 30),
    ]


def test_named_zones_are_known_and_unknown_ones_refused():
    assert read(["Mar 1, 2024 12:00:00 PM PST"], "Europe/Berlin") == [D(2024, 3, 1, 21)]
    assert read(["2024-03-01 12:00:00 XYZ", "2024-03-01 12:00:00 UTC"]) == [None, D(2024, 3, 1, 12)]


def test_clocks_going_back_do_not_stop_the_reading():
    assert (
        read(["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"], "Europe/Berlin")
        == [D(2024, 10, 27, 2, 30)] * 2
    )


def test_typed_columns_are_taken_as_they_are():
    assert read([date(2024, 3, 12)]) == [D(2024, 3, 12)]
    assert read([D(2024, 3, 12, 8, tzinfo=UTC)], "Asia/Tokyo") == [D(2024, 3, 12, 17)]
    assert read([D(2024, 3, 12, 8)], dtype=pl.Datetime("ns")) == [D(2024, 3, 12, 8)]
    assert read([20240312, 20240313]) == [D(2024, 3, 12), D(2024, 3, 13)]
    assert read([45364.25]) == [D(2024, 3, 13, 6)]


def test_month_names_are_unambiguous():
    assert set(MONTHS.values()) == set(range(1, 13))
    assert MONTHS["mai"] == MONTHS["may"] == MONTHS["maj"] == 5


days = st.datetimes(min_value=D(1970, 1, 2), max_value=D(2068, 12, 31)).map(
    lambda at: at.replace(microsecond=0)
)
FORMS = [
    "%Y-%m-%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%d %B %Y %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%d-%b-%y %H:%M:%S",
    "%B %d, %Y %I:%M:%S %p",
]


@given(form=st.sampled_from(FORMS), at=st.lists(days, min_size=1, max_size=20))
def test_dates_written_in_a_form_read_back(form, at):
    assert read([a.strftime(form) for a in at]) == at


@given(at=st.lists(days, min_size=1, max_size=20), order=st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))
def test_the_order_found_never_loses_a_date(at, order):
    written = [a.strftime(order) for a in at]
    style = style_of(*dict.fromkeys(written))
    assert None not in read(written)
    if any(a.day > 12 for a in at):
        assert style.day_first is (order == "%d/%m/%Y")


@given(
    at=st.lists(st.datetimes(D(1971, 1, 1), D(2068, 1, 1)), min_size=1, max_size=10),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_instants_read_back_in_any_zone(at, zone):
    instants = [a.replace(microsecond=0, tzinfo=UTC) for a in at]
    expected = [i.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) for i in instants]
    assert read([i.isoformat() for i in instants], zone) == expected


@given(st.lists(st.integers(20000, 60000), min_size=1, max_size=10))
def test_spreadsheet_day_numbers_read_back(serials):
    assert read([str(s) for s in serials]) == [D(1899, 12, 30) + timedelta(days=s) for s in serials]
