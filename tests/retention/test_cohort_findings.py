"""What is said of cohorts: the trend, a late start of the extract, small cohorts, words for people."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm


def firm(sizes, rates, *, first=date(2024, 1, 1), seed=1):
    """Make a firm with a cohort a month of the sizes given, whose month-1 retention is as given."""
    rng = np.random.default_rng(seed)
    rows, month = [], first
    for i, (size, rate) in enumerate(zip(sizes, rates, strict=True)):
        after = (month + timedelta(days=32)).replace(day=1)
        for j in range(size):
            rows.append((f"C{i:02d}-{j:04d}", month + timedelta(days=int(rng.integers(0, 28))), 10.0))
            if rng.random() < rate:
                rows.append((f"C{i:02d}-{j:04d}", after + timedelta(days=int(rng.integers(0, 28))), 10.0))
        month = after
    frame = pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row")
    return frame, month


def said(result):
    return {n.code: str(n) for n in result.notes}


def test_a_rising_trend_is_found_with_its_size():
    frame, end = firm([400] * 24, np.linspace(0.2, 0.4, 24))
    result = crm.cohort_retention(frame, as_of=end)
    test = result.tables()["trend_tests"].row(0, named=True)
    assert test["verdict"] == "better"
    assert test["rate_change_lower"] < 0.2 * 22 / 23 < test["rate_change_upper"]
    assert "month-1 retention is getting better (+" in result.headline()


def test_no_trend_is_found_where_there_is_none_about_as_often_as_said():
    false = 0
    for seed in range(40):
        frame, end = firm([60] * 12, [0.3] * 12, seed=seed)
        tests = crm.cohort_retention(frame, as_of=end, max_periods=1).tables()["trend_tests"]
        false += tests["verdict"][0] != "no clear change"
    assert false <= 6  # 2 expected; more than 6 of 40 has a chance of 1 in 300


def test_few_cohorts_tell_no_trend():
    frame, end = firm([50] * 3, [0.3] * 3)
    assert "too few to tell" in crm.cohort_retention(frame, as_of=end).headline()


def test_a_first_cohort_of_old_customers_is_noticed_and_left_out_of_the_trend():
    frame, end = firm([900, *[200] * 11], [0.6, *[0.2] * 11])
    result = crm.cohort_retention(frame, as_of=end)
    assert "it has 900 customers where the next cohorts have about 200" in said(result)["left_truncation"]
    assert "start=2024-02-01" in said(result)["left_truncation"]
    test = result.tables()["trend_tests"].row(0, named=True)
    assert (test["n_cohorts"], test["verdict"]) == (10, "no clear change")
    later = crm.cohort_retention(frame, as_of=end, start="2024-02-01")
    assert "left_truncation" not in said(later)


def test_joined_on_decides_whether_a_large_first_cohort_is_old():
    frame, end = firm([900, *[200] * 11], [0.3] * 12)
    ids = frame["customer_id"].unique().sort()
    new = pl.DataFrame({"customer_id": ids, "joined_on": date(2024, 1, 1)})
    old = pl.DataFrame({"customer_id": ids, "joined_on": date(2021, 5, 1)})
    assert "left_truncation" not in said(crm.cohort_retention(frame, as_of=end, customers=new))
    found = said(crm.cohort_retention(frame, as_of=end, customers=old))["left_truncation"]
    assert "900 of them joined before the extract begins" in found


def test_open_ended_retention_is_named_as_biased():
    frame, end = firm([100] * 6, [0.3] * 6)
    assert (
        "young cohorts have had less time"
        in said(crm.cohort_retention(frame, as_of=end, criterion="on_or_after"))["open_ended"]
    )
    assert "open_ended" not in said(
        crm.cohort_retention(frame, as_of=end, criterion="on_or_after", horizon=2)
    )


def test_shrunk_rates_lie_between_the_own_rate_and_that_of_all():
    frame, end = firm([200, 5, 200, 5, 200, 5, 200, 8], [0.3] * 8)
    cells = crm.cohort_retention(frame, as_of=end, shrink=True).tables()["cells"]
    first = cells.filter((pl.col("period") == 1) & pl.col("is_complete"))
    share = first["n_active"].sum() / first["n_customers"].sum()
    moved = (first["shrunk_rate"] - first["retention_rate"]).abs()
    assert (first["shrunk_rate"] - share).abs().max() <= (first["retention_rate"] - share).abs().max()
    small = first["n_customers"] < 10
    assert moved.filter(small).max() > moved.filter(~small).max()
    assert first.select((pl.col("shrunk_rate_lower") <= pl.col("shrunk_rate")).all()).item()


def test_many_groups_are_put_together():
    frame, end = firm([300] * 3, [0.3] * 3)
    rows = frame.with_columns(category=("K" + pl.col("customer_id").str.slice(5)))  # 100 categories
    groups = crm.cohort_retention(rows, as_of=end, by="category").tables()["cells"]["group"].unique()
    assert groups.len() == 12
    assert "(all others)" in groups


def test_the_definitions_of_other_products_stand_beside_ours():
    frame, end = firm([100] * 6, [0.3] * 6)
    result = crm.cohort_retention(frame, as_of=end, compare_definitions=True)
    table = result.tables()["definitions"].filter(
        (pl.col("definition") == "Pooled") & (pl.col("period") == 1)
    )
    curve = result.tables()["curve"].filter(pl.col("period") == 1)
    assert table["retention_rate"].to_list() == pytest.approx(curve["retention_rate"].to_list())


def test_words_for_days_streaks_and_recurring():
    frame, end = firm([100] * 6, [0.3] * 6)
    assert " on day 1" in crm.cohort_retention(frame, as_of=end, period="day").headline()
    assert (
        "in every month up to month 3"
        in crm.cohort_retention(frame, as_of=end, criterion="streak").headline()
    )
    assert (
        "times that a customer was active in a month"
        in crm.cohort_retention(frame, as_of=end, entry="recurring").headline()
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"by": "channel", "value": "cumulative"},
        {"entry": "country"},
        {"criterion": "bracket", "brackets": [(1, 3), (4, 6)], "min_customers": 110},
        {"period": "day", "max_periods": 45},
        {"period": "week", "value": "average_order"},
        {"clock": "24h", "entry": "recurring", "max_periods": 30},
    ],
)
def test_every_view_of_every_kind_of_table_draws(options):
    base = crm.sample()
    result = crm.cohort_retention(base.table("transactions"), customers=base.table("customers"), **options)
    for view in result.views:
        assert result.plot(view.name).layout.meta["alt"]


def test_a_wide_heat_map_leaves_out_the_100_of_age_0_that_would_make_all_digits_small():
    frame, end = firm([100] * 15, [0.3] * 15)
    maps = [t for t in crm.cohort_retention(frame, as_of=end).plot("heatmap").data if t.type == "heatmap"]
    assert len(maps) > 1
    drawn = [
        word
        for trace in maps
        for words, values in zip(trace.text, trace.z, strict=True)
        for word, value in zip(words, values, strict=True)
        if value is not None
    ]
    assert max(len(word) for word in drawn) == 2  # else plotly would write them small
    assert any(word.isdigit() for word in drawn)


def test_the_heat_map_draws_the_cells_on_one_scale_and_hatches_open_ones():
    frame, end = firm([100] * 6, [0.3] * 6)
    result = crm.cohort_retention(frame, as_of=end - timedelta(days=3))
    figure = result.plot("heatmap")
    maps = [t for t in figure.data if t.type == "heatmap"]
    assert len({(t.zmin, t.zmax) for t in maps}) == 1
    cells = result.tables()["cells"]
    drawn = sorted(v for t in maps for row in t.z for v in row if v is not None)
    assert len(drawn) == cells.height
    top = maps[0].zmax
    assert drawn == pytest.approx(sorted(min(v, top) for v in cells["shown_value"].to_list()))
    hatch = next(t for t in figure.data if t.name == "Hatched: not finished yet")
    n_open = cells.filter(~pl.col("is_complete")).height
    assert hatch.x.count(None) % n_open == 0
    assert hatch.x.count(None) >= 3 * n_open > 0
