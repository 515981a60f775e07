"""The migration page runs: every block of it, the old ones with nothing changed but the import line."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_analytics import clv
from crm_analytics.compat.lifetimes import BetaGeoFitter, generate_data

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming-from-lifetimes.md"


@pytest.fixture
def orders():
    made = generate_data.beta_geometric_nbd_model_transactional_data(
        np.random.default_rng(0).integers(60, 700, 600),
        0.8,
        30.0,
        0.8,
        3.0,
        observation_period_end="2024-06-30",
        size=600,
        rng=np.random.default_rng(1),
    )
    paid = np.random.default_rng(2).gamma(4.0, 10.0, len(made)).round(2)
    return made.assign(customer_id=made["customer_id"].map("c{:04d}".format), paid=paid)


def test_every_block_runs(orders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 22
    names: dict[str, object] = {"orders": orders}
    for block in blocks:
        code = re.sub(r"^from lifetimes\b", "from crm_analytics.compat.lifetimes", block, flags=re.MULTILINE)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 our own page
    old, new = names["s"], names["summary"].sort("customer_id")
    for column in ("frequency", "recency", "T"):
        np.testing.assert_allclose(old[column], new[column].cast(float))
    assert names["bgf"].params_["alpha"] == pytest.approx(names["fit"].params["alpha"], rel=1e-5)
    assert names["native"].log_likelihood == pytest.approx(names["fit"].log_likelihood, abs=1e-5)
    assert (names["value"] > 0).all()
    assert isinstance(names["fitter"], BetaGeoFitter)


def test_clv_offers_the_way_to_and_from(orders):
    fitter = BetaGeoFitter()
    fitter.params_ = pd.Series({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    fit = clv.from_lifetimes(fitter, time_unit="week")
    assert isinstance(fit, clv.BetaGeo)
    assert fit.time_unit == "week"
    assert dict(clv.to_lifetimes(fit).params_) == dict(fit.params)
