from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from crm_analytics.clv.validation import clv_validation
from crm_analytics.clv.validation.accuracy import Draws, accuracy, against
from crm_analytics.clv.validation.holdout import at, origins
from crm_analytics.clv.validation.judged import best_rule
from crm_analytics.clv.validation.simple_rules import simple_rules
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.readers import as_extract

START = date(2024, 1, 1)
DAYS = 728
AS_OF = START + timedelta(days=DAYS)
FAST = {"as_of": AS_OF, "n_origins": 1, "n_folds": 0, "n_bootstrap": 100}


def orders(*rows: tuple[str, str, float]) -> pl.DataFrame:
    """(customer, day, amount), one order each."""
    frame = pl.DataFrame(rows, schema=["customer_id", "day", "amount"], orient="row")
    return frame.select(
        "customer_id", pl.col("day").str.to_datetime("%Y-%m-%d").alias("ordered_at"), "amount"
    )


def buyers(n: int = 900, seed: int = 11) -> pl.DataFrame:
    """Draw customers of a BG/NBD process, r = 0.8, alpha = 60 days, a = 1, b = 4, who came in the first year."""
    rng = np.random.default_rng(seed)
    rate, leaving = rng.gamma(0.8, 1 / 60, n), rng.beta(1.0, 4.0, n)
    rows = []
    for i in range(n):
        day, mean = float(rng.integers(0, 300)), rng.gamma(4.0, 10.0)
        while day < DAYS:
            rows.append(
                (
                    f"c{i:04d}",
                    datetime(2024, 1, 1) + timedelta(days=int(day)),
                    rng.gamma(5.0, mean / 5.0) + 0.01,
                )
            )
            if len(rows) > 1 and rows[-2][0] == rows[-1][0] and rng.random() < leaving[i]:
                break
            day += rng.exponential(1 / rate[i]) + 0.5
    return pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row")


@pytest.fixture(scope="module")
def shop():
    return buyers()


@pytest.fixture(scope="module")
def result(shop):
    return clv_validation(shop, as_of=AS_OF, n_bootstrap=200)


def chosen(result, table="purchases"):
    return result.tables()[table].filter("is_chosen").row(0, named=True)


def test_metrics_worked_by_hand():
    actual, forecast = np.array([0.0, 0, 1, 3]), np.array([1.0, 0, 1, 1])
    values = accuracy(actual, forecast, Draws.of(4, 50, 0)).values
    assert values["total_error"] == pytest.approx(3 / 4 - 1)
    assert values["mae"] == pytest.approx((1 + 0 + 0 + 2) / 4)
    assert values["rmse"] == pytest.approx(np.sqrt((1 + 0 + 0 + 4) / 4))
    assert values["gini_reached"] == pytest.approx(0.25 / 0.625)  # areas under both Lorenz curves, by hand
    assert values["top_decile_lift"] == pytest.approx(
        (4 / 3) / 1
    )  # the three of the same forecast share the top


def test_correlations_are_those_of_scipy():
    rng = np.random.default_rng(1)
    actual, forecast = rng.poisson(1.0, 200).astype(float), np.round(rng.gamma(1.0, 1.0, 200), 1)
    values = accuracy(actual, forecast, Draws.of(200, 50, 0)).values
    assert values["correlation"] == pytest.approx(stats.pearsonr(actual, forecast)[0])
    assert values["rank_correlation"] == pytest.approx(stats.spearmanr(actual, forecast)[0])


def test_a_perfect_and_a_constant_forecast():
    actual = np.array([0.0, 0, 0, 1, 2, 5, 0, 1, 0, 0])
    perfect = accuracy(actual, actual, Draws.of(10, 50, 0)).values
    assert perfect["mae"] == perfect["rmse"] == perfect["total_error"] == 0
    assert perfect["gini_reached"] == pytest.approx(1)
    assert perfect["top_decile_lift"] == pytest.approx(5 / 0.9)
    constant = accuracy(actual, np.full(10, 0.9), Draws.of(10, 50, 0)).values
    assert constant["correlation"] is constant["rank_correlation"] is None
    assert (constant["gini_reached"], constant["top_decile_lift"]) == (pytest.approx(0), pytest.approx(1))


def test_nothing_bought_leaves_figures_without_meaning_empty():
    values = accuracy(np.zeros(5), np.ones(5), Draws.of(5, 50, 0)).values
    assert values["total_error"] is values["gini_reached"] is values["top_decile_lift"] is None
    assert values["mae"] == 1


