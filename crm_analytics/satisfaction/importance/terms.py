"""The words of the importance-performance map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.satisfaction.terms import TERMS as SHARED
from crm_analytics.terms import Term, bounds, by_name

TERMS: Final[Mapping[str, Term]] = {
    **SHARED,
    **by_name(
        Term(
            "importance_share",
            "Importance",
            "share",
            "Share of the driver in what all drivers together explain of the outcome's variance, averaged over all orders in "
            "which they can be taken (LMG).",
        ),
        Term(
            "driver_effect",
            "Effect",
            "number",
            "Points of the outcome per point of the driver, both from 0 to 100, the other drivers held.",
        ),
        Term(
            "performance",
            "Performance",
            "score",
            "Mean rating as a share of the scale: 0 is its worst end, 100 its best.",
        ),
        Term("mean_rating", "Mean rating", "number", "Mean of the ratings on their own scale."),
        Term("scale_low", "Scale from", "number", "Worst end of the scale."),
        Term("scale_high", "Scale to", "number", "Best end of the scale."),
        Term(
            "outcome_correlation",
            "Correlation",
            "number",
            "Correlation of the rating with the outcome; below 0, better ratings go with a worse outcome.",
        ),
        Term(
            "quadrant",
            "Quadrant",
            "text",
            "Concentrate here (important, rated low), keep up the good work (important, rated high), low priority (neither) or "
            "possible overkill (unimportant, rated high).",
        ),
        Term(
            "quadrant_probability",
            "Probability",
            "share",
            "Share of bootstrap draws in which the driver stands in this quadrant.",
        ),
        Term(
            "p_concentrate",
            "Concentrate here",
            "share",
            "Share of bootstrap draws in which the driver is important and rated low.",
        ),
        Term(
            "p_keep_up",
            "Keep up",
            "share",
            "Share of bootstrap draws in which the driver is important and rated high.",
        ),
        Term(
            "p_low_priority",
            "Low priority",
            "share",
            "Share of bootstrap draws in which the driver is neither important nor rated high.",
        ),
        Term(
            "p_overkill",
            "Possible overkill",
            "share",
            "Share of bootstrap draws in which the driver is unimportant and rated high.",
        ),
        Term(
            "cut",
            "Cut lines",
            "text",
            "Where the quadrants meet: at the means, at the midpoints, or at the line of equal priority (iso).",
        ),
        Term(
            "is_chosen_cut",
            "Chosen",
            "flag",
            "Whether the rows are those of the choice that the finding rests on.",
        ),
        Term(
            "importance_cut",
            "Important from",
            "number",
            "Importance from which the driver counts as important; on the line of equal priority it depends on performance.",
        ),
        Term(
            "performance_cut",
            "Rated high from",
            "score",
            "Performance from which the driver counts as rated high.",
        ),
        Term(
            "stated_importance",
            "Stated importance",
            "score",
            "How important customers say it is: mean answer as a share of the scale, 0 to 100, or the number given.",
        ),
        Term("stated_rank", "Rank stated", "count", "Place by stated importance; 1 is the most important."),
        Term(
            "derived_rank", "Rank derived", "count", "Place by derived importance; 1 is the most important."
        ),
        Term(
            "reading",
            "Reading",
            "text",
            "Hygiene (said to matter, moves little), known priority (both), hidden opportunity (moves much though nobody says "
            "so) or minor (neither); high and low are above and below the mean.",
        ),
        Term(
            "reading_probability",
            "Probability",
            "share",
            "Share of bootstrap draws in which the reading is the same.",
        ),
        Term("survey_group", "Group", "text", "The group of those who answered."),
        Term("n_group", "Answers of the group", "count", "Answers of the group that count."),
        Term("importance_text", "Importance", "text", "Importance with its 95% interval."),
        Term("performance_text", "Performance", "text", "Performance from 0 to 100 with its 95% interval."),
    ),
    **bounds("importance_share", "Importance", "share"),
    **bounds("driver_effect", "Effect", "number"),
    **bounds("performance", "Performance", "score"),
    **bounds("stated_importance", "Stated importance", "score"),
}
"""Columns of this analysis."""
