"""How far forecasts of purchases and spend were off when made in the past, and whether they beat simple rules."""

from crm_analytics.clv.validation.analysis import clv_validation

__all__ = ["clv_validation"]
