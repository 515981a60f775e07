"""Whether customers come back, how soon and how often, who is late, and what goes with coming back."""

from crm_analytics.retention.repeat_purchase.analysis import repeat_purchase

__all__ = ["repeat_purchase"]
