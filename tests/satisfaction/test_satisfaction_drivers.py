"""Satisfaction drivers: published figures through the front door, recovery of what is planted, and bad input."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.errors import CrmError, NotEnoughDataError, OptionError, UnknownNameError

DATA = Path(__file__).parents[1] / "oracle" / "data"
SWISS = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"]


def dated(frame: pl.DataFrame) -> pl.DataFrame:
    days = [datetime(2026, 1, 1) + timedelta(minutes=i) for i in range(frame.height)]
    return frame.with_columns(answered_at=pl.Series(days))


def published(name: str) -> pl.DataFrame:
    return dated(pl.read_csv(DATA / f"{name}.csv", null_values=["NA"]))


def by_name(result, column: str, order: list[str]) -> list[float]:
    rows = dict(result.tables()["drivers"].select("driver", column).rows())
    return [rows[d] for d in order]


def made_up(n: int = 300, p: int = 4, seed: int = 1, noise: float = 1.0) -> pl.DataFrame:
    """Ratings with a common mood; the outcome follows the first two alone."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=(n, 1))
    x = np.clip(np.round(3.2 + 0.7 * mood + 0.8 * rng.normal(size=(n, p))), 1, 5)
    y = 3 + 0.6 * (x[:, 0] - 3) + (0.3 * (x[:, 1] - 3) if p > 1 else 0) + noise * 0.6 * rng.normal(size=n)
    frame = pl.DataFrame({f"d{j + 1}": x[:, j] for j in range(p)})
    return dated(frame.with_columns(csat=pl.Series(np.clip(np.round(y), 1, 5))))


def drivers(frame: pl.DataFrame, **options):
    return crm.satisfaction_drivers(frame, **{"n_bootstrap": 200, **options})


@pytest.fixture(scope="module")
def found():
    """Drivers of the sample company."""
    return crm.satisfaction_drivers(crm.sample().table("surveys"), by="channel", n_bootstrap=500)


