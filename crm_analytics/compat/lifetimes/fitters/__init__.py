"""The fitters, each in the module where lifetimes has it."""

from __future__ import annotations

from crm_analytics.compat.lifetimes.fitters.base_fitter import BaseFitter
from crm_analytics.compat.lifetimes.fitters.beta_geo_beta_binom_fitter import BetaGeoBetaBinomFitter
from crm_analytics.compat.lifetimes.fitters.beta_geo_fitter import BetaGeoFitter
from crm_analytics.compat.lifetimes.fitters.gamma_gamma_fitter import GammaGammaFitter
from crm_analytics.compat.lifetimes.fitters.modified_beta_geo_fitter import ModifiedBetaGeoFitter
from crm_analytics.compat.lifetimes.fitters.pareto_nbd_fitter import ParetoNBDFitter

__all__ = [
    "BaseFitter",
    "BetaGeoBetaBinomFitter",
    "BetaGeoFitter",
    "GammaGammaFitter",
    "ModifiedBetaGeoFitter",
    "ParetoNBDFitter",
]
