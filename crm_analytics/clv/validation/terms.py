"""The words of the validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.clv.terms import TERMS as CLV_TERMS
from crm_analytics.terms import Term, bounds, by_name

_SHARED: Final = (
    "model", "is_chosen", "log_likelihood", "aic", "aic_difference", "is_identified", "diagnosis", "finding", "finding_text",
    "group_kind", "group",
)  # fmt: skip
_AVERAGE: Final = "the difference between forecast and actual without its sign, on average over customers"
_RULE: Final = "the best simple rule of the period"

TERMS: Final[Mapping[str, Term]] = {
    **{name: CLV_TERMS[name] for name in _SHARED},
    **by_name(
        Term("origin_on", "Forecast made on", "day", "First day of the holdout period: forecasts know only what lies before it."),
        Term("holdout_end_on", "Holdout ends before", "day", "The day after the last day of the holdout period."),
        Term("forecast_by", "Forecast by", "text", "The model or simple rule that made the forecast."),
        Term("is_rule", "Simple rule", "flag", "Whether the forecast is a simple rule's, which needs no model."),
        Term("actual_purchases", "Purchases made", "count", "Days with a purchase within the holdout period, of customers known at its start."),
        Term("forecast_purchases", "Purchases forecast", "number", "Purchases forecast for the holdout period."),
        Term("actual_spend", "Money that came", "money", "Spend on those purchases."),
        Term("forecast_spend", "Money forecast", "money", "Spend forecast for the holdout period: purchases times spend per purchase."),
        Term("total_error", "Off in total", "share", "Sum of forecasts less sum of actuals, divided by the sum of actuals; −0.1 is a tenth too few."),
        Term("mae", "Average miss", "number", f"Mean absolute error: {_AVERAGE}, in purchases."),
        Term("rmse", "Root mean squared miss", "number", "Root of the mean squared difference between forecast and actual purchases; large misses weigh more."),
        Term("spend_mae", "Average miss in money", "money", f"Mean absolute error: {_AVERAGE}, in money."),
        Term("spend_rmse", "Root mean squared miss in money", "money", "Root of the mean squared difference between forecast and actual spend; large misses weigh more."),
        Term("correlation", "Correlation", "index", "Pearson's correlation of forecast and actual over customers; empty where all forecasts are the same."),
        Term("rank_correlation", "Rank correlation", "index", "Spearman's rank correlation of forecast and actual over customers: 1 puts all in the right order, 0 is chance."),
        Term("gini_reached", "Gini reached", "index", "Gini coefficient of the actuals in the order of the forecasts, divided by that in their own order: 1 is the best order, 0 chance."),
        Term("top_decile_lift", "Lift of the top tenth", "number", "What the tenth with the highest forecasts did on average, divided by what all did."),
        Term("mae_against_rule", "Average miss against the best rule", "share", f"Average miss divided by that of {_RULE}, less 1; below 0 the miss is smaller."),
        Term("rmse_against_rule", "Root mean squared miss against the best rule", "share", "Root mean squared miss divided by the smallest of a simple rule of the period, less 1; below 0 it is smaller."),
        Term("period_end_on", "Period ends on", "day", "Last day of the week (of four weeks where the time is long)."),
        Term("weeks_after_origin", "Weeks from the forecast", "number", "Weeks from the day the forecast was made to the end of the period; negative before it."),
        Term("is_holdout", "After the forecast", "flag", "Whether the period lies after the day the forecast was made."),
        Term("actual_cumulative", "Repeat purchases made, up to then", "count", "Repeat purchases up to the end of the period, of the customers known when the forecast was made."),
        Term("expected_cumulative", "Expected of new customers, up to then", "number", "What the model expects of customers from the day they came, knowing nothing else of them."),
        Term("forecast_cumulative", "Forecast, up to then", "number", "Purchases made when the forecast was made, and those forecast from each history since."),
        Term("actual_in_period", "Repeat purchases made", "count", "Repeat purchases within the period."),
        Term("expected_in_period", "Expected of new customers", "number", "What the model expects within the period, knowing only when customers came."),
        Term("forecast_in_period", "Forecast", "number", "Purchases forecast within the period from each customer's history."),
        Term("forecast_decile", "Tenth by forecast", "count", "Tenth of the customers by forecast purchases, 1 the highest; customers of the same forecast are in the same tenth."),
        Term("bought_again", "Repeat purchases before", "text", "Days with a repeat purchase before the forecast was made."),
        Term("repeat_purchases", "Repeat purchases before", "count", "Days with a repeat purchase before the forecast was made."),
        Term("forecast_per_customer", "Forecast per customer", "number", "Mean of the model's forecasts."),
        Term("actual_per_customer", "Purchases per customer", "number", "Mean of the purchases made within the holdout period."),
        Term("rule_per_customer", "Best simple rule per customer", "number", "Mean of the forecasts of the simple rule that missed by least."),
        Term("fold", "Fold", "count", "Part of the customers for whom the model was fitted to all the others."),
        Term("spend_correlation", "Frequency with spend", "index", "Pearson's correlation of the number of repeat purchases with mean spend per repeat purchase, over customers who bought again."),
        Term("spend_rank_correlation", "Frequency with spend, by rank", "index", "The same as Spearman's rank correlation, which single large customers hardly move."),
    ),
    **bounds("total_error", "Off in total", "share"),
    **bounds("mae", "Average miss", "number"),
    **bounds("rmse", "Root mean squared miss", "number"),
    **bounds("spend_mae", "Average miss in money", "money"),
    **bounds("spend_rmse", "Root mean squared miss in money", "money"),
    **bounds("correlation", "Correlation", "index"),
    **bounds("rank_correlation", "Rank correlation", "index"),
    **bounds("gini_reached", "Gini reached", "index"),
    **bounds("top_decile_lift", "Lift of the top tenth", "number"),
    **bounds("mae_against_rule", "Average miss against the best rule", "share"),
    **bounds("rmse_against_rule", "Root mean squared miss against the best rule", "share"),
    **bounds("actual_per_customer", "Purchases per customer", "number"),
    **bounds("spend_correlation", "Frequency with spend", "index"),
    **bounds("spend_rank_correlation", "Frequency with spend, by rank", "index"),
}  # fmt: skip
"""Terms of the columns of the validation."""
