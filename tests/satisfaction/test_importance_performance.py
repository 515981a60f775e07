"""Importance and performance: by hand, against plain recomputation, on the sample company, with bad input."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crm_analytics as crm
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.satisfaction.importance import places
from crm_analytics.satisfaction.importance.places import QUADRANTS


def sheets(n=400, seed=1, *, weak="service", **columns):
    """Answers on 1 to 5 in which quality and service count, parking does not, and `weak` is rated low."""
    rng = np.random.default_rng(seed)
    drawn = {name: rng.normal(4.1, 0.7, n) for name in ("quality", "service", "parking")}
    drawn[weak] -= 1.0
    rated = {name: np.clip(np.round(x), 1, 5) for name, x in drawn.items()}
    overall = 0.9 * rated["quality"] + 0.8 * rated["service"] + rng.normal(0, 0.5, n)
    return pl.DataFrame(
        {
            "answered_at": [datetime(2025, 1, 1) + timedelta(hours=i) for i in range(n)],
            "csat": np.clip(np.round(overall / 1.7), 1, 5),
            **rated,
            **columns,
        }
    )


def run(frame=None, **options):
    return crm.importance_performance(sheets() if frame is None else frame, **{"n_bootstrap": 200, **options})


def drivers(result):
    return {r["driver"]: r for r in result.tables()["drivers"].iter_rows(named=True)}


def codes(result):
    return {n.code: n.text for n in result.notes}


@pytest.fixture(scope="module")
def found():
    return run(n_bootstrap=1000)


class TestByHand:
    def test_the_four_quadrants(self):
        high, low = np.array([[3.0], [3.0], [1.0], [1.0]]), np.array([[20.0], [80.0], [20.0], [80.0]])
        placed = places.quadrants(high, low, "mean")[:, 0]
        assert [QUADRANTS[k] for k in placed] == [
            "Concentrate here",
            "Keep up the good work",
            "Low priority",
            "Possible overkill",
        ]

    def test_the_line_of_equal_priority(self):
        """Standard scores: importance -1.2, 0, 1.2 (mean 2), performance -1.2, 0, 1.2 (mean 50); only the first pair differs."""
        importance, performance = np.array([[1.0], [2.0], [3.0]]), np.array([[60.0], [50.0], [40.0]])
        high, good = places.lines(importance, performance, "iso")
        assert high[:, 0].tolist() == pytest.approx([3.0, 2.0, 1.0])
        assert good[:, 0].tolist() == pytest.approx([50.0] * 3)
        placed = places.quadrants(importance, performance, "iso")[:, 0]
        assert [QUADRANTS[k] for k in placed] == [
            "Possible overkill",
            "Keep up the good work",
            "Concentrate here",
        ]

    def test_midpoints(self):
        high, good = places.lines(
            np.array([[1.0], [1.0], [5.0]]), np.array([[90.0], [80.0], [70.0]]), "midpoint"
        )
        assert high[0, 0] == 3.0
        assert good[0, 0] == 50.0

    def test_a_flat_performance_has_no_line_that_leans(self):
        high, _ = places.lines(np.array([[1.0], [3.0]]), np.array([[50.0], [50.0]]), "iso")
        assert high[:, 0].tolist() == [2.0, 2.0]

    @given(
        st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100)), min_size=2, max_size=8),
        st.sampled_from(places.CUTS),
    )
    def test_every_driver_stands_somewhere(self, points, cut):
        importance, performance = (np.array(c)[:, None] for c in zip(*points, strict=True))
        placed = places.quadrants(importance, performance, cut)
        assert set(placed[:, 0].tolist()) <= {0, 1, 2, 3}
        assert places.probabilities(placed).sum(axis=1).tolist() == pytest.approx([1.0] * len(points))


class TestFigures:
    def test_performance_is_the_mean_from_nought_to_a_hundred(self, found):
        frame = sheets()
        for name, row in drivers(found).items():
            assert row["performance"] == pytest.approx((frame[name].mean() - 1) / 4 * 100, abs=1e-9)
            assert row["mean_rating"] == pytest.approx(frame[name].mean(), abs=1e-9)
            assert (row["scale_low"], row["scale_high"]) == (1, 5)

    def test_importance_is_that_of_the_drivers_analysis(self, found):
        other = crm.satisfaction_drivers(sheets(), n_bootstrap=100).tables()["drivers"]
        lmg = dict(other.select("driver", "lmg").iter_rows())
        whole = sum(lmg.values())
        for name, row in drivers(found).items():
            assert row["importance_share"] == pytest.approx(lmg[name] / whole, abs=1e-12)

    def test_the_effect_is_the_regression_coefficient(self, found):
        """All scales are 1 to 5, so points of 100 per point of 100 are plain coefficients."""
        frame = sheets()
        x = np.column_stack([np.ones(frame.height), frame.select("quality", "service", "parking").to_numpy()])
        beta = np.linalg.lstsq(x, frame["csat"].to_numpy(), rcond=None)[0]
        for place, name in enumerate(("quality", "service", "parking"), 1):
            assert drivers(found)[name]["driver_effect"] == pytest.approx(beta[place], abs=1e-9)

    def test_draws_of_importance_and_performance_are_the_same_draws(self):
        """A driver's mean and its own covariance with the mean must move together, draw by draw."""
        from crm_analytics.satisfaction import ratings
        from crm_analytics.satisfaction.regression.design import Ask, design
        from crm_analytics.stats.resampled_sums import resampled_sums

        frame = sheets(60)
        made = design(ratings.answers(frame)[2], Ask(None, None, None, (), "numeric", {}, None))
        got = places.measure(made, "em", n_draws=50, seed=3)
        x = made.x[:, 0]
        sums = resampled_sums(np.column_stack([np.ones(60), x]), n_draws=50, seed=3)
        mean = (sums[:, 1] / sums[:, 0] - 1) / 4 * 100
        assert got.performance_draws[0] == pytest.approx(mean, abs=1e-5)
        assert got.share_draws.sum(axis=0) == pytest.approx(np.ones(50))

    def test_weights_count(self):
        frame = sheets(weight=np.where(np.arange(400) % 2, 3.0, 1.0))
        own = np.average(frame["quality"].to_numpy(), weights=frame["weight"].to_numpy())
        assert drivers(run(frame))["quality"]["mean_rating"] == pytest.approx(own, abs=1e-9)
        alike = drivers(run(frame, weights="none"))["quality"]["mean_rating"]
        assert alike == pytest.approx(frame["quality"].mean(), abs=1e-9)

    def test_the_interval_of_performance_is_about_that_of_a_mean(self, found):
        frame = sheets()
        row = drivers(found)["quality"]
        half = 1.96 * frame["quality"].std() / 20 / 4 * 100
        assert row["performance_upper"] - row["performance_lower"] == pytest.approx(2 * half, rel=0.15)


