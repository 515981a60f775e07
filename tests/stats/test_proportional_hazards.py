"""Cox's model: R's published figures, the likelihood written out, recovery, separation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from crm_analytics.errors import OptionError
from crm_analytics.stats.proportional_hazards import concordance, cox, proportionality
from crm_analytics.stats.survival import lives, log_rank

from .survival_data import AML_MAINTAINED, AML_NOT_MAINTAINED, LUNG_MEN, LUNG_WOMEN, grouped, ovarian


class TestAgainstR:
    def test_aml(self):
        """doaml.Rout.save: coef 0.916, se 0.512, z 1.79, p 0.074, LR 3.38, p 0.0658 (Efron)."""
        found, group = grouped(AML_MAINTAINED, AML_NOT_MAINTAINED)
        fit = cox(found, group[:, None])
        assert (fit.n, fit.n_events, fit.converged) == (23, 18, True)
        assert fit.coefficients[0] == pytest.approx(0.9155, abs=5e-5)
        assert fit.standard_errors[0] == pytest.approx(0.5119, abs=5e-5)
        assert fit.p_values[0] == pytest.approx(0.0737, abs=5e-5)
        assert fit.likelihood_ratio == pytest.approx(3.38, abs=5e-3)
        assert fit.p_value == pytest.approx(0.0658, abs=5e-5)

    def test_lung(self):
        """coxph(Surv(time, status) ~ sex, lung): coef -0.5310, se 0.1672, LR 10.63, score 10.33, concordance 0.579."""
        found, group = grouped(LUNG_MEN, LUNG_WOMEN)
        fit = cox(found, group[:, None])
        assert fit.coefficients[0] == pytest.approx(-0.5310, abs=5e-5)
        assert fit.standard_errors[0] == pytest.approx(0.1672, abs=5e-5)
        assert fit.likelihood_ratio == pytest.approx(10.63, abs=5e-3)
        assert fit.score_statistic == pytest.approx(10.33, abs=5e-3)
        assert concordance(found, group * fit.coefficients[0]) == pytest.approx(0.579, abs=5e-4)

    @pytest.mark.parametrize(
        ("columns", "coefficients", "errors", "ratio"),
        [
            ([0], [0.162], [0.0497], 14.3),
            ([1], [-0.596], [0.587], 1.05),
            ([2], [0.398], [0.586], 0.47),
            ([0, 1, 2], [0.147, -0.815, 0.103], [0.0463, 0.6342, 0.6064], 15.9),
        ],
    )
    def test_ovarian(self, columns, coefficients, errors, ratio):
        """ovarian.Rout.save: age, rx, ecog.ps alone, and all three."""
        found, x = ovarian()
        fit = cox(found, x[:, columns])
        assert fit.coefficients == pytest.approx(coefficients, abs=6e-4)
        assert fit.standard_errors == pytest.approx(errors, abs=6e-4)
        assert fit.likelihood_ratio == pytest.approx(ratio, abs=0.06)

    def test_late_entries(self):
        """survival-Ex.Rout.save, example(coxph), test2: coef -0.02111, se 0.79518 on start, stop, event."""
        start, stop = [1, 2, 5, 2, 1, 7, 3, 4, 8, 8], [2, 3, 6, 7, 8, 9, 9, 9, 14, 17]
        event, x = [1, 1, 1, 1, 1, 1, 1, 0, 0, 0], [1, 0, 0, 1, 0, 1, 1, 1, 0, 0]
        fit = cox(lives(stop, event, entry=start), np.array(x)[:, None])
        assert fit.coefficients[0] == pytest.approx(-0.02111, abs=5e-6)
        assert fit.standard_errors[0] == pytest.approx(0.79518, abs=5e-6)

    def test_proportional_hazards_of_ovarian(self):
        """survival-Ex.Rout.save, example(cox.zph): age 0.698, ecog.ps 2.371, GLOBAL 3.633; p 0.40, 0.12, 0.16."""
        found, x = ovarian()
        fit = cox(found, x[:, [0, 2]])
        test = proportionality(found, x[:, [0, 2]], fit)
        assert test.statistics == pytest.approx([0.698, 2.371], abs=5e-4)
        assert test.p_values == pytest.approx([0.40, 0.12], abs=5e-3)
        assert (test.overall, test.overall_p) == (
            pytest.approx(3.633, abs=5e-4),
            pytest.approx(0.16, abs=5e-3),
        )

    def test_separation_is_said_and_does_not_run_away(self):
        """infcox.Rout.save: R runs out of iterations on these."""
        exit_ = np.arange(1, 13)
        x = np.stack([np.tile([0, 1], 6), np.repeat([0, 1], 6)], axis=1)
        fit = cox(lives(exit_, [1, 0, 1, 0, 1] + [0] * 7), x)
        assert not fit.converged


def log_likelihood(beta, exit_, event, entry, x):
    """Efron's partial likelihood, event time by event time, as it is printed."""
    total = 0.0
    for t in sorted(set(exit_[event].tolist())):
        there = exit_ >= t if entry is None else (exit_ >= t) & (entry < t)
        now = (exit_ == t) & event
        risk = np.exp(x @ beta)
        total += (x[now] @ beta).sum()
        d = int(now.sum())
        total -= sum(math.log(risk[there].sum() - m / d * risk[now].sum()) for m in range(d))
    return total


