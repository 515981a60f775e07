"""The words of the overview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.key_figures.period_figures import FIGURES
from crm_analytics.terms import SHARED, Term, bounds, by_name

_CHANGE: Final = "Counts, sums and averages change by a share of what they were; shares change by points."
_CHANCE: Final = (
    "Yes if the 95% interval of the change, from resampling customers, reaches no change at all, or no more than the "
    "different length of the two periods brings; empty if too few customers stand behind the figure."
)

TERMS: Final[Mapping[str, Term]] = {
    **by_name(*(Term(f.name, f.label, f.unit, f.definition) for f in FIGURES if f.name not in SHARED)),
    **by_name(
        Term("period_on", "Period", "day", "First day of the calendar period."),
        Term("spend_last_year", "Spend a year earlier", "money", "Spend of the same period a year earlier, where both are complete."),
        Term("figure", "Figure", "text", "The key figure's name in the tables."),
        Term("figure_label", "Figure", "text", "The key figure."),
        Term("unit", "Unit", "text", "What the figure is measured in: count, money, number or share."),
        Term("good_when", "Good when", "text", "Whether a rise (up) or a fall (down) of the figure is good news."),
        Term("value", "Value", "number", "The figure in the last complete period, in its own unit."),
        Term("value_text", "Value", "text", "The figure in the last complete period."),
        Term("previous", "Period before", "number", "The figure in the complete period before, in its own unit."),
        Term("previous_text", "Period before", "text", "The figure in the complete period before."),
        Term("last_year_text", "Same period last year", "text", "The figure in the same period a year earlier."),
        Term("change", "Change on the period before", "number", f"Against the complete period before. {_CHANGE}"),
        Term("change_text", "Against the period before", "text", "The change in words, and whether chance explains it."),
        Term("is_within_normal_variation", "Within normal variation", "flag", _CHANCE),
        Term("last_year", "Same period last year", "number", "The figure in the same period a year earlier."),
        Term("change_last_year", "Change on last year", "number", f"Against the same period a year earlier. {_CHANGE}"),
        Term("change_last_year_text", "Against the same period last year", "text", "The change in words, and whether chance explains it."),
        Term("is_within_normal_variation_last_year", "Within normal variation (last year)", "flag", _CHANCE),
        Term("figure_definition", "Definition", "text", "What the figure means and how it is worked out."),
    ),
    **bounds("value", "Value", "number"),
    **bounds("change", "Change on the period before", "number"),
    **bounds("change_last_year", "Change on last year", "number"),
}  # fmt: skip
"""Terms of the columns that only the overview has."""