class TestQuadrants:
    def test_the_weak_important_driver_is_first(self, found):
        row = drivers(found)["service"]
        assert row["quadrant"] == "Concentrate here"
        assert row["p_concentrate"] > 0.99
        assert found.headline().startswith("Fix first: Service is important")
        assert drivers(found)["parking"]["p_concentrate"] == 0, "what moves nothing is not important"

    def test_probabilities_add_up_under_every_choice_of_lines(self, found):
        cuts = found.tables()["cuts"]
        assert cuts["cut"].unique().sort().to_list() == ["iso", "mean", "midpoint"]
        total = cuts.select(pl.sum_horizontal(pl.col("^p_.*$")))
        assert total.to_series().to_list() == pytest.approx([1.0] * 9)
        chosen = cuts.filter(pl.col("is_chosen_cut")).select("driver", "quadrant", "p_concentrate")
        assert chosen.sort("driver").equals(
            found.tables()["drivers"].select("driver", "quadrant", "p_concentrate").sort("driver")
        )

    def test_another_choice_of_lines(self):
        result = run(cut="midpoint")
        assert drivers(result)["service"]["quadrant"] == "Keep up the good work", (
            "above the middle of the scale"
        )
        assert result.parameters["cut"] == "midpoint"
        assert "stands elsewhere" in codes(result)["lines"]

    def test_near_the_lines_it_is_said(self):
        """Half of the answers on parking a point lower: just between quality and service, where the line is."""
        result = run(
            sheets(60).with_columns(parking=(pl.col("parking") - pl.int_range(pl.len()) % 2).clip(1))
        )
        unsure = (
            result.tables()["drivers"].filter(pl.col("quadrant_probability") < 0.8)["driver_label"].to_list()
        )
        assert unsure
        assert all(name in codes(result)["near_the_lines"] for name in unsure)

    def test_drivers_rated_alike_are_called_so(self):
        """Three shuffles of one column: the means are exactly the same."""
        frame = sheets()
        shuffled = {n: frame["parking"].sample(fraction=1, shuffle=True, seed=i) for i, n in enumerate("abc")}
        alike = frame.drop("quality", "service", "parking").with_columns(**shuffled)
        result = run(alike.with_columns(csat=((pl.col("a") + pl.col("b")) / 2).round()))
        assert result.headline().startswith("All drivers are rated alike")
        assert "rated_alike" in codes(result)


