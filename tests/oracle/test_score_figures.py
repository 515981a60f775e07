"""Published and independently computed figures of survey scores: net promoter score, shares, weighted shares, small groups.

Figures without another source were computed in R 4.2 (survey 4.x for weighted ones, `prop.test` for the p-value) or from the
formulas of Rocks (2016); digits are compared as far as they are given.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from crm_analytics.stats import proportions
from crm_analytics.stats import score_intervals as scores
from crm_analytics.stats.intervals import wilson, z_value
from crm_analytics.stats.partial_pooling import pool

TOLERANCE = 1e-8
ANSWERS = [10, 9, 9, 8, 7, 6, 3, 10, 10, 8, 0, 9]
WEIGHTS = [1, 2, 1, 1, 3, 1, 2, 1, 1, 1, 2, 1]
KINDS = [(a >= 9) - (a <= 6) for a in ANSWERS]
PROMOTERS = [float(a >= 9) for a in ANSWERS]


def close(found, expected):
    assert found == pytest.approx(expected, rel=TOLERANCE)


def test_60_25_15():
    error = 100 * float(scores.nps_standard_error(0.60, 0.15, 100))
    close(error, 7.39932429347)
    half = z_value(0.95) * error
    close([45 - half, 45 + half], [30.4975908749, 59.5024091251])


def test_60_25_15_adjusted():
    middle, variance = scores._adjusted(0.60, 0.15, 100)
    close(100 * middle, 43.6893203884)
    close(100 * np.sqrt(variance), 7.31962898287)
    close([100 * float(x) for x in scores.nps_interval(0.60, 0.15, 100)], [29.3431112017, 58.0355295750])


def test_324_answers():
    """The example of a well-read answer on Cross Validated: half promoters, a third passives, a sixth detractors."""
    close(scores.nps_variance(1 / 2, 1 / 6), 5 / 9)
    close(100 * float(scores.nps_standard_error(1 / 2, 1 / 6, 324)), 4.140866625)


def test_all_promoters():
    assert float(scores.nps_standard_error(1.0, 0.0, 10)) == 0, "which is why no interval is built on it"
    lower, upper = (100 * float(x) for x in scores.nps_interval(1.0, 0.0, 10))
    assert (round(lower, 2), upper) == (47.50, 100)


def test_two_groups():
    """60/25/15 against 90/60/50, plain."""
    errors = [float(scores.nps_standard_error(p, d, n)) for p, d, n in ((0.6, 0.15, 100), (0.45, 0.25, 200))]
    error = 100 * np.hypot(*errors)
    close(error, 9.36749699760)
    z = 25 / error
    close(z, 2.66880256342)
    from scipy.special import ndtr

    close(2 * ndtr(-z), 0.00761221824778)


def test_two_groups_adjusted():
    found = scores.nps_difference((0.6, 0.15, 100), (0.45, 0.25, 200))
    close(100 * found.value, 25)
    close((found.statistic, found.p_value), (2.58633440622, 0.00970027682506))
    middle = 100 * (found.lower + found.upper) / 2
    close(middle, 23.9848868908)


def test_weighted_score():
    found = scores.weighted_mean(KINDS, WEIGHTS)
    close((found.value, found.error), (0.117647058824, 0.263554602141))
    close(scores.effective_n(WEIGHTS), 9.96551724138)


def test_weighted_share():
    found = scores.weighted_mean(PROMOTERS, WEIGHTS)
    close(found.value, 7 / 17)
    assert found.value == pytest.approx(0.41176471, abs=5e-9)
    close(scores.share_interval_logit(found), (0.144226979, 0.744076825))
    close(scores.share_interval_beta(found), (0.127250633, 0.749119796))


@pytest.mark.parametrize(
    ("hits", "n", "expected"),
    [
        (85, 100, (0.767164404092, 0.906940147163)),
        (9, 10, (0.595849973205, 0.982123786905)),
        (0, 12, (0, 0.242494006655)),
        (12, 12, (0.757505993345, 1)),
    ],
)
def test_wilson(hits, n, expected):
    close([float(x) for x in wilson(hits, n)], list(expected))


def test_newcombe():
    found = [float(x) for x in proportions.difference(85, 100, 150, 200)]
    close(found, [0.1, 0.000613090331, 0.185918231289])
    assert float(proportions.difference_p_values(85, 100, 150, 200)) == pytest.approx(
        0.0474887593503, rel=1e-8
    )


def test_the_american_index_with_equal_weights():
    """Three items of 1 to 10: (sum - 3) / 27 x 100; 8, 7 and 9 make 77.8."""
    items = np.array([8.0, 7.0, 9.0])
    close(((items - 1) / 9 * 100).mean(), (items.sum() - 3) / 27 * 100)


def test_bounds_without_an_assumption_on_who_does_not_answer():
    """A response rate of 40% and a score of +45: the score of all lies between -42 and +78."""
    close(scores.nonresponse_bounds(0.45, 0.4, (-1, 1)), (0.4 * 0.45 - 0.6, 0.4 * 0.45 + 0.6))


def test_promoters_and_detractors_are_not_independent():
    """Without the covariance the interval is too narrow: it covers 83 to 90% instead of 95%."""
    rng, n, p, d = np.random.default_rng(5), 200, 0.45, 0.25
    counts = rng.multinomial(n, [p, d, 1 - p - d], size=4000)
    shares = counts[:, :2] / n
    wrong = 1.96 * np.sqrt((shares * (1 - shares)).sum(axis=1) / n)
    found = shares[:, 0] - shares[:, 1]
    assert 0.83 < (abs(found - (p - d)) <= wrong).mean() < 0.90
    lower, upper = scores.nps_interval(shares[:, 0], shares[:, 1], n)
    assert 0.935 < ((lower <= p - d) & (p - d <= upper)).mean() < 0.965


NOMINAL = [(0.3, 0.3), (0.45, 0.25), (0.6, 0.15), (0.75, 0.1)]


@pytest.mark.parametrize("n", [10, 30, 200])
@pytest.mark.parametrize(("p", "d"), NOMINAL)
def test_the_interval_of_a_score_covers_as_often_as_it_says(n, p, d):
    """Simulated coverage of the adjusted interval: .945 to .963 at n = 10, .943 to .962 at n = 30 (MeasuringU)."""
    counts = np.random.default_rng(n).multinomial(n, [p, d, 1 - p - d], size=20_000)
    lower, upper = scores.nps_interval(counts[:, 0] / n, counts[:, 1] / n, n)
    covered = float(((lower <= p - d) & (p - d <= upper)).mean())
    assert 0.935 < covered < 0.97, covered


def test_weighted_and_repeated_answers_cover_as_often_as_they_say():
    """People who answer twice alike, with unequal weights: the effective number keeps the level."""
    rng, hits, people = np.random.default_rng(2), 0, np.repeat(np.arange(100), 2)
    for _ in range(600):
        taste = rng.normal(size=100)[people] * 0.8 + 0.6 * rng.normal(size=200)
        kinds = np.where(taste > 0.2, 1.0, np.where(taste < -0.8, -1.0, 0.0))
        weights = rng.choice([0.5, 1.0, 2.0], 200)
        n = scores.effective_n(weights, people, scores.correlation_within(kinds, people))
        p, d = (float(np.average(kinds == side, weights=weights)) for side in (1.0, -1.0))
        lower, upper = scores.nps_interval(p, d, n)
        hits += bool(lower <= 0.42074 - 0.21186 <= upper)
    assert 0.925 < hits / 600 < 0.975, hits / 600


def test_means_agree_with_scipy():
    rng = np.random.default_rng(1)
    one, two = rng.normal(5, 2, 20), rng.normal(4, 1, 30)
    found = scores.mean_difference(*(scores.Spread(x.mean(), x.var(ddof=1), x.size) for x in (one, two)))
    welch = ttest_ind(one, two, equal_var=False)
    close((found.statistic, found.p_value), (welch.statistic, welch.pvalue))
    interval = welch.confidence_interval()
    close((found.lower, found.upper), (interval.low, interval.high))
    paired = ttest_rel(two[:20], one)
    again = scores.paired_difference(one, two[:20])
    close((again.statistic, again.p_value), (paired.statistic, paired.pvalue))


def test_eight_schools():
    """Rubin (1981), table 1: eight coaching experiments. The expected effects by quadrature over mean and spread at once."""
    y = np.array([28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16])
    s = np.array([14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6])
    assert np.average(y, weights=1 / s**2) == pytest.approx(7.870546, abs=5e-7), "the mean that papers print"
    mean, spread = np.meshgrid(np.linspace(-60, 80, 561), np.linspace(0, 60, 1201))
    variance = s**2 + spread[..., None] ** 2
    log_p = -0.5 * (np.log(variance) + (y - mean[..., None]) ** 2 / variance).sum(axis=-1)
    p = np.exp(log_p - log_p.max())
    own = spread[..., None] ** 2 / variance
    expected = ((own * y + (1 - own) * mean[..., None]) * (p / p.sum())[..., None]).sum(axis=(0, 1))
    found = pool(y, s, draws=20_000)
    assert found.value == pytest.approx(expected, abs=0.15)
    assert found.lower.argmin() == 2
    assert found.best.argmax() == 0
    assert found.best.sum() == pytest.approx(1)
