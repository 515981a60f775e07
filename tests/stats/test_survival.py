"""Survival curves, means, quantiles and tests: R's published figures, exact fractions, properties, edges."""

from __future__ import annotations

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from crm_analytics.errors import OptionError
from crm_analytics.stats.survival import (
    kaplan_meier,
    lives,
    log_rank,
    mean_difference,
    quantile,
    restricted_mean,
    risk_table,
    step_values,
)

from .survival_data import AML_MAINTAINED, AML_NOT_MAINTAINED, LUNG_MEN, LUNG_WOMEN, grouped, ovarian, times

rows = st.lists(
    st.tuples(st.integers(0, 12), st.booleans(), st.integers(1, 12), st.integers(1, 3)),
    min_size=1,
    max_size=40,
)
"""Exit, event, how long before the exit the subject entered, weight."""


def taken(drawn, *, late=False):
    exit_, event, before, weight = (np.array(column) for column in zip(*drawn, strict=True))
    entry = exit_ - before if late else None
    return exit_, event, entry, weight


def by_hand(exit_, event, entry, weight):
    """The product-limit estimate and the sum of d/n in exact fractions, by the definition."""
    left, hazard, curve = Fraction(1), Fraction(0), {}
    for t in sorted(set(exit_.tolist())):
        there = [i for i in range(len(exit_)) if exit_[i] >= t and (entry is None or entry[i] < t)]
        n = sum(int(weight[i]) for i in there)
        d = sum(int(weight[i]) for i in there if exit_[i] == t and event[i])
        left *= 1 - Fraction(d, n)
        hazard += Fraction(d, n)
        curve[t] = (n, d, left, hazard)
    return curve