class TestPublishedFigures:
    """R's relaimpo 2.2-7, MASS and domir; see the tests of the numerics for the rest."""

    def test_swiss(self):
        found = drivers(published("swiss"), outcome="Fertility", drivers=SWISS)
        assert by_name(found, "lmg", SWISS) == pytest.approx(
            [0.057091220768, 0.171173028900, 0.260134678624, 0.105570150373, 0.112765922927], abs=1e-9
        )
        assert by_name(found, "relative_weight", SWISS) == pytest.approx(
            [0.048416895812, 0.154708249806, 0.271964104646, 0.114680029948, 0.116965721381], abs=1e-9
        )
        assert by_name(found, "unique_r2", SWISS) == pytest.approx(
            [0.042869607125, 0.007387418515, 0.161962693077, 0.062372625827, 0.056945258732], abs=1e-9
        )
        assert by_name(found, "alone_r2", SWISS)[2] == pytest.approx(0.4406156467, abs=1e-9)

    def test_signs_that_differ_are_flagged_where_they_surely_do(self):
        """Agriculture has r = +0.353 and t = -2.45; a t-test of a coefficient is the F test of its unique part."""
        found = drivers(published("swiss"), outcome="Fertility", drivers=SWISS, n_bootstrap=1000)
        rows = {r["driver"]: r for r in found.tables()["drivers"].iter_rows(named=True)}
        assert rows["Agriculture"]["sign_conflict"]
        assert sum(r["sign_conflict"] for r in rows.values()) == 1
        assert rows["Agriculture"]["driver_correlation"] == pytest.approx(0.353, abs=5e-4)
        assert rows["Agriculture"]["unique_p_value"] == pytest.approx(
            0.01873, abs=5e-5
        )  # summary(lm(...)) in R
        assert any(n.code == "sign_conflict" for n in found.notes)

    def test_catholic_always_in(self):
        rest = [d for d in SWISS if d != "Catholic"]
        found = drivers(published("swiss"), outcome="Fertility", drivers=rest, covariates=["Catholic"])
        assert by_name(found, "lmg", rest) == pytest.approx(
            [0.0402101327693, 0.1036508562923, 0.2562230713957, 0.0916474395169], abs=1e-9
        )

    def test_weights(self):
        frame = published("swiss").with_columns(w=pl.Series([float(i % 3 + 1) for i in range(47)]))
        found = drivers(frame, outcome="Fertility", drivers=SWISS, weights="w")
        assert by_name(found, "lmg", SWISS) == pytest.approx(
            [0.061020217076, 0.184166933406, 0.260268398148, 0.101992805197, 0.116256759722], abs=1e-9
        )

    def test_a_driver_named_twice_under_two_headings_shares_with_its_twin(self):
        frame = published("swiss").with_columns(Schooling=pl.col("Education"))
        found = drivers(frame, outcome="Fertility", drivers=[*SWISS, "Schooling"])
        shares = by_name(found, "lmg", [*SWISS, "Schooling"])
        assert shares == pytest.approx(
            [0.0543707698, 0.1332648208, 0.1521358547, 0.1089495689, 0.1058781326, 0.1521358547], abs=1e-9
        )
        assert any(n.code == "duplicate" and "Schooling" in n.text for n in found.notes)

    def test_bootstrap_intervals_of_attitude(self):
        """Percentile intervals of relaimpo, 4,000 draws: complaints .213 to .475, complaints less privileges .092 to .443."""
        names = ["complaints", "privileges", "learning", "raises", "critical", "advance"]
        found = drivers(published("attitude"), outcome="rating", drivers=names, n_bootstrap=4000)
        assert by_name(found, "lmg_lower", names) == pytest.approx(
            [0.213, 0.016, 0.057, 0.059, 0.004, 0.013], abs=0.015
        )
        assert by_name(found, "lmg_upper", names) == pytest.approx(
            [0.475, 0.152, 0.276, 0.207, 0.142, 0.084], abs=0.015
        )
        pairs = {
            (r["driver"], r["other_driver"]): r for r in found.tables()["differences"].iter_rows(named=True)
        }
        first = pairs["complaints", "learning"]
        assert first["lmg_difference"] == pytest.approx(0.2151, abs=1e-4)
        assert (first["lmg_difference_lower"], first["lmg_difference_upper"]) == pytest.approx(
            (-0.004, 0.377), abs=0.02
        )

    def test_gaps_of_airquality(self):
        names = ["Solar.R", "Wind", "Temp"]
        complete = drivers(published("airquality"), outcome="Ozone", drivers=names, missing="complete")
        assert by_name(complete, "lmg", names) == pytest.approx(
            [0.06473588633, 0.22717155973, 0.31398715395], abs=1e-9
        )
        ways = complete.tables()["missing"]
        assert ways["gaps_taken"].n_unique() == 4
        assert (
            ways.filter(pl.col("is_way_used"))["lmg"].to_list()
            == complete.tables()["drivers"]["lmg"].to_list()
        )

    def test_categories_enter_with_all_their_columns(self):
        found = drivers(published("warpbreaks"), outcome="breaks", drivers=["wool", "tension"])
        assert by_name(found, "lmg", ["wool", "tension"]) == pytest.approx(
            [0.0488114053737, 0.2203292603676], abs=1e-9
        )

    def test_low_birth_weight_yes_or_no(self):
        names = ["age", "lwt", "smoke", "ptl", "ht", "ui"]
        found = drivers(published("birthwt"), outcome="low", drivers=names)
        assert by_name(found, "lmg", names) == pytest.approx(
            [
                0.00928973425796,
                0.0235308286757,
                0.01532186542464,
                0.02056443115473,
                0.02595876250778,
                0.01570519509704,
            ],
            abs=1e-9,
        )
        figures = dict(found.tables()["model"].select("model_check", "model_figure").rows())
        assert figures["McFadden's R²"] == pytest.approx(0.110370817118, abs=1e-10)
        assert figures["log-likelihood"] == pytest.approx(-208.771056219 / 2, abs=1e-6)
        assert figures["Cox and Snell's R²"] < figures["Nagelkerke's R²"]
        assert 0 < figures["Tjur's R²"] < 1

    def test_satisfaction_of_tenants_in_order(self):
        frame = published("housing").with_columns(
            pl.col("Infl", "Cont") + " of it"
        )  # no words of a known scale
        words = {"Low": 1.0, "Medium": 2.0, "High": 3.0}
        frame = frame.with_columns(
            pl.col("Sat").replace_strict(words, return_dtype=pl.Float64), pl.col("Freq").cast(pl.Float64)
        )
        found = drivers(
            frame,
            outcome="Sat",
            drivers=["Infl", "Type", "Cont"],
            weights="Freq",
            kind="ordinal",
            clusters="none",
            n_bootstrap=100,
        )
        assert by_name(found, "lmg", ["Infl", "Type", "Cont"]) == pytest.approx(
            [0.02920068732421, 0.01498862888227, 0.00232589740545], abs=1e-8
        )


