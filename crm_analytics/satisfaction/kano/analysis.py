"""Kano questionnaires: features that must be there, that count by degree, that delight, and that nobody cares about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import binomtest

from crm_analytics.aggregates import window as windows
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.results import Result
from crm_analytics.satisfaction.kano import answers, words
from crm_analytics.satisfaction.kano.answers import CATEGORIES, MEANINGS, TABLE, Pairs, Sheets
from crm_analytics.satisfaction.kano.terms import TERMS
from crm_analytics.satisfaction.ratings import SurveyWeights, survey_weights
from crm_analytics.stats.intervals import Floats, wilson

_FONG: Final = 1.65
_LEVEL: Final = 0.95
_COUNTS: Final = (
    "n_must_be",
    "n_one_dimensional",
    "n_attractive",
    "n_indifferent",
    "n_reverse",
    "n_questionable",
)
_FEATURES: Final = {
    "feature": pl.String(), "n_answers": pl.Int64(), **dict.fromkeys(_COUNTS, pl.Float64()), "category": pl.String(),
    "category_by_rule": pl.String(), "is_clear": pl.Boolean(), "fong_difference": pl.Float64(), "fong_limit": pl.Float64(),
    "category_p_value": pl.Float64(),
    **{f"{c}{e}": pl.Float64() for c in ("satisfaction_coefficient", "dissatisfaction_coefficient") for e in ("", "_lower", "_upper")},
    "total_strength": pl.Float64(), "category_strength": pl.Float64(),
}  # fmt: skip
_SHARES: Final = {
    "feature": pl.String(), "category": pl.String(), "n_in_category": pl.Float64(), "category_share": pl.Float64(),
    "category_share_lower": pl.Float64(), "category_share_upper": pl.Float64(),
}  # fmt: skip
_ANSWERS: Final = {
    "feature": pl.String(), "functional_answer": pl.String(), "dysfunctional_answer": pl.String(), "category": pl.String(),
    "n_respondents": pl.Int64(),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Feature:
    """The answers to one feature: weighted counts in the order of `CATEGORIES`, plain counts of pairs, effective n."""

    name: str
    counts: Floats
    cells: NDArray[np.int64]
    n: int
    n_effective: float


def kano(
    surveys: Any,  # noqa: ANN401 an Extract, any frame, or a file
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    pairs: Pairs | None = None,
    codes: Mapping[float | str, str] | None = None,
    weights: str | None = None,
) -> Result:
    """Sort features by what their presence and their absence would do, from a Kano questionnaire.

    For each feature two questions were asked: how would you feel if it were there (functional), and if it were not
    (dysfunctional). Berger's table turns each pair of answers into must-be, one-dimensional, attractive, indifferent,
    reverse or questionable.

    The questions stand in the surveys, in pairs of columns; dashboards, reports and the command line show the analysis where
    there are such pairs. They are no ratings: no other analysis takes them for drivers. For ratings of what customers have
    already, see `penalty_reward`.

    Parameters
    ----------
    surveys
        Answer sheets: an Extract, a frame or a file, one row per respondent. Without a day of the answer they are read as
        they come.
    as_of
        First day that is not seen. None takes the day after the last answer; it needs a day of the answer.
    start
        First day whose answers count, likewise.
    pairs
        Feature -> (column if it is there, column if it is not); None finds columns whose names end in "functional" and
        "dysfunctional", or "present" and "absent".
    codes
        Answer -> "like", "must-be", "neutral", "live with" or "dislike"; None reads 1 to 5 in this order, and the usual words.
    weights
        Column of survey weights; None takes `weight` where there is one, "none" counts every respondent alike.

    Returns
    -------
    Result
        - "features": one row per feature: counts, category, Fong's test, coefficients of satisfaction and dissatisfaction with
          bounds
        - "shares": one row per feature and category: share with simultaneous bounds
        - "answers": one row per feature and pair of answers: how many respondents

    Raises
    ------
    ColumnError
        If a day is asked for and there is no day of the answer.
    NotEnoughDataError
        If no pair of columns is found, or nobody answered both questions of any feature.
    OptionError
        If answers are none of the five, or pairs are no pairs.
    UnknownNameError
        If there is no such column or meaning.

    Notes
    -----
    CS+ = (A + O) / (A + O + M + I), CS- = -(O + M) / (A + O + M + I), with Wilson's intervals. A category is clear where the two
    most frequent ones differ by Fong's rule, |a - b| > 1.65 √((a + b)(2n - a - b) / 2n); where it is not, the first of
    M > O > A > I among those that may be the most frequent is taken (`category_by_rule`). Fong's rule takes the two shares
    for independent and so is on the lenient side; `category_p_value` is the exact binomial test of a against b. Shares have
    Goodman's simultaneous intervals (Wilson's at 1 - 0.05/6).

    References
    ----------
    Berger, C. et al. (1993), Kano's methods for understanding customer-defined quality, Center for Quality of Management Journal 2(4),
    3-36. Fong, D. (1996), the same journal 5(3), 21-24. Matzler, K. et al. (1996), Journal of Product & Brand Management 5(2),
    6-18. Goodman, L. A. (1965), Technometrics 7, 247-254.

    Examples
    --------
    >>> import polars as pl
    >>> import crm_analytics as crm
    >>> sheet = pl.DataFrame({"app_functional": [1, 1, 1, 2], "app_dysfunctional": [3, 3, 5, 3]})
    >>> crm.kano(sheet).tables()["features"].select("feature", "category", "satisfaction_coefficient").row(0)
    ('app', 'Attractive', 0.75)
    """
    sheets = answers.sheets_of(surveys, as_of, start)
    frame = sheets.frame
    named = pairs and {
        f: c if isinstance(c, str) else [sheets.column(x) for x in c] for f, c in pairs.items()
    }
    chosen = answers.pairs_of(frame, named)
    counted = _weights(frame, weights and sheets.column(weights))
    w = counted.values
    read = {f: [answers.meanings(frame, c, codes) for c in columns] for f, columns in chosen.items()}
    features = [_feature(name, yes[0], no[0], w) for name, (yes, no) in read.items()]
    answered = np.zeros(frame.height, bool)
    for yes, no in read.values():
        answered |= (yes[0] >= 0) & (no[0] >= 0) & (w > 0)
    unread = sum(one[1] for both in read.values() for one in both)
    parameters: dict[str, Any] = {
        "pairs": {k: list(v) for k, v in chosen.items()},
        "codes": codes and {str(k): v for k, v in codes.items()},
        "weights": weights,
    }
    return _result(features, unread, answered, sheets, parameters, counted.column)


def _weights(frame: pl.DataFrame, weights: str | None) -> SurveyWeights:
    """Take survey weights; those of a file read as it came are text."""
    name = "weight" if weights is None else weights
    if name in frame.columns and frame[name].dtype == pl.String:
        frame = frame.with_columns(pl.col(name).cast(pl.Float64, strict=False))
    return survey_weights(frame, weights)


def _feature(name: str, yes: NDArray[np.int64], no: NDArray[np.int64], w: Floats) -> Feature:
    both = (yes >= 0) & (no >= 0) & (w > 0)
    cells = np.zeros((len(MEANINGS), len(MEANINGS)), np.int64)
    np.add.at(cells, (yes[both], no[both]), 1)
    own = w[both]
    counts = np.bincount(TABLE[yes[both], no[both]], weights=own, minlength=len(CATEGORIES)).astype(float)
    size = float(own.sum() ** 2 / (own**2).sum()) if both.any() else 0.0
    return Feature(name, counts, cells, int(both.sum()), size)


def _result(
    every: list[Feature],
    unread: int,
    answered: NDArray[np.bool_],
    sheets: Sheets,
    parameters: Mapping[str, Any],
    weights: str | None,
) -> Result:
    features, empty = [f for f in every if f.n], tuple(f.name for f in every if not f.n)
    if not features:
        raise NotEnoughDataError.of(
            "respondents who answered both questions of a feature", 0, 1, "Look at pairs and codes."
        )
    table = pl.DataFrame([_row(f) for f in features], schema=_FEATURES).sort(
        "satisfaction_coefficient", "feature", descending=[True, False], nulls_last=True
    )
    found = words.Findings(table, len(answered), int(answered.sum()), empty, unread, weights)
    return Result.of(
        "kano",
        title="Features by Kano's categories",
        headline=words.headline(found),
        summary=words.summary(found),
        tables={"features": table, "shares": _shares(features, table), "answers": _pairs(features)},
        views=tuple(words.views(found)),
        parameters=dict(parameters),
        provenance=sheets.provenance(answered),
        notes=tuple(words.notes(found)),
        terms=TERMS,
    )


def _row(feature: Feature) -> dict[str, object]:
    m, o, a, i = feature.counts[:4]
    told, n = m + o + a + i, feature.counts.sum()
    scale = feature.n_effective / n
    first, second = _top(feature.counts)
    x, y = feature.counts[first], feature.counts[second]
    limit = fong_limit(x, y, n)
    near = [
        k
        for k in range(4)
        if feature.counts[k] > 0 and x - feature.counts[k] <= fong_limit(x, feature.counts[k], n)
    ]
    clear = x - y > limit
    return {
        "feature": feature.name,
        "n_answers": feature.n,
        **dict(zip(_COUNTS, feature.counts.tolist(), strict=True)),
        "category": words.NAMES[first],
        "category_by_rule": words.NAMES[first if clear or not near else near[0]],
        "is_clear": bool(clear),
        "fong_difference": float(x - y),
        "fong_limit": limit,
        "category_p_value": float(binomtest(round(x * scale), max(round((x + y) * scale), 1)).pvalue),
        **_coefficient("satisfaction_coefficient", a + o, told, scale, 1.0),
        **_coefficient("dissatisfaction_coefficient", o + m, told, scale, -1.0),
        "total_strength": float((m + o + a) / n),
        "category_strength": float((x - y) / n),
    }


def _top(counts: Floats) -> tuple[int, int]:
    """Give the two most frequent categories; ties go to the first of M, O, A, I, R, Q."""
    order = np.argsort(-counts, kind="stable")
    return int(order[0]), int(order[1])


def fong_limit(a: float, b: float, n: float) -> float:
    """Give the difference that two counts must exceed to differ by Fong's rule.

    >>> round(fong_limit(123, 95, 296), 1)
    19.4
    """
    return float(_FONG * np.sqrt(max((a + b) * (2 * n - a - b) / (2 * n), 0.0)))


def _coefficient(name: str, hits: float, told: float, scale: float, sign: float) -> dict[str, float | None]:
    if told <= 0:
        return dict.fromkeys((name, f"{name}_lower", f"{name}_upper"))
    low, high = (float(x) for x in wilson(hits * scale, told * scale))
    ends = sorted((sign * low + 0.0, sign * high + 0.0))  # never -0
    return {name: float(sign * hits / told) + 0.0, f"{name}_lower": ends[0], f"{name}_upper": ends[1]}


def _shares(features: list[Feature], table: pl.DataFrame) -> pl.DataFrame:
    """Give the share of each category, with intervals that hold together."""
    by_name = {f.name: f for f in features}
    rows = []
    for name in table["feature"]:
        feature = by_name[name]
        share = feature.counts / feature.counts.sum()
        low, high = wilson(
            share * feature.n_effective, feature.n_effective, level=1 - (1 - _LEVEL) / len(CATEGORIES)
        )
        for k, category in enumerate(words.NAMES):
            at = float(share[k])
            rows.append(
                (
                    name,
                    category,
                    float(feature.counts[k]),
                    at,
                    min(float(low[k]), at),
                    max(float(high[k]), at),
                )
            )
    return pl.DataFrame(rows, schema=_SHARES, orient="row")


def _pairs(features: list[Feature]) -> pl.DataFrame:
    rows = [
        (f.name, MEANINGS[i], MEANINGS[j], words.NAMES[TABLE[i, j]], int(f.cells[i, j]))
        for f in features
        for i in range(len(MEANINGS))
        for j in range(len(MEANINGS))
    ]
    return pl.DataFrame(rows, schema=_ANSWERS, orient="row")
