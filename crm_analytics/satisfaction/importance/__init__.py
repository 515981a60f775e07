"""Which drivers of satisfaction are important and rated low, and how sure that is."""

from crm_analytics.satisfaction.importance.analysis import importance_performance

__all__ = ["importance_performance"]