class TestAgainstR:
    """Figures of tests/doaml.Rout.save and tests/ovarian.Rout.save of R's survival package."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                AML_MAINTAINED,
                {
                    9: (11, 1, 0.909, 0.0867), 13: (10, 1, 0.818, 0.1163), 18: (8, 1, 0.716, 0.1397),
                    23: (7, 1, 0.614, 0.1526), 31: (5, 1, 0.491, 0.1642), 34: (4, 1, 0.368, 0.1627),
                    48: (2, 1, 0.184, 0.1535),
                },
            ),
            (
                AML_NOT_MAINTAINED,
                {
                    5: (12, 2, 0.8333, 0.1076), 8: (10, 2, 0.6667, 0.1361), 12: (8, 1, 0.5833, 0.1423),
                    23: (6, 1, 0.4861, 0.1481), 27: (5, 1, 0.3889, 0.1470), 30: (4, 1, 0.2917, 0.1387),
                    33: (3, 1, 0.1944, 0.1219), 43: (2, 1, 0.0972, 0.0919), 45: (1, 1, 0.0, 0.0),
                },
            ),
        ],
    )  # fmt: skip
    def test_the_curves_of_aml(self, text, expected):
        curve = kaplan_meier(lives(*times(text)))
        at = {int(t): i for i, t in enumerate(curve.time)}
        for day, (n, d, survival, error) in expected.items():
            i = at[day]
            assert (curve.risk.n_at_risk[i], curve.risk.n_events[i]) == (n, d)
            assert curve.survival[i] == pytest.approx(survival, abs=5e-4)
            assert curve.standard_error[i] == pytest.approx(error, abs=5e-5)

    def test_the_curve_of_ovarian(self):
        curve = kaplan_meier(ovarian()[0])
        found = curve.at([59, 365, 431, 464, 563, 638, 1227])
        assert found == pytest.approx([0.962, 0.731, 0.688, 0.642, 0.546, 0.497, 0.497], abs=5e-4)

    def test_the_medians_of_aml(self):
        medians = [
            quantile(kaplan_meier(lives(*times(t)))).value for t in (AML_MAINTAINED, AML_NOT_MAINTAINED)
        ]
        assert medians == [31, 23]

    def test_the_restricted_means_of_aml(self):
        """print(survfit(Surv(time, status) ~ x, aml), print.rmean = TRUE): upper limit 161."""
        means = [
            restricted_mean(kaplan_meier(lives(*times(t))), 161) for t in (AML_MAINTAINED, AML_NOT_MAINTAINED)
        ]
        assert [round(m.value, 1) for m in means] == [52.6, 22.7]
        assert [round(m.standard_error, 2) for m in means] == [19.83, 4.18]

    def test_the_log_rank_of_aml(self):
        test = log_rank(*grouped(AML_MAINTAINED, AML_NOT_MAINTAINED))
        assert test.observed.tolist() == [7, 11]
        assert test.expected == pytest.approx([10.69, 7.31], abs=5e-3)
        assert (round(test.statistic, 1), test.degrees, round(test.p_value, 4)) == (3.4, 1, 0.0653)

    def test_the_log_rank_of_lung(self):
        """survdiff(Surv(time, status) ~ sex, lung): chi-square 10.3, p 0.00131."""
        test = log_rank(*grouped(LUNG_MEN, LUNG_WOMEN))
        assert test.observed.tolist() == [112, 53]
        assert test.expected == pytest.approx([91.5817, 73.4183], abs=5e-5)
        assert test.statistic == pytest.approx(10.3267, abs=5e-5)
        assert test.p_value == pytest.approx(0.00131, abs=5e-6)

    def test_the_medians_of_lung(self):
        """survfit(Surv(time, status) ~ sex, lung): 270 and 426 days."""
        assert [quantile(kaplan_meier(lives(*times(t)))).value for t in (LUNG_MEN, LUNG_WOMEN)] == [270, 426]


@given(drawn=rows, late=st.booleans())
def test_the_curve_is_the_product_limit_in_exact_fractions(drawn, late):
    exit_, event, entry, weight = taken(drawn, late=late)
    curve = kaplan_meier(lives(exit_, event, entry=entry, weights=weight))
    exact = by_hand(exit_, event, entry, weight)
    assert curve.time.tolist() == sorted(exact)
    for i, t in enumerate(sorted(exact)):
        n, d, left, hazard = exact[t]
        assert (curve.risk.n_at_risk[i], curve.risk.n_events[i]) == (n, d)
        assert curve.survival[i] == pytest.approx(float(left), abs=1e-12)
        assert curve.cumulative_hazard[i] == pytest.approx(float(hazard), abs=1e-12)


@given(drawn=rows, late=st.booleans())
def test_weights_are_duplicates(drawn, late):
    exit_, event, entry, weight = taken(drawn, late=late)
    weighted = kaplan_meier(lives(exit_, event, entry=entry, weights=weight))
    again = None if entry is None else np.repeat(entry, weight)
    repeated = kaplan_meier(lives(np.repeat(exit_, weight), np.repeat(event, weight), entry=again))
    for name in ("survival", "survival_lower", "survival_upper", "cumulative_hazard", "variance_sum"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), abs=1e-12)


@given(drawn=rows, late=st.booleans(), level=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_curve_never_rises_and_lies_within_its_bounds(drawn, late, level):
    exit_, event, entry, _ = taken(drawn, late=late)
    curve = kaplan_meier(lives(exit_, event, entry=entry), level=level)
    assert (np.diff(curve.survival) <= 1e-15).all()
    assert (np.diff(curve.cumulative_hazard) >= -1e-15).all()
    for low, at, high in (
        (curve.survival_lower, curve.survival, curve.survival_upper),
        (curve.cumulative_hazard_lower, curve.cumulative_hazard, curve.cumulative_hazard_upper),
    ):
        assert np.isfinite(np.concatenate([low, at, high])).all()
        assert (low <= at + 1e-12).all()
        assert (at <= high + 1e-12).all()
    assert ((curve.survival_lower >= 0) & (curve.survival_upper <= 1)).all()


@given(drawn=rows)
def test_the_order_of_rows_does_not_matter(drawn):
    exit_, event, _, _ = taken(drawn)
    turned = kaplan_meier(lives(exit_[::-1], event[::-1]))
    assert turned.survival.tolist() == kaplan_meier(lives(exit_, event)).survival.tolist()


@given(drawn=rows, shift=st.floats(0.001, 0.9))
def test_fractional_times_count_as_whole_ones_do(drawn, shift):
    """Whole times are counted, others sorted: both ways give the same."""
    exit_, event, _, _ = taken(drawn)
    moved = kaplan_meier(lives(exit_ + shift, event))
    assert moved.survival.tolist() == kaplan_meier(lives(exit_, event)).survival.tolist()
    assert moved.time == pytest.approx(np.unique(exit_) + shift)


def test_log_log_intervals_by_hand():
    """S = 0.8, Greenwood's sum 2/(10*8): S^exp(+-1.96 * sqrt(0.025)/|log 0.8|)."""
    curve = kaplan_meier(lives([1] * 2 + [2] * 8, [True] * 2 + [False] * 8))
    reach = math.exp(1.959964 * math.sqrt(2 / 80) / -math.log(0.8))
    assert curve.survival_lower[0] == pytest.approx(0.8**reach, abs=1e-6)
    assert curve.survival_upper[0] == pytest.approx(0.8 ** (1 / reach), abs=1e-6)


