"""How often, how regularly and for how much customers buy, when they leave, and whether the model tells it as it was."""

from crm_analytics.clv.buying.analysis import buying_patterns

__all__ = ["buying_patterns"]
