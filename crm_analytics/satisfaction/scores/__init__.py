"""How satisfied customers are, whether that has changed, and which groups differ from the rest."""

from crm_analytics.satisfaction.scores.analysis import satisfaction_scores

__all__ = ["satisfaction_scores"]
