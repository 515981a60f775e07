"""Numbers as people write them, read in one way for a whole column."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts.cells import numbers
from crm_analytics.extracts.cells.numbers import NumberStyle


def read(values, hint=None):
    column = pl.Series("x", values, dtype=pl.String)
    style = numbers.decide(column, hint)
    return (
        column.to_frame()
        .select(numbers.number_expr(pl.col("x"), pl.String(), style).alias("x"))["x"]
        .to_list()
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["1.234,50", "12", "-3,5"], [1234.5, 12, -3.5]),
        (["1,234.50", "12", "-3.5"], [1234.5, 12, -3.5]),
        (["1 234,50", "1\u00a0234,50", "1\u202f234,50"], [1234.5] * 3),
        (["1'234.50", "1\u2019234.50", "7.25"], [1234.5, 1234.5, 7.25]),
        (["12,34,567.00", "5.50"], [1234567, 5.5]),
        (
            ["€ 12,50", "12,50 €", "EUR 12,50", "12,50EUR", "-€12,50", "€-12,50"],
            [12.5, 12.5, 12.5, 12.5, -12.5, -12.5],
        ),
        (["$1,234.50", "US$ 3.25", "($5.25)", "5.25-"], [1234.5, 3.25, -5.25, -5.25]),
        (["12,50 zł", "1 200,00 zł"], [12.5, 1200]),
        (["CHF 1'200.50", "CHF 3.00"], [1200.5, 3]),
        (["5,- €", "7,25 €"], [5, 7.25]),
        (["12.5%", "50%"], [0.125, 0.5]),
        (["\u221212.50", "3.10"], [-12.5, 3.1]),
        (["1.234.567", "1.234"], [1234567, 1234]),
        (["0,5", "0,125"], [0.5, 0.125]),
        ([",5", "2,25"], [0.5, 2.25]),
        (["1e5", "2.5E+03"], [100000, 2500]),
        (["1,5E+03", "2,25"], [1500, 2.25]),
        (["+5", "-5"], [5, -5]),
    ],
)
def test_usual_ways_of_writing_a_number(written, expected):
    assert read(written) == pytest.approx(expected)


def test_what_does_not_fit_the_way_of_the_column_is_not_a_number():
    assert read(["1.234,50", "7,25", "1.50", "1,2,3", "12 34", "abc", "1,50 USD EUR"])[2:] == [None] * 5


def test_one_reading_for_the_whole_column():
    assert read(["1.234", "0,50"]) == [1234, 0.5]
    assert read(["1.234", "0.50"]) == [1.234, 0.5]


def test_a_column_that_could_be_read_either_way_says_so():
    style = numbers.decide(pl.Series(["1.234", "12.345"]))
    assert style.ambiguous
    assert "could also be" in style.described()
    assert read(["1.234", "12.345"]) == [1.234, 12.345]
    assert read(["1.234", "12.345"], hint=",") == [1234, 12345]


def test_ungrouped_thousands_beside_it_decide_a_mark():
    assert not numbers.decide(pl.Series(["1.234", "12345"])).ambiguous
    assert read(["1,234", "12345"]) == [1.234, 12345]


def test_infinity_is_read_so_that_the_check_can_name_it():
    assert read(["inf", "1.5"])[0] == math.inf
    assert read(["-Infinity", "1.234,5"])[0] == -math.inf


def test_typed_columns_stay_as_they_are():
    frame = pl.DataFrame({"x": [1, 2, None]})
    assert frame.select(numbers.number_expr(pl.col("x"), pl.Int64(), NumberStyle()).alias("x"))[
        "x"
    ].to_list() == [1.0, 2.0, None]


def test_empty_column_is_plain():
    assert numbers.decide(pl.Series([], dtype=pl.String)) == NumberStyle()


@pytest.mark.parametrize(
    ("heading", "code"),
    [("Betrag (EUR)", "EUR"), ("total_usd", "USD"), ("Total", None), ("Amount in £", "GBP")],
)
def test_currency_in_a_heading(heading, code):
    assert numbers.currency_in_heading(heading) == code


LOCALES = {
    "en": (",", "."),
    "de": (".", ","),
    "fr": ("\u202f", ","),
    "ch": ("\u2019", "."),
    "plain": ("", "."),
    "pl": (" ", ","),
}


@given(
    locale=st.sampled_from(sorted(LOCALES)),
    cents=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20),
    symbol=st.sampled_from(["", " €", " EUR", " zł"]),
    brackets=st.booleans(),
)
def test_money_written_in_a_locale_reads_back(locale, cents, symbol, brackets):
    thousands, decimal = LOCALES[locale]
    amounts = [c / 100 for c in cents]

    def write(amount):
        text = (
            f"{abs(amount):,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands) + symbol
        )
        return text if amount >= 0 else f"({text})" if brackets else f"-{text}"

    assert read([write(a) for a in amounts]) == pytest.approx(amounts, abs=0.001)