@pytest.mark.parametrize("n", [1_500, 8_000])
def test_the_interval_of_the_average_miss_is_that_of_a_mean(n):
    rng = np.random.default_rng(5)
    actual, forecast = rng.poisson(rng.gamma(0.5, 2.0, n)).astype(float), rng.gamma(1.0, 1.0, n)
    found = accuracy(actual, forecast, Draws.of(n, 400, 3))
    low, high = found.interval("mae")
    wide = 2 * 1.96 * np.abs(actual - forecast).std() / np.sqrt(n)
    assert high - low == pytest.approx(wide, rel=0.2)  # drawn from a sample of 2,000 where there are 8,000


def test_forecasts_are_compared_in_pairs():
    rng = np.random.default_rng(2)
    actual = rng.poisson(2.0, 500).astype(float)
    draws = Draws.of(500, 200, 0)
    one, other = accuracy(actual, actual + 1.0, draws), accuracy(actual, actual + 2.0, draws)
    assert against(one, other, "mae") == (pytest.approx(-0.5), pytest.approx(-0.5), pytest.approx(-0.5))


TALE = orders(
    ("a", "2024-01-01", 10.0),
    ("a", "2024-01-21", 20.0),  # before the lookback of 30 days, which begins on 2024-01-31
    ("a", "2024-02-10", 40.0),
    ("a", "2024-03-05", 50.0),
    ("b", "2024-01-11", 5.0),
    ("c", "2024-02-20", 7.0),
    ("c", "2024-02-25", 8.0),
    ("c", "2024-03-10", 9.0),
    ("c", "2024-03-11", 9.0),
)


def test_simple_rules_worked_by_hand():
    back = at(as_extract(TALE), START, date(2024, 3, 1), 31)
    assert back.lookback == 30
    assert back.people.sort("customer_id").select(
        "customer_id", "frequency", "T", "frequency_holdout"
    ).rows() == [
        ("a", 2, 59.0, 1),
        ("b", 0, 49.0, 0),
        ("c", 1, 9.0, 2),
    ]
    place = {c: i for i, c in enumerate(back.people["customer_id"])}
    rules = simple_rules(back)
    of = lambda rule, c: (rules[rule].purchases[place[c]], rules[rule].spend[place[c]])  # noqa: E731
    assert of("own_rate", "a") == (pytest.approx(31 * 2 / 59), pytest.approx(31 * 60 / 59))
    assert of("own_rate", "b") == (0, 0)
    assert of("last_period", "a") == (pytest.approx(31 * 1 / 30), pytest.approx(31 * 40 / 30))
    assert of("last_period", "c") == (
        pytest.approx(31 * 1 / 9),
        pytest.approx(31 * 8 / 9),
    )  # came within the lookback
    assert of("all_alike", "b") == (pytest.approx(31 * 3 / 117), pytest.approx(31 * 68 / 117))
    # at 2024-01-31 there were a (bought again, silent for 9 days) and b (not, 19 days): one came back, the other not
    assert of("similar", "a") == (pytest.approx(31 / 30), pytest.approx(31 * 40 / 30))
    assert of("similar", "b") == (0, 0)


def test_origins_go_back_in_whole_weeks_while_there_is_history():
    assert origins(START, AS_OF, 182, 3) == [date(2025, 6, 30), date(2024, 12, 30), date(2024, 7, 1)]
    assert origins(START, date(2024, 3, 1), 14, 12)[-1] >= START + timedelta(days=14)
    assert len(origins(START, date(2024, 2, 1), 15, 3)) == 1


def test_a_true_model_beats_the_rules(result):
    row = chosen(result)
    assert row["forecast_by"] == "BG/NBD"
    assert row["mae_against_rule"] < row["mae_against_rule_upper"] < 0
    assert row["rmse_against_rule"] < 0
    assert row["total_error_lower"] < 0.05
    assert row["total_error_upper"] > -0.05
    assert result.parameters["verdict"] == "better"
    assert "less than the best simple rule" in result.headline()
    assert "beats_the_rules" in {n.code for n in result.notes}


def test_a_true_model_is_calibrated(result):
    tenths = result.tables()["deciles"]
    assert tenths["n_customers"].sum() == chosen(result)["n_customers"]
    near = (tenths["forecast_per_customer"] - tenths["actual_per_customer"]).abs() < 0.45
    assert near.all()
    top = tenths.row(0, named=True)
    assert top["actual_per_customer_lower"] < top["actual_per_customer"] < top["actual_per_customer_upper"]


