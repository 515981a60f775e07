"""The words of Kano questionnaires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.satisfaction.terms import TERMS as SHARED
from crm_analytics.terms import Term, bounds, by_name

_SIMULTANEOUS: Final = "95% interval that holds for all six categories together, of the share."

TERMS: Final[Mapping[str, Term]] = {
    "n_answers": SHARED["n_answers"],
    **by_name(
        Term("feature", "Feature", "text", "What was asked about, as if there and as if not there."),
        Term("n_must_be", "Must-be", "number", "Respondents, weighted, to whom the feature is a must-be."),
        Term(
            "n_one_dimensional",
            "One-dimensional",
            "number",
            "Respondents, weighted, to whom it is one-dimensional.",
        ),
        Term("n_attractive", "Attractive", "number", "Respondents, weighted, to whom it is attractive."),
        Term("n_indifferent", "Indifferent", "number", "Respondents, weighted, to whom it is indifferent."),
        Term("n_reverse", "Reverse", "number", "Respondents, weighted, who would rather not have it."),
        Term(
            "n_questionable",
            "Questionable",
            "number",
            "Respondents, weighted, whose two answers contradict each other.",
        ),
        Term(
            "category",
            "Category",
            "text",
            "Must-be (absence annoys), one-dimensional (absence annoys, presence pleases), attractive (presence pleases), "
            "indifferent, reverse or questionable; of a feature, the most frequent one.",
        ),
        Term(
            "category_by_rule",
            "Category by the rule",
            "text",
            "Where the most frequent category is not clear, the first of must-be, one-dimensional, attractive and indifferent among "
            "those that may be the most frequent.",
        ),
        Term("is_clear", "Clear", "flag", "Whether the two most frequent categories differ by Fong's rule."),
        Term(
            "fong_difference",
            "Difference",
            "number",
            "The most frequent category less the next, in respondents.",
        ),
        Term("fong_limit", "Fong's limit", "number", "The difference beyond which the category is clear."),
        Term(
            "category_p_value",
            "P-value",
            "number",
            "Chance of so large a difference between the two most frequent categories if there were none (exact binomial test).",
        ),
        Term(
            "satisfaction_coefficient",
            "Presence pleases",
            "number",
            "Share of respondents whom the feature would please: (attractive + one-dimensional) / (attractive + one-dimensional + "
            "must-be + indifferent), from 0 to 1.",
        ),
        Term(
            "dissatisfaction_coefficient",
            "Absence annoys",
            "number",
            "Share of respondents whom its absence would annoy, as a negative number: −(one-dimensional + must-be) / (attractive + "
            "one-dimensional + must-be + indifferent), from −1 to 0.",
        ),
        Term(
            "total_strength",
            "Total strength",
            "share",
            "Share of must-be, one-dimensional and attractive together.",
        ),
        Term(
            "category_strength",
            "Category strength",
            "share",
            "Share of the most frequent category less that of the next.",
        ),
        Term("n_in_category", "Respondents", "number", "Respondents, weighted, in the category."),
        Term(
            "category_share",
            "Share",
            "share",
            "Respondents in the category divided by all who answered about the feature.",
        ),
        Term("category_share_lower", "Share, lower bound", "share", f"Lower end of the {_SIMULTANEOUS}"),
        Term("category_share_upper", "Share, upper bound", "share", f"Upper end of the {_SIMULTANEOUS}"),
        Term(
            "functional_answer",
            "If it is there",
            "text",
            "The answer to how one would feel if it were there.",
        ),
        Term(
            "dysfunctional_answer",
            "If it is not",
            "text",
            "The answer to how one would feel if it were not there.",
        ),
        Term(
            "n_respondents",
            "Respondents",
            "count",
            "Respondents with this pair of answers, each counted once.",
        ),
        Term(
            "pleases_text", "Presence pleases", "text", "Coefficient of satisfaction with its 95% interval."
        ),
        Term(
            "annoys_text", "Absence annoys", "text", "Coefficient of dissatisfaction with its 95% interval."
        ),
    ),
    **bounds("satisfaction_coefficient", "Presence pleases", "number"),
    **bounds("dissatisfaction_coefficient", "Absence annoys", "number"),
}
"""Columns of this analysis."""
