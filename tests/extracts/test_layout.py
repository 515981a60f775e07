from __future__ import annotations

import pytest

from crm_analytics.extracts.recognising.layout import find_layout, unique_headings

BODY = [["1", "2024-01-01", "a"], ["2", "2024-01-02", "b"], ["3", "2024-01-03", "c"]]
HEADS = ["id", "day", "word"]


@pytest.mark.parametrize(
    ("above", "first"),
    [
        ([], 0),
        ([["Report"]], 1),
        ([["Report"], [""], ["made", ""]], 3),
        ([["", "", ""]], 1),
        ([["Report", "", ""]], 1),
    ],
)
def test_what_stands_above_is_passed_over(above, first):
    layout = find_layout([*above, HEADS, *BODY])
    assert (layout.first, layout.n_headings, layout.headings) == (first, 1, tuple(HEADS))
    assert layout.kinds == ("number", "date", "text")


def test_a_table_without_headings():
    layout = find_layout(BODY)
    assert (layout.body, layout.headings) == (0, ("column_1", "column_2", "column_3"))


def test_two_heading_rows():
    layout = find_layout([["Order", "", "Item"], ["no", "day", "name"], *BODY])
    assert layout.headings == ("Order no", "Order day", "Item name")
    assert layout.body == 2


def test_blank_rows_below_the_headings_are_passed_over():
    assert find_layout([HEADS, ["", "", ""], *BODY]).body == 1  # blank rows are dropped later, one by one


def test_headings_alone():
    layout = find_layout([HEADS])
    assert (layout.n_headings, layout.body) == (1, 1)


def test_lists_of_any_length():
    rows = [["x"] * (1 + i % 7) for i in range(70)]
    layout = find_layout(rows)
    assert layout.is_list
    assert layout.width == 7
    assert layout.widened(9).headings[-1] == "column_9"


def test_names_stay_unique_when_numbers_clash():
    assert unique_headings(["a", "a_2", "a", "", "column_4"]) == ("a", "a_2", "a_3", "column_4", "column_4_2")
