"""Who comes, stays, falls silent and comes back, and where the customer base is heading."""

from crm_analytics.retention.lifecycle.analysis import lifecycle

__all__ = ["lifecycle"]
