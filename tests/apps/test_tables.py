from __future__ import annotations

import polars as pl

import crm_analytics as crm
from crm_analytics.terms import Term
from shared import tables


def term(name, unit, label=""):
    return Term(name, label or name, unit, "")


def test_a_column_said_in_words_beside_it_is_left_out():
    frame = pl.DataFrame({"driver": ["delivery"], "driver_label": ["Delivery"], "n": [1]})
    terms = {
        "driver": term("driver", "text", "Driver"),
        "driver_label": term("driver_label", "text", "Driver"),
    }
    assert tables._without_ids(frame, terms).columns == ["driver_label", "n"]
    apart = {**terms, "driver": term("driver", "text", "Column")}
    assert tables._without_ids(frame, apart).columns == frame.columns


def test_a_p_value_never_reads_as_nought():
    terms = {"p": term("p", "number"), "q": term("q", "number")}
    shown = tables._readable(pl.DataFrame({"p": [1e-9, 0.331, None], "q": [0.2, 0.3, 0.4]}), terms)
    assert shown["p"].to_list() == ["<0.001", "0.331", None]
    assert shown["q"].to_list() == [0.2, 0.3, 0.4]


def test_large_numbers_have_no_decimals_to_read():
    hours = pl.Series([18_325.88, 83.3, 53.13])
    assert tables._number_format(hours, term("hours", "number")) == "%,.0f"
    assert tables._number_format(hours.slice(1), term("hours", "number")) == "%,.1f"
    assert tables._number_format(pl.Series([0.8, 1.2]), term("ratio", "number")) == "%,.2f"


def test_ratings_in_a_column_of_their_own_stand_as_numbers():
    config = tables.columns(pl.DataFrame({"service": [7, 10]}), {"service": term("service", "text")}, None)
    assert config["service"]["type_config"]["type"] == "number"


def test_a_column_without_a_term_is_shown_as_it_is():
    overview = crm.run("overview", crm.sample())
    frame = pl.DataFrame({"is_complete": [True], "unheard_of": [1e-9]})
    assert tables._readable(frame, overview.terms).equals(frame)
