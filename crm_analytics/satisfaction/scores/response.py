"""Who answered: response rate, what the score could be of everybody, and early against late answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.errors import OptionError, UnknownNameError
from crm_analytics.extracts.extract import Extract
from crm_analytics.satisfaction.scores.metrics import Metric
from crm_analytics.satisfaction.scores.sheets import UNKNOWN, Sheets, attribute
from crm_analytics.satisfaction.scores.sums import difference, interval, summed
from crm_analytics.stats.intervals import wilson
from crm_analytics.stats.score_intervals import nonresponse_bounds

Row = dict[str, Any]

EVERYONE: Final = "Everyone"
EARLY: Final = "Early answers"
LATE: Final = "Late answers"
_INVITED: Final = ("invited_at", "sent_at")
_MOST_GROUPS: Final = 12

SCHEMA: Final[Mapping[str, Any]] = {
    "metric": pl.String, "respondents": pl.String, "n": pl.Int64, "score": pl.Float64, "score_lower": pl.Float64,
    "score_upper": pl.Float64, "late_difference": pl.Float64, "late_difference_lower": pl.Float64,
    "late_difference_upper": pl.Float64, "late_p_value": pl.Float64, "n_on_file": pl.Int64, "n_heard": pl.Int64,
    "heard_rate": pl.Float64, "heard_rate_lower": pl.Float64, "heard_rate_upper": pl.Float64,
    "worst_case_score": pl.Float64, "best_case_score": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Frame:
    """Customers on file before `as_of`: their ids and the group of each, where they are compared by an attribute of theirs."""

    ids: pl.Series
    group: pl.Series | None


def customer_frame(sheets: Sheets, customers: Extract | None) -> Frame | None:
    """Give everybody who could have answered; None where there is no customers table or answers have no name."""
    if customers is None or "customer_id" not in sheets.frame.columns:
        return None
    rows = customers.frame
    columns = rows.collect_schema().names()
    if "joined_on" in columns:
        rows = rows.filter(pl.col("joined_on").is_null() | (pl.col("joined_on") < sheets.window.as_of))
    plain = (sheets.by or "").removeprefix("customers.")
    own = plain in columns and plain != "customer_id" and (sheets.by not in sheets.frame.columns)
    people = rows.select("customer_id", *([plain] if own else [])).collect().unique("customer_id", keep="any")
    if people.is_empty():
        return None
    people = people.sort("customer_id")
    group = attribute(people, plain, None).fill_null(UNKNOWN) if own else None
    return Frame(people["customer_id"], group)


def response_table(sheets: Sheets, frame: Frame | None, invited_at: str | None) -> pl.DataFrame:
    """Give for each metric everyone, then early and late answers; for the leading one also groups of customers."""
    late = _days_to_answer(sheets, invited_at)
    rows: list[Row] = []
    for metric in sheets.metrics:
        rows.append(_everyone(sheets, metric, frame))
        rows += _early_and_late(sheets, metric, late) if late is not None else []
    if frame is not None and frame.group is not None:
        rows += _by_group(sheets, frame, frame.group)
    return pl.DataFrame([{**dict.fromkeys(SCHEMA), **r} for r in rows], schema=dict(SCHEMA), orient="row")


def _everyone(sheets: Sheets, metric: Metric, frame: Frame | None) -> Row:
    found = summed(metric)
    row: Row = {"metric": metric.name, "respondents": EVERYONE, "n": found.n}
    if found.n < sheets.min_answers:
        return row
    at = interval(found)
    row |= {"score": at.value, "score_lower": at.lower, "score_upper": at.upper}
    if frame is None:
        return row
    rate = _rate(_heard(sheets, metric, frame.ids))
    score = _of_customers(sheets, metric, frame.ids)
    worst, best = nonresponse_bounds(score, rate["heard_rate"], metric.limits)
    return {**row, **rate, "worst_case_score": worst, "best_case_score": best}


def _of_customers(sheets: Sheets, metric: Metric, ids: pl.Series) -> float:
    """Give the score of the customers on file who were heard, each once and unweighted: what is known without assumption."""
    given = pl.DataFrame(
        {"who": sheets.frame["customer_id"].gather(pl.Series(metric.rows)), "points": metric.points}
    )
    each = given.filter(pl.col("who").is_in(ids.implode())).group_by("who").agg(pl.col("points").mean())
    return float(each.select(pl.col("points").sort().mean()).item() or 0.0)


def _heard(sheets: Sheets, metric: Metric, ids: pl.Series) -> NDArray[np.bool_]:
    answered = sheets.frame["customer_id"].gather(pl.Series(metric.rows)).drop_nulls().unique()
    return ids.is_in(answered.implode()).to_numpy()


def _rate(heard: NDArray[np.bool_]) -> Row:
    n, hits = int(heard.size), int(heard.sum())
    lower, upper = wilson(hits, n)
    return {
        "n_on_file": n,
        "n_heard": hits,
        "heard_rate": hits / n,
        "heard_rate_lower": float(lower),
        "heard_rate_upper": float(upper),
    }


def _by_group(sheets: Sheets, frame: Frame, group: pl.Series) -> list[Row]:
    """Give the response rate of groups of customers, the largest twelve."""
    heard = pl.Series(_heard(sheets, sheets.leading, frame.ids))
    counts = group.value_counts(name="n").sort("n", group.name, descending=[True, False]).head(_MOST_GROUPS)
    return [
        {"metric": sheets.leading.name, "respondents": name, **_rate(heard.filter(group == name).to_numpy())}
        for name in counts[group.name].to_list()
    ]


def _days_to_answer(sheets: Sheets, invited_at: str | None) -> NDArray[np.float64] | None:
    """Give how long each answer took from the invitation, in days; None where no column says when it went out."""
    columns = sheets.frame.columns
    if invited_at is not None and invited_at not in columns:
        raise UnknownNameError.of("column of invitations", invited_at, columns)
    name = invited_at or next((c for c in _INVITED if c in columns), None)
    if name is None:
        return None
    if not sheets.frame.schema[name].is_temporal():
        if invited_at is None:
            return None
        raise OptionError.out_of_range("invited_at", name, "a column of days or instants")
    taken = sheets.frame["answered_at"] - sheets.frame[name].cast(pl.Datetime("us"))
    days = (taken.dt.total_seconds() / 86400).fill_null(math.nan).to_numpy().copy()
    days[days < -1] = math.nan
    return days


def _early_and_late(sheets: Sheets, metric: Metric, days: NDArray[np.float64]) -> list[Row]:
    """Compare the later half of the answers with the earlier: the late resemble those who never answer most."""
    known = days[metric.rows][~np.isnan(days[metric.rows])]
    if known.size < 2 * sheets.min_answers:
        return []
    middle = float(np.median(known))
    early, late = summed(metric, days <= middle), summed(metric, days > middle)
    unknown = metric.rows.size - known.size  # few could be worked out from everyone's score
    if min(early.n, late.n) < sheets.min_answers or 0 < unknown < sheets.min_answers:
        return []
    rows = []
    for name, found in ((EARLY, early), (LATE, late)):
        at = interval(found)
        rows.append(
            {"metric": metric.name, "respondents": name, "n": found.n, "score": at.value, "score_lower": at.lower,
             "score_upper": at.upper}
        )  # fmt: skip
    moved = difference(late, early)
    rows[1] |= {
        "late_difference": moved.value,
        "late_difference_lower": moved.lower,
        "late_difference_upper": moved.upper,
        "late_p_value": None if math.isnan(moved.p_value) else moved.p_value,
    }
    return rows