def test_nelson_and_aalens_interval_by_hand():
    """H = 2/10 + 1/8, variance 2/100 + 1/64: H exp(+-1.96 sqrt(variance) / H)."""
    curve = kaplan_meier(lives([1] * 2 + [2] * 8, [True] * 2 + [True] + [False] * 7))
    reach = math.exp(1.959964 * math.sqrt(2 / 100 + 1 / 64) / 0.325)
    assert curve.cumulative_hazard[1] == pytest.approx(0.325)
    assert curve.cumulative_hazard_lower[1] == pytest.approx(0.325 / reach, abs=1e-6)
    assert curve.cumulative_hazard_upper[1] == pytest.approx(0.325 * reach, abs=1e-6)


def test_before_the_first_event_the_bound_is_the_exact_one():
    curve = kaplan_meier(lives([5] * 20, [False] * 20))
    assert curve.survival[0] == 1 == curve.survival_upper[0]
    assert curve.survival_lower[0] == pytest.approx(
        scipy_stats.binomtest(20, 20).proportion_ci(method="exact").low
    )
    assert curve.cumulative_hazard_upper[0] == pytest.approx(-math.log(curve.survival_lower[0]))


def test_where_all_have_ended_at_once_the_bound_is_the_exact_one():
    curve = kaplan_meier(lives([3] * 6, [True] * 6))
    assert (curve.survival[0], curve.survival_lower[0]) == (0, 0)
    assert curve.survival_upper[0] == pytest.approx(
        scipy_stats.binomtest(0, 6).proportion_ci(method="exact").high
    )


@pytest.mark.parametrize("event", [True, False])
def test_one_row(event):
    curve = kaplan_meier(lives([7], [event]))
    assert curve.survival.tolist() == [0.0 if event else 1.0]
    assert quantile(curve).value == (7 if event else math.inf)


def test_an_event_at_the_very_beginning_counts():
    curve = kaplan_meier(lives([0, 0, 4, 4], [True, False, True, False]))
    assert curve.survival.tolist() == [0.75, 0.375]
    assert restricted_mean(curve, 4).value == pytest.approx(3.0)


def test_who_enters_late_is_not_at_risk_before():
    curve = kaplan_meier(lives([2, 4, 6], [True, True, True], entry=[0, 3, 1]))
    assert curve.risk.n_at_risk.tolist() == [2, 2, 1]
    assert curve.survival.tolist() == [0.5, 0.25, 0.0]


def test_left_truncation_recovers_what_leaving_it_out_gets_wrong():
    """Exponential lives of mean 100, seen only where they lasted beyond a random start."""
    rng = np.random.default_rng(5)
    life, entry = rng.exponential(100, 40_000), rng.uniform(0, 200, 40_000)
    seen = life > entry
    right = kaplan_meier(lives(life[seen], np.ones(seen.sum()), entry=entry[seen])).at([50.0, 100.0])
    wrong = kaplan_meier(lives(life[seen], np.ones(seen.sum()))).at([50.0, 100.0])
    assert right == pytest.approx(np.exp([-0.5, -1.0]), abs=0.03)
    assert (wrong > np.exp([-0.5, -1.0]) + 0.15).all()


def test_the_intervals_hold_their_level():
    rng = np.random.default_rng(11)
    hits, means = 0, 0
    for _ in range(1000):
        life, limit = rng.exponential(10, 40), rng.uniform(5, 25, 40)
        curve = kaplan_meier(lives(np.minimum(life, limit), life <= limit))
        low, high = (
            float(step_values(curve.time, e, 5.0, before=1.0))
            for e in (curve.survival_lower, curve.survival_upper)
        )
        hits += low <= math.exp(-0.5) <= high
        mean = restricted_mean(curve, 5.0)
        means += mean.lower <= 10 * (1 - math.exp(-0.5)) <= mean.upper
    assert 930 <= hits <= 975
    assert 920 <= means <= 975


