"""Customer-base models: what customers will buy, and what that is worth.

>>> import polars as pl
>>> from crm_analytics import clv
>>> summary = pl.DataFrame({"frequency": [0, 2, 5], "recency": [0.0, 8.0, 20.0], "T": [30.0, 30.0, 25.0]})
>>> fit = clv.BetaGeo.fit(summary, penalty=1.0)
>>> fit.predict(summary, horizon=10).columns
['p_alive', 'expected_purchases']
"""

from __future__ import annotations

from crm_analytics.aggregates.contracts import contract_counts
from crm_analytics.clv.beta_geo import BetaGeo
from crm_analytics.clv.beta_geo_beta_binomial import BetaGeoBetaBinomial
from crm_analytics.clv.compare import Comparison, compare
from crm_analytics.clv.counts import probability_of_purchases, purchase_probabilities
from crm_analytics.clv.covariates import fit_with_covariates
from crm_analytics.clv.erlang import BetaGeoErlang, ModifiedBetaGeoErlang
from crm_analytics.clv.gamma_gamma import GammaGamma
from crm_analytics.clv.history import alive_history
from crm_analytics.clv.lifetimes_names import from_lifetimes, to_lifetimes
from crm_analytics.clv.modified_beta_geo import ModifiedBetaGeo
from crm_analytics.clv.pareto_nbd import ParetoNBD
from crm_analytics.clv.saving import from_json, load, save, to_json
from crm_analytics.clv.seasonality import Seasonality
from crm_analytics.clv.shifted_beta_geometric import ShiftedBetaGeometric
from crm_analytics.clv.simulate import simulate
from crm_analytics.clv.summary import summarise
from crm_analytics.clv.waiting import probability_of_return, time_to_next
from crm_analytics.clv.what_if import what_if_purchase

__all__ = [
    "BetaGeo",
    "BetaGeoBetaBinomial",
    "BetaGeoErlang",
    "Comparison",
    "GammaGamma",
    "ModifiedBetaGeo",
    "ModifiedBetaGeoErlang",
    "ParetoNBD",
    "Seasonality",
    "ShiftedBetaGeometric",
    "alive_history",
    "compare",
    "contract_counts",
    "fit_with_covariates",
    "from_json",
    "from_lifetimes",
    "load",
    "probability_of_purchases",
    "probability_of_return",
    "purchase_probabilities",
    "save",
    "simulate",
    "summarise",
    "time_to_next",
    "to_json",
    "to_lifetimes",
    "what_if_purchase",
]
