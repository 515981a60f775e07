"""The words that rooms of retention share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.terms import Term, by_name

TERMS: Final[Mapping[str, Term]] = by_name(
    Term("cohort_on", "Cohort", "day", "First day of the period in which the cohort's customers entered it."),
)
