"""How much of recurring revenue is kept, what is lost, what comes on top, and what customers will still bring."""

from crm_analytics.retention.revenue.analysis import revenue_retention

__all__ = ["revenue_retention"]