class TestTheSampleCompany:
    """Its truth stands in sample_data/README.md."""

    def test_shares_sum_to_r2(self, found):
        figures = dict(found.tables()["model"].select("model_check", "model_figure").rows())
        assert found.tables()["drivers"]["lmg"].sum() == pytest.approx(figures["R²"], abs=1e-12)

    def test_planted_drivers_add_something_and_the_null_driver_does_not(self, found):
        rows = {r["driver"]: r for r in found.tables()["drivers"].iter_rows(named=True)}
        null = rows.pop("packaging")
        assert all(r["unique_p_holm"] < 1e-6 and r["coefficient_lower"] > 0 for r in rows.values())
        assert null["unique_p_holm"] > 0.05
        assert null["coefficient_lower"] < 0 < null["coefficient_upper"]
        assert null["first_probability"] == 0
        assert null["lmg"] > 0.05, "the halo gives it a share, which is no evidence of an effect"
        assert found.tables()["drivers"]["driver"][0] == "delivery"

    def test_the_form_shows_the_must_be_and_the_delighter(self, found):
        shape = found.tables()["shape"]
        bent = found.tables()["drivers"].filter(pl.col("straight_p_value") < 0.001)["driver"].to_list()
        assert sorted(bent) == ["delivery", "inspiration"]

        def effect(driver, answer):
            own = shape.filter(
                (pl.col("driver") == driver)
                & (pl.col("answer_low") <= answer)
                & (pl.col("answer_high") >= answer)
            )
            return own["answer_effect"].item()

        assert effect("delivery", 5) - effect("delivery", 7) == pytest.approx(
            -0.7, abs=0.2
        )  # 2 points of 0.35
        assert effect("delivery", 9) - effect("delivery", 7) == pytest.approx(0.0, abs=0.2)
        assert effect("inspiration", 5) - effect("inspiration", 7) == pytest.approx(0.0, abs=0.2)
        assert effect("inspiration", 9) - effect("inspiration", 7) == pytest.approx(0.7, abs=0.2)

    def test_channels_do_not_differ_since_nothing_makes_them(self, found):
        assert (found.tables()["segments"]["equal_p_holm"] > 0.05).all()
        assert "No sure difference" in next(v.title for v in found.views if v.name == "segments")

    def test_the_winner_is_named_where_it_is_surely_ahead(self, found):
        first = found.tables()["differences"].row(0, named=True)
        assert (first["driver"], first["lmg_difference_lower"] > 0) == ("delivery", True)
        assert found.headline().startswith("Delivery matters most")

    def test_no_winner_is_named_where_the_difference_can_be_none(self):
        others = ["quality", "price", "service", "website", "returns", "packaging", "inspiration"]
        found = crm.satisfaction_drivers(crm.sample().table("surveys"), drivers=others, n_bootstrap=500)
        first = found.tables()["differences"].row(0, named=True)
        assert first["lmg_difference_lower"] < 0 < first["lmg_difference_upper"]
        assert "which is first cannot be told" in found.headline()

    @pytest.mark.parametrize("kind", ["ordinal", "binary", "nps"])
    def test_other_kinds_of_outcome_find_the_same_drivers(self, kind):
        base = crm.sample()
        outcome = "nps" if kind == "nps" else "csat"
        found = crm.satisfaction_drivers(base.table("surveys"), outcome=outcome, kind=kind, n_bootstrap=200)
        rows = {r["driver"]: r for r in found.tables()["drivers"].iter_rows(named=True)}
        assert rows["quality"]["unique_p_holm"] < 0.001
        assert rows["packaging"]["unique_p_holm"] > 0.01
        assert rows["quality"]["leverage_lower"] > 0
        figures = dict(found.tables()["model"].select("model_check", "model_figure").rows())
        assert sum(r["lmg"] for r in rows.values()) == pytest.approx(figures["McFadden's R²"], abs=1e-9)

    def test_segments_that_do_differ_are_found(self):
        one, two = made_up(400, seed=3), made_up(400, seed=4).rename({"d1": "d2", "d2": "d1"})
        both = pl.concat(
            [one.with_columns(shop=pl.lit("A")), two.select(one.columns).with_columns(shop=pl.lit("B"))]
        )
        found = drivers(both, by="shop")
        assert (found.tables()["segments"]["equal_p_holm"] < 0.05).all()
        assert "Drivers matter differently by shop" in next(
            v.title for v in found.views if v.name == "segments"
        )