def test_a_shuffled_holdout_is_not_forecast(shop):
    origin = AS_OF - timedelta(days=182)
    known = shop.filter(pl.col("ordered_at") < origin)["customer_id"].unique().sort()
    others = pl.Series(np.random.default_rng(4).permutation(known.to_numpy()))
    before, after = shop.filter(pl.col("ordered_at") < origin), shop.filter(pl.col("ordered_at") >= origin)
    swapped = after.filter(pl.col("customer_id").is_in(known.implode())).with_columns(
        pl.col("customer_id").replace_strict(known, others)
    )
    found = clv_validation(pl.concat([before, swapped]), holdout_days=182, **FAST)
    row = chosen(found)
    assert abs(row["rank_correlation"]) < 0.1
    assert found.parameters["verdict"] != "better"
    assert "does not" in found.headline()
    note = next(n for n in found.notes if n.code == "does_not_beat_the_rules")
    assert note.severity == "caution"


def test_the_forecast_knows_nothing_of_the_holdout(shop):
    origin = datetime(2025, 7, 1)
    quiet = shop.filter((pl.col("ordered_at") < origin) | (pl.col("customer_id") > "c0450"))
    options = {**FAST, "holdout_days": (AS_OF - origin.date()).days}
    one, other = (
        clv_validation(frame, **options)
        .tables()["customers"]
        .select("customer_id", "forecast_purchases", "forecast_spend")
        for frame in (shop, quiet)
    )
    assert_frame_equal(one, other, check_row_order=False)


def test_the_sums_agree_between_tables(result):
    tables = result.tables()
    row, people, last = chosen(result), tables["customers"], tables["tracking"].row(-1, named=True)
    assert people["actual_purchases"].sum() == row["actual_purchases"]
    assert people["forecast_purchases"].sum() == pytest.approx(row["forecast_purchases"])
    assert people["forecast_spend"].sum() == pytest.approx(chosen(result, "spend")["forecast_spend"])
    assert last["actual_cumulative"] == people["repeat_purchases"].sum() + row["actual_purchases"]
    assert last["forecast_cumulative"] == pytest.approx(
        people["repeat_purchases"].sum() + row["forecast_purchases"]
    )
    assert tables["tracking"]["actual_in_period"].sum() == last["actual_cumulative"]
    weighted = (tables["by_frequency"]["forecast_per_customer"] * tables["by_frequency"]["n_customers"]).sum()
    assert weighted == pytest.approx(row["forecast_purchases"])


def test_periods_rules_and_models_have_their_rows(result):
    rows = result.tables()["purchases"]
    assert rows.height == 3 * (3 + 4)
    assert rows.filter("is_chosen").height == 3
    latest, *earlier = rows["origin_on"].unique(maintain_order=True)
    assert all(day < latest for day in earlier)
    assert rows.filter(pl.col("origin_on") < latest)["rank_correlation_lower"].is_null().all()
    best = rows.filter("is_rule", pl.col("origin_on") == latest)["mae_against_rule"].min()
    assert best == pytest.approx(0)


def test_folds_forecast_customers_that_the_model_had_not_seen(result):
    folds = result.tables()["folds"]
    row = chosen(result)
    assert folds["fold"].to_list() == [1, 2, 3, 4, 5]
    assert folds["n_customers"].sum() == row["n_customers"]
    assert folds["actual_purchases"].sum() == row["actual_purchases"]
    assert folds["forecast_purchases"].sum() == pytest.approx(row["forecast_purchases"], rel=0.02)


def test_groups_add_up_to_the_whole(result):
    row, groups = chosen(result), result.tables()["groups"]
    assert groups["group_kind"].unique().to_list() == ["Joined"]
    assert groups["group"].to_list() != []
    assert groups["n_customers"].sum() == row["n_customers"]
    assert groups["forecast_purchases"].sum() == pytest.approx(row["forecast_purchases"])
    assert groups["actual_purchases"].sum() == row["actual_purchases"]


def test_a_channel_that_fell_away_is_named(shop):
    channel = pl.when(pl.col("customer_id") < "c0300").then(pl.lit("store")).otherwise(pl.lit("web"))
    gone = (
        (channel == "store")
        & (pl.col("ordered_at") >= datetime(2025, 7, 3))
        & (pl.col("ordered_at").dt.day() > 3)
    )
    found = clv_validation(shop.with_columns(channel=channel).filter(~gone), holdout_days=182, **FAST)
    rows = {
        r["group"]: r for r in found.tables()["groups"].filter(group_kind="Channel").iter_rows(named=True)
    }
    assert rows["store"]["total_error_lower"] > 1
    assert rows["web"]["total_error_lower"] < 0.1
    assert "channel store (+" in next(n.text for n in found.notes if n.code == "groups_off")