class TestQuantiles:
    def test_the_middle_of_a_level_stretch(self):
        curve = kaplan_meier(lives([2, 4, 8, 10], [True] * 4))
        assert quantile(curve).value == 6
        assert quantile(curve, 0.25).value == 3
        assert quantile(curve, 0.2).value == 2

    def test_not_reached_is_infinite(self):
        found = quantile(kaplan_meier(lives([1, 2, 3, 4, 5], [True, False, False, False, False])))
        assert found.value == found.upper == math.inf

    @given(drawn=rows)
    def test_the_interval_holds_the_quantile(self, drawn):
        exit_, event, _, _ = taken(drawn)
        low, mid, high = (quantile(kaplan_meier(lives(exit_, event)), 0.4)[i] for i in (1, 0, 2))
        assert low <= mid <= high

    @pytest.mark.parametrize("share", [0, 1, -0.5, 2])
    def test_a_share_out_of_range_is_named(self, share):
        with pytest.raises(OptionError, match=r"share=.*above 0 and below 1"):
            quantile(kaplan_meier(lives([1], [True])), share)


class TestRestrictedMean:
    @given(drawn=rows, until=st.integers(1, 12))
    def test_it_is_the_area_day_by_day(self, drawn, until):
        exit_, event, _, _ = taken(drawn)
        curve = kaplan_meier(lives(exit_, event))
        if until <= curve.time[-1] or curve.survival[-1] == 0:
            area = curve.at(np.arange(until)).sum()
            assert restricted_mean(curve, until).value == pytest.approx(area)

    def test_without_censoring_it_is_the_plain_mean_with_its_plain_error(self):
        x = np.array([3.0, 5.0, 8.0, 13.0, 21.0])
        mean = restricted_mean(kaplan_meier(lives(x, np.ones(5))), 30)
        assert mean.value == pytest.approx(x.mean())
        assert mean.standard_error == pytest.approx(x.std() / math.sqrt(5))

    @pytest.mark.parametrize("until", [0, -1, 6])
    def test_beyond_what_was_observed_it_is_refused(self, until):
        curve = kaplan_meier(lives([3, 5], [True, False]))
        with pytest.raises(OptionError, match=r"until=.*at most 5"):
            restricted_mean(curve, until)

    def test_a_difference_by_hand(self):
        one = restricted_mean(kaplan_meier(lives([3, 5, 8], [True] * 3)), 8)
        other = restricted_mean(kaplan_meier(lives([1, 2, 6], [True] * 3)), 8)
        found = mean_difference(one, other)
        error = math.hypot(one.standard_error, other.standard_error)
        assert found.value == pytest.approx(16 / 3 - 3)
        assert found.upper - found.lower == pytest.approx(2 * 1.959964 * error, rel=1e-6)
        assert found.p_value == pytest.approx(2 * scipy_stats.norm.sf(found.value / error))

    def test_no_difference_without_spread(self):
        mean = restricted_mean(kaplan_meier(lives([4, 4], [True, True])), 4)
        assert mean_difference(mean, mean).p_value == 1.0

    def test_one_of_each_tells_nothing_of_a_difference(self):
        one, other = (restricted_mean(kaplan_meier(lives([day], [True])), 365) for day in (30, 60))
        assert one.lower < 1
        assert one.upper > 350
        found = mean_difference(one, other)
        assert found.lower < 0 < found.upper
        assert found.p_value > 0.5

    def test_where_all_went_at_once_the_bounds_are_those_of_none_before_and_none_after(self):
        mean = restricted_mean(kaplan_meier(lives([31] * 3, [True] * 3)), 334)
        none = 0.025 ** (1 / 3)
        assert (mean.value, mean.standard_error) == (31, 0)
        assert mean.lower == pytest.approx(31 * none)
        assert mean.upper == pytest.approx(31 * none + 334 * (1 - none))

    def test_all_gone_at_once_against_nobody_gone_is_a_difference_where_there_are_many(self):
        def p(n):
            gone = restricted_mean(kaplan_meier(lives([31] * n, [True] * n)), 334)
            there = restricted_mean(kaplan_meier(lives([334] * n, [False] * n)), 334)
            found = mean_difference(there, gone)
            assert (found.p_value < 0.05) == (found.lower > 0)
            return found.p_value

        assert p(1) > 0.05
        assert p(50) < 0.001

    def test_an_end_on_the_last_day_leaves_the_mean_unsure(self):
        mean = restricted_mean(kaplan_meier(lives([365] * 4, [True] * 4)), 365)
        assert mean.value == mean.upper == 365
        assert mean.lower < 330