class TestStated:
    def test_hygiene_and_hidden_by_numbers(self):
        result = run(stated={"quality": 2, "service": 9, "parking": 8})
        reading = dict(result.tables()["stated"].select("driver", "reading").iter_rows())
        assert reading == {"quality": "Hidden opportunity", "service": "Known priority", "parking": "Hygiene"}
        ranks = dict(result.tables()["stated"].select("driver", "stated_rank").iter_rows())
        assert ranks == {"service": 1, "parking": 2, "quality": 3}
        assert {v.name for v in result.views} >= {"stated"}

    def test_by_columns_with_intervals(self):
        rng = np.random.default_rng(2)
        said = {
            f"says_{n}": rng.integers(low, 6, 400).astype(float)
            for n, low in (("quality", 1), ("parking", 4))
        }
        result = run(sheets(**said), stated={"quality": "says_quality", "parking": "says_parking"})
        assert sorted(drivers(result)) == ["parking", "quality", "service"], "what is stated is no driver"
        row = result.tables()["stated"].row(0, named=True)
        assert row["driver"] == "parking"
        assert row["stated_importance_lower"] < row["stated_importance"] < row["stated_importance_upper"]
        assert row["reading"] == "Hygiene"
        assert row["reading_probability"] > 0.95

    def test_by_a_table(self):
        given_table = pl.DataFrame({"driver": ["quality", "parking"], "importance": [1.0, 2.0]})
        assert run(stated=given_table).tables()["stated"].height == 2

    @pytest.mark.parametrize(
        ("stated", "error", "words"),
        [
            ({"qualty": 1, "service": 2}, UnknownNameError, "Did you mean 'quality'"),
            ({"quality": 1}, NotEnoughDataError, "stated importance"),
            ({"quality": "nowhere", "service": "nowhere"}, UnknownNameError, "nowhere"),
            ({"quality": "csat", "service": 2}, OptionError, "columns for all"),
            ({"quality": float("nan"), "service": 2}, OptionError, "stated"),
            (pl.DataFrame({"x": [1]}), OptionError, "driver and importance"),
            (object(), OptionError, "a mapping from drivers"),
        ],
    )
    def test_bad_ones(self, stated, error, words):
        with pytest.raises(error, match=words):
            run(stated=stated)


