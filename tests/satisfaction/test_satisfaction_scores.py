"""Satisfaction scores: by hand, with what surveys get wrong, and on the sample company, whose truth is known."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crm_analytics as crm
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError, SourceError, UnknownNameError
from crm_analytics.satisfaction.scores.suppression import hidden
from crm_analytics.stats.score_intervals import nps_interval

AS_OF = date(2026, 7, 1)
NONE = "no answer"


def sheets(*groups, **more):
    """Make answer sheets from (day, how many, answers): each answer so many times."""
    rows = [
        {"answered_at": datetime.fromisoformat(day) + timedelta(minutes=i), **answer}
        for day, n, answer in groups
        for i in range(n)
    ]
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(**more)


CLASSIC = sheets(
    ("2026-05-01", 60, {"nps": 10}), ("2026-05-02", 25, {"nps": 8}), ("2026-05-03", 15, {"nps": 3})
)


def scores(data, **options):
    return crm.satisfaction_scores(data, **{"as_of": AS_OF, **options})


def row(result, table="scores", **keys):
    found = result.tables()[table].filter(*(pl.col(k) == v for k, v in keys.items()))
    assert found.height == 1, found
    return found.row(0, named=True)


class TestNetPromoterScore:
    def test_by_hand(self):
        found = row(scores(CLASSIC))
        assert (found["score"], found["n"], found["n_effective"]) == (45, 100, 100)
        assert (found["score_lower"], found["score_upper"]) == pytest.approx((29.3431112017, 58.0355295750))
        assert [found[f"{k}_share"] for k in ("promoter", "passive", "detractor")] == [0.60, 0.25, 0.15]
        assert found["mean_answer"] == pytest.approx(8.45)

    def test_weights(self):
        answers = [10, 9, 9, 8, 7, 6, 3, 10, 10, 8, 0, 9]
        frame = sheets(*(("2026-05-01", 1, {"nps": a}) for a in answers)).with_columns(
            weight=pl.Series([1, 2, 1, 1, 3, 1, 2, 1, 1, 1, 2, 1])
        )
        found = row(scores(frame))
        assert found["score"] == pytest.approx(11.7647058824)
        assert found["n_effective"] == pytest.approx(9.96551724138)
        assert found["design_effect"] == pytest.approx(12 / 9.96551724138)
        plain = row(scores(frame, weights="none"))
        assert plain["score"] == pytest.approx(100 * (6 - 3) / 12)
        other = row(scores(frame.rename({"weight": "w"}), weights="w"))
        assert other["score"] == pytest.approx(found["score"])

    def test_all_promoters_have_an_interval(self):
        result = scores(CLASSIC.head(10))
        found = row(result)
        assert (found["score"], found["score_upper"]) == (100, 100)
        assert found["score_lower"] == pytest.approx(47.5, abs=0.005)
        assert any(n.code == "all_alike" for n in result.notes)

    def test_people_who_answer_alike_count_for_less(self):
        once = sheets(("2026-05-01", 60, {"nps": 10}), ("2026-05-02", 60, {"nps": 3}))
        twice = once.with_columns(customer_id=pl.Series([f"c{i // 3}" for i in range(120)]))
        assert row(scores(twice))["n_effective"] == pytest.approx(40)
        assert row(scores(once))["n_effective"] == 120

    @pytest.mark.parametrize("n", [10, 200])
    def test_coverage(self, n):
        """95% intervals of the whole analysis hold the truth about as often as they say."""
        rng, truth = np.random.default_rng(n), 20.0
        hits = 0
        for _ in range(60):
            answers = rng.choice([10, 8, 3], n, p=[0.45, 0.3, 0.25])
            frame = pl.DataFrame({"answered_at": [datetime(2026, 5, 1)] * n, "nps": answers})
            found = row(scores(frame))
            hits += found["score_lower"] <= truth <= found["score_upper"]
        assert hits >= 53


class TestOtherScores:
    @pytest.mark.parametrize(
        ("answers", "scale", "share"),
        [
            ([1, 2, 3, 4, 5], "1 to 5", 2 / 5),
            ([1, 2, 3, 4, 5, 6, 7], "1 to 7", 2 / 7),
            ([1, 4, 6, 8, 9, 10], "1 to 10", 2 / 6),
            ([0, 2, 4, 6, 8, 9, 10], "0 to 10", 2 / 7),
        ],
    )
    def test_the_scale_is_found_and_stated(self, answers, scale, share):
        frame = sheets(*(("2026-05-01", 6, {"csat": a}) for a in answers))
        result = scores(frame)
        found = row(result)
        assert found["answer_scale"] == scale
        assert found["score"] == pytest.approx(100 * share)
        assert any(scale in n.text for n in result.notes if n.code == "scales_found")

    def test_wilson(self):
        frame = sheets(("2026-05-01", 85, {"csat": 5}), ("2026-05-01", 15, {"csat": 1}))
        found = row(scores(frame))
        assert (found["score_lower"], found["score_upper"]) == pytest.approx((76.7164404092, 90.6940147163))

    def test_another_scale_and_another_top(self):
        frame = sheets(("2026-05-01", 30, {"csat": 5}), ("2026-05-01", 30, {"csat": 3}))
        assert row(scores(frame))["score"] == 50
        assert row(scores(frame, scales={"csat": (1, 10)}))["score"] == 0
        assert row(scores(frame, csat_top=3))["score"] == 100

    def test_effort_has_a_direction(self):
        frame = sheets(("2026-05-01", 30, {"ces": 7}), ("2026-05-01", 20, {"ces": 2}))
        ease, effort = scores(frame), scores(frame, ces_high="effort")
        assert row(ease)["score"] == 60
        assert row(effort)["score"] == 40
        assert "7 is the least effort" in row(ease)["score_definition"]
        assert "7 is the most effort" in row(effort)["score_definition"]
        kinds = dict(effort.tables()["distribution"].select("answer", "counts_as").iter_rows())
        assert (kinds[2.0], kinds[7.0]) == ("easy", "not easy")

    def test_effort_that_runs_the_other_way_is_questioned(self):
        frame = sheets(
            ("2026-05-01", 30, {"ces": 7, "csat": 1}), ("2026-05-01", 30, {"ces": 1, "csat": 5}),
            ("2026-05-01", 30, {"ces": 4, "csat": 3}),
        )  # fmt: skip
        assert any(n.code == "effort_contrary" for n in scores(frame).notes)
        assert not any(n.code == "effort_contrary" for n in scores(frame, ces_high="effort").notes)

    def test_an_index_of_three_items(self):
        """As the American index with equal weights: (8 + 7 + 9 - 3) / 27 = 77.8."""
        frame = sheets(
            ("2026-05-01", 20, {"summed_up": 8, "expected": 7, "ideal": 9}),
            ("2026-05-01", 5, {"summed_up": 1, "expected": 1, "ideal": 10}),
            ("2026-05-01", 5, {"summed_up": 10, "expected": 10, "ideal": None}),
            ("2026-05-01", 5, {"summed_up": 10, "expected": None, "ideal": None}),
        )
        found = row(scores(frame, index=["summed_up", "expected", "ideal"]), metric="index")
        assert found["score"] == pytest.approx((20 * 21 / 27 + 5 * 9 / 27 + 5) / 30 * 100)
        assert (found["n"], found["n_missing"]) == (30, 5)
        assert found["score_lower"] < found["score"] < found["score_upper"]

    def test_answers_in_words(self):
        frame = sheets(
            ("2026-05-01", 30, {"summed_up": "Very satisfied"}), ("2026-05-01", 10, {"summed_up": "neutral"}),
            ("2026-05-01", 10, {"summed_up": "very dissatisfied"}), ("2026-05-01", 10, {"summed_up": "satisfied"}),
            ("2026-05-01", 5, {"summed_up": "n/a"}), ("2026-05-01", 4, {"summed_up": "dissatisfied"}),
        )  # fmt: skip
        found = row(scores(frame, metrics={"csat": "summed_up"}))
        assert found["score"] == pytest.approx(100 * 40 / 64)
        assert found["n"] == 64


class TestWhatSurveysGetWrong:
    def test_codes_that_are_not_on_the_scale(self):
        frame = pl.concat([CLASSIC, sheets(("2026-05-01", 7, {"nps": 11}), ("2026-05-01", 5, {"nps": 99}))])
        result = scores(frame)
        found = row(result)
        assert (found["score"], found["n"], found["n_off_scale"]) == (45, 100, 12)
        (note,) = [n for n in result.notes if n.code == "off_scale"]
        assert "11 (7)" in note.text
        assert "99 (5)" in note.text
        assert note.severity == "caution"
        told = scores(frame, not_applicable={"nps": [11, 99]})
        assert not any(n.code == "off_scale" for n in told.notes)

    def test_nothing_but_codes(self):
        with pytest.raises(NotEnoughDataError, match=r"Not on the scale of nps \(0 to 10\): 99 \(100\)"):
            scores(CLASSIC.with_columns(nps=pl.lit(99)))

    def test_all_at_the_worst_are_not_satisfied(self):
        frame = sheets(("2026-05-01", 40, {"csat": 1}))
        found = row(scores(frame))
        assert (found["score"], found["answer_scale"]) == (0, "1 to 5")

    def test_answers_in_words_are_read_by_their_scale(self):
        frame = sheets(
            ("2026-05-01", 20, {"csat": "very satisfied"}), ("2026-05-01", 20, {"csat": "neutral"})
        )
        named = row(scores(frame.rename({"csat": "opinion"}), metrics={"csat": "opinion"}))
        assert row(scores(frame))["score"] == named["score"] == 50

    def test_words_of_no_scale_have_a_plain_reason(self):
        frame = sheets(("2026-05-01", 20, {"csat": "blue"}), ("2026-05-01", 20, {"csat": "red"}))
        with pytest.raises(NotEnoughDataError, match="put numbers in the place of other words in csat"):
            scores(frame)

    def test_half_points_are_no_answer_to_nps(self):
        frame = pl.concat([CLASSIC.cast({"nps": pl.Float64}), sheets(("2026-05-01", 3, {"nps": 8.5}))])
        assert row(scores(frame))["n_off_scale"] == 3

    def test_a_code_behind_a_short_scale(self):
        frame = sheets(
            *(("2026-05-01", 10, {"csat": a}) for a in (1, 2, 3, 4, 5)), ("2026-05-01", 8, {"csat": 9})
        )
        found = row(scores(frame))
        assert (found["score"], found["answer_scale"], found["n_off_scale"]) == (40, "1 to 5", 8)

    def test_text_among_the_answers(self):
        frame = CLASSIC.cast({"nps": pl.String}).vstack(
            sheets(("2026-05-01", 2, {"nps": "often"})).cast({"nps": pl.String})
        )
        assert (row(scores(frame))["score"], row(scores(frame))["n"]) == (45, 100)

    def test_three_answers_are_too_few_and_say_so(self):
        with pytest.raises(NotEnoughDataError, match=r"Found 3 answers to nps.*At least 10.*min_answers"):
            scores(CLASSIC.head(3))
        assert row(scores(CLASSIC.head(3), min_answers=1))["score"] == 100

    def test_one_answer_if_asked_for(self):
        result = scores(CLASSIC.tail(1), min_answers=1)
        assert row(result)["score"] == -100
        assert "n 1 answer)" in result.headline()

    def test_weights_of_zero(self):
        frame = CLASSIC.with_columns(weight=pl.lit(0.0))
        with pytest.raises(NotEnoughDataError, match=r"weight above 0.*weights='none'"):
            scores(frame)
        half = CLASSIC.with_columns(weight=(pl.col("nps") == 10).cast(pl.Float64))
        result = scores(half)
        assert (row(result)["score"], row(result)["n"]) == (100, 60)
        assert any(n.code == "weighted" and n.severity == "caution" for n in result.notes)

    def test_nothing_there(self):
        with pytest.raises(SourceError, match="holds no rows"):
            scores(CLASSIC.clear())
        with pytest.raises(NotEnoughDataError, match=r"Found 0 answers to score.*metrics="):
            scores(CLASSIC.with_columns(nps=pl.lit(None, pl.Int64)))
        with pytest.raises(NotEnoughDataError, match="Found 0 answers to score"):
            scores(CLASSIC.drop("nps"))
        with pytest.raises(ColumnError, match="answered_at"):
            scores(CLASSIC.drop("answered_at"))

    @pytest.mark.parametrize(
        ("options", "error", "match"),
        [
            ({"period": "day"}, OptionError, r"period='day'.*week, month"),
            ({"min_answers": 0}, OptionError, r"min_answers=0.*1 to 1000"),
            ({"correction": "none"}, OptionError, r"correction='none'"),
            ({"csat_top": 0}, OptionError, r"csat_top=0"),
            ({"ces_top": 99}, OptionError, r"ces_top=99"),
            ({"ces_high": "hard"}, OptionError, r"ces_high='hard'.*'ease' or 'effort'"),
            ({"by": "chanel"}, UnknownNameError, r"chanel.*Did you mean 'channel'"),
            ({"by": "customer_id"}, UnknownNameError, r"no column to compare by 'customer_id'"),
            ({"metric": "csat"}, UnknownNameError, r"no metric with answers 'csat'"),
            ({"metrics": {"happy": "nps"}}, UnknownNameError, r"no metric 'happy'"),
            ({"metrics": {"csat": "summed_up"}}, UnknownNameError, r"no column 'summed_up'"),
            ({"metrics": {"csat": "channel"}}, OptionError, r"holds 'web'"),
            ({"index": "nps"}, OptionError, r"index='nps'.*list of columns"),
            ({"index": ["quality"]}, UnknownNameError, r"'quality'"),
            ({"weights": "w"}, UnknownNameError, r"column of weights 'w'"),
            ({"invited_at": "sent"}, UnknownNameError, r"'sent'"),
            ({"invited_at": "channel"}, OptionError, r"invited_at='channel'.*days or instants"),
            ({"scales": {"nps": (10, 0)}}, OptionError, r"a lower and a higher end"),
            ({"start": "2026-08-01"}, OptionError, r"start='2026-08-01'"),
        ],
    )
    def test_options_out_of_range(self, options, error, match):
        with pytest.raises(error, match=match):
            scores(CLASSIC.with_columns(channel=pl.lit("web")), **options)


def two_groups(a=(60, 25, 15), b=(90, 60, 50)):
    """The groups of the two-sample example: 60/25/15 and 90/60/50 promoters, passives, detractors."""
    return sheets(
        *(
            ("2026-05-01", n, {"nps": answer, "store": name})
            for name, counts in (("A", a), ("B", b))
            for n, answer in zip(counts, (10, 8, 3), strict=True)
        )
    )


class TestGroups:
    def test_each_against_the_rest(self):
        result = scores(two_groups(), by="store")
        found = row(result, "segments", respondents="A")
        assert (found["score"], found["rest_score"], found["rest_difference"]) == pytest.approx((45, 20, 25))
        assert found["rest_p_value"] == pytest.approx(0.00970027682506)
        assert found["rest_p_corrected"] == pytest.approx(2 * 0.00970027682506), "Holm, two groups"
        assert found["rest_evidence"] == "above the rest"
        assert row(result, "segments", respondents="B")["rest_evidence"] == "below the rest"

    def test_benjamini_hochberg_if_asked_for(self):
        found = row(scores(two_groups(), by="store", correction="bh"), "segments", respondents="A")
        assert found["rest_p_corrected"] == pytest.approx(0.00970027682506)

    def test_the_difference_of_shares_is_newcombes(self):
        frame = sheets(
            ("2026-05-01", 85, {"csat": 5, "store": "A"}), ("2026-05-01", 15, {"csat": 1, "store": "A"}),
            ("2026-05-01", 150, {"csat": 5, "store": "B"}), ("2026-05-01", 50, {"csat": 1, "store": "B"}),
        )  # fmt: skip
        found = row(scores(frame, by="store"), "segments", respondents="A")
        assert (found["rest_difference_lower"], found["rest_difference_upper"]) == pytest.approx(
            (0.0613090331, 18.5918231289)
        )
        assert found["rest_p_value"] == pytest.approx(0.0474887593503)

    def test_groups_that_are_alike_are_seldom_told_apart(self):
        rng, told = np.random.default_rng(7), 0
        for _ in range(40):
            n = 400
            frame = pl.DataFrame(
                {
                    "answered_at": [datetime(2026, 5, 1)] * n,
                    "nps": rng.choice([10, 8, 3], n, p=[0.4, 0.35, 0.25]),
                    "channel": rng.choice(list("abcdef"), n),
                }
            )
            found = scores(frame).tables()["segments"]["rest_evidence"]
            told += found.is_in(["above the rest", "below the rest"]).any()
        assert told <= 5, "at 5% per family, six or more of forty come once in a hundred times"

    def test_a_small_group_is_hidden_with_another(self):
        frame = pl.concat([two_groups(), sheets(("2026-05-01", 5, {"nps": 10, "store": "C"}))])
        result = scores(frame, by="store")
        hidden_rows = result.tables()["segments"].filter(pl.col("answer_base") == "hidden")
        assert hidden_rows["respondents"].to_list() == ["A", "C"], (
            "the smallest other, or C is total less A and B"
        )
        figures = hidden_rows.drop(
            "metric", "respondents", "n", "answer_share", "answer_base", "rest_evidence"
        )
        assert all(figures[c].null_count() == figures.height for c in figures.columns)
        assert not set(result.tables()["ranking"]["respondents"]) & {"A", "C"}
        assert any(n.code == "hidden_groups" for n in result.notes)

    @given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.integers(2, 20))
    def test_nothing_hidden_can_be_worked_out(self, n, least):
        away = hidden(n, least)
        sizes = np.array(n)
        assert all(away[i] for i in range(len(n)) if 0 < n[i] < least)
        if away.any() and (sizes > 0).sum() > 1:
            assert away.sum() >= 2
            assert sizes[away].sum() >= min(least, sizes.sum())
        if not ((sizes > 0) & (sizes < least)).any():
            assert not away.any()

    def test_answers_without_a_group_are_one(self):
        frame = two_groups().with_columns(
            store=pl.when(pl.int_range(pl.len()) < 30).then(None).otherwise("store")
        )
        groups = scores(frame, by="store").tables()["segments"]["respondents"].to_list()
        assert sorted(groups) == ["(not known)", "A", "B"]

    def test_the_worst_group_comes_first_and_a_hidden_one_last(self):
        parts = [("2026-05-01", 40, {"nps": v, "store": s}) for s, v in (("a", 10), ("b", 3), ("c", 8))]
        frame = sheets(
            *parts,
            ("2026-05-02", 20, {"nps": 3, "store": "a"}),
            ("2026-05-03", 30, {"nps": 3, "store": "b"}),
            ("2026-05-04", 3, {"nps": 0, "store": "d"}),
        )
        table = scores(frame, by="store").tables()["segments"].filter(metric="nps")
        shown = table.drop_nulls("score")
        assert shown["respondents"].to_list() == ["b", "a"]  # c is hidden too, else d could be worked out
        assert table["score"][-1] is None

    def test_an_attribute_of_the_customers(self):
        frame = two_groups().with_columns(customer_id=pl.format("c{}", pl.int_range(pl.len())))
        people = pl.DataFrame(
            {"customer_id": [f"c{i}" for i in range(600)], "plan": ["plus"] * 100 + ["basic"] * 500}
        )
        result = scores(frame, by="plan", customers=people)
        assert row(result, "segments", respondents="plus")["score"] == 45
        rates = result.tables()["response"].filter(pl.col("respondents") == "basic")
        assert (rates["n_on_file"][0], rates["n_heard"][0], rates["heard_rate"][0]) == (500, 200, 0.4)

    def test_stores_are_ranked_by_pooled_scores(self):
        rng = np.random.default_rng(12)
        truth = {f"s{i:02d}": 0.3 + 0.02 * i for i in range(15)}
        rows = []
        for i, (store, p) in enumerate(truth.items()):
            n = 15 if i % 3 == 0 else 150
            rows += [
                ("2026-05-01", 1, {"nps": a, "store": store}) for a in rng.choice([10, 3], n, p=[p, 1 - p])
            ]
        found = scores(sheets(*rows), by="store").tables()["ranking"]
        assert found.height == 15
        expected = np.array([200 * truth[s] - 100 for s in found["respondents"]])
        pooled, raw = (((found[c].to_numpy() - expected) ** 2).mean() for c in ("pooled_score", "score"))
        assert pooled < raw
        assert found["best_probability"].sum() == pytest.approx(1)
        assert found["pooled_score"].is_sorted(descending=True)


def halves(before, now, **more):
    """A quarter and the next: promoters, passives, detractors in each."""
    return sheets(
        *(("2026-02-10", n, {"nps": a, **more}) for n, a in zip(before, (10, 8, 3), strict=True)),
        *(("2026-05-10", n, {"nps": a, **more}) for n, a in zip(now, (10, 8, 3), strict=True)),
    )


class TestPeriods:
    def test_a_change_has_an_interval(self):
        result = scores(halves((90, 60, 50), (60, 25, 15)))
        found = row(result, "periods", period_on=date(2026, 4, 1))
        assert found["score_change"] == pytest.approx(25)
        assert found["score_change_p_value"] == pytest.approx(0.00970027682506)
        assert found["score_change_lower"] > 0
        assert result.headline().endswith(
            "in Q2 2026 it was +45, 25 points up on the quarter before, which is more than chance would do."
        )

    def test_chance_is_called_chance(self):
        said = scores(halves((45, 30, 25), (48, 30, 22))).headline()
        assert said.endswith("6 points up on the quarter before, which is within what chance would do.")

    def test_an_unfinished_period_is_not_compared(self):
        result = scores(halves((90, 60, 50), (60, 25, 15)), as_of="2026-06-20")
        found = row(result, "periods", period_on=date(2026, 4, 1))
        assert not found["is_complete"]
        assert found["score"] == 45
        assert found["score_change"] is None
        assert found["control_signal"] == "not finished"
        assert "quarter before" not in result.headline()

    def test_a_silent_period_stands_between(self):
        frame = pl.concat([sheets(("2025-08-01", 20, {"nps": 10})), halves((20, 5, 5), (20, 5, 5))])
        found = scores(frame).tables()["periods"]
        assert found["period_on"].to_list() == [
            date(2025, 7, 1),
            date(2025, 10, 1),
            date(2026, 1, 1),
            date(2026, 4, 1),
        ]
        assert found["n"].to_list() == [20, 0, 30, 30]
        assert found["score"][1] is None
        assert found["score_change"].is_null().to_list() == [True, True, True, False]

    def test_a_small_period_is_hidden_with_the_oldest(self):
        frame = pl.concat(
            [
                sheets(("2025-08-01", 40, {"nps": 10})),
                sheets(("2025-11-01", 4, {"nps": 3})),
                halves((20, 5, 5), (12, 5, 5)),
            ]
        )
        found = scores(frame).tables()["periods"]
        assert found["answer_base"].to_list()[:2] == ["hidden", "hidden"]
        assert found["score"].is_null().to_list() == [True, True, False, False]

    def test_the_same_people_twice(self):
        """Everybody moves up a little: unseen among different people, plain among the same."""
        before = ["3"] * 20 + ["8"] * 20 + ["10"] * 20
        now = ["8"] * 6 + ["3"] * 14 + ["8"] * 14 + ["10"] * 6 + ["10"] * 20
        rows = [
            ("2026-02-10" if i < 60 else "2026-05-10", 1, {"nps": int(a), "customer_id": f"c{i % 60}"})
            for i, a in enumerate([*before, *now])
        ]
        result = scores(sheets(*rows))
        found = row(result, "periods", period_on=date(2026, 4, 1))
        assert found["n_paired"] == 60
        assert found["paired_change"] == pytest.approx(20)
        assert found["paired_p_value"] < 0.001
        assert found["score_change_p_value"] > 0.05

    def test_a_jump_is_a_signal_and_a_wiggle_is_not(self):
        rng, rows = np.random.default_rng(11), []
        for month in range(1, 13):
            p = 0.2 if month == 12 else 0.5
            rows += [
                (f"2025-{month:02d}-10", 1, {"nps": a})
                for a in rng.choice([10, 3], 150, p=[p, 1 - p]).tolist()
            ]
        found = scores(sheets(*rows), period="month").tables()["periods"]
        assert found["control_signal"].to_list() == ["within the limits"] * 11 + ["outside the limits"]

    def test_start_leaves_out_what_was_before(self):
        result = scores(halves((90, 60, 50), (60, 25, 15)), start="2026-04-01")
        assert row(result)["n"] == 100
        assert result.tables()["periods"].height == 1


class TestChange:
    def test_mix_and_rate_add_up(self):
        frame = pl.concat(
            [
                halves((60, 20, 20), (30, 10, 10)).with_columns(store=pl.lit("good")),
                halves((20, 20, 60), (45, 40, 115)).with_columns(store=pl.lit("poor")),
            ]
        )
        result = scores(frame, by="store")
        parts = result.tables()["change"]
        total = row(result, "change", respondents="All answers")
        groups = parts.filter(pl.col("respondents") != "All answers")
        moved = row(result, "periods", period_on=date(2026, 4, 1))["score_change"]
        assert groups["total_effect"].sum() == pytest.approx(moved)
        assert total["mix_effect"] + total["rate_effect"] == pytest.approx(moved)
        assert total["mix_effect"] == pytest.approx((0.2 - 0.5) * (40 - (-37.5)), abs=1e-9)
        assert total["rate_effect"] == pytest.approx(0.65 * 5)

    def test_small_groups_are_taken_together(self):
        small = [halves((2, 1, 1), (2, 1, 1)).with_columns(store=pl.lit(s)) for s in "abcd"]
        frame = pl.concat([halves((60, 20, 20), (30, 10, 10)).with_columns(store=pl.lit("large")), *small])
        found = scores(frame, by="store").tables()["change"]
        assert found["respondents"].to_list() == ["large", "(small groups)", "All answers"]
        assert found["n_now"].to_list() == [50, 16, 66]


class TestResponse:
    def test_bounds_for_everybody(self):
        """40% heard and +45 among them: between -42 and +78 among all."""
        frame = CLASSIC.with_columns(customer_id=pl.format("c{}", pl.int_range(pl.len())))
        people = pl.DataFrame({"customer_id": [f"c{i}" for i in range(250)]})
        found = row(scores(frame, customers=people), "response")
        assert (found["n_on_file"], found["n_heard"], found["heard_rate"]) == (250, 100, 0.4)
        assert (found["worst_case_score"], found["best_case_score"]) == pytest.approx((-42, 78))

    def test_customers_who_joined_later_are_not_asked(self):
        frame = CLASSIC.with_columns(customer_id=pl.format("c{}", pl.int_range(pl.len())))
        people = pl.DataFrame(
            {
                "customer_id": [f"c{i}" for i in range(250)],
                "joined_on": [date(2026, 1, 1)] * 150 + [date(2026, 8, 1)] * 100,
            }
        )
        assert row(scores(frame, customers=people), "response")["n_on_file"] == 150

    def test_late_against_early(self):
        frame = sheets(
            ("2026-05-02", 40, {"nps": 10, "invited_at": datetime(2026, 5, 1)}),
            ("2026-05-02", 10, {"nps": 3, "invited_at": datetime(2026, 5, 1)}),
            ("2026-05-20", 20, {"nps": 10, "invited_at": datetime(2026, 5, 1)}),
            ("2026-05-20", 29, {"nps": 3, "invited_at": datetime(2026, 5, 1)}),
        )
        result = scores(frame)
        late = row(result, "response", respondents="Late answers")
        assert late["score"] == pytest.approx(100 * (20 - 29) / 49, abs=3)
        assert late["late_difference"] < -50
        assert late["late_p_value"] < 0.001
        assert any(f == "Late against early answers" for f in result.summary()["finding"])


@pytest.fixture(scope="module")
def result():
    return crm.run("satisfaction_scores", crm.sample())


class TestOnTheSampleCompany:
    def test_the_score_is_that_of_the_page(self):
        """The page of the sample company says +6, every answer counted alike."""
        plain = crm.run("satisfaction_scores", crm.sample(), weights="none")
        assert plain.headline().startswith(
            "The net promoter score is +6 (95% interval +2 to +10, n 1,763 answers"
        )

    def test_weights_by_channel_are_taken(self, result):
        assert result.parameters["weights"] == "weight"
        assert row(result, metric="nps")["n"] == 1763
        assert row(result, metric="nps")["design_effect"] > 1.1

    def test_the_truth_lies_within(self, result):
        """The same company with thirty times the customers has the score that 5,000 customers only estimate."""
        from sample_data.generate import make_company

        large = make_company(customers=60_000, seed=3).tables["surveys"]
        true = crm.satisfaction_scores(large)
        for metric in ("nps", "csat", "ces"):
            found = row(result, metric=metric)
            margin = 0.35 * (found["score_upper"] - found["score_lower"])
            assert (
                found["score_lower"] - margin
                < row(true, metric=metric)["score"]
                < found["score_upper"] + margin
            )

    def test_channels_have_no_effect_of_their_own(self, result):
        assert set(result.tables()["segments"]["rest_evidence"]) <= {"within chance"}

    def test_who_was_heard(self, result):
        found = row(result, "response", metric="nps", respondents="Everyone")
        assert found["n_on_file"] == 5000
        assert found["worst_case_score"] < row(result, metric="nps")["score"] < found["best_case_score"]

    def test_effort_runs_as_taken(self, result):
        assert not any(n.code == "effort_contrary" for n in result.notes)


ANSWERS = st.lists(
    st.tuples(
        st.integers(0, 700), st.integers(0, 10), st.sampled_from(["a", "b", "c", None]), st.floats(0, 5)
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=25)
@given(ANSWERS, st.integers(1, 15))
def test_any_answers_give_an_answer_or_a_plain_reason(rows, least):
    frame = pl.DataFrame(
        {
            "answered_at": [datetime(2024, 1, 1) + timedelta(days=d) for d, _, _, _ in rows],
            "nps": [n for _, n, _, _ in rows],
            "channel": [c for _, _, c, _ in rows],
            "weight": [w for _, _, _, w in rows],
        },
        schema_overrides={"channel": pl.String},
    )
    try:
        result = crm.satisfaction_scores(frame, min_answers=least)
    except NotEnoughDataError as error:
        assert error.remedy  # noqa: PT017 too few, or no weight: the reason is plain
        return
    found = row(result)
    lower, upper = nps_interval(found["promoter_share"], found["detractor_share"], found["n_effective"])
    assert (found["score_lower"], found["score_upper"]) == pytest.approx(
        (100 * float(lower), 100 * float(upper))
    )
    for name in ("periods", "segments"):
        table = result.tables()[name]
        assert table["n"].sum() == found["n"]
        shown = table.drop_nulls("score")
        assert (shown["n"] >= least).all()
        assert (shown["score_lower"] <= shown["score"]).all()
        assert (shown["score"] <= shown["score_upper"]).all()
    change = result.tables()["change"]
    if change.height:
        parts = change.filter(pl.col("respondents") != "All answers")["total_effect"].sum()
        assert parts == pytest.approx(change["total_effect"][-1], abs=1e-9)


class TestWhatIsSaidIsTrue:
    def test_a_group_far_below_the_rest_is_called_so_though_few_are_expected_on_a_side(self):
        frame = sheets(
            ("2026-05-01", 1000, {"csat": 5, "store": "x"}), ("2026-05-02", 40, {"csat": 5, "store": "y"}),
            ("2026-05-03", 20, {"csat": 1, "store": "y"}),
        )  # fmt: skip
        found = row(scores(frame, by="store"), "segments", respondents="y")
        assert found["rest_difference"] == pytest.approx(-100 / 3)
        assert found["rest_p_corrected"] < 1e-9
        assert found["rest_evidence"] == "below the rest"

    def test_one_answer_of_an_index_is_not_taken_as_sure(self):
        frame = sheets(("2026-05-01", 25, {"q": 5, "store": "x"}), ("2026-05-02", 25, {"q": 4, "store": "x"}),
                       ("2026-05-03", 1, {"q": 3, "store": "y"}))  # fmt: skip
        found = row(scores(frame, by="store", index=["q"], min_answers=1), "segments", respondents="y")
        assert found["rest_difference_lower"] < 0 < found["rest_difference_upper"]
        assert found["rest_evidence"] == "within chance"

    def test_groups_of_answers_all_alike_have_intervals_with_a_width(self):
        frame = sheets(("2026-05-01", 12, {"q": 5, "store": "x"}), ("2026-05-02", 12, {"q": 1, "store": "y"}))
        found = row(scores(frame, by="store", index=["q"]), "segments", respondents="y")
        assert found["rest_difference_lower"] == -100 < found["rest_difference_upper"] < -50
        assert found["rest_p_value"] < 1e-6

    def test_who_is_not_known_is_no_store_to_be_ranked(self):
        frame = sheets(
            *(
                ("2026-05-01", 40, {"nps": n, "store": s})
                for n, s in ((10, None), (9, "a"), (8, "b"), (3, "c"))
            )
        )
        result = scores(frame, by="store")
        assert result.tables()["ranking"]["respondents"].to_list() == ["a", "b", "c"]
        assert "(not known)" in result.tables()["segments"]["respondents"].to_list()

    def test_one_group_has_no_picture_of_groups(self):
        assert "segments" not in {v.name for v in scores(CLASSIC.with_columns(channel=pl.lit("web"))).views}

    def test_a_fall_within_the_limits_is_not_called_none(self):
        parts = [(f"2025-{m:02d}-10", 20, {"nps": v}) for m in (1, 4, 7) for v in (10, 3)]
        frame = sheets(*parts, ("2025-10-10", 10, {"nps": 10}), ("2025-10-11", 30, {"nps": 3}))
        result = scores(frame, as_of="2026-01-01")
        last = result.tables()["periods"].row(-1, named=True)
        assert last["control_signal"] == "within the limits"
        assert last["score_change_upper"] < 0
        title = next(v.title for v in result.views if v.name == "periods")
        assert title.endswith("Q4 2025 50 points down on the quarter before, more than chance would do")
        assert "50 points down on the quarter before, which is more than chance would do" in result.headline()

    def test_answers_all_alike_have_limits_with_a_width(self):
        frame = sheets(*((f"2025-{m:02d}-10", 40, {"nps": 10}) for m in (1, 4, 7, 10)))
        limits = scores(frame, as_of="2026-01-01").tables()["periods"].row(-1, named=True)
        assert limits["control_low"] < 99 < limits["control_high"] == 100

    def test_parts_of_a_change_of_answers_all_alike_have_intervals_with_a_width(self):
        parts = [
            (f"2025-{m:02d}-10", 12, {"nps": v, "channel": c})
            for m in (7, 10)
            for v, c in ((10, "a"), (3, "b"))
        ]
        table = scores(sheets(*parts), as_of="2026-01-01").tables()["change"]
        assert (table["rate_effect_upper"] - table["rate_effect_lower"]).min() > 5
        assert table["total_effect"].to_list() == [0, 0, 0]

    def test_the_note_on_codes_of_items_names_the_item(self):
        frame = sheets(*(("2026-05-01", 20, {"q": v}) for v in (1, 2, 3, 4, 5)), ("2026-05-02", 4, {"q": 9}))
        result = scores(frame, index=["q"])
        assert "scales={'<column>': (low, high)}" in next(
            n.option for n in result.notes if n.code == "off_scale"
        )

    def test_people_who_all_answer_as_before_are_not_sure_to_do_so(self):
        frame = sheets(
            *(
                (f"2025-{m}-10", 1, {"nps": 8, "customer_id": f"c{i}"})
                for m in ("07", "10")
                for i in range(20)
            )
        )
        found = scores(frame, as_of="2026-01-01").tables()["periods"].row(-1, named=True)
        assert (found["n_paired"], found["paired_change"]) == (20, 0)
        assert found["paired_change_lower"] < -10
        assert found["paired_change_upper"] > 10

    def test_a_score_that_cannot_be_read_is_named_and_so_is_one_that_most_did_not_give(self):
        text = CLASSIC.with_columns(
            csat=pl.Series(["great", "meh"] * 50), ces=pl.Series([7, 5, *[None] * 98])
        )
        found = [n.text for n in scores(text, min_answers=2).notes if n.code in ("unread", "mostly_missing")]
        assert "Satisfied answers: no answer in csat could be read" in found[0]
        assert "In 100 rows csat is not a number" in found[0]
        assert "98 sheets have no answer to it, more than the 2 that do" in found[1]
        assert not [n for n in scores(CLASSIC).notes if n.code in ("unread", "mostly_missing")]

    def test_bounds_for_everybody_count_each_customer_once(self):
        """Anna answered 10 nine times, Ben 3 once: of two heard among four the score is 0, not +80."""
        frame = sheets(
            ("2026-05-01", 9, {"nps": 10, "customer_id": "anna"}),
            ("2026-05-02", 1, {"nps": 3, "customer_id": "ben"}),
        )
        people = pl.DataFrame({"customer_id": ["anna", "ben", "carl", "dora"]})
        found = row(scores(frame, customers=people), "response", respondents="Everyone")
        assert found["score"] == 80
        assert (found["worst_case_score"], found["best_case_score"]) == (-50, 50)


def test_answers_as_shares_have_no_boxes():
    shares = sheets(*(("2026-05-01", 20, {"csat": a}) for a in (0.88, 0.9, 0.5, 1.0)))
    result = scores(shares)
    assert row(result)["score"] == 75
    assert any("answers 0.8 to 1 on a scale of 0 to 1" in note.text for note in result.notes)
    yes = sheets(*(("2026-05-01", 20, {"csat": a}) for a in (0.0, 1.0)))
    assert any("answers 1 on a scale of 0 to 1" in note.text for note in scores(yes).notes)
