"""The words that rooms of satisfaction share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.terms import Term, by_name

TERMS: Final[Mapping[str, Term]] = by_name(
    Term("driver", "Driver", "text", "The column that was rated."),
    Term("driver_label", "Driver", "text", "What was rated, as a reader sees it."),
    Term("n_answers", "Answers", "count", "Answers to the question of the row."),
)