class TestGroups:
    def test_each_group_has_its_map(self):
        frame = pl.concat([sheets(200, 1, weak="service"), sheets(200, 2, weak="quality")]).with_columns(
            store=pl.Series(["a"] * 200 + ["b"] * 200)
        )
        result = run(frame, by="store")
        groups = result.tables()["groups"].filter(pl.col("quadrant") == "Concentrate here")
        assert sorted(groups.select("survey_group", "driver").rows()) == [("a", "service"), ("b", "quality")]

    def test_small_groups_are_named_and_not_shown(self):
        frame = sheets().with_columns(store=pl.Series(["a"] * 380 + ["b"] * 20))
        result = run(frame, by="store")
        assert result.tables()["groups"]["survey_group"].unique().to_list() == ["a"]
        assert "b" in codes(result)["small_groups"]

    def test_an_attribute_of_the_customers(self):
        ids = [f"c{i}" for i in range(400)]
        people = pl.DataFrame({"customer_id": ids, "country": ["GB"] * 200 + ["DE"] * 200})
        result = run(sheets(customer_id=ids), by="country", customers=people)
        assert sorted(result.tables()["groups"]["survey_group"].unique()) == ["DE", "GB"]


@pytest.fixture(scope="module")
def sample():
    return crm.run("importance_performance", crm.sample(), importance="total_effect")


class TestSample:
    def test_the_null_driver_is_least_and_quality_and_delivery_first(self, sample):
        table = sample.tables()["drivers"]
        assert set(table["driver"][:2]) == {"quality", "delivery"}, "0.30 a point, and 0.35 up to a 7"
        assert table["driver"][-1] == "packaging"
        row = table.row(-1, named=True)
        assert row["driver_effect_lower"] < 0 < row["driver_effect_upper"]

    def test_linear_effects_are_those_planted(self, sample):
        """Both scales are 1 to 10; 0.30 a point of quality, 0.16 of price, 0.12 of the website. Rounding and clipping bend a little."""
        got = drivers(sample)
        for name, truth in (
            ("quality", 0.30),
            ("price", 0.16),
            ("service", 0.20),
            ("website", 0.12),
            ("returns", 0.08),
        ):
            assert got[name]["driver_effect"] == pytest.approx(truth, abs=0.05)

    def test_what_to_fix_first(self, sample):
        """Delivery is felt to be 5.7 of 10 where all drivers together are felt to be 7.1."""
        assert sample.headline().startswith("Fix first: Delivery is important (0.26 points of CSAT a point)")


