from __future__ import annotations

from dataclasses import replace

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


def told(**columns):
    terms = {
        "finding": term("finding", "text", "Finding"), "money": term("money", "money", "Money"),
        "share": term("share", "share", "Share"), "share_lower": term("share_lower", "share"),
        "share_upper": term("share_upper", "share"), "finding_text": term("finding_text", "text", "In words"),
    }  # fmt: skip
    frame = pl.DataFrame({name: [value] for name, value in columns.items()})
    result = crm.rfm(crm.sample().table("transactions"))
    return replace(result, brief=frame, terms=terms, currency="GBP")


WORDS = "bring a third of all spend, more than others"


def test_a_table_that_tells_in_words_is_written_in_lines_that_wrap():
    row = {"money": -1234.5, "share": 0.25, "share_lower": 0.2, "share_upper": 0.3, "finding_text": WORDS}
    result = told(finding="<b>Best</b>", **row)
    assert tables.is_wordy(result.summary())
    page = tables.in_lines(result, "Best customers")
    assert f'<td class="left words" data-label="In words">{WORDS}</td>' in page
    assert '<td data-label="Money">−£1,234</td>' in page
    assert '<td data-label="Share">25.0%<small>20.0% to 30.0%</small></td>' in page
    assert "&lt;b&gt;Best&lt;/b&gt;" in page
    assert "<caption>Best customers</caption>" in page


def test_figures_alone_and_wide_tables_stay_a_grid():
    assert not tables.is_wordy(told(finding="Best", money=1.0).summary())
    wide = pl.DataFrame({"finding_text": [WORDS], **{str(i): [i] for i in range(7)}})
    assert not tables.is_wordy(wide)


def test_counts_that_weights_left_whole_have_no_decimals():
    assert tables._number_format(pl.Series([27.0, 0.0]), term("n", "number")) == "%,.0f"
    assert tables._number_format(pl.Series([27.5, 0.0]), term("n", "number")) == "%,.2f"


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
