"""A purchase today: the history it makes, and what follows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.errors import OptionError

SUMMARY = pl.DataFrame(
    {
        "customer_id": ["slipping", "new", "loyal"],
        "frequency": [4, 0, 12],
        "recency": [10.0, 0.0, 38.0],
        "T": [39.0, 20.0, 39.0],
    }
)


@pytest.fixture(scope="module", params=[clv.BetaGeo, clv.ModifiedBetaGeo, clv.ParetoNBD])
def fit(request):
    params = {clv.BetaGeo: (0.243, 4.414, 0.793, 2.426), clv.ModifiedBetaGeo: (0.525, 6.183, 0.891, 1.614)}
    start = request.param.fit(SUMMARY, penalty=1.0)
    return start.at(np.array(params.get(request.param, (0.553, 10.578, 0.606, 11.669))))


def test_it_is_the_forecast_of_the_history_with_one_more_purchase(fit):
    found = clv.what_if_purchase(fit, SUMMARY, horizon=39)
    bought = SUMMARY.with_columns(pl.col("frequency") + 1, recency="T")
    then = fit.predict(bought, horizon=39)
    assert found["customer_id"].to_list() == SUMMARY["customer_id"].to_list()
    np.testing.assert_allclose(found["p_alive_if_bought"], then["p_alive"])
    np.testing.assert_allclose(found["gain"], then["expected_purchases"] - found["expected_purchases"])


def test_who_was_slipping_gains_most_in_certainty(fit):
    found = clv.what_if_purchase(fit, SUMMARY, horizon=39).with_columns(
        surer=pl.col("p_alive_if_bought") - pl.col("p_alive")
    )
    assert found.sort("surer")["customer_id"][-1] == "slipping"
    assert (found["gain"] > 0).all()


def test_a_negative_horizon_is_refused(fit):
    with pytest.raises(OptionError, match="horizon"):
        clv.what_if_purchase(fit, SUMMARY, horizon=-1)
