"""The tables of the validation: accuracy by period and forecast, calibration by tenth and by frequency, folds, customers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.clv.likelihoods.rows import Codes, Floats
from crm_analytics.clv.models.candidates import MODELS
from crm_analytics.clv.validation.accuracy import BOUNDED, Accuracy, Draws, accuracy, against
from crm_analytics.clv.validation.judged import NAMES, Judged, best_rule
from crm_analytics.clv.validation.simple_rules import RULES
from crm_analytics.errors import CrmError
from crm_analytics.stats.bootstrap import mean_interval

MOST_REPEATS: Final = 7
"""From so many repeat purchases on, customers are put together."""

_TENTHS: Final = 10
_ERRORS: Final = ("mae", "rmse")
_FEWEST: Final = 3


def accuracy_table(periods: Sequence[Judged], target: str) -> pl.DataFrame:
    """Give one row per holdout period and forecast, the latest period and the smallest miss first.

    `target` is "purchases" or "spend"; the columns of money bear `spend_` before their names.
    """
    rows = [row for judged in periods for row in _rows(judged, target)]
    frame = pl.DataFrame(rows, schema=_accuracy_schema(), orient="row")
    money = {c: f"spend_{c}" for c in frame.columns if c.split("_")[0] in _ERRORS and "against" not in c}
    sums = {"actual": f"actual_{target}", "forecast": f"forecast_{target}"}
    return frame.rename(sums | (money if target == "spend" else {}))


def _accuracy_schema() -> dict[str, pl.DataType]:
    spans = [
        n + end
        for n in (*BOUNDED, *(f"{e}_against_rule" for e in _ERRORS))
        for end in ("", "_lower", "_upper")
    ]
    return {
        "origin_on": pl.Date(), "holdout_end_on": pl.Date(), "forecast_by": pl.String(), "is_rule": pl.Boolean(),
        "is_chosen": pl.Boolean(), "n_customers": pl.Int64(), "actual": pl.Float64(), "forecast": pl.Float64(),
        **dict.fromkeys(spans, pl.Float64()),
    }  # fmt: skip


def _rows(judged: Judged, target: str) -> list[dict[str, Any]]:
    found: Mapping[str, Accuracy] = judged.purchases if target == "purchases" else judged.spend
    rivals = {error: found[best_rule(found, error)] for error in _ERRORS} if found else {}
    rows = []
    for name, one in sorted(found.items(), key=lambda item: item[1].values["mae"] or 0.0):
        spans = {n: (one.values[n], *one.interval(n)) for n in BOUNDED}
        spans |= {f"{e}_against_rule": against(one, rivals[e], e) for e in _ERRORS}
        rows.append(
            {
                "origin_on": judged.back.origin,
                "holdout_end_on": judged.back.end,
                "forecast_by": NAMES[name],
                "is_rule": name in RULES,
                "is_chosen": name == judged.chosen,
                "n_customers": judged.n,
                "actual": one.actual,
                "forecast": one.forecast,
                **{n + end: v for n, span in spans.items() for end, v in zip(_ENDS, span, strict=True)},
            }
        )
    return rows


_ENDS: Final = ("", "_lower", "_upper")


def decile_table(judged: Judged, *, n_draws: int, seed: int) -> pl.DataFrame:
    """Give what was forecast and what came, by tenth of the customers; 1 has the highest forecasts."""
    places = tenths(judged)
    rows = _by_group(judged, places, n_draws, seed)
    return pl.DataFrame(
        [{"forecast_decile": int(place), **row} for place, row in rows],
        schema={"forecast_decile": pl.Int64(), **_GROUP_SCHEMA},
    )


def tenths(judged: Judged) -> Codes:
    """Put customers into tenths by forecast, 1 the highest; those of the same forecast stay together, by their middle."""
    forecast = np.round(judged.forecasts[judged.chosen].purchases, 12)
    _, codes, sizes = np.unique(-forecast, return_inverse=True, return_counts=True)
    middle = (np.cumsum(sizes) - sizes / 2) / len(forecast)
    return np.floor(middle * _TENTHS).astype(np.intp)[codes] + 1


def frequency_table(judged: Judged, *, n_draws: int, seed: int) -> pl.DataFrame:
    """Give what was forecast and what came, by repeat purchases before the origin: 0 to 7 and more."""
    x = judged.back.people["frequency"].cast(pl.Float64).to_numpy()
    rows = _by_group(judged, np.minimum(x, MOST_REPEATS).astype(np.intp), n_draws, seed)
    return pl.DataFrame(
        [{"bought_again": f"{k}+" if k == MOST_REPEATS else str(k), **row} for k, row in rows],
        schema={"bought_again": pl.String(), **_GROUP_SCHEMA},
    )


_GROUP_SCHEMA: Final = {
    "n_customers": pl.Int64(),
    "forecast_per_customer": pl.Float64(),
    "actual_per_customer": pl.Float64(),
    "actual_per_customer_lower": pl.Float64(),
    "actual_per_customer_upper": pl.Float64(),
    "rule_per_customer": pl.Float64(),
}


def _by_group(judged: Judged, groups: Codes, n_draws: int, seed: int) -> Iterator[tuple[int, dict[str, Any]]]:
    actual = judged.actual
    forecast, rule = (judged.forecasts[n].purchases for n in (judged.chosen, judged.rule))
    for group in np.unique(groups):
        here = groups == group
        span = mean_interval(actual[here], n_resamples=n_draws, seed=seed) if here.sum() >= _FEWEST else None
        mean = float(actual[here].mean())
        yield (
            int(group),
            {
                "n_customers": int(here.sum()),
                "forecast_per_customer": float(forecast[here].mean()),
                "actual_per_customer": mean,
                "actual_per_customer_lower": None if span is None else min(span.lower, mean),
                "actual_per_customer_upper": None if span is None else max(span.upper, mean),
                "rule_per_customer": float(rule[here].mean()),
            },
        )


def fold_table(judged: Judged, n_folds: int, seed: int) -> pl.DataFrame:
    """Fit to all customers but those of a fold, forecast the fold, and give one row per fold that could be done.

    Folds are drawn by lot over customers in the order of their histories, so that ids play no part.
    """
    schema = {
        "fold": pl.Int64(), "n_customers": pl.Int64(), "actual_purchases": pl.Float64(), "forecast_purchases": pl.Float64(),
        "total_error": pl.Float64(), "mae": pl.Float64(), "rmse": pl.Float64(),
    }  # fmt: skip
    if n_folds == 0:
        return pl.DataFrame(schema=schema)
    fold = np.random.default_rng(seed).permutation(judged.n) % n_folds
    people = judged.back.people
    forecast = _left_out(people, fold, n_folds, judged.back.horizon, judged.chosen)
    rows = []
    for k in range(n_folds):
        here = fold == k
        if here.any() and np.isfinite(forecast[here]).all():
            one = accuracy(
                judged.actual[here], forecast[here], Draws.of(int(here.sum()), 1, seed, order=False)
            )
            errors = {name: one.values[name] for name in ("total_error", "mae", "rmse")}
            rows.append(
                {
                    "fold": k + 1,
                    "n_customers": int(here.sum()),
                    "actual_purchases": one.actual,
                    "forecast_purchases": one.forecast,
                    **errors,
                }
            )
    return pl.DataFrame(rows, schema=schema)


def _left_out(people: pl.DataFrame, fold: Codes, n_folds: int, horizon: float, model: str) -> Floats:
    forecast = np.full(people.height, np.nan)
    for k in range(n_folds):
        there, here = people.filter(pl.Series(fold != k)), people.filter(pl.Series(fold == k))
        try:
            forecast[fold == k] = (
                MODELS[model].fit(there).expected_purchases(here, horizon=horizon).to_numpy()
            )
        except CrmError:  # too few who bought again among the others; the fold stays empty and a note says so
            continue
    return forecast


def customer_table(judged: Judged) -> pl.DataFrame:
    """Give one row per customer of the latest period, the highest forecast first."""
    chosen = judged.forecasts[judged.chosen]
    frame = judged.back.people.select("customer_id", repeat_purchases="frequency").with_columns(
        forecast_purchases=pl.Series(chosen.purchases),
        actual_purchases=pl.Series(judged.actual),
        forecast_decile=pl.Series(tenths(judged).astype(np.int64)),
    )
    if judged.spending is not None:
        spent = judged.back.people["spend_holdout"]
        frame = frame.with_columns(forecast_spend=pl.Series(chosen.spend), actual_spend=spent)
    return frame.sort(
        pl.col("forecast_purchases").round_sig_figs(10), "customer_id", descending=[True, False]
    )


def model_table(judged: Judged) -> pl.DataFrame:
    """Give one row per model fitted at the latest origin, the lowest AIC first."""
    best = judged.choice.fit.aic
    label: Callable[[str], str] = NAMES.__getitem__
    rows = [
        (label(n), n == judged.chosen, f.log_likelihood, f.aic, f.aic - best, f.is_identified,
         " ".join(d.text for d in f.diagnosis) or None)
        for n, f in sorted(judged.choice.fits.items(), key=lambda item: item[1].aic)
    ]  # fmt: skip
    schema = {
        "model": pl.String(), "is_chosen": pl.Boolean(), "log_likelihood": pl.Float64(), "aic": pl.Float64(),
        "aic_difference": pl.Float64(), "is_identified": pl.Boolean(), "diagnosis": pl.String(),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def independence_table(judged: Judged, *, n_draws: int, seed: int) -> pl.DataFrame:
    """Correlate how often customers bought again with what they spent per purchase; no row where there is no spend."""
    names = ("correlation", "rank_correlation")
    spans = {f"spend_{n}{end}": pl.Float64() for n in names for end in _ENDS}
    schema = {"n_customers": pl.Int64(), **spans}
    again = judged.back.people.filter((pl.col("frequency") > 0) & (pl.col("monetary_value") > 0))
    if judged.spending is None or again.height < _FEWEST:
        return pl.DataFrame(schema=schema)
    x, z = (again[c].cast(pl.Float64).to_numpy() for c in ("frequency", "monetary_value"))
    found = accuracy(x, z, Draws.of(again.height, n_draws, seed))
    row = {
        f"spend_{n}{end}": v
        for n in names
        for end, v in zip(_ENDS, (found.values[n], *found.interval(n)), strict=True)
    }
    return pl.DataFrame([{"n_customers": again.height, **row}], schema=schema)