class TestBadInput:
    def test_three_answers(self):
        with pytest.raises(NotEnoughDataError, match="Found 3"):
            run(sheets(3))

    def test_all_alike(self):
        with pytest.raises(NotEnoughDataError, match="nothing to explain"):
            run(sheets().with_columns(csat=pl.lit(4.0)))

    def test_one_driver(self):
        with pytest.raises(NotEnoughDataError, match="compares drivers"):
            run(drivers=["quality"])

    def test_forty_drivers(self):
        rng = np.random.default_rng(4)
        more = {f"d{i:02d}": rng.integers(1, 6, 400).astype(float) for i in range(37)}
        result = run(sheets(**more), n_bootstrap=100)
        assert result.tables()["drivers"].height == 40
        assert result.tables()["drivers"]["driver"].head(2).sort().to_list() == ["quality", "service"]

    def test_words(self):
        words = {
            1.0: "very dissatisfied",
            2.0: "dissatisfied",
            3.0: "neutral",
            4.0: "satisfied",
            5.0: "very satisfied",
        }
        frame = sheets().with_columns(pl.col("quality").replace_strict(words, return_dtype=pl.String))
        one, other = drivers(run(frame)), drivers(run())
        assert one["quality"]["performance"] == pytest.approx(other["quality"]["performance"])
        assert one["quality"]["importance_share"] == pytest.approx(other["quality"]["importance_share"])

    def test_codes_outside_the_scale_are_named(self):
        frame = sheets().with_columns(
            pl.when(pl.int_range(pl.len()) % 10 == 0).then(99.0).otherwise(pl.col("parking")).alias("parking")
        )
        result = run(frame)
        assert "99 (40 times)" in codes(result)["odd_codes"]
        assert drivers(result)["parking"]["n_answers"] == 360
        told = run(frame, not_applicable={"parking": [99]})
        assert "odd_codes" not in codes(told)
        assert drivers(told)["parking"]["performance"] == pytest.approx(
            drivers(result)["parking"]["performance"]
        )

    def test_mostly_missing(self):
        gone = np.random.default_rng(6).random(400) < 0.55
        frame = sheets().with_columns(
            pl.when(pl.Series(gone)).then(None).otherwise(pl.col("service")).alias("service")
        )
        for way in ("em", "complete", "pairwise"):
            row = drivers(run(frame, missing=way))["service"]
            assert row["quadrant"] == "Concentrate here", way
        gap = drivers(run(frame, missing="not_applicable"))["service"]
        whole = drivers(run())["service"]["importance_share"]
        assert gap["importance_share"] < whole, "where a gap means not used, the driver explains less in all"

    def test_a_duplicated_driver_is_named(self):
        result = run(sheets().with_columns(twin=pl.col("quality")))
        got = drivers(result)
        assert got["twin"]["importance_share"] == pytest.approx(got["quality"]["importance_share"])
        assert "Twin has the same answers as Quality" in codes(result)["twins"]
        assert sum(n.code == "twins" for n in result.notes) == 1

    def test_a_constant_driver_is_left_out(self):
        result = run(sheets().with_columns(same=pl.lit(3.0)))
        assert "same" not in drivers(result)
        assert "all answers are 3" in codes(result)["left_out"]

    def test_weights_of_nought(self):
        with pytest.raises(NotEnoughDataError, match="weight above 0"):
            run(sheets(weight=np.zeros(400)))

    def test_a_category_is_no_driver(self):
        with pytest.raises(OptionError, match="is a category"):
            run(sheets(store=["red", "blue"] * 200), drivers=["quality", "store"])

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"cut": "median"}, OptionError, "'mean', 'midpoint', 'iso'"),
            ({"importance": "shap"}, OptionError, "'lmg', 'total_effect'"),
            ({"missing": "zero"}, OptionError, "missing='zero'"),
            ({"n_bootstrap": 10}, OptionError, "100 to 20,000"),
            ({"n_bootstrap": 1000.0}, OptionError, "whole number"),
            ({"seed": -1}, OptionError, "seed=-1"),
            ({"drivers": "quality"}, OptionError, "a list of columns"),
            ({"drivers": ["quality", "servce"]}, UnknownNameError, "Did you mean 'service'"),
            ({"outcome": "cast"}, UnknownNameError, "Did you mean 'csat'"),
            ({"by": "stoer"}, UnknownNameError, "stoer"),
            ({"as_of": date(2020, 1, 1)}, OptionError, "as_of"),
        ],
    )
    def test_options(self, options, error, words):
        with pytest.raises(error, match=words):
            run(**options)


def test_a_scale_the_other_way_round_is_noticed():
    result = run(sheets().with_columns(quality=6 - pl.col("quality")))
    assert "Quality" in codes(result)["against"]


def test_nothing_is_fixed_first_where_chance_explains_as_much():
    rng = np.random.default_rng(2)
    found = run(sheets().with_columns(csat=pl.Series(rng.integers(1, 6, 400).astype(float))))
    assert found.headline().startswith("What to fix first cannot be told: chance alone would explain as much")
    assert next(v.title for v in found.views if v.name == "map") == (
        "What is important cannot be told from these answers"
    )
    assert "the map may be chance" in codes(found)["chance"]


def test_a_driver_rated_the_other_way_round_is_not_recommended():
    found = run(sheets(weak="parking").with_columns(service=6 - pl.col("service")))
    assert drivers(found)["service"]["quadrant"] == "Concentrate here"
    assert found.headline().startswith("Look at the scale first: Service is important")
    assert codes(found)["against"].startswith("Better ratings of Service go"), (
        "parking, at -0.04, may be chance"
    )
