"""How many complaints there are, about what, how fast they are resolved, and what they cost."""

from crm_analytics.satisfaction.complaints.analysis import complaints

__all__ = ["complaints"]
