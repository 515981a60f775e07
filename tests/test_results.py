from __future__ import annotations

import pickle
from functools import partial

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.results import Later, Tables


def listed(made):
    made.append(1)
    return pl.DataFrame({"customer_id": ["a", "b"]})


def some(made):
    return Tables(
        {"cells": pl.DataFrame({"n": [1]}), "customers": Later(("customer_id",), partial(listed, made))}
    )


def test_a_later_table_is_made_once_and_only_when_it_is_asked_for():
    made = []
    tables = some(made)
    assert list(tables) == ["cells", "customers"]
    assert len(tables) == 2
    assert "customers" in tables
    assert tables.columns == ["n", "customer_id"]
    assert repr(tables) == "Tables(cells: 1 rows, customers: not made yet)"
    assert not made
    assert tables["customers"].height == 2
    assert tables["customers"]["customer_id"].to_list() == ["a", "b"]
    assert made == [1]


def test_pickled_tables_are_all_made():
    tables = pickle.loads(pickle.dumps(some([])))  # noqa: S301 our own
    assert repr(tables) == "Tables(cells: 1 rows, customers: 2 rows)"


def test_an_unknown_table_is_a_key_error():
    with pytest.raises(KeyError, match="people"):
        some([])["people"]


def test_nobody_changes_the_tables_of_a_result():
    result = crm.rfm(crm.sample().table("transactions"))
    for one in (result, crm.Result.from_dict(result.to_dict())):
        with pytest.raises(TypeError, match="item assignment"):
            one.tables()["customers"] = pl.DataFrame()


def test_the_list_of_customers_of_cohorts_is_made_when_it_is_asked_for():
    result = crm.cohort_retention(crm.sample().table("transactions"))
    assert "customers: not made yet" in repr(result.tables())
    columns = result.frames.columns
    people = result.tables()["customers"]
    assert columns[-len(people.columns) :] == people.columns
    assert people["customer_id"].is_sorted()
    cells = result.tables()["cells"].filter(period=0)
    assert people.height == cells["n_customers"].sum()
    again = pickle.loads(pickle.dumps(result))  # noqa: S301 our own
    assert again.tables()["customers"].equals(people)