class TestLeverage:
    def test_is_the_coefficient_times_the_share_who_can_rise(self):
        frame = made_up(500)
        found = drivers(frame, drivers=["d1", "d2"])
        row = found.tables()["drivers"].row(0, named=True)
        can_rise = (frame["d1"] < 5).mean()
        assert row["driver"] == "d1"
        assert row["leverage"] == pytest.approx(row["coefficient"] * can_rise, abs=1e-12)

    def test_of_a_yes_or_no_outcome_averages_the_probabilities_row_by_row(self):
        frame = made_up(500).with_columns(csat=(pl.col("csat") >= 4).cast(pl.Float64))
        found = drivers(frame, drivers=["d1", "d2"])
        rows = {r["driver"]: r for r in found.tables()["drivers"].iter_rows(named=True)}
        x = frame.select("d1", "d2").to_numpy()
        y = frame["csat"].to_numpy()
        design = np.column_stack([np.ones(len(y)), x])
        beta = np.zeros(3)
        for _ in range(30):
            p = 1 / (1 + np.exp(-design @ beta))
            beta += np.linalg.solve((design * (p * (1 - p))[:, None]).T @ design, design.T @ (y - p))
        moved = design.copy()
        moved[:, 1] = np.minimum(moved[:, 1] + 1, 5)
        expected = (1 / (1 + np.exp(-moved @ beta)) - 1 / (1 + np.exp(-design @ beta))).mean()
        assert rows["d1"]["coefficient"] == pytest.approx(beta[1], rel=1e-5)
        assert rows["d1"]["leverage"] == pytest.approx(expected, rel=1e-5)


