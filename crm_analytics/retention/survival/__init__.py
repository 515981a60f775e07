"""How long customers stay, when the loss is highest, and who leaves sooner."""

from crm_analytics.retention.survival.analysis import survival

__all__ = ["survival"]
