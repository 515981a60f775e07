"""What the customers there are will still bring, who brings it, and which good customers are slipping."""

from crm_analytics.clv.value.analysis import lifetime_value

__all__ = ["lifetime_value"]
