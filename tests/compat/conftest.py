"""lifetimes itself as the oracle, its shipped data, and data of our own making."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import crm_analytics.compat.lifetimes as ours


def _quietly(function, *args, **kwargs):
    """Call something of lifetimes, which warns on every present-day stack."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


class Oracle:
    """lifetimes 0.11.3."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def fitter(self, name: str, coef: float = 0.0, params=None, data=None):
        fitter = getattr(self.module, name)(penalizer_coef=coef)
        if params is not None:
            fitter.params_ = pd.Series(params)
            fitter.data = data
        return fitter

    def fit(self, name: str, *columns, coef: float = 0.0, **options):
        return _quietly(self.fitter(name, coef).fit, *columns, **options)

    def call(self, function, *args, **kwargs):
        return _quietly(function, *args, **kwargs)

    def utils(self, name: str, *args, **kwargs):
        return _quietly(getattr(self.module.utils, name), *args, **kwargs)


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    return Oracle(_quietly(importlib.import_module, "lifetimes"))


@pytest.fixture(scope="session")
def datasets(oracle) -> Path:
    return Path(oracle.module.__file__).parent / "datasets"


@pytest.fixture(scope="session")
def cdnow(datasets):
    return pd.read_csv(datasets / "cdnow_customers_summary.csv", index_col=0)


@pytest.fixture(scope="session")
def cdnow_money(datasets):
    frame = pd.read_csv(datasets / "cdnow_customers_summary_with_transactions.csv")
    frame.columns = ["customer_id", "frequency", "recency", "T", "monetary_value"]
    return frame.set_index("customer_id")


@pytest.fixture(scope="session")
def cdnow_transactions(datasets):
    names = ["id_total", "id", "date", "cds", "spent"]
    return pd.read_csv(datasets / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names)


@pytest.fixture(scope="session")
def donations(datasets):
    return pd.read_csv(datasets / "donations.csv")


@pytest.fixture(scope="session")
def example(datasets):
    return pd.read_csv(datasets / "example_transactions.csv", parse_dates=["date"])


@pytest.fixture(scope="session")
def made():
    """Customers of each model in days, from a seed, with ages of their own."""
    ages = np.random.default_rng(7).integers(30, 700, 1500).astype(float)
    g = ours.generate_data
    return {
        "BetaGeoFitter": g.beta_geometric_nbd_model(
            ages, 0.6, 40.0, 0.9, 3.0, size=1500, rng=np.random.default_rng(1)
        ),
        "ModifiedBetaGeoFitter": g.modified_beta_geometric_nbd_model(
            ages, 0.8, 50.0, 0.7, 2.0, size=1500, rng=np.random.default_rng(2)
        ),
        "ParetoNBDFitter": g.pareto_nbd_model(
            ages, 0.7, 45.0, 0.6, 200.0, size=1500, rng=np.random.default_rng(3)
        ),
    }
