"""What it is worth to keep customers longer, beside winning them more cheaply or selling them more."""

from crm_analytics.clv.economics.analysis import retention_economics

__all__ = ["retention_economics"]
