"""The words of penalty-reward contrasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.satisfaction.terms import TERMS as SHARED
from crm_analytics.terms import Term, bounds, by_name

TERMS: Final[Mapping[str, Term]] = {
    **SHARED,
    **by_name(
        Term("low_up_to", "Low up to", "number", "The highest rating that counts as low."),
        Term("high_from", "High from", "number", "The lowest rating that counts as high."),
        Term("n_low", "Low ratings", "count", "How many ratings of the driver are low."),
        Term(
            "n_middle", "Middle ratings", "count", "How many ratings of the driver are neither low nor high."
        ),
        Term("n_high", "High ratings", "count", "How many ratings of the driver are high."),
        Term(
            "penalty",
            "Penalty",
            "number",
            "Points of the outcome that go with a low rating instead of one in the middle, the other drivers held; a loss is "
            "below 0.",
        ),
        Term(
            "reward",
            "Reward",
            "number",
            "Points of the outcome that go with a high rating instead of one in the middle, the other drivers held.",
        ),
        Term(
            "outcome_range",
            "Range of impact",
            "number",
            "Reward less penalty: points of the outcome between low and high ratings (RIOCS).",
        ),
        Term(
            "satisfaction_potential",
            "Share of the reward",
            "share",
            "Reward divided by the range of impact (SGP); empty where signs are reversed or ratings too few.",
        ),
        Term(
            "dissatisfaction_potential",
            "Share of the penalty",
            "share",
            "Penalty without its sign divided by the range of impact (DGP); empty where signs are reversed or ratings too few.",
        ),
        Term(
            "impact_asymmetry",
            "Asymmetry",
            "number",
            "Share of the reward less share of the penalty (IA), from −1 (only low ratings matter) to 1 (only high ratings "
            "matter).",
        ),
        Term(
            "asymmetry_name",
            "Degree",
            "text",
            "The asymmetry in five steps at −0.7, −0.2, 0.2 and 0.7: frustrator, dissatisfier, hybrid, satisfier, delighter.",
        ),
        Term(
            "same_size_p_value",
            "P-value, same size",
            "number",
            "Chance of so large a difference in size between reward and penalty if there were none (Wald test).",
        ),
        Term(
            "no_effect_p_value",
            "P-value, no effect",
            "number",
            "Chance of so large a penalty and reward if there were neither (Wald test, 2 degrees of freedom).",
        ),
        Term(
            "driver_class",
            "Class",
            "text",
            "Must-be (low ratings hurt more than high ones please), performance (both alike), delighter (high ratings please "
            "more), no clear effect, reverse or unclear (an effect of the wrong sign), or no class where ratings are too few.",
        ),
        Term(
            "class_probability",
            "Probability",
            "share",
            "Share of bootstrap draws in which the driver falls into its class.",
        ),
        Term("p_must_be", "Must-be", "share", "Share of bootstrap draws in which the driver is a must-be."),
        Term(
            "p_performance",
            "Performance",
            "share",
            "Share of bootstrap draws in which the driver is one of performance.",
        ),
        Term(
            "p_delighter",
            "Delighter",
            "share",
            "Share of bootstrap draws in which the driver is a delighter.",
        ),
        Term(
            "p_no_effect",
            "No clear effect",
            "share",
            "Share of bootstrap draws in which the driver has no clear effect.",
        ),
        Term(
            "p_reverse",
            "Reverse or unclear",
            "share",
            "Share of bootstrap draws in which an effect of the driver surely has the wrong sign.",
        ),
        Term(
            "penalty_text", "Low ratings", "text", "Penalty with its 95% interval, in points of the outcome."
        ),
        Term(
            "reward_text", "High ratings", "text", "Reward with its 95% interval, in points of the outcome."
        ),
    ),
    **bounds("penalty", "Penalty", "number"),
    **bounds("reward", "Reward", "number"),
    **bounds("impact_asymmetry", "Asymmetry", "number"),
}
"""Columns of this analysis."""
