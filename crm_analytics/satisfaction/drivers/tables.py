"""The tables of a driver analysis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.satisfaction.drivers.findings import Findings
from crm_analytics.satisfaction.ratings import label
from crm_analytics.satisfaction.regression.moments import Missing
from crm_analytics.stats.dominance import correlation
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.multiplicity import benjamini_hochberg, holm

WAY_WORDS: Final[dict[Missing, str]] = {
    "em": "All answers, gaps at random (EM)",
    "complete": "Complete answers only",
    "pairwise": "Each pair by itself",
    "not_applicable": "Gaps mean not applicable",
}

_EVEN: Final = 1e-7  # a difference of copies is rounding

MOSTLY_MISSING: Final = "more than half did not answer"

_DRIVERS: Final = {
    "driver": pl.String, "driver_label": pl.String, "driver_kind": pl.String, "n_answers": pl.Int64, "driver_mean": pl.Float64,
    "lmg": pl.Float64, "lmg_lower": pl.Float64, "lmg_upper": pl.Float64, "importance": pl.Float64,
    "importance_lower": pl.Float64, "importance_upper": pl.Float64, "place": pl.Int64, "first_probability": pl.Float64,
    "top_three_probability": pl.Float64, "unique_r2": pl.Float64, "unique_p_value": pl.Float64, "unique_p_holm": pl.Float64,
    "unique_p_bh": pl.Float64, "driver_correlation": pl.Float64, "coefficient": pl.Float64, "coefficient_lower": pl.Float64,
    "coefficient_upper": pl.Float64, "sign_conflict": pl.Boolean, "leverage": pl.Float64, "leverage_lower": pl.Float64,
    "leverage_upper": pl.Float64, "alone_r2": pl.Float64, "relative_weight": pl.Float64, "shape_lmg": pl.Float64,
    "straight_p_value": pl.Float64, "variance_inflation": pl.Float64, "sampling_error": pl.Float64, "trouble": pl.String,
}  # fmt: skip


def interval(values: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Percentile interval of draws along the last axis, stretched to the value where small samples shift the draws."""
    if not drawn.shape[-1]:
        return values, values
    usable = np.isfinite(drawn)
    known = usable.any(axis=-1)
    kept = np.where(usable, drawn, np.nan)
    kept = np.where(np.expand_dims(known, -1), kept, 0.0)
    low, high = np.nanquantile(kept, [0.025, 0.975], axis=-1)
    return np.where(known, np.minimum(low, values), np.nan), np.where(known, np.maximum(high, values), np.nan)


def drivers(found: Findings) -> pl.DataFrame:
    """Give one row per driver, the most important first; those that cannot be judged last."""
    shares, effects = found.shares, found.effects
    lmg_low, lmg_high = interval(shares.lmg, shares.draws)
    part_low, part_high = interval(found.importance, found.importance_draws)
    beta_low, beta_high = interval(effects.coefficient, effects.coefficient_draws)
    lever_low, lever_high = interval(effects.leverage, effects.leverage_draws)
    conflict = (np.sign(effects.correlation) != np.sign(effects.coefficient)) & (
        (beta_low > 0) | (beta_high < 0)
    )
    order = order_of(found)
    place = np.empty(len(order), int)
    place[order] = np.arange(1, len(order) + 1)
    bh, hm = benjamini_hochberg(found.unique_p), holm(found.unique_p)
    rows = []
    for j in order:
        driver = found.design.drivers[j]
        there = ~np.isnan(found.design.x[:, driver.columns[0]])
        single = len(driver.columns) == 1
        rows.append(
            {
                "driver": driver.name, "driver_label": driver.label, "driver_kind": driver.kind,
                "n_answers": n_answers(found, j), "driver_mean": _mean(found, j),
                "lmg": shares.lmg[j], "lmg_lower": lmg_low[j], "lmg_upper": lmg_high[j], "importance": found.importance[j],
                "importance_lower": part_low[j], "importance_upper": part_high[j], "place": int(place[j]),
                "first_probability": float((found.ranks[j] == 1).mean()), "top_three_probability": float((found.ranks[j] <= 3).mean()),  # noqa: PLR2004
                "unique_r2": max(shares.unique[j], 0.0), "unique_p_value": found.unique_p[j], "unique_p_holm": hm[j], "unique_p_bh": bh[j],
                "driver_correlation": effects.correlation[j], "coefficient": effects.coefficient[j], "coefficient_lower": beta_low[j],
                "coefficient_upper": beta_high[j], "sign_conflict": bool(conflict[j]) if single and np.isfinite(effects.coefficient[j]) else None,
                "leverage": effects.leverage[j], "leverage_lower": lever_low[j], "leverage_upper": lever_high[j],
                "alone_r2": max(shares.alone[j], 0.0), "relative_weight": found.relative[j], "shape_lmg": found.shape.lmg.get(driver.name),
                "straight_p_value": found.shape.p_values.get(driver.name), "variance_inflation": found.inflation[j],
                "sampling_error": shares.errors[j], "trouble": _trouble(found, j, int(there.sum())),
            }
        )  # fmt: skip
    for name, why in sorted(found.design.left_out.items()):
        rows.append({"driver": name, "driver_label": label(name), "trouble": why})
    return _finite(pl.DataFrame([_plain(r) for r in rows], schema=_DRIVERS))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {c: (v.item() if isinstance(v, np.generic) else v) for c, v in ((c, row.get(c)) for c in _DRIVERS)}


