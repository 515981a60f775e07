"""Analytical CRM: from messy extracts to findings about customers.

>>> import crm_analytics as crm
>>> base = crm.sample()
>>> crm.run("rfm", base).title
'RFM segments'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

__version__: Final = "0.1.0"

_HOMES: Final[dict[str, str]] = {
    "CustomerBase": "extracts.base",
    "Extract": "extracts.extract",
    "open": "extracts.base",
    "sample": "extracts.base",
    "read_transactions": "extracts.readers",
    "read_customers": "extracts.readers",
    "read_surveys": "extracts.readers",
    "read_cases": "extracts.readers",
    "read_contacts": "extracts.readers",
    "read_subscriptions": "extracts.readers",
    "read_products": "extracts.readers",
    "overview": "key_figures.overview",
    "rfm": "segmentation.rfm",
    "value_tiers": "segmentation.value_tiers",
    "lifetime_value": "clv.value",
    "clv_validation": "clv.validation",
    "buying_patterns": "clv.buying",
    "retention_economics": "clv.economics",
    "cohort_retention": "retention.cohorts",
    "customers_in_cell": "retention.cohorts",
    "repeat_purchase": "retention.repeat_purchase",
    "lifecycle": "retention.lifecycle",
    "survival": "retention.survival",
    "revenue_retention": "retention.revenue",
    "satisfaction_drivers": "satisfaction.drivers",
    "importance_performance": "satisfaction.importance",
    "penalty_reward": "satisfaction.penalty",
    "kano": "satisfaction.kano",
    "satisfaction_scores": "satisfaction.scores",
    "complaints": "satisfaction.complaints",
    "run": "registry",
    "Result": "results",
    "CrmError": "errors",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 the names are strings, gathered in one place

if TYPE_CHECKING:
    from crm_analytics.clv.buying import buying_patterns as buying_patterns
    from crm_analytics.clv.economics import retention_economics as retention_economics
    from crm_analytics.clv.validation import clv_validation as clv_validation
    from crm_analytics.clv.value import lifetime_value as lifetime_value
    from crm_analytics.errors import CrmError as CrmError
    from crm_analytics.extracts.base import CustomerBase as CustomerBase
    from crm_analytics.extracts.base import open as open  # noqa: A004 crm.open is the public name
    from crm_analytics.extracts.base import sample as sample
    from crm_analytics.extracts.extract import Extract as Extract
    from crm_analytics.extracts.readers import read_cases as read_cases
    from crm_analytics.extracts.readers import read_contacts as read_contacts
    from crm_analytics.extracts.readers import read_customers as read_customers
    from crm_analytics.extracts.readers import read_products as read_products
    from crm_analytics.extracts.readers import read_subscriptions as read_subscriptions
    from crm_analytics.extracts.readers import read_surveys as read_surveys
    from crm_analytics.extracts.readers import read_transactions as read_transactions
    from crm_analytics.key_figures.overview import overview as overview
    from crm_analytics.registry import run as run
    from crm_analytics.results import Result as Result
    from crm_analytics.retention.cohorts import cohort_retention as cohort_retention
    from crm_analytics.retention.cohorts import customers_in_cell as customers_in_cell
    from crm_analytics.retention.lifecycle import lifecycle as lifecycle
    from crm_analytics.retention.repeat_purchase import repeat_purchase as repeat_purchase
    from crm_analytics.retention.revenue import revenue_retention as revenue_retention
    from crm_analytics.retention.survival import survival as survival
    from crm_analytics.satisfaction.complaints import complaints as complaints
    from crm_analytics.satisfaction.drivers import satisfaction_drivers as satisfaction_drivers
    from crm_analytics.satisfaction.importance import (
        importance_performance as importance_performance,
    )
    from crm_analytics.satisfaction.kano import kano as kano
    from crm_analytics.satisfaction.penalty import penalty_reward as penalty_reward
    from crm_analytics.satisfaction.scores import satisfaction_scores as satisfaction_scores
    from crm_analytics.segmentation.rfm import rfm as rfm
    from crm_analytics.segmentation.value_tiers import value_tiers as value_tiers


def __getattr__(name: str) -> Any:  # noqa: ANN401 as wide as the package
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