def test_the_customers_table_says_where_customers_came_from(shop):
    ids = shop["customer_id"].unique().sort()
    table = pl.DataFrame({"customer_id": ids, "country": ["DE" if i < "c0300" else "FR" for i in ids]})
    groups = clv_validation(shop, customers=table, **FAST).tables()["groups"]
    assert groups.filter(group_kind="Country")["group"].to_list() == ["FR", "DE"]


def test_frequency_and_spend_are_independent_where_they_were_drawn_so(result):
    row = result.tables()["independence"].row(0, named=True)
    assert abs(row["spend_correlation"]) < 0.15
    assert row["spend_correlation_lower"] < 0.05
    assert row["spend_correlation_upper"] > -0.05
    assert next(n for n in result.notes if n.code == "frequency_and_spend").severity == "info"


def test_dependence_of_frequency_and_spend_is_said(shop):
    n = pl.len().over("customer_id")
    found = clv_validation(shop.with_columns(amount=5.0 * n + pl.col("amount") / 10), **FAST)
    assert found.tables()["independence"]["spend_correlation_lower"][0] > 0.3
    assert next(n for n in found.notes if n.code == "frequency_and_spend").severity == "caution"


def test_without_money_only_purchases_are_validated(shop):
    found = clv_validation(shop.with_columns(amount=0.0), **FAST)
    assert found.tables()["spend"].is_empty()
    assert "no_spend" in {n.code for n in found.notes}
    assert "forecast_spend" not in found.tables()["customers"].columns


def test_a_shop_that_closed(shop):
    found = clv_validation(shop.filter(pl.col("ordered_at") < datetime(2025, 6, 1)), holdout_days=182, **FAST)
    assert "nobody" in found.headline()
    assert chosen(found)["total_error"] is None
    assert "nobody_bought" in {n.code for n in found.notes}


def test_one_model_asked_for(shop):
    found = clv_validation(shop, model="pareto_nbd", **FAST)
    assert found.parameters["model_taken"] == "pareto_nbd"
    assert found.tables()["models"]["model"].to_list() == ["Pareto/NBD"]
    assert "Pareto/NBD" in found.headline()


def test_the_best_rule_is_the_one_with_the_smallest_miss():
    draws = Draws.of(3, 50, 0)
    actual = np.array([0.0, 1.0, 2.0])
    found = {
        "own_rate": accuracy(actual, actual + 1, draws),
        "all_alike": accuracy(actual, np.ones(3), draws),
    }
    assert best_rule(found) == "all_alike"


def test_start_is_said_not_to_apply(shop):
    found = clv_validation(shop, start="2025-01-01", **FAST)
    assert "start_not_applied" in {n.code for n in found.notes}


def test_a_long_history_is_followed_in_steps_of_four_weeks():
    long = buyers(300).with_columns(
        ordered_at=pl.lit(datetime(2024, 1, 1)) + (pl.col("ordered_at") - datetime(2024, 1, 1)) * 3
    )
    found = clv_validation(long, n_origins=1, n_folds=0, n_bootstrap=50)
    steps = found.tables()["tracking"]["weeks_after_origin"].diff().drop_nulls()
    assert steps[0] == 4
    assert "four weeks" in found.plot("weekly").layout.yaxis.title.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"holdout_days": 0}, "holdout_days=0.*1 to 714 days"),
        ({"holdout_days": 720}, "holdout_days=720.*two weeks"),
        ({"n_origins": 0}, "n_origins=0.*1 to 12"),
        ({"n_folds": 1}, "n_folds=1.*2 to 20, or 0"),
        ({"n_bootstrap": 10}, "n_bootstrap=10.*50 to 10,000"),
        ({"model": "arima"}, "model='arima'.*bg_nbd"),
    ],
)
def test_options_out_of_range_are_named(shop, options, words):
    with pytest.raises(OptionError, match=words):
        clv_validation(shop, **{**FAST, **options})


def test_a_short_history_is_a_plain_reason():
    with pytest.raises(NotEnoughDataError, match=r"Found 20 days of history.*28"):
        clv_validation(orders(("a", "2024-01-01", 5.0), ("b", "2024-01-20", 5.0)))


def test_too_few_who_bought_again_is_a_plain_reason():
    once = [(f"c{i}", f"2024-0{1 + i % 3}-0{1 + i % 9}", 5.0) for i in range(20)]
    with pytest.raises(NotEnoughDataError, match=r"second day before 2024-05-.*longer history"):
        clv_validation(orders(*once, ("z", "2024-06-30", 1.0)))