def _finite(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(
        pl.when(pl.col(c).is_finite()).then(pl.col(c)).alias(c)
        for c, t in table.schema.items()
        if t == pl.Float64
    )


def order_of(found: Findings) -> list[int]:
    """Order drivers by share, then by name."""
    shares = found.shares.lmg
    return sorted(
        range(len(shares)), key=lambda j: (-round(float(shares[j]), 12), found.design.drivers[j].name)
    )


def n_answers(found: Findings, j: int) -> int:
    """Count who answered a driver; answers declared not applicable are none."""
    driver = found.design.drivers[j]
    there = int((~np.isnan(found.design.x[:, driver.columns[0]])).sum())
    return there - found.design.not_applicable.get(driver.name, 0)


def _mean(found: Findings, j: int) -> float | None:
    rating = found.design.drivers[j].rating
    if rating is None:
        return None
    there = ~np.isnan(rating.values)
    return float(np.average(rating.values[there], weights=found.design.weights[there]))


def _trouble(found: Findings, j: int, n: int) -> str | None:
    driver = found.design.drivers[j]
    if driver.trouble:
        return driver.trouble
    if np.isinf(found.inflation[j]):
        return "follows from the other drivers"
    if n < found.design.n / 2:
        return MOSTLY_MISSING
    return None


def differences(found: Findings) -> pl.DataFrame:
    """Give one row per pair of drivers, the more important first."""
    order = order_of(found)
    rows = []
    for k, i in enumerate(order):
        for j in order[k + 1 :]:
            value = np.array(found.shares.lmg[i] - found.shares.lmg[j])
            drawn = found.shares.draws[i] - found.shares.draws[j]
            low, high = interval(value, drawn)
            rows.append(
                (
                    found.design.drivers[i].name, found.design.drivers[j].name, found.design.drivers[i].label,
                    found.design.drivers[j].label, float(value), float(low), float(high), float((found.ranks[i] < found.ranks[j]).mean()),
                    bool(low > _EVEN),
                )
            )  # fmt: skip
    schema = {
        "driver": pl.String, "other_driver": pl.String, "driver_label": pl.String, "other_driver_label": pl.String,
        "lmg_difference": pl.Float64, "lmg_difference_lower": pl.Float64, "lmg_difference_upper": pl.Float64,
        "ahead_probability": pl.Float64, "is_ahead": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def ranks(found: Findings) -> pl.DataFrame:
    """Give one row per driver and place: how often the driver has it in the draws."""
    p = len(found.labels)
    rows = [
        (found.design.drivers[j].name, found.labels[j], place, float((found.ranks[j] == place).mean()))
        for j in order_of(found)
        for place in range(1, p + 1)
    ]
    schema = {
        "driver": pl.String,
        "driver_label": pl.String,
        "place": pl.Int64,
        "place_probability": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def missing(found: Findings) -> pl.DataFrame:
    """Give one row per way to take gaps and driver: its share and place."""
    rows = []
    for way in found.sensitivity:
        if way.lmg is None:
            continue
        whole = max(float(way.lmg.sum()), 1e-12)
        places = np.argsort(np.argsort(-way.lmg, kind="stable"), kind="stable") + 1
        for j in order_of(found):
            driver = found.design.drivers[j]
            rows.append(
                (
                    WAY_WORDS[way.way], way.way == found.missing, driver.name, driver.label, way.n, n_answers(found, j),
                    float(way.lmg[j]), float(way.lmg[j]) / whole, int(places[j]), way.r2,
                )
            )  # fmt: skip
    schema = {
        "gaps_taken": pl.String, "is_way_used": pl.Boolean, "driver": pl.String, "driver_label": pl.String, "n_rows": pl.Int64,
        "n_answers": pl.Int64, "lmg": pl.Float64, "importance": pl.Float64, "place": pl.Int64, "explained_share": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def model(found: Findings) -> pl.DataFrame:
    """Give one row per figure about the model as a whole."""
    schema = {"model_check": pl.String, "model_figure": pl.Float64, "model_text": pl.String}
    rows = [
        (name, float(v) if v is not None and np.isfinite(v) else None, text)
        for name, v, text in _model_rows(found)
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


_MEANINGS: Final = {
    "R²": "Share of the variance of the outcome that the drivers and what is always in explain together.",
    "Adjusted R²": "R² less what so many columns would explain by chance.",
    "McFadden's R²": "1 less the ratio of log-likelihoods with and without drivers; what the shares sum to.",
    "Cox and Snell's R²": "By the likelihood ratio per answer; its highest value is below 1.",
    "Nagelkerke's R²": "Cox and Snell's, divided by its highest value.",
    "Tjur's R²": "Mean probability of yes among those who said yes, less that among the others.",
    "log-likelihood": "Of the model with all drivers.",
    "log-likelihood without drivers": "Of the model that knows only how often each answer occurs.",
}


def _model_rows(found: Findings) -> Iterator[tuple[str, float | None, str]]:
    design = found.design
    yield (
        "Answers",
        float(found.rows.n),
        f"Answer sheets with {design.outcome.label} and at least one driver.",
    )
    yield (
        "Effective answers",
        design.effective_n,
        "How many answers that count alike would say as much (Kish).",
    )
    for name, value in found.measures.items():
        yield name, value, _MEANINGS[name]
    if found.shares.draws.size:
        low, high = np.quantile(found.shares.r2_draws, [0.025, 0.975])
        yield "R², lower bound", float(low), "Lower end of the 95% bootstrap interval."
        yield "R², upper bound", float(high), "Upper end of the 95% bootstrap interval."
    if (common := common_part(found)) is not None:
        yield (
            "Common part of ratings",
            common,
            "Share of the ratings' variation that one common factor carries: mood (halo), and whatever ratings truly share.",
        )
    yield (
        "Drivers together, p-value",
        found.together_p,
        "How often chance alone explains as much where no driver says anything of the outcome.",
    )
    if found.shape.r2 is not None:
        yield (
            "R² of any form",
            found.shape.r2,
            "R² of a linear model if each answer of each rating may act by itself instead of in a straight line.",
        )
    if rows_always(found):
        yield (
            "R² of what is always in",
            found.shares.base,
            "Explained before any driver: covariates and not-applicable indicators.",
        )
    if found.odds is not None:
        yield (
            "Proportional odds, chi-square",
            found.odds.statistic,
            f"Brant's test on {found.odds.freedom} degrees of freedom, with a sandwich covariance.",
        )
        yield (
            "Proportional odds, p-value",
            found.odds.p_value,
            "Small where drivers act differently on low and on high answers.",
        )
    if found.shares.errors.any():
        yield (
            "Sampling error of shares",
            float(found.shares.errors.max()),
            "Largest standard error left by sampling orders of entry.",
        )
    yield "Bootstrap draws", float(found.n_draws), "How often the answers were drawn again."


def common_part(found: Findings) -> float | None:
    """Give the share of the ratings' variation that one common factor carries; None with fewer than three ratings."""
    columns = [d.columns[0] for d in found.design.drivers if d.kind == "rating"]
    if len(columns) < 3:  # noqa: PLR2004 two always have one in common
        return None
    r = correlation(found.moments.covariance)[np.ix_(columns, columns)]
    return float(np.linalg.eigvalsh(r)[-1] / len(columns))


def rows_always(found: Findings) -> bool:
    """Say whether something is in every model."""
    return bool(found.rows.always)
