"""The words of satisfaction drivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.satisfaction.terms import TERMS as SHARED
from crm_analytics.terms import Term, bounds, by_name

TERMS: Final[Mapping[str, Term]] = {
    **SHARED,
    **by_name(
        Term("other_driver", "Other driver", "text", "The driver it is compared with, by its name in the extract."),
        Term("other_driver_label", "Other driver", "text", "The driver it is compared with, as a reader sees it."),
        Term("driver_kind", "Kind of driver", "text", "A rating, a yes or no, or a category."),
        Term("n_rows", "Answer sheets", "count", "How many answer sheets count."),
        Term("driver_mean", "Mean answer", "number", "Weighted mean of the answers, on the scale of the question."),
        Term("lmg", "Explained variance (LMG)", "number", "The driver's part of R² (of McFadden's R² for yes/no and ordered outcomes): its mean gain over all orders in which drivers can enter, also called Shapley value and general dominance."),
        Term("importance", "Importance", "share", "The driver's part of what all drivers explain together."),
        Term("place", "Place", "count", "Place by explained variance, 1 the highest."),
        Term("place_probability", "Probability of the place", "share", "Share of bootstrap draws in which the driver has this place."),
        Term("first_probability", "Probability of being first", "share", "Share of bootstrap draws in which the driver explains most."),
        Term("top_three_probability", "Probability of the top three", "share", "Share of bootstrap draws in which the driver is among the three that explain most."),
        Term("unique_r2", "Unique contribution", "number", "What the driver adds to R² (McFadden's R²) when all other drivers are there already."),
        Term("unique_p_value", "p-value of the unique contribution", "number", "How often chance alone adds as much where the driver adds nothing to the others."),
        Term("unique_p_holm", "p-value after Holm", "number", "The p-value corrected for the number of drivers (Holm)."),
        Term("unique_p_bh", "p-value after Benjamini-Hochberg", "number", "The p-value corrected so that few of the drivers called significant are so by chance (false discovery rate)."),
        Term("driver_correlation", "Correlation", "number", "Correlation of the driver with the outcome, from −1 to 1."),
        Term("coefficient", "Coefficient", "number", "Change of the outcome (of log odds for yes/no and ordered outcomes) with one point more of the driver, all others alike."),
        Term("sign_conflict", "Signs differ", "flag", "Whether the coefficient surely has the other sign than the correlation: alone the driver goes one way with the outcome, beside the others the other way."),
        Term("leverage", "Change if a point better", "number", "Mean change of the outcome if everybody below the top of the scale rated the driver one point higher, all others alike."),
        Term("alone_r2", "Explained alone", "number", "What the driver explains if it is the only one."),
        Term("relative_weight", "Relative weight", "number", "Johnson's relative weight of the linear model, for comparison with other programs; LMG stands on firmer ground."),
        Term("shape_lmg", "Explained in any form", "number", "The driver's part of R² if each answer may act by itself instead of in a straight line."),
        Term("straight_p_value", "Straight line, p-value", "number", "Test that the answers act in a straight line; small where low and high answers act differently."),
        Term("variance_inflation", "Variance inflation", "number", "By which factor the other drivers blow up the variance of the coefficient; from 10 on its sign can hardly be told."),
        Term("sampling_error", "Sampling error", "number", "Standard error that sampling of orders leaves in the explained variance; 0 where all subsets were looked at."),
        Term("trouble", "Trouble", "text", "Why the driver cannot be judged, or only with care; empty where all is well."),
        Term("lmg_difference", "Difference of explained variance", "number", "Explained variance of the driver less that of the other."),
        Term("ahead_probability", "Probability of being ahead", "share", "Share of bootstrap draws in which the driver explains more than the other."),
        Term("is_ahead", "Surely ahead", "flag", "Whether the interval of the difference lies above 0."),
        Term("gaps_taken", "How gaps are taken", "text", "What is made of missing answers."),
        Term("is_way_used", "Chosen", "flag", "Whether the other tables take gaps this way."),
        Term("explained_share", "Explained (R²)", "share", "Share of the outcome's variance that all drivers explain together in a linear model."),
        Term("rating_answer", "Answer", "text", "The answer; neighbours that few people gave are taken together."),
        Term("answer_low", "From answer", "number", "The lowest answer of the row."),
        Term("answer_high", "To answer", "number", "The highest answer of the row."),
        Term("mean_outcome", "Mean outcome", "number", "Weighted mean of the outcome among those who gave this answer."),
        Term("is_reference", "Compared with", "flag", "Whether the other answers are compared with this one: the one in the middle."),
        Term("answer_effect", "Difference to the middle answer", "number", "How much higher the outcome is than with the middle answer, all other drivers alike."),
        Term("line_effect", "Straight line", "number", "What the straight line would say instead."),
        Term("answers_of", "Answers of", "text", "The part of the answers that is compared with all others."),
        Term("part_share", "Importance in the part", "share", "The driver's part of what all drivers explain, in this part of the answers."),
        Term("rest_share", "Importance in the rest", "share", "The same in all other answers."),
        Term("share_difference", "Difference of importance", "share", "Importance in the part less that in the rest."),
        Term("share_difference_p_value", "p-value of the difference", "number", "How often chance alone makes as large a difference, by the bootstrap."),
        Term("share_difference_p_holm", "p-value of the difference after Holm", "number", "The p-value corrected for the number of drivers (Holm)."),
        Term("equal_p_value", "Equal importance, p-value", "number", "How often chance alone makes the largest difference of the part as large where all drivers matter alike in it and in the rest."),
        Term("equal_p_holm", "Equal importance, p-value after Holm", "number", "The same, corrected for the number of parts compared (Holm)."),
        Term("model_check", "Of the model", "text", "What the figure is."),
        Term("model_figure", "Figure", "number", "Its value."),
        Term("model_text", "Meaning", "text", "How to read it."),
    ),
    **bounds("lmg", "Explained variance (LMG)", "number"),
    **bounds("importance", "Importance", "share"),
    **bounds("coefficient", "Coefficient", "number"),
    **bounds("leverage", "Change if a point better", "number"),
    **bounds("lmg_difference", "Difference of explained variance", "number"),
    **bounds("answer_effect", "Difference to the middle answer", "number"),
    **bounds("share_difference", "Difference of importance", "share"),
}  # fmt: skip
"""Terms of the columns of satisfaction drivers."""
