"""Which ratings go with satisfaction most, how surely, and what a point more would bring."""

from crm_analytics.satisfaction.drivers.analysis import satisfaction_drivers

__all__ = ["satisfaction_drivers"]
