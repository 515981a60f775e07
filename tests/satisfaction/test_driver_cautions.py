"""What a driver analysis says where the answer is not plain: chance, copies, signs, scales, words, parts, respondents."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.stats import chi2
from scipy.stats import f as f_distribution

import crm_analytics as crm
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.satisfaction.drivers import likelihood, segments
from crm_analytics.satisfaction.regression.design import Ask, design
from crm_analytics.satisfaction.regression.moments import Prepared
from crm_analytics.satisfaction.regression.shares import linear_shares
from crm_analytics.stats.dominance import shapley
from crm_analytics.stats.subset_fits import subset_r2


def dated(frame: pl.DataFrame) -> pl.DataFrame:
    days = [datetime(2026, 1, 1) + timedelta(minutes=i) for i in range(frame.height)]
    return frame.with_columns(answered_at=pl.Series(days))


def answers(n: int, effects: list[float], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = np.clip(
        np.round(3.2 + 0.7 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, len(effects)))), 1, 5
    )
    y = 3 + (x - 3) @ np.array(effects) + 0.6 * rng.normal(size=n)
    return x, np.clip(np.round(y), 1, 5)


def made_up(n: int = 300, effects: tuple[float, ...] = (0.6, 0.3, 0, 0), seed: int = 1) -> pl.DataFrame:
    x, y = answers(n, list(effects), np.random.default_rng(seed))
    return dated(pl.DataFrame({**{f"d{j + 1}": x[:, j] for j in range(len(effects))}, "csat": y}))


def drivers(frame: pl.DataFrame, **options):
    return crm.satisfaction_drivers(frame, **{"n_bootstrap": 200, **options})


def notes(found, code: str) -> list[str]:
    return [n.text for n in found.notes if n.code == code]


def rows(found) -> dict[str, dict]:
    return {r["driver"]: r for r in found.tables()["drivers"].iter_rows(named=True)}


def figure(found, name: str) -> float:
    return dict(found.tables()["model"].select("model_check", "model_figure").rows())[name]


class TestChance:
    def test_pure_chance_names_no_driver_though_r2_is_far_from_nought(self):
        """With 40 answers and 4 drivers chance alone explains a tenth."""
        named = []
        for seed in range(40):
            rng = np.random.default_rng(seed)
            frame = made_up(40, seed=seed).with_columns(csat=pl.Series(rng.integers(1, 6, 40).astype(float)))
            named.append("cannot be told: chance" not in drivers(frame, n_bootstrap=100).headline())
        assert np.mean(named) <= 0.15

    def test_together_is_the_f_test_of_the_regression(self):
        found = drivers(made_up(60, effects=(0.2, 0, 0, 0)))
        r2, n, p = figure(found, "R²"), 60, 4
        assert figure(found, "Drivers together, p-value") == pytest.approx(
            float(f_distribution.sf(r2 / p / ((1 - r2) / (n - p - 1)), p, n - p - 1)), rel=1e-9
        )

    def test_together_with_weights_and_customers_who_answer_often(self):
        rng = np.random.default_rng(3)
        told: dict[bool, list[bool]] = {True: [], False: []}
        for seed in range(20):
            for real, doubted in told.items():
                frame = made_up(160, seed=seed).with_columns(
                    weight=pl.Series(rng.choice([0.5, 1.0, 2.0], 160)),
                    customer_id=pl.Series([f"c{i // 2}" for i in range(160)]),
                )
                if not real:
                    frame = frame.with_columns(csat=pl.Series(rng.integers(1, 6, 160).astype(float)))
                doubted.append(figure(drivers(frame, n_bootstrap=100), "Drivers together, p-value") < 0.05)
        assert np.mean(told[True]) == 1
        assert np.mean(told[False]) <= 0.2

    def test_what_is_always_in_does_not_make_drivers_matter(self):
        rng = np.random.default_rng(5)
        frame = made_up(200).with_columns(tenure=pl.col("csat") + pl.Series(0.2 * rng.normal(size=200)))
        frame = frame.with_columns(
            pl.Series(f"d{j}", rng.integers(1, 6, 200).astype(float)) for j in (1, 2, 3, 4)
        )
        found = drivers(frame, covariates=["tenure"], drivers=["d1", "d2", "d3", "d4"])
        assert figure(found, "R²") > 0.9
        assert found.headline().startswith("Whether the drivers say anything")

    def test_a_yes_or_no_outcome_is_tested_by_the_likelihood_ratio(self):
        frame = made_up(200).with_columns(csat=(pl.col("csat") >= 4).cast(pl.Float64))
        found = drivers(frame)
        ratio = 2 * (figure(found, "log-likelihood") - figure(found, "log-likelihood without drivers"))
        assert figure(found, "Drivers together, p-value") == pytest.approx(float(chi2.sf(ratio, 4)), rel=1e-6)


class TestCopies:
    @pytest.mark.parametrize("weighted", [False, True])
    def test_twins_share_evenly_add_nothing_and_have_no_coefficient(self, weighted):
        frame = made_up().with_columns(twin=pl.col("d1"))
        if weighted:
            frame = frame.with_columns(weight=pl.Series(np.random.default_rng(0).choice([0.5, 2.0], 300)))
        found = drivers(frame)
        one, two = rows(found)["d1"], rows(found)["twin"]
        assert one["lmg"] == pytest.approx(two["lmg"], abs=1e-12)
        assert one["first_probability"] == pytest.approx(0.5, abs=0.12), "by lot"
        assert not found.tables()["differences"].row(0, named=True)["is_ahead"]
        assert one["unique_p_value"] == two["unique_p_value"] == 1
        assert one["coefficient"] is one["leverage"] is two["coefficient"] is two["leverage_upper"] is None
        assert (one["trouble"], two["trouble"]) == ("the same answers as Twin", "the same answers as D1")
        assert len(notes(found, "duplicate")) == 1
        assert not notes(found, "aliased")
        assert "D2" in next(v.title for v in found.views if v.name == "leverage")

    def test_a_driver_that_follows_from_what_is_always_in(self):
        frame = made_up().with_columns(known=pl.col("d1") * 2)
        found = drivers(frame, drivers=["d1", "d2"], covariates=["known"])
        assert rows(found)["d1"]["lmg"] == pytest.approx(0, abs=1e-9)
        assert rows(found)["d1"]["coefficient"] is None
        assert "D1 follows from the other drivers and what is always in" in notes(found, "aliased")[0]


class TestSigns:
    def test_a_driver_rated_the_other_way_round_is_named(self):
        found = drivers(made_up().with_columns(d1=6 - pl.col("d1")))
        assert notes(found, "against") == [
            "Better ratings of D1 go with a lower outcome: is the scale the other way round?"
        ]
        assert not notes(drivers(made_up()), "against")

    def test_a_suppressor_is_named_and_no_scale_doubted(self):
        rng = np.random.default_rng(0)
        common = rng.normal(size=600)
        a = common + 0.6 * rng.normal(size=600)
        s = common + 0.5 * rng.normal(size=600)
        y = a - 0.85 * s + 0.3 * rng.normal(size=600)
        frame = dated(pl.DataFrame({"a": a, "s": s, "score": y}))
        found = drivers(frame, outcome="score", drivers=["a", "s"])
        assert "suppression" in notes(found, "suppressor")[0]
        assert not notes(found, "against"), "alone it does not go with a lower outcome"


class TestScales:
    def test_a_point_is_not_compared_across_scales(self):
        mixed = made_up().with_columns(d1=pl.col("d1") * 20)
        found = drivers(mixed)
        assert "D2 1 to 5" in notes(found, "scales")[0]
        assert "D1 0 to 100" in notes(found, "scales")[0]
        assert "its own scale" in next(v.title for v in found.views if v.name == "leverage")
        assert not notes(drivers(made_up()), "scales")

    def test_words_of_no_known_scale_are_a_category_and_said_to_be(self):
        words = {1.0: "grim", 2.0: "meh", 3.0: "fine", 4.0: "nice", 5.0: "wow"}
        frame = made_up().with_columns(pl.col("d1").replace_strict(words, return_dtype=pl.String))
        found = drivers(frame, drivers=["d1", "d2"])
        assert "taken as a category of 5 answers without an order" in notes(found, "category")[0]

    def test_rare_levels_are_taken_together_and_said_to_be(self):
        regions = pl.Series([f"r{i % 30:02d}" for i in range(300)])
        found = drivers(made_up().with_columns(region=regions), drivers=["d1", "region"])
        assert "a category of 30 answers" in notes(found, "category")[0]
        assert "the 22 rarest are taken together" in notes(found, "category")[0]

    def test_ends_of_a_scale_with_labels_are_read(self):
        frame = made_up()
        words = {1.0: "1 - bad", 2.0: "2", 3.0: "3", 4.0: "4", 5.0: "5 - good"}
        spoken = frame.with_columns(pl.col("csat", "d1").replace_strict(words, return_dtype=pl.String))
        assert rows(drivers(spoken))["d1"]["lmg"] == pytest.approx(
            rows(drivers(frame))["d1"]["lmg"], abs=1e-12
        )

    @pytest.mark.parametrize(
        "words",
        [
            [
                "trifft gar nicht zu",
                "trifft eher nicht zu",
                "teils/teils",
                "trifft eher zu",
                "trifft voll zu",
            ],
            ["Pas du tout satisfait", "Peu satisfait", "Neutre", "Satisfait", "Très satisfait"],
            ["muy insatisfecho", "insatisfecho", "neutral", "satisfecho", "muy satisfecho"],
            ["zeer ontevreden", "ontevreden", "neutraal", "tevreden", "zeer tevreden"],
        ],
    )
    def test_answers_in_other_languages(self, words):
        frame = made_up()
        spoken = frame.with_columns(
            pl.col("csat", "d1").replace_strict(
                dict(zip([1.0, 2, 3, 4, 5], words, strict=True)), return_dtype=pl.String
            )
        )
        order = ["d1", "d2", "d3", "d4"]
        assert [rows(drivers(spoken, drivers=order))[d]["lmg"] for d in order] == pytest.approx(
            [rows(drivers(frame, drivers=order))[d]["lmg"] for d in order], abs=1e-12
        )


class TestParts:
    def test_a_driver_that_a_part_was_not_asked_is_not_compared(self):
        frame = made_up(400).with_columns(shop=pl.Series(["x"] * 200 + ["y"] * 200))
        found = drivers(frame.with_columns(d3=pl.when(pl.col("shop") == "x").then("d3")), by="shop")
        assert found.tables()["segments"].is_empty()
        assert "D3 is not asked or answered alike" in notes(found, "part_left")[0]

    def test_a_part_whose_answers_are_all_alike_is_not_compared(self):
        frame = made_up(400).with_columns(shop=pl.Series(["x"] * 200 + ["y"] * 200))
        same = frame.with_columns(csat=pl.when(pl.col("shop") == "x").then("csat").otherwise(4.0))
        assert "CSAT is answered alike" in notes(drivers(same, by="shop"), "part_left")[0]

    def test_parts_beyond_the_largest_are_named(self):
        frame = made_up(1600).with_columns(shop=pl.Series([i % 8 for i in range(1600)]).cast(pl.Float64))
        found = drivers(frame, by="shop", n_bootstrap=100)
        assert found.tables()["segments"]["answers_of"].n_unique() == 6
        assert set(found.tables()["segments"]["answers_of"]) < {"0", "1", "2", "3", "4", "5", "6", "7"}
        assert "not among the 6 largest" in notes(found, "part_left")[0]

    def test_small_parts_are_named_in_one_note(self):
        frame = made_up(400).with_columns(shop=pl.Series([str(i % 40) for i in range(400)]))
        (note, _) = notes(drivers(frame, by="shop"), "part_left")
        assert "and 3 more (too few answers in it or in the rest)" in note

    def test_what_explains_itself_is_refused(self):
        frame = made_up()
        for options, words in (
            ({"covariates": ["csat"]}, "as a covariate"),
            ({"by": "csat"}, "as by"),
            ({"by": "d1", "drivers": ["d1", "d2"]}, "as a driver and as by"),
        ):
            with pytest.raises(OptionError, match=words):
                drivers(frame, **options)
        with pytest.raises(OptionError, match="as by"):
            crm.importance_performance(frame, by="csat")

    @pytest.mark.slow
    @pytest.mark.parametrize(("n", "m", "effects"), [(60, 400, [0.3, 0.2]), (80, 80, [0.5, 0.3, 0.1])])
    def test_equal_importance_is_doubted_as_often_as_chance_has_it(self, n, m, effects):
        """Without the log odds 11% of 400 surveys of the first kind were doubted, with them 5.5%."""
        doubted = []
        for seed in range(150):
            rng = np.random.default_rng(seed)
            one, two = answers(n, effects, rng), answers(m, effects, rng)
            x, y = np.vstack([one[0], two[0]]), np.concatenate([one[1], two[1]])
            frame = dated(pl.DataFrame({**{f"d{j}": x[:, j] for j in range(len(effects))}, "csat": y}))
            made = design(
                frame.with_columns(shop=pl.Series(["x"] * n + ["y"] * m)),
                Ask(None, None, None, (), "auto", {}, None),
                apart=("shop",),
            )
            table, left = segments.segments_of(made, "shop", "em", n_draws=200, seed=seed)
            assert not left
            doubted.append(table["equal_p_value"][0] < 0.05)
        assert np.mean(doubted) <= 0.09

    @pytest.mark.slow
    def test_unequal_importance_is_found(self):
        found = []
        for seed in range(30):
            rng = np.random.default_rng(seed)
            one, two = answers(100, [0.6, 0.1], rng), answers(300, [0.1, 0.6], rng)
            frame = dated(
                pl.DataFrame(np.vstack([one[0], two[0]]), schema=["d0", "d1"]).with_columns(
                    csat=pl.Series(np.concatenate([one[1], two[1]])),
                    shop=pl.Series(["x"] * 100 + ["y"] * 300),
                )
            )
            found.append((drivers(frame, by="shop").tables()["segments"]["equal_p_value"] < 0.05).all())
        assert np.mean(found) > 0.95


class TestRespondents:
    def test_few_respondents_with_many_answers_are_named(self):
        frame = made_up(200).with_columns(customer_id=pl.Series([f"c{i % 10}" for i in range(200)]))
        found = drivers(frame)
        assert "fewer than 30" in notes(found, "few_clusters")[0]
        assert "200 answers that say as much as 10" in notes(found, "few")[0]

    @pytest.mark.slow
    def test_chance_is_called_chance_with_respondents_who_answer_often_and_weights(self):
        """Of 160 surveys 8% were doubted; 13% while draws were not widened by what was fitted."""
        doubted, each = [], []
        for seed in range(100):
            rng = np.random.default_rng(seed + 7)
            x, _ = answers(120, [0.0] * 4, rng)
            y = np.clip(np.round(3 + np.repeat(rng.normal(size=60), 2) + rng.normal(size=120)), 1, 5)
            frame = pl.DataFrame({**{f"d{j}": x[:, j] for j in range(4)}, "csat": y}).with_columns(
                customer_id=pl.Series([f"c{i // 2}" for i in range(120)]),
                weight=pl.Series(rng.choice([0.5, 1.0, 2.0], 120)),
            )
            found = drivers(dated(frame))
            doubted.append(figure(found, "Drivers together, p-value") < 0.05)
            each += [r["unique_p_value"] < 0.05 for r in rows(found).values()]
        assert np.mean(doubted) <= 0.12
        assert np.mean(each) <= 0.08

    def test_weights_that_leave_hardly_an_answer_are_named(self):
        frame = made_up(400).with_columns(weight=pl.Series([1.0] + [1e-9] * 399))
        found = drivers(frame)
        assert "cannot be told" in found.headline()
        assert "say as much as 1 " in notes(found, "few")[0]

    def test_proportional_odds_of_respondents_with_the_same_answers_many_times_are_those_of_one(self):
        rng = np.random.default_rng(2)
        x = rng.normal(size=(250, 2))
        y = np.digitize(x @ [1.0, 0.4] + rng.logistic(size=250), [-1.0, 1.0]).astype(float)
        z = np.column_stack([x, y])
        single = Prepared(z, (), np.ones(250), None, np.arange(250), "em")
        many = Prepared(
            np.repeat(z, 5, axis=0), (), np.ones(1250), np.repeat(np.arange(250), 5), np.arange(1250), "em"
        )
        one = likelihood.proportional_odds(likelihood.model(single, n_draws=0, seed=0)[0])
        five = likelihood.proportional_odds(likelihood.model(many, n_draws=0, seed=0)[0], many.clusters)
        assert five.statistic == pytest.approx(one.statistic, rel=1e-4)


class TestHalo:
    def test_the_common_part_is_the_largest_eigenvalue_of_the_correlations(self):
        frame = made_up(400)
        found = drivers(frame)
        r = np.corrcoef(frame.select("d1", "d2", "d3", "d4").to_numpy().T)
        assert figure(found, "Common part of ratings") == pytest.approx(
            np.linalg.eigvalsh(r)[-1] / 4, rel=1e-9
        )
        assert "one common factor carries" in notes(found, "not_cause")[0]

    def test_two_ratings_have_none(self):
        found = drivers(made_up(400), drivers=["d1", "d2"])
        assert "one common factor" not in notes(found, "not_cause")[0]


class TestNotApplicable:
    def test_mean_and_leverage_know_of_those_only_to_whom_it_applies(self):
        rng = np.random.default_rng(4)
        frame = made_up(400).with_columns(weight=pl.Series(rng.choice([1.0, 3.0], 400)))
        away = pl.int_range(pl.len()) % 4 == 0
        found = drivers(
            frame.with_columns(d1=pl.when(away).then(9.0).otherwise("d1")), not_applicable={"d1": [9]}
        )
        rated = frame.filter(~away)
        row = rows(found)["d1"]
        assert row["driver_mean"] == pytest.approx(
            float(np.average(rated["d1"], weights=rated["weight"])), abs=1e-12
        )
        rise = float((rated["weight"] * (rated["d1"] < 5)).sum() / frame["weight"].sum())
        assert row["leverage"] == pytest.approx(row["coefficient"] * rise, rel=1e-9)

    def test_a_word_that_the_readers_take_for_a_blank_stands_for_every_gap(self):
        frame = made_up(400)
        away = pl.int_range(pl.len()) % 4 == 0
        coded = drivers(
            frame.with_columns(d1=pl.when(away).then(9.0).otherwise("d1")), not_applicable={"d1": [9]}
        )
        spoken = frame.with_columns(
            d1=pl.when(away).then(pl.lit("n/a")).otherwise(pl.col("d1").cast(pl.Int64).cast(pl.String))
        )
        told = drivers(spoken, not_applicable={"d1": ["n/a"]})
        assert "100 answers mean not applicable" in notes(told, "not_applicable")[0]
        for driver in ("d1", "d2"):
            assert rows(told)[driver]["lmg"] == pytest.approx(rows(coded)[driver]["lmg"], abs=1e-12)

    def test_codes_that_never_occur_are_named(self):
        found = drivers(made_up(100), not_applicable={"d1": [8]})
        assert notes(found, "not_applicable") == ["D1: none of the codes named as not applicable occurs."]

    @pytest.mark.parametrize("codes", [{"d1": 9}, {"d1": "n/a"}, [9]])
    @pytest.mark.parametrize(
        "ask", [crm.satisfaction_drivers, crm.importance_performance, crm.penalty_reward]
    )
    def test_codes_in_no_list_are_refused(self, ask, codes):
        with pytest.raises(OptionError, match="a mapping from columns to lists"):
            ask(made_up(100), not_applicable=codes)


class TestOptions:
    @pytest.mark.parametrize(
        "options", [{"n_bootstrap": 200.5}, {"n_bootstrap": True}, {"seed": -1}, {"seed": "a"}, {"seed": 1.5}]
    )
    def test_draws_and_seeds_that_are_none(self, options):
        with pytest.raises(OptionError, match="whole number"):
            drivers(made_up(60), **options)

    def test_a_rarer_side_of_a_handful_is_refused(self):
        frame = made_up(100).with_columns(csat=pl.Series([1.0] * 3 + [0.0] * 97))
        with pytest.raises(NotEnoughDataError, match="3 answers to 'csat' on the rarer side"):
            drivers(frame)
        assert drivers(frame, kind="numeric").tables()["drivers"].height == 4

    def test_a_day_acts_as_time(self):
        frame = made_up(200).with_columns(
            joined=pl.Series([datetime(2020, 1, 1) + timedelta(days=i * i) for i in range(200)])
        )
        as_day = drivers(frame, covariates=["joined"])
        as_number = drivers(
            frame.with_columns(joined=pl.Series([float(i * i) for i in range(200)])),
            covariates=["joined"],
            drivers=["d1", "d2", "d3", "d4"],
        )
        assert rows(as_day)["d1"]["lmg"] == pytest.approx(rows(as_number)["d1"]["lmg"], abs=1e-10)

    def test_an_outcome_of_which_nothing_could_be_read_is_named(self):
        frame = made_up(60).with_columns(csat=pl.lit("a long story"))
        with pytest.raises(NotEnoughDataError, match="No answer of 'csat' could be read"):
            drivers(frame)

    def test_the_heading_is_as_good_as_the_column(self):
        frame = made_up(100).rename({"csat": "rating"})
        assert (
            crm.importance_performance(frame, outcome="rating", n_bootstrap=100).parameters["outcome"]
            == "csat"
        )
        assert crm.penalty_reward(frame, outcome="rating", n_bootstrap=100).parameters["outcome"] == "csat"


def test_draws_of_many_drivers_scatter_as_those_of_all_subsets():
    """Sampled orders must not add their own error to the intervals: compared with every subset, at 16 drivers."""
    rng = np.random.default_rng(16)
    x = 0.7 * rng.normal(size=(300, 1)) + 0.8 * rng.normal(size=(300, 16))
    y = x @ rng.choice([0.0, 0.1, 0.3], 16) + 0.8 * rng.normal(size=300)
    z = np.column_stack([x, y])
    drawn = np.stack([np.cov(z[rng.integers(0, 300, 300)].T) for _ in range(40)], axis=2)
    ours = linear_shares(np.cov(z.T), drawn, [[j] for j in range(16)], (), seed=0).draws
    exact = np.column_stack([shapley(subset_r2(drawn[:, :, b])) for b in range(40)])
    ratio = ours.std(axis=1) / exact.std(axis=1)
    assert ratio.min() > 0.8
    assert ratio.max() < 1.25
    assert np.median(ratio) == pytest.approx(1, abs=0.05)


class TestOneRespondent:
    """A customer column that says the same throughout is no respondent: nothing can be drawn from one cluster."""

    FRAME = pl.DataFrame(
        {
            "answered_at": [datetime(2024, 1, 1) + timedelta(days=i) for i in range(200)],
            "customer_id": ["EN"] * 200,
            "csat": [1.0 + (i * 7 + i // 3) % 5 for i in range(200)],
            "quality": [1.0 + (i * 7 + i // 4) % 5 for i in range(200)],
            "delivery": [1.0 + (i * 3) % 5 if i % 6 else None for i in range(200)],
        }
    )

    def test_answers_then_stand_alone(self):
        found = crm.satisfaction_drivers(self.FRAME, n_bootstrap=200).tables()["drivers"]
        apart = crm.satisfaction_drivers(self.FRAME, n_bootstrap=200, clusters="none").tables()["drivers"]
        assert_frame_equal(found, apart)
        assert (found["lmg_lower"] < found["lmg_upper"]).all()
        placed = crm.importance_performance(self.FRAME, n_bootstrap=200).tables()["drivers"]
        assert (placed["importance_share_lower"] < placed["importance_share_upper"]).all()

    def test_asked_for_it_is_an_error(self):
        with pytest.raises(NotEnoughDataError, match="Leave clusters out"):
            crm.satisfaction_drivers(self.FRAME, clusters="customer_id", n_bootstrap=200)
