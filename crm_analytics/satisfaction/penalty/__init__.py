"""Which drivers of satisfaction only hurt when poor, and which only please when good."""

from crm_analytics.satisfaction.penalty.analysis import penalty_reward

__all__ = ["penalty_reward"]
