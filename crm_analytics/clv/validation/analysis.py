"""Whether the forecast can be trusted: models of repeat purchases and spend against what customers then did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from crm_analytics.aggregates import window as windows
from crm_analytics.clv.models.candidates import Model
from crm_analytics.clv.validation import groups, holdout, views, words
from crm_analytics.clv.validation.judged import Judged, judge
from crm_analytics.clv.validation.tables import (
    accuracy_table,
    customer_table,
    decile_table,
    fold_table,
    frequency_table,
    independence_table,
    model_table,
)
from crm_analytics.clv.validation.terms import TERMS
from crm_analytics.clv.validation.tracking import tracking_table
from crm_analytics.clv.worth import valued_customers
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Result

__all__ = ["TERMS", "clv_validation"]

_MOST_FOLDS: Final = 20
_FEWEST_DRAWS: Final = 50
_MOST_DRAWS: Final = 10_000


def clv_validation(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    holdout_days: int | None = None,
    n_origins: int = 3,
    model: Model = "auto",
    n_folds: int = 5,
    n_bootstrap: int = 300,
    seed: int = 0,
) -> Result:
    """Say whether the forecast of purchases and spend can be trusted, and whether it beats simple rules.

    Goes back to a day in the past (the origin), fits the models of `crm.lifetime_value` to what was known then, forecasts
    the time since (the holdout period), and compares with what the same customers did; then again from earlier origins.
    Beside the models stand four simple rules that need no model: each customer's own mean rate, the rate of the last
    period, the average of customers alike in recency and frequency, and one rate for all.

    Not a test of one customer's forecast. Not proof for the next season: a model that held before a change of prices,
    range or campaigns may not hold after it.

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen, at which the latest holdout period ends. None takes the day after the last row.
    start
        Taken for the sake of a common form, and not applied: rate and leaving are read from the whole history.
    customers
        The customers table, for channel and country; without it they are those of the first order. Optional.
    holdout_days
        Length of each holdout period; at least two weeks of history must lie before it. None takes whole weeks, a quarter
        of the history and 52 weeks at most, so that the histories stay longer than what is forecast from them.
    n_origins
        How many origins, 1 to 12, the latest `holdout_days` before `as_of`, the others whole weeks apart before it as far
        as the history has room; 3 show whether the latest figures are chance.
    model
        "auto" takes, at each origin, the model with the lowest AIC that is identified, as `crm.lifetime_value` does; or
        "bg_nbd", "mbg_nbd", "pareto_nbd".
    n_folds
        At the latest origin, the model is also fitted to all customers but one part of them, in turn, and tried on that
        part: 2 to 20 parts, 0 to leave it out; 5 leaves four fifths to fit to.
    n_bootstrap
        Draws of customers for the intervals, 50 to 10,000; 300 give the bounds to about a tenth of their distance.
    seed
        For draws and folds.

    Returns
    -------
    Result
        - "purchases": one row per holdout period and forecast: sums, total error, average and root mean squared miss,
          correlations, Gini reached, lift of the top tenth, misses against the best simple rule; bounds of all of these
          (of those of order only for the latest period)
        - "spend": the same in money (no row where there is no spend)
        - "tracking": one row per week: repeat purchases so far and in the week, made, expected, forecast
        - "deciles": one row per tenth of the customers by forecast
        - "by_frequency": one row per number of repeat purchases before the origin, 0 to 7 and more
        - "groups": one row per cohort (joined), channel and country: purchases forecast and made
        - "folds": one row per part of the customers
        - "models": one row per model fitted at the latest origin
        - "independence": how often customers buy against how much they spend each time
        - "customers": one row per customer of the latest period

    Raises
    ------
    NotEnoughDataError
        If the history is shorter than 28 days, or before the latest origin there are fewer than 10 customers, or fewer than
        3 who bought on a second day.
    OptionError
        If an option is out of its range.

    Notes
    -----
    Forecasts of purchases are E[X(T, T + h) | x, t_x, T]; of spend these times the expected spend per purchase
    (Gamma-Gamma). The curve "expected" adds up E[X(t)] of new customers. A miss is taken against the rule that
    happened to be best, which leans towards the rules.

    References
    ----------
    Fader, Hardie, Lee (2005), Counting your customers the easy way, section 4. Wuebben, Wangenheim (2008), Instant customer
    base analysis: managerial heuristics often get it right, Journal of Marketing 72. Tashman (2000), Out-of-sample tests of
    forecasting accuracy, International Journal of Forecasting 16 (rolling origins).

    Examples
    --------
    >>> import crm_analytics as crm
    >>> result = crm.clv_validation(crm.sample().table("transactions"), n_origins=1, n_folds=0, n_bootstrap=50)
    >>> result.tables()["purchases"]["is_rule"].to_list().count(True)
    4
    """
    _check(n_folds, n_bootstrap)
    extract = valued_customers.held(as_extract(tx))
    window = windows.resolve(extract, as_of=as_of)
    begin = None if start is None else windows.day_of("start", start)
    provenance = windows.provenance(extract, window)
    first = provenance.window_start or window.as_of
    days = holdout.length(first, window.as_of, holdout_days)
    places = holdout.origins(first, window.as_of, days, n_origins)
    periods, missed = _periods(extract, first, places, days, model, n_bootstrap, seed)
    last = periods[0]
    told = words.Told(
        periods,
        frequency_table(last, n_draws=n_bootstrap, seed=seed),
        groups.group_table(last, extract, customers, n_draws=n_bootstrap, seed=seed),
        fold_table(last, n_folds, seed),
        independence_table(last, n_draws=n_bootstrap, seed=seed),
        n_origins, n_folds, missed, extract.currency,
    )  # fmt: skip
    tables = {
        "purchases": accuracy_table(periods, "purchases"),
        "spend": accuracy_table(periods, "spend"),
        "tracking": tracking_table(extract, last, first),
        "deciles": decile_table(last, n_draws=n_bootstrap, seed=seed),
        "by_frequency": told.frequency,
        "groups": told.groups,
        "folds": told.folds,
        "models": model_table(last),
        "independence": told.independence,
        "customers": customer_table(last),
    }
    return Result.of(
        "clv_validation",
        title="Can the forecast be trusted?",
        headline=words.headline(told),
        summary=words.summary(told),
        tables=tables,
        views=views.views(told, tables),
        parameters={
            "holdout_days": days,
            "n_origins": n_origins,
            "origins": [judged.back.origin for judged in periods],
            "model": model,
            "model_taken": last.chosen,
            "best_rule": last.rule,
            "verdict": last.verdict(),
            "n_folds": n_folds,
            "n_bootstrap": n_bootstrap,
            "seed": seed,
        },
        provenance=provenance,
        notes=tuple(words.notes(told, begin)),
        terms=TERMS,
        currency=extract.currency,
    )


def _periods(
    extract: Extract, first: date, places: Sequence[date], days: int, model: Model, n_draws: int, seed: int
) -> tuple[list[Judged], list[date]]:
    """Judge each period; an earlier origin with too few customers is left out and named, the latest must do."""
    periods, missed = [], []
    for k, origin in enumerate(places):
        try:
            back = holdout.at(extract, first, origin, days)
            periods.append(judge(back, model, n_draws=n_draws, seed=seed, order=k == 0))
        except NotEnoughDataError as error:
            if k == 0:
                raise _too_few(error, origin) from error
            missed.append(origin)
    return periods, missed


def _too_few(error: NotEnoughDataError, origin: date) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"{error.found.removesuffix('.')} before {origin}, the day from which the forecast is checked.",
        error.expected,
        "Take in a longer history, or shorten the holdout period (holdout_days).",
    )


def _check(n_folds: int, n_bootstrap: int) -> None:
    if n_folds != 0 and not 2 <= n_folds <= _MOST_FOLDS:  # noqa: PLR2004 one part leaves nobody to fit to
        raise OptionError.out_of_range("n_folds", n_folds, f"2 to {_MOST_FOLDS}, or 0 to leave it out")
    if not _FEWEST_DRAWS <= n_bootstrap <= _MOST_DRAWS:
        raise OptionError.out_of_range("n_bootstrap", n_bootstrap, f"{_FEWEST_DRAWS} to {_MOST_DRAWS:,}")
