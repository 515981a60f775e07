from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from crm_analytics.errors import NotEnoughDataError
from crm_analytics.stats.gap_model import MOST_FITTED, GapModel, Histories, fit, summarised

MODEL = GapModel(shape=2.0, rate_shape=3.0, rate_scale=60.0, stop_first=0.3, stop_later=0.1)
ONE = Histories.of([2.0], [40.0], [np.log(10.0) + np.log(30.0)], [25.0])


def simulated(model: GapModel, n: int, seed: int, days: float = 1100.0):
    """Draw histories, and whether each customer is still active at the end."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(model.rate_shape, 1 / model.rate_scale, n)
    who, gaps, silence, active = [], [], np.zeros(n), np.zeros(n, bool)
    for i in range(n):
        at, count = rng.uniform(0, days), 0
        while rng.random() >= (model.stop_later if count else model.stop_first):
            gap = rng.gamma(model.shape, 1 / rates[i])
            if at + gap > days:
                active[i] = True
                break
            who.append(i)
            gaps.append(gap)
            at, count = at + gap, count + 1
        silence[i] = days - at
    return summarised(who, gaps, silence), active


def posterior(rate):
    """Density of the customer's rate after two gaps of 40 days in all: gamma by conjugacy."""
    return stats.gamma.pdf(rate, 3.0 + 2 * 2.0, scale=1 / (60.0 + 40.0))


@pytest.mark.parametrize("days", [1.0, 25.0, 200.0])
def test_chance_of_a_silence_is_the_integral_over_the_rate(days):
    integrand = lambda rate: stats.gamma.sf(days, 2.0, scale=1 / rate) * posterior(rate)  # noqa: E731
    assert MODEL.still_silent(ONE, days)[0] == pytest.approx(integrate.quad(integrand, 0, 2)[0], rel=1e-7)


def test_silent_for_is_its_inverse():
    for probability in (0.5, 0.1, 0.01):
        days = MODEL.silent_for(ONE, probability)
        assert MODEL.still_silent(ONE, days)[0] == pytest.approx(probability, rel=1e-9)


def test_typical_gap_is_the_posterior_median_of_the_median_gap():
    rate = stats.gamma.ppf(0.5, 7.0, scale=1 / 100.0)
    assert MODEL.typical_gap(ONE)[0] == pytest.approx(stats.gamma.ppf(0.5, 2.0, scale=1 / rate), rel=1e-9)
    low, high = MODEL.typical_gap(ONE, 0.025)[0], MODEL.typical_gap(ONE, 0.975)[0]
    assert low < MODEL.typical_gap(ONE)[0] < high


def test_log_likelihood_is_the_integral_over_the_rate():
    def whole(rate):
        gaps = np.prod([stats.gamma.pdf(g, 2.0, scale=1 / rate) for g in (10.0, 30.0)])
        silent = 0.1 + 0.9 * stats.gamma.sf(25.0, 2.0, scale=1 / rate)
        return 0.7 * 0.9 * gaps * silent * stats.gamma.pdf(rate, 3.0, scale=1 / 60.0)

    expected = np.log(integrate.quad(whole, 0, 2, epsabs=1e-14)[0])
    assert MODEL.log_likelihood(ONE) == pytest.approx(expected, rel=1e-8)


def test_days_to_the_next_leave_one_half():
    days = MODEL.days_to_next(ONE)[0]
    now, then = (MODEL.still_silent(ONE, d)[0] for d in (25.0, days))
    assert MODEL.still_active(ONE)[0] * (1 - then / now) == pytest.approx(0.5, rel=1e-9)
    gone = Histories.of([2.0], [40.0], ONE.logs, [900.0])
    assert MODEL.still_active(gone)[0] < 0.5
    assert np.isinf(MODEL.days_to_next(gone)[0])


def test_few_gaps_are_drawn_towards_the_base():
    n = np.array([0.0, 1.0, 5.0, 50.0])
    own = Histories.of(
        n, n * 5.0, n * np.log(5.0), np.full(4, 40.0)
    )  # five days, where the base takes thirty
    typical, silence = MODEL.typical_gap(own), MODEL.still_silent(own, 40.0)
    assert (np.diff(typical) < 0).all()
    assert (np.diff(silence) < 0).all()
    assert silence[1] > 0.05  # one short gap makes nobody late with certainty
    assert silence[3] < 1e-4


@pytest.mark.parametrize(
    "truth",
    [
        GapModel(1.0, 1.5, 60.0, 0.4, 0.2),
        GapModel(3.0, 4.0, 60.0, 0.3, 0.1),
    ],
    ids=["at random", "in a rhythm"],
)
def test_fit_finds_the_truth_again(truth):
    histories, _ = simulated(truth, 6000, seed=5)
    found = fit(histories)
    assert found.shape == pytest.approx(truth.shape, rel=0.06)
    assert found.stop_later == pytest.approx(truth.stop_later, abs=0.03)
    assert found.stop_first == pytest.approx(truth.stop_first, abs=0.05)
    middle, true_middle = (m.shape * m.rate_scale / m.rate_shape for m in (found, truth))
    assert middle == pytest.approx(true_middle, rel=0.1)
    assert found.log_likelihood(histories) >= truth.log_likelihood(histories) - 2


def test_one_gap_in_ten_of_the_active_grows_so_long():
    """After any number of gaps, the chance given to a silence is the share of next gaps that are longer."""
    rng = np.random.default_rng(4)
    for model in (GapModel(1.0, 1.5, 60.0, 0.2, 0.1), GapModel(4.0, 4.0, 60.0, 0.2, 0.1)):
        rates = rng.gamma(model.rate_shape, 1 / model.rate_scale, 20_000)
        gaps = rng.gamma(model.shape, 1 / rates, (4, rates.size))
        for n in range(4):
            so_far = Histories.of(np.full(rates.size, n), gaps[:n].sum(axis=0), rates * 0, rates * 0)
            chance = model.still_silent(so_far, gaps[n])
            assert stats.kstest(chance, "uniform").pvalue > 0.001
            assert (chance < 0.1).mean() == pytest.approx(0.1, abs=0.01)


def test_fit_of_a_sample_is_that_of_all(monkeypatch):
    histories, _ = simulated(MODEL, 3000, seed=2)
    whole = fit(histories)
    monkeypatch.setattr("crm_analytics.stats.gap_model.MOST_FITTED", 1000)
    part = fit(histories)
    assert MOST_FITTED >= 3000
    assert part.shape == pytest.approx(whole.shape, rel=0.1)
    assert part.stop_later == pytest.approx(whole.stop_later, abs=0.03)


def test_order_of_customers_does_not_matter():
    histories, _ = simulated(MODEL, 400, seed=3)
    mixed = histories.take(np.random.default_rng(0).permutation(400))
    assert fit(mixed).to_dict() == pytest.approx(fit(histories).to_dict(), rel=1e-9)


def test_one_gap_is_enough_for_a_guess():
    found = fit(Histories.of([1.0, 0.0], [30.0, 0.0], [np.log(30.0), 0.0], [5.0, 100.0]))
    assert all(np.isfinite(x) and x > 0 for x in found.to_dict().values())


def test_without_a_gap_there_is_no_rhythm():
    with pytest.raises(NotEnoughDataError, match="customers who came back"):
        fit(Histories.of([0.0], [0.0], [0.0], [9.0]))
