"""Satisfaction scores: how satisfied customers are, whether it changed, and where it differs, by survey statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.periods import Period
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Result
from crm_analytics.satisfaction.ratings import answers, survey_weights
from crm_analytics.satisfaction.scores import changes, notes, response, segments, tables, words
from crm_analytics.satisfaction.scores.metrics import Choices, High, Metric, index_items, read_metrics
from crm_analytics.satisfaction.scores.periods import period_table
from crm_analytics.satisfaction.scores.sheets import Sheets, groups_of, periods_of
from crm_analytics.satisfaction.scores.terms import TERMS
from crm_analytics.stats.multiplicity import Correction

_FEWEST, _MOST = 1, 1000
_MOST_TOP: Final = 10


def satisfaction_scores(
    surveys: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    by: str | None = None,
    period: Period = "quarter",
    metric: str | None = None,
    metrics: Mapping[str, str] | None = None,
    index: Sequence[str] = (),
    weights: str | None = None,
    min_answers: int = 10,
    correction: Correction = "holm",
    csat_top: int = 2,
    ces_top: int | None = None,
    ces_high: High = "ease",
    scales: Mapping[str, tuple[float, float]] | None = None,
    not_applicable: Mapping[str, Sequence[float | str]] | None = None,
    invited_at: str | None = None,
    seed: int = 0,
) -> Result:
    """Say how satisfied customers are, whether that changed by more than chance, and which groups differ from the rest.

    Not for single answers (a score of one customer is no estimate), nor for surveys after a contact mixed with surveys of
    the whole relation: keep them apart. Scores describe those who answered; see the bounds for everybody.

    Parameters
    ----------
    surveys
        Answer sheets with nps, csat or ces: an Extract, a frame, or anything the readers take.
    as_of
        The first day that is not seen; None takes the day after the last answer.
    start
        The first day that counts; None counts from the first answer.
    customers
        The customers table, for the response rate, bounds for everybody and attributes in `by`. Optional.
    by
        Column to compare by: of the surveys, or else of the customers table ("customers.channel" where both have it). None
        takes the channel of the surveys where there is one.
    period
        "week", "month", "quarter" or "year" of the calendar: quarters, because most surveys have too few answers a month.
    metric
        The metric that leads headline and pictures: "nps", "csat", "ces" or "index"; None takes the first there is.
    metrics
        Metric -> column, where a column is not named nps, csat or ces, or holds words such as "very satisfied".
    index
        Columns of the satisfaction index: the mean of several items, each rescaled to 0 to 100. None asked for, none made.
    weights
        Column of survey weights; None takes "weight" where there is one, "none" counts all answers alike.
    min_answers
        Fewest answers of a figure that is shown, 1 to 1000: 10, under which single people could be recognised. Groups
        from which, with the total, a hidden one could be worked out are hidden as well.
    correction
        How p-values of several groups are corrected: "holm" (any false finding stays rare) or "bh" (few findings are
        false; for many groups).
    csat_top
        How many answers from the top count as satisfied: 2, as is usual; 1 on scales of three points, and the top fifth of
        scales of more than 11.
    ces_top
        The same of effort; None takes 3 of 7 points, 2 of others.
    ces_high
        What a high answer to effort means: "ease" (newer wording: "made it easy") or "effort" (older: "how much effort").
    scales
        Metric or item -> (lowest, highest answer) where the scale read off the answers is not the right one.
    not_applicable
        Column -> codes or words that mean "not applicable", such as {"csat": [0, 99]}. Codes outside a scale are left out in
        any case, and named.
    invited_at
        Column of the surveys with the day of the invitation, for early against late answers; None takes "invited_at" or
        "sent_at" where there is one.
    seed
        Of the draws behind the places in the ranking.

    Returns
    -------
    Result
        - "scores": one row per metric: `score` with bounds, `n`, `n_effective`, mean answer with bounds
        - "periods": one row per metric and period: score, change with bounds, change of the same people, control limits
        - "segments": one row per metric and group, the worst first: score, difference from the rest with bounds, corrected p-value
        - "distribution": one row per metric and answer: how many gave it, share with bounds
        - "ranking": one row per metric and group: pooled score, expected place, chance of being best or worst
        - "change": one row per metric and group: mix and rate, the parts of the change in the last whole period
        - "response": one row per metric: everyone (response rate and bounds), early and late answers

    Raises
    ------
    NotEnoughDataError
        If no metric has `min_answers` answers.
    OptionError
        If an option is out of its range, or a column holds neither numbers nor words of a scale.
    UnknownNameError
        If there is no such column or metric.

    Notes
    -----
    Scores are in points: -100 to 100 of the net promoter score (adjusted Wald interval), 0 to 100 of shares of satisfied or
    easy answers (Wilson; differences after Newcombe) and of the index (t). All of them use the effective number of answers,
    which allows for weights and for people who answer more than once.

    References
    ----------
    Rocks, B. (2016), The American Statistician 70, 365-372. Wilson, E. B. (1927), JASA 22, 209-212. Newcombe, R. G. (1998),
    Statistics in Medicine 17, 873-890. Kish, L. (1965), Survey Sampling. Laney, D. B. (2002), Quality Engineering 14, 531-537.
    Kitagawa, E. M. (1955), JASA 50, 1168-1194. Gelman, A. (2006), Bayesian Analysis 1, 515-534.

    Examples
    --------
    >>> from datetime import datetime
    >>> import crm_analytics as crm
    >>> sheets = pl.DataFrame(
    ...     {"answered_at": [datetime(2026, 1, 1)] * 100, "nps": [10] * 60 + [8] * 25 + [3] * 15}
    ... )
    >>> crm.satisfaction_scores(sheets).headline()
    'The net promoter score is +45 (95% interval +29 to +58, n 100 answers).'
    """
    _check(period, min_answers, csat_top, ces_top, ces_high)
    extract, window, frame = answers(surveys, as_of=as_of, start=start)
    people = None if customers is None else as_extract(customers, table="customers")
    weighed = survey_weights(frame, weights)
    choices = Choices(
        dict(metrics or {}), index_items(frame, index), csat_top, ces_top, ces_high, dict(scales or {}), not_applicable or {}
    )  # fmt: skip
    scored = _leading(read_metrics(frame, weighed, choices), metric, min_answers)
    sheets = _sheets(frame, scored, window, by, people, period, extract, min_answers)
    found = _findings(sheets, correction, seed, people, invited_at)
    return Result.of(
        "satisfaction_scores",
        title="Satisfaction scores",
        headline=words.headline(found),
        summary=words.summary(found),
        tables=_tables(found),
        views=tuple(words.views(found)),
        parameters={
            "by": sheets.by,
            "period": period,
            "metric": sheets.leading.name,
            "metrics": dict(metrics or {}),
            "index": list(choices.index),
            "weights": weighed.column or "none",
            "min_answers": min_answers,
            "correction": correction,
            "csat_top": csat_top,
            "ces_top": ces_top,
            "ces_high": ces_high,
            "scales": {k: list(v) for k, v in (scales or {}).items()},
            "not_applicable": {k: list(v) for k, v in (not_applicable or {}).items()},
            "invited_at": invited_at,
            "seed": seed,
        },
        provenance=windows.provenance(extract, window),
        notes=(
            *notes.unread(extract, frame, choices.metrics, found),
            *notes.notes(found, weighed, scales=scales or {}, customers=people is not None),
        ),
        terms=TERMS,
        currency=extract.currency,
    )


def _leading(scored: list[Metric], metric: str | None, min_answers: int) -> list[Metric]:
    """Put the leading metric first: the one asked for, or the first with enough answers."""
    if metric is not None and metric not in {m.name for m in scored}:
        raise UnknownNameError.of("metric with answers", metric, [m.name for m in scored])
    enough = [m for m in scored if m.points.size >= min_answers and metric in (None, m.name)]
    if not enough:
        most = max((m for m in scored if metric in (None, m.name)), key=lambda m: m.points.size)
        raise NotEnoughDataError.of(
            f"answers to {most.name}",
            most.points.size,
            min_answers,
            "Fewer could be traced to single people and say next to nothing. Widen the dates, or set min_answers lower.",
        )
    return [enough[0], *(m for m in scored if m is not enough[0])]


def _sheets(
    frame: pl.DataFrame,
    scored: list[Metric],
    window: windows.Window,
    by: str | None,
    people: Extract | None,
    period: Period,
    extract: Extract,
    min_answers: int,
) -> Sheets:
    name, groups, group = groups_of(frame, by, people)
    periods, place = periods_of(frame, period, extract.week_start)
    return Sheets(frame, scored, window, name, groups, group, periods, place, period, min_answers)


def _findings(
    sheets: Sheets, correction: Correction, seed: int, people: Extract | None, invited_at: str | None
) -> words.Findings:
    frame = response.customer_frame(sheets, people)
    return words.Findings(
        sheets=sheets,
        scores=tables.score_table(sheets),
        periods=period_table(sheets),
        segments=segments.segment_table(sheets, correction),
        distribution=tables.distribution_table(sheets),
        ranking=segments.ranking_table(sheets, seed),
        change=changes.change_table(sheets),
        response=response.response_table(sheets, frame, invited_at),
    )


def _tables(found: words.Findings) -> dict[str, pl.DataFrame]:
    return {
        "scores": found.scores,
        "periods": found.periods,
        "segments": found.segments,
        "distribution": found.distribution,
        "ranking": found.ranking,
        "change": found.change,
        "response": found.response,
    }


def _check(period: str, min_answers: int, csat_top: int, ces_top: int | None, ces_high: str) -> None:
    if period not in get_args(Period):
        raise OptionError.out_of_range("period", period, f"one of {', '.join(get_args(Period))}")
    if not _FEWEST <= min_answers <= _MOST:
        raise OptionError.out_of_range("min_answers", min_answers, f"{_FEWEST} to {_MOST}")
    for name, top in (("csat_top", csat_top), ("ces_top", ces_top)):
        if top is not None and not 1 <= top <= _MOST_TOP:
            raise OptionError.out_of_range(name, top, f"1 to {_MOST_TOP} answers from the top")
    if ces_high not in get_args(High):
        raise OptionError.out_of_range("ces_high", ces_high, "'ease' or 'effort'")
