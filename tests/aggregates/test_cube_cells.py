"""The cube found by sorting numbers is the cube that the definition of an order gives, whatever the rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crm_analytics as crm
from crm_analytics.aggregates import cube_cells, order_blocks
from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.aggregates.cohorts import activity_cube, extract_cube
from crm_analytics.aggregates.cube_cells import Cubes
from crm_analytics.aggregates.order_blocks import begins
from crm_analytics.extracts import door

COLUMNS = ("number", "day", "n_actions", "n_orders", "spend")
FIRST = datetime(2025, 1, 28)

rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "dd", "longer than eight", "longer than nine"]),
        st.integers(0, 70),  # hours times nine: many rows of one day, over two ends of a month
        st.sampled_from([10.0, 2.5, 0.0, -2.5, -10.0, 0.1, 0.2, -0.3, 1e6, -1e6]),
        st.sampled_from(["1", "2", "3", None]),
    ),
    min_size=1,
    max_size=40,
)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Let customers fall into many blocks."""
    monkeypatch.setattr(order_blocks, "BLOCK_ROWS", 5)
    monkeypatch.setattr(cube_cells, "BLOCK_ROWS", 5)


def frame(found, *, ids):
    table = pl.DataFrame(
        [(c, FIRST + timedelta(hours=9 * h), a, o) for c, h, a, o in found],
        schema={
            "customer_id": pl.String,
            "ordered_at": pl.Datetime("us"),
            "amount": pl.Float64,
            "order_id": pl.String,
        },
        orient="row",
    )
    return table if ids else table.drop("order_id")


def by_customer(cubes: Cubes) -> dict[str, list[tuple[float, ...]]]:
    """Give the rows of the cube under the ids of their customers; ids without any row are none of its customers."""
    cells: dict[str, list[tuple[float, ...]]] = {}
    for cube in cubes.parts:
        columns = (getattr(cube, c).tolist() for c in COLUMNS)
        for customer, *cell in zip(cube.ids.gather(cube.customer), *columns, strict=True):
            cells.setdefault(customer, []).append(tuple(cell))
    return dict(sorted(cells.items()))


@given(
    rows,
    st.booleans(),
    st.sampled_from(["month", "day"]),
    st.sampled_from(["purchases", "any"]),
    st.integers(1, 30),
)
@settings(max_examples=60, deadline=None)
def test_any_rows_give_the_cube_of_the_definition(found, ids, period, activity, days):
    table = frame(found, ids=ids)
    asked = {
        "as_of": date(2025, 1, 28) + timedelta(days=days),
        "calendar": Calendar(period),
        "activity": activity,
    }
    quick = by_customer(extract_cube(crm.read_transactions(table), **asked))
    slow = by_customer(Cubes.of(activity_cube(table.lazy(), **asked)))
    assert list(quick) == list(slow)
    for customer, cells in slow.items():
        np.testing.assert_allclose(quick[customer], cells, rtol=1e-12, atol=1e-6)


@given(rows, st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_does_not_matter(found, ids, random):
    shuffled = random.sample(found, len(found))
    asked = {"as_of": date(2025, 3, 1), "calendar": Calendar("month"), "activity": "purchases"}
    one, other = (
        by_customer(extract_cube(crm.read_transactions(frame(f, ids=ids)), **asked))
        for f in (found, shuffled)
    )
    assert list(one) == list(other)
    for customer, cells in one.items():
        np.testing.assert_allclose(other[customer], cells, rtol=1e-12, atol=1e-6)


@given(rows, st.integers(1, 100))
@settings(max_examples=20, deadline=None)
def test_blocks_put_together_hold_the_same(found, least):
    table = frame(found, ids=False)
    cubes = extract_cube(
        crm.read_transactions(table),
        as_of=date(2025, 3, 1),
        calendar=Calendar("month"),
        activity="any",
    )
    larger = Cubes(tuple(cubes.each(lambda cube: cube, least=least)))
    assert by_customer(larger) == by_customer(cubes)
    assert larger.ids.equals(cubes.ids)
    assert all(part.customer.size >= least for part in larger.parts[:-1])
    befores = np.cumsum([0, *(len(part.ids) for part in larger.parts)])[:-1]
    assert [part.before for part in larger.parts] == befores.tolist()
    order = cubes.order()
    if order is None:
        assert cubes.ids.is_sorted()
    else:
        assert cubes.ids.sort().gather(pl.Series(order)).equals(cubes.ids)


def test_an_extract_keeps_its_cube():
    extract = crm.read_transactions(frame([("a", 0, 1.0, "1"), ("a", 9, 1.0, "2")], ids=True))
    asked = {"as_of": date(2025, 3, 1), "activity": "purchases"}
    month = extract_cube(extract, calendar=Calendar("month"), **asked)
    assert extract_cube(extract, calendar=Calendar("month"), **asked) is month
    assert extract_cube(extract, calendar=Calendar("day"), **asked) is not month


def test_no_rows_begin_nothing():
    assert begins(np.empty(0), np.empty(0)).tolist() == []


@pytest.mark.parametrize("ids", [True, False])
def test_tables_too_large_for_memory_give_the_same_cube(monkeypatch, ids):
    found = [(f"c{i % 7}", i % 70, 10.0 - i % 4 * 5, str(i % 90)) for i in range(300)]
    asked = {"as_of": date(2025, 2, 20), "calendar": Calendar("month"), "activity": "purchases"}
    in_memory = extract_cube(crm.read_transactions(frame(found, ids=ids)), **asked)
    monkeypatch.setattr(door, "FITS", 0)
    in_a_file = extract_cube(crm.read_transactions(frame(found, ids=ids)), **asked)
    assert by_customer(in_a_file) == by_customer(in_memory)