class TestGapsAndCodes:
    def test_a_code_outside_the_run_is_left_out_and_asked_about(self):
        frame = made_up(400).with_columns(
            d3=pl.when(pl.int_range(pl.len()) % 5 == 0).then(9.0).otherwise(pl.col("d3"))
        )
        found = drivers(frame)
        note = next(n for n in found.notes if n.code == "codes")
        assert "9 (80 times)" in note.text
        assert "not_applicable={'d3': [9]}" in note.option
        assert note.severity == "caution"
        told = drivers(frame, not_applicable={"d3": [9]})
        assert not [n for n in told.notes if n.code == "codes"]
        assert any(n.code == "not_applicable" and "80 answers" in n.text for n in told.notes)
        assert told.tables()["drivers"].filter(pl.col("driver") == "d3")["n_answers"].item() == 320
        as_answers = drivers(frame, not_applicable={"d3": []})
        assert as_answers.tables()["drivers"].filter(pl.col("driver") == "d3")["n_answers"].item() == 400

    def test_what_does_not_apply_is_an_indicator_in_every_model(self):
        """By hand: the mean in the place of the code and an indicator, regressed beside the others."""
        frame = made_up(400, p=2).with_columns(
            d2=pl.when(pl.int_range(pl.len()) % 4 == 0).then(9.0).otherwise(pl.col("d2"))
        )
        found = drivers(frame, not_applicable={"d2": [9]})
        away = (frame["d2"] == 9).to_numpy()
        x2 = np.where(away, frame["d2"].filter(pl.Series(~away)).mean(), frame["d2"].to_numpy())
        design = np.column_stack([np.ones(400), frame["d1"], x2, away])
        beta = np.linalg.lstsq(design, frame["csat"].to_numpy(), rcond=None)[0]
        assert by_name(found, "coefficient", ["d1", "d2"]) == pytest.approx(beta[1:3], abs=1e-10)

    def test_em_is_near_the_truth_where_complete_answers_are_not(self):
        """d2 is asked only of those who rate d1 low: complete sheets have little of d1's spread."""
        full = made_up(4000, seed=5)
        gone = full.with_columns(d2=pl.when(pl.col("d1") >= 4).then(None).otherwise(pl.col("d2")))
        whole = by_name(drivers(full, drivers=["d1", "d2"]), "lmg", ["d1", "d2"])
        em = by_name(drivers(gone, drivers=["d1", "d2"]), "lmg", ["d1", "d2"])
        complete = by_name(drivers(gone, drivers=["d1", "d2"], missing="complete"), "lmg", ["d1", "d2"])
        assert em == pytest.approx(whole, abs=0.05)
        assert abs(complete[0] - whole[0]) > 0.1

    def test_more_than_half_missing_is_answered_with_caution(self):
        rng = np.random.default_rng(2)
        frame = made_up(400)
        frame = frame.with_columns(
            d1=pl.when(pl.Series(rng.random(400) < 0.55)).then(None).otherwise(pl.col("d1"))
        )
        found = drivers(frame)
        assert any(n.code == "mostly_missing" and n.severity == "caution" for n in found.notes)
        assert found.tables()["missing"]["gaps_taken"].n_unique() == 4
        row = found.tables()["drivers"].filter(pl.col("driver") == "d1")
        assert row["trouble"].item() == "more than half did not answer"

    def test_pairs_are_for_numeric_outcomes(self):
        with pytest.raises(OptionError, match="missing='pairwise'"):
            drivers(made_up(100), kind="ordinal", missing="pairwise")

    @pytest.mark.parametrize(("kind", "p"), [("numeric", 4), ("binary", 4), ("ordinal", 3), ("nps", 3)])
    def test_ranks_under_every_way_are_those_of_the_outcome_asked_about(self, kind, p):
        gap = pl.int_range(pl.len()) % 4 == 0
        frame = made_up(300, p=p).with_columns(d2=pl.when(gap).then(None).otherwise(pl.col("d2")))
        if kind == "nps":
            frame = frame.with_columns(csat=(pl.col("csat") * 2.5 - 2.5).round().clip(0, 10))
        table = drivers(frame, kind=kind, n_bootstrap=100).tables()["missing"]
        ways = {"em": "All answers", "complete": "Complete", "not_applicable": "Gaps mean"}
        for way, words in ways.items():
            asked = drivers(frame, kind=kind, missing=way, n_bootstrap=100)
            own = table.filter(pl.col("gaps_taken").str.starts_with(words)).sort("driver")
            shares = asked.tables()["drivers"].sort("driver")
            assert own["lmg"].to_list() == pytest.approx(shares["lmg"].to_list(), rel=1e-6), way
            assert own["place"].to_list() == shares["place"].to_list()
        assert table["gaps_taken"].n_unique() == (4 if kind == "numeric" else 3), "pairs have no likelihood"


