"""Published data as the library reads them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics import clv


@pytest.fixture(scope="session")
def cdnow(shared_data):
    return crm.read_transactions(shared_data("cdnow/CDNOW_sample.txt"))


@pytest.fixture(scope="session")
def exact(cdnow):
    """Histories of the 2,357 CDNOW customers at 1997-09-30, in weeks, from dates and cents."""
    return clv.summarise(cdnow, as_of=date(1997, 10, 1), unit="week")


@pytest.fixture(scope="session")
def split(cdnow):
    """The same with the 39 weeks that followed."""
    return clv.summarise(cdnow, calibration_end=date(1997, 10, 1), as_of=date(1998, 7, 1), unit="week")


@pytest.fixture(scope="session")
def rounded(shared_data):
    """The same, rounded to two decimals, as they went round."""
    frame = pl.read_csv(shared_data("cdnow/cdnow_customers_summary_with_transactions.csv"))
    return frame.rename({"ID": "customer_id", "x": "frequency", "t_x": "recency", "zbar": "monetary_value"})
