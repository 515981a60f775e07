"""How many customers stay, whether that gets better, and where they are lost."""

from crm_analytics.retention.cohorts.analysis import cohort_retention
from crm_analytics.retention.cohorts.definitions import compare_definitions
from crm_analytics.retention.cohorts.one_cell import customers_in_cell

__all__ = ["cohort_retention", "compare_definitions", "customers_in_cell"]
