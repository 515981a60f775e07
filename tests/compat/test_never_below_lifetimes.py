"""No fit ends below that of lifetimes, over populations of all kinds; where it ran to an edge it says which."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.clv.likelihoods.geometric import log_likelihood
from crm_analytics.clv.likelihoods.pareto import Likelihood
from crm_analytics.clv.likelihoods.rows import compress

BESIDE = {"BetaGeoFitter": clv.BetaGeo, "ModifiedBetaGeoFitter": clv.ModifiedBetaGeo}


def population(seed: int) -> pl.DataFrame:
    """Draw buyers who leave after a purchase, all shapes drawn too: even and uneven, loyal and not."""
    rng = np.random.default_rng(seed)
    n, days = int(rng.integers(100, 600)), int(rng.integers(60, 700))
    r, a, b = np.exp(rng.normal([-0.3, -0.2, 0.9], [0.6, 0.7, 0.7]))
    rate, leaves = rng.gamma(r, 1 / (r * rng.uniform(0.1, 0.6) * days), n), rng.beta(a, b, n)
    age = rng.integers(days // 2, days + 1, n)
    x, last = np.zeros(n, int), np.zeros(n)
    for i in range(n):
        now = 0.0
        while (now := now + rng.exponential(1 / rate[i])) < age[i]:
            x[i] += math.floor(now) > last[i]
            last[i] = math.floor(now)
            if rng.random() < leaves[i]:
                break
    columns = {"frequency": x, "recency": np.where(x > 0, last, 0.0), "T": age.astype(float)}
    return pl.DataFrame(columns).with_columns(time_unit=pl.lit("day"))


def theirs_at(rows, model, params) -> float:
    """The true log-likelihood of the data at the parameters of lifetimes."""
    values = [
        params[name] / rows.scale if name in model.time_parameters else params[name] for name in model.names
    ]
    if model is clv.ParetoNBD:
        value = Likelihood(rows)(np.array(values))[0]
    else:
        value = log_likelihood(rows, *values, s=model.shift)[0]
    return value - rows.n_purchases * math.log(rows.scale)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", BESIDE)
def test_bg_and_mbg(oracle, name, seed):
    beside(oracle, name, BESIDE[name], population(seed))


@pytest.mark.parametrize("seed", [1, 5])
def test_pareto(oracle, seed):
    beside(oracle, "ParetoNBDFitter", clv.ParetoNBD, population(seed))


def beside(oracle, name, model, summary):
    fit = model.fit(summary)
    assert math.isfinite(fit.log_likelihood)
    assert fit.certificate.converged or fit.diagnosis
    if any(not 1e-3 < value < 1e4 for value in fit.values()):
        assert fit.diagnosis or None in fit.standard_errors.values()
    try:
        their = oracle.fit(name, *(summary[c].to_pandas() for c in ("frequency", "recency", "T")))
    except oracle.module.utils.ConvergenceError:
        return  # lifetimes gave up; ours has a maximum or a reason
    room = 1e-3 if fit.diagnosis else 1e-6  # towards a named edge the likelihood creeps up for ever
    assert fit.log_likelihood >= theirs_at(compress(summary), model, their.params_) - room