class TestLogRank:
    @given(drawn=rows, late=st.booleans(), k=st.integers(2, 4), seed=st.integers(0, 99))
    def test_it_is_the_sum_over_event_times(self, drawn, late, k, seed):
        """Observed, expected and the hypergeometric covariance, table by table."""
        exit_, event, entry, _ = taken(drawn, late=late)
        group = np.random.default_rng(seed).integers(0, k, len(exit_))
        group[0] = k - 1
        observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
        for t in sorted(set(exit_[event].tolist())):
            there = (exit_ >= t) if entry is None else (exit_ >= t) & (entry < t)
            now = (exit_ == t) & event
            n, d = there.sum(), now.sum()
            each = np.array([(there & (group == g)).sum() for g in range(k)])
            observed += [(now & (group == g)).sum() for g in range(k)]
            expected += each * d / n
            if n > 1:
                variance += d * (n - d) / (n - 1) * (np.diag(each / n) - np.outer(each, each) / n**2)
        found = log_rank(lives(exit_, event, entry=entry), group)
        assert found.observed == pytest.approx(observed)
        assert found.expected == pytest.approx(expected)
        short = (observed - expected)[:-1]
        statistic = short @ np.linalg.pinv(variance[:-1, :-1], hermitian=True) @ short
        assert found.statistic == pytest.approx(statistic, abs=1e-8)
        assert 0 <= found.p_value <= 1

    @given(drawn=rows, seed=st.integers(0, 99))
    def test_the_names_of_the_groups_do_not_matter(self, drawn, seed):
        exit_, event, _, _ = taken(drawn)
        group = np.random.default_rng(seed).integers(0, 3, len(exit_))
        one, other = log_rank(lives(exit_, event), group), log_rank(lives(exit_, event), 2 - group)
        assert one.statistic == pytest.approx(other.statistic, abs=1e-8)

    def test_without_events_nothing_differs(self):
        found = log_rank(lives([1, 2, 3, 4], [False] * 4), [0, 0, 1, 1])
        assert (found.statistic, found.degrees, found.p_value) == (0, 0, 1.0)

    def test_equal_groups_are_found_different_as_often_as_the_level_says(self):
        rng = np.random.default_rng(3)
        p = [
            log_rank(lives(rng.exponential(1, 60), np.ones(60)), np.arange(60) % 3).p_value
            for _ in range(400)
        ]
        assert 0.02 < np.mean(np.array(p) < 0.05) < 0.085


@pytest.mark.parametrize(
    ("exit_", "event", "more", "match"),
    [
        ([1, 2], [True], {}, r"event=.*as many as there are durations"),
        ([1, math.nan], [True, True], {}, r"durations=.*finite"),
        ([1, 2], [True, True], {"weights": [1, -1]}, r"weights of 0 or more"),
        ([1, 2], [True, True], {"entry": [0, 2]}, r"entry before each exit"),
        ([1, 2], [True, True], {"entry": [0]}, r"entry before each exit"),
    ],
)
def test_what_cannot_be_is_refused(exit_, event, more, match):
    with pytest.raises(OptionError, match=match):
        lives(exit_, event, **more)


def test_a_million_rows_take_well_under_a_second():
    rng = np.random.default_rng(0)
    days, event = rng.integers(1, 1000, 1_000_000), rng.random(1_000_000) < 0.5
    begin = time.process_time()
    kaplan_meier(lives(days, event))
    risk_table(lives(days + rng.random(days.size), event))
    assert time.process_time() - begin < 3, "measured at 0.1 and 0.4 s"