@given(seed=st.integers(0, 500), late=st.booleans())
def test_it_is_the_top_of_efrons_likelihood(seed, late):
    rng = np.random.default_rng(seed)
    exit_, event = rng.integers(1, 8, 50), rng.random(50) < 0.7
    entry = exit_ - rng.integers(1, 6, 50) if late else None
    x = np.stack([rng.normal(size=50), rng.integers(0, 2, 50)], axis=1)
    fit = cox(lives(exit_, event, entry=entry), x)
    assert fit.log_likelihood == pytest.approx(
        log_likelihood(fit.coefficients, exit_, event, entry, x), abs=1e-8
    )
    assert fit.log_likelihood_null == pytest.approx(
        log_likelihood(np.zeros(2), exit_, event, entry, x), abs=1e-8
    )
    slope = optimize.approx_fprime(fit.coefficients, log_likelihood, 1e-6, exit_, event, entry, x)
    assert slope == pytest.approx([0, 0], abs=1e-3)


def test_the_score_test_of_a_group_is_the_log_rank_test():
    """Without ties the two are the same statistic."""
    rng = np.random.default_rng(8)
    found, group = lives(rng.permutation(100) + 1, rng.random(100) < 0.6), rng.integers(0, 2, 100)
    assert cox(found, group[:, None]).score_statistic == pytest.approx(log_rank(found, group).statistic)


def test_known_ratios_are_recovered():
    rng = np.random.default_rng(4)
    n = 20_000
    x = np.stack([rng.normal(size=n), rng.integers(0, 2, n)], axis=1)
    life = rng.exponential(1 / np.exp(x @ [0.5, -0.8]))
    limit = rng.uniform(0.2, 3, n)
    found = lives(np.minimum(life, limit), life <= limit)
    fit = cox(found, x)
    assert np.abs((fit.coefficients - [0.5, -0.8]) / fit.standard_errors).max() < 3
    assert proportionality(found, x, fit).overall_p > 0.01


def test_a_ratio_that_changes_is_found_out():
    rng = np.random.default_rng(6)
    x = rng.integers(0, 2, 3000)
    life = np.where(x == 1, rng.weibull(2.5, 3000), rng.weibull(0.7, 3000))
    found = lives(life, np.ones(3000))
    assert proportionality(found, x[:, None], cox(found, x[:, None])).p_values[0] < 1e-6


def test_the_levels_of_a_category_make_one_term():
    rng = np.random.default_rng(9)
    level = rng.integers(0, 3, 300)
    x = np.stack([level == 1, level == 2, rng.normal(size=300)], axis=1).astype(float)
    found = lives(rng.exponential(1, 300), np.ones(300))
    test = proportionality(found, x, cox(found, x), terms=[0, 0, 1])
    assert test.degrees.tolist() == [2, 1]
    assert len(test.p_values) == 2


def test_units_do_not_matter():
    found, x = ovarian()
    years, days = cox(found, x[:, [0]]), cox(found, x[:, [0]] * 365.25 + 1e6)
    assert days.coefficients[0] * 365.25 == pytest.approx(years.coefficients[0], rel=1e-6)


@given(
    drawn=st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 5)), min_size=1, max_size=30)
)
def test_concordance_pair_by_pair(drawn):
    exit_, event, score = (np.array(c) for c in zip(*drawn, strict=True))
    pairs = right = 0.0
    for i in range(len(exit_)):
        for j in range(len(exit_)):
            if event[i] and (exit_[j] > exit_[i] or (exit_[j] == exit_[i] and not event[j])):
                pairs += 1
                right += 1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0
    expected = right / pairs if pairs else 0.5
    assert concordance(lives(exit_, event), score) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("x", "event", "match"),
    [
        ([[1.0], [1.0], [1.0]], [1, 1, 0], "columns that vary"),
        ([[1.0], [2.0]], [1, 1, 0], "finite numbers, 3 rows"),
        ([[1.0], [math.nan], [2.0]], [1, 1, 0], "finite numbers"),
        ([[1.0], [2.0], [3.0]], [0, 0, 0], "at least one event"),
    ],
)
def test_what_cannot_be_fitted_is_refused(x, event, match):
    with pytest.raises(OptionError, match=match):
        cox(lives([1, 2, 3], event), x)