class TestBadInput:
    @pytest.mark.parametrize("n", [1, 3, 8])
    def test_too_few_answers(self, n):
        with pytest.raises(NotEnoughDataError, match="needed"):
            drivers(made_up(400).head(n))

    def test_all_answers_to_the_outcome_alike(self):
        with pytest.raises(NotEnoughDataError, match=r"different answer to 'csat'.*nothing to explain"):
            drivers(made_up(50).with_columns(csat=pl.lit(4.0)))

    def test_all_drivers_answered_alike(self):
        with pytest.raises(NotEnoughDataError, match="drivers that vary"):
            drivers(made_up(50).select("answered_at", "csat", d1=pl.lit(4.0)))

    def test_one_driver(self):
        found = drivers(made_up(200, p=1))
        row = found.tables()["drivers"].row(0, named=True)
        assert row["lmg"] == pytest.approx(row["driver_correlation"] ** 2, abs=1e-12)
        assert row["importance"] == 1
        assert found.headline().startswith("D1 explains")

    def test_a_constant_and_an_empty_driver_are_named(self):
        frame = made_up(200).with_columns(same=pl.lit(3.0), empty=pl.lit(None, pl.Float64))
        found = drivers(frame, drivers=["d1", "d2", "same", "empty"])
        table = found.tables()["drivers"]
        assert dict(table.select("driver", "trouble").rows())["same"] == "all answers are 3"
        assert dict(table.select("driver", "trouble").rows())["empty"] == "nobody answered it"
        assert {n.text for n in found.notes if n.code == "left_out"} == {
            "Same cannot be judged: all answers are 3.",
            "Empty cannot be judged: nobody answered it.",
        }

    def test_a_driver_that_follows_from_others(self):
        frame = made_up(200).with_columns(total=pl.col("d1") + pl.col("d2"))
        found = drivers(frame, drivers=["d1", "d2", "d3", "total"])
        assert any(n.code == "aliased" for n in found.notes)
        assert found.tables()["drivers"]["lmg"].sum() == pytest.approx(
            drivers(frame, drivers=["d1", "d2", "d3"]).tables()["drivers"]["lmg"].sum(), abs=1e-9
        )

    def test_forty_drivers(self):
        found = drivers(made_up(600, p=40), n_bootstrap=100)
        table = found.tables()["drivers"]
        assert table.height == 40
        assert table["driver"][0] == "d1"
        figures = dict(found.tables()["model"].select("model_check", "model_figure").rows())
        assert table["lmg"].sum() == pytest.approx(figures["R²"], abs=1e-9)
        assert 0 < table["sampling_error"].max() < 0.02
        assert any(n.code == "many_drivers" for n in found.notes)
        for view in found.views:
            found.plot(view.name)

    def test_forty_drivers_of_a_yes_or_no(self):
        frame = made_up(600, p=40).with_columns(csat=(pl.col("csat") >= 4).cast(pl.Float64))
        found = drivers(frame, n_bootstrap=100)
        figures = dict(found.tables()["model"].select("model_check", "model_figure").rows())
        assert found.tables()["drivers"]["lmg"].sum() == pytest.approx(figures["McFadden's R²"], abs=1e-6)
        assert found.tables()["drivers"]["sampling_error"].max() < 0.02 * figures["McFadden's R²"]
        assert any("sampled" in n.text for n in found.notes if n.code == "many_drivers")

    def test_text_in_a_rating_column_is_counted(self):
        texts = pl.Series([("great" if i == 7 else f"{v:g}") for i, v in enumerate(made_up(200)["d1"])])
        found = drivers(made_up(200).with_columns(d1=texts))
        assert any(n.code == "text" and "'great'" in n.text for n in found.notes)
        assert found.tables()["drivers"].filter(pl.col("driver") == "d1")["n_answers"].item() == 199

    def test_answers_in_words_give_the_same_as_their_numbers(self):
        words = {
            1.0: "Very dissatisfied",
            2.0: "Dissatisfied",
            3.0: "Neutral",
            4.0: "Satisfied",
            5.0: "Very satisfied",
        }
        frame = made_up(200).rename({"csat": "overall"})
        spoken = frame.with_columns(pl.col("d1", "overall").replace_strict(words, return_dtype=pl.String))
        one, two = (
            drivers(frame, outcome="overall"),
            drivers(spoken, outcome="overall", drivers=["d1", "d2", "d3", "d4"]),
        )
        order = ["d1", "d2", "d3", "d4"]
        assert by_name(two, "lmg", order) == pytest.approx(by_name(one, "lmg", order), abs=1e-12)

    def test_mixed_scales_do_not_matter_to_shares(self):
        frame = made_up(300)
        mixed = frame.with_columns(d1=pl.col("d1") * 20, d2=pl.col("d2") * 2)
        order = ["d1", "d2", "d3", "d4"]
        assert by_name(drivers(mixed), "lmg", order) == pytest.approx(
            by_name(drivers(frame), "lmg", order), abs=1e-10
        )

    def test_weights_of_nought(self):
        frame = made_up(100)
        with pytest.raises(NotEnoughDataError, match="weight above 0"):
            drivers(frame.with_columns(weight=pl.lit(0.0)))
        some = frame.with_columns(weight=pl.when(pl.int_range(pl.len()) < 40).then(0.0).otherwise(1.0))
        assert any(n.code == "no_weight" and "40" in n.text for n in drivers(some).notes)

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"kind": "linear"}, OptionError, "kind='linear'"),
            ({"missing": "drop"}, OptionError, "em, complete"),
            ({"n_bootstrap": 5}, OptionError, "100 to 20,000"),
            ({"drivers": "d1"}, OptionError, "a list of columns"),
            ({"covariates": "d1"}, OptionError, "a list of columns"),
            ({"drivers": []}, OptionError, "one column or more"),
            ({"drivers": ["d1", "d1"]}, OptionError, "each column once"),
            ({"drivers": ["d1", "csat"]}, OptionError, "cannot explain itself"),
            ({"drivers": ["d9"]}, UnknownNameError, "no column 'd9'"),
            ({"by": "shop"}, UnknownNameError, "no column 'shop'"),
            ({"clusters": "household"}, UnknownNameError, "column of clusters"),
            ({"not_applicable": {"x": [9]}}, UnknownNameError, "no column 'x'"),
        ],
    )
    def test_options_out_of_range(self, options, error, words):
        with pytest.raises(error, match=words):
            drivers(made_up(100), **options)

    def test_no_ratings_at_all(self):
        with pytest.raises(NotEnoughDataError, match="Name the drivers"):
            drivers(made_up(60).select("answered_at", "csat"))

    def test_drivers_that_say_nothing_are_not_ranked(self):
        rng = np.random.default_rng(6)
        frame = made_up(400).with_columns(csat=pl.Series(rng.integers(1, 6, 400).astype(float)))
        found = drivers(frame)
        assert found.headline().startswith("Whether the drivers say anything of satisfaction cannot be told")
        assert found.views[0].title == "Whether the drivers say anything of satisfaction cannot be told"

    def test_an_outcome_in_disguise_is_named(self):
        frame = made_up(200).with_columns(d1=pl.col("csat"))
        assert any(n.code == "too_good" for n in drivers(frame).notes)
        yes = frame.with_columns(csat=(pl.col("csat") >= 4).cast(pl.Float64)).with_columns(d1=pl.col("csat"))
        assert any(n.code == "separated" for n in drivers(yes).notes)

    @pytest.mark.parametrize("column", ["csat", "d1"])
    def test_a_column_of_nothing_but_text_is_refused_or_named(self, column):
        frame = made_up(100).with_columns(pl.lit("a long story").alias(column))
        if column == "csat":
            with pytest.raises(CrmError):
                drivers(frame, drivers=["d1", "d2"])
        else:
            assert (
                "all answers are" in drivers(frame, drivers=["d1", "d2"]).tables()["drivers"]["trouble"][-1]
            )
