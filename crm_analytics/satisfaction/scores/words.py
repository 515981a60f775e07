"""Satisfaction scores in words: headline, titles, summary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.results import MOST_SUMMARY_ROWS, View
from crm_analytics.satisfaction.scores.changes import ALL
from crm_analytics.satisfaction.scores.metrics import Metric
from crm_analytics.satisfaction.scores.response import EVERYONE, LATE
from crm_analytics.satisfaction.scores.sheets import Sheets, period_words

Row = dict[str, Any]

_SURE: Final = 0.05
_ENOUGH_PAIRS: Final = 30
_SUBJECTS: Final = {
    "nps": "The net promoter score",
    "csat": "The share of satisfied answers",
    "ces": "The share of easy answers",
    "index": "The satisfaction index",
}


@dataclass(frozen=True, eq=False)
class Findings:
    """What the analysis made, for those who put it into words."""

    sheets: Sheets
    scores: pl.DataFrame
    periods: pl.DataFrame
    segments: pl.DataFrame
    distribution: pl.DataFrame
    ranking: pl.DataFrame
    change: pl.DataFrame
    response: pl.DataFrame

    @property
    def leading(self) -> Metric:
        """The metric of the headline and the pictures."""
        return self.sheets.leading

    @property
    def by(self) -> str:
        """The attribute that is compared, as people say it."""
        return (self.sheets.by or "").removeprefix("customers.").replace("_", " ")

    def of(self, table: pl.DataFrame, name: str | None = None) -> list[Row]:
        """Give the rows of a metric, the leading one if none is named."""
        return table.filter(pl.col("metric") == (name or self.leading.name)).to_dicts()

    @property
    def last(self) -> Row | None:
        """The last whole period, where it can be compared with the one before."""
        whole = [r for r in self.of(self.periods) if r["is_complete"]]
        return whole[-1] if whole and whole[-1]["score_change"] is not None else None


def said(metric: Metric, score: float) -> str:
    """Write a score as its readers do: +14 of NPS, 61% of answers, 72 of an index."""
    whole = round(score) or 0
    return (
        f"{whole:+d}" if metric.kind == "nps" else f"{whole:d}%" if metric.kind == "share" else f"{whole:d}"
    )


def spanned(metric: Metric, row: Row, column: str = "score") -> str:
    """Write a score with its interval.

    The ends are written like the score itself.
    """
    low, high = (said(metric, row[f"{column}_{end}"]) for end in ("lower", "upper"))
    return f"{said(metric, row[column])} ({low} to {high})"


def points(change: float) -> str:
    """Write a difference in whole points.

    >>> points(3.2), points(-1.1), points(0.3)
    ('3 points up', '1 point down', 'less than a point from')
    """
    whole = abs(round(change))
    if whole == 0:
        return "less than a point from"
    return f"{whole} point{'' if whole == 1 else 's'} {'up' if change > 0 else 'down'}"


def headline(found: Findings) -> str:
    """Say in one sentence the leading score with its interval and how the last whole period differs from the one before."""
    row = found.of(found.scores)[0]
    low, high = (said(found.leading, row[f"score_{end}"]) for end in ("lower", "upper"))
    n = "n 1 answer" if row["n"] == 1 else f"n {row['n']:,} answers"
    begin = (
        f"{_SUBJECTS[found.leading.name]} is {said(found.leading, row['score'])} "
        f"(95% interval {low} to {high}, {n})"
    )
    return f"{begin}{_moved(found)}."


def _moved(found: Findings) -> str:
    last = found.last
    if last is None:
        return ""
    period = found.sheets.period_name
    chance = "within what" if _is_chance(last) else "more than"
    return (
        f"; in {period_words(last['period_on'], period)} it was {said(found.leading, last['score'])}, "
        f"{_on_before(last['score_change'], period)}, which is {chance} chance would do"
    )


def _on_before(change: float, period: str) -> str:
    moved = points(change)
    return f"{moved}{'' if moved.endswith('from') else ' on'} the {period} before"


def _is_chance(row: Row) -> bool:
    return bool(row["score_change_lower"] <= 0 <= row["score_change_upper"])


def summary(found: Findings) -> pl.DataFrame:
    """Say the findings in words, the most important first."""
    lines = [*_scores(found), *_changes(found), *_groups(found), *_responses(found)]
    return pl.DataFrame(
        lines[:MOST_SUMMARY_ROWS], schema={"finding": pl.String, "finding_text": pl.String}, orient="row"
    )


def _scores(found: Findings) -> Iterator[tuple[str, str]]:
    metrics = {m.name: m for m in found.sheets.metrics}
    for row in found.scores.to_dicts():
        metric = metrics[row["metric"]]
        if row["score"] is None:
            yield metric.label, f"hidden: {row['n']:,} answers are fewer than {found.sheets.min_answers}"
            continue
        mean = "" if metric.kind == "mean" else f"; mean answer {row['mean_answer']:.2f} on {metric.scale}"
        yield metric.label, f"{spanned(metric, row)} of {row['n']:,} answers{mean}"


def _changes(found: Findings) -> Iterator[tuple[str, str]]:
    last, metric, period = found.last, found.leading, found.sheets.period_name
    if last is not None:
        low, high = (f"{last[f'score_change_{e}']:+.0f}" for e in ("lower", "upper"))
        text = f"{last['score_change']:+.0f} points ({low} to {high}), {'within chance' if _is_chance(last) else 'more than chance'}"
        yield f"Change in {period_words(last['period_on'], period)}", text
        if last["paired_change"] is not None and last["n_paired"] >= _ENOUGH_PAIRS:
            low, high = (f"{last[f'paired_change_{e}']:+.0f}" for e in ("lower", "upper"))
            text = f"{last['paired_change']:+.0f} points ({low} to {high}), {last['n_paired']:,} people"
            yield "Change of the same people", text
    total = [r for r in found.of(found.change) if r["respondents"] == ALL]
    if total:
        text = f"{total[0]['rate_effect']:+.1f} points from groups that moved, {total[0]['mix_effect']:+.1f} from other groups answering"
        yield f"Rate and mix by {found.by}", text
    yield from _signals(found, metric)


def _signals(found: Findings, metric: Metric) -> Iterator[tuple[str, str]]:
    charted = [r for r in found.of(found.periods) if r["center_line"] is not None and r["is_complete"]]
    if not charted:
        return
    odd = [r for r in charted if r["control_signal"] != "within the limits"]
    period = found.sheets.period_name
    if not odd:
        text = f"none of {len(charted):,} whole {period}s lies outside {said(metric, charted[-1]['control_low'])} to {said(metric, charted[-1]['control_high'])}, as wide as the last"
    else:
        text = "; ".join(
            f"{period_words(r['period_on'], period)} {said(metric, r['score'])}, {r['control_signal']}"
            for r in odd[-3:]
        )
    yield "Control chart", text


def _groups(found: Findings) -> Iterator[tuple[str, str]]:
    metric = found.leading
    for row in found.of(found.segments):
        if row["rest_evidence"] in ("above the rest", "below the rest"):
            text = f"{spanned(metric, row)}, {row['rest_difference']:+.0f} points against the rest, {row['n']:,} answers"
            yield f"{row['respondents']}: {row['rest_evidence']}", text
    compared = [r for r in found.of(found.segments) if r["rest_difference"] is not None]
    if compared and all(r["rest_evidence"] == "within chance" for r in compared):
        text = f"none of {len(compared):,} groups differs from the rest by more than chance"
        yield f"Groups by {found.by}", text


def _responses(found: Findings) -> Iterator[tuple[str, str]]:
    metric = found.leading
    for row in found.of(found.response):
        if row["respondents"] == EVERYONE and row["heard_rate"] is not None:
            text = (
                f"{formats.share(row['heard_rate'])} of {row['n_on_file']:,} customers answered; whoever did not, the score "
                f"of all lies between {said(metric, row['worst_case_score'])} and {said(metric, row['best_case_score'])}"
            )
            yield "Heard", text
        if row["respondents"] == LATE:
            low, high = (f"{row[f'late_difference_{e}']:+.0f}" for e in ("lower", "upper"))
            yield "Late against early answers", f"{row['late_difference']:+.0f} points ({low} to {high})"


def views(found: Findings) -> Iterator[View]:
    """Name the pictures there is something to draw for, with the finding as the title."""
    yield View("periods", _period_title(found), "periods")
    if sum(r["score"] is not None for r in found.of(found.segments)) > 1:
        yield View("segments", _segment_title(found), "segments")
    yield View("distribution", _distribution_title(found), "distribution")
    if found.of(found.ranking):
        yield View("ranking", _ranking_title(found), "ranking")
    if len(found.of(found.change)) > 2:  # noqa: PLR2004 two groups and the whole
        yield View("change", _change_title(found), "change")


def _period_title(found: Findings) -> str:
    rows = [r for r in found.of(found.periods) if r["center_line"] is not None]
    period, name = found.sheets.period_name, found.leading.label
    if not rows:
        return f"{name} by {period}"
    odd = [r for r in rows if r["control_signal"] in ("outside the limits", "eight or more on one side")]
    if not odd and found.last is not None and not _is_chance(found.last):
        when = period_words(found.last["period_on"], period)
        return f"{name}: {when} {_on_before(found.last['score_change'], period)}, more than chance would do"
    if not odd:
        return f"{name} by {period}: no {period} lies outside what chance would do"
    last = odd[-1]
    if last["control_signal"] == "outside the limits":
        where = "above" if last["score"] > last["center_line"] else "below"
        return f"{name}: {period_words(last['period_on'], period)} lay {where} what chance would do"
    where = "above" if last["score"] > last["center_line"] else "below"
    return f"{name}: eight {period}s or more in a row {where} the centre up to {period_words(last['period_on'], period)}"


def _segment_title(found: Findings) -> str:
    rows = found.of(found.segments)
    odd = [r for r in rows if r["rest_evidence"] in ("above the rest", "below the rest")]
    if not odd:
        return f"{found.leading.label} by {found.by}: no group differs from the rest by more than chance"
    most = max(odd, key=lambda r: abs(r["rest_difference"]))
    side = "above" if most["rest_difference"] > 0 else "below"
    return f"{found.leading.label}: {most['respondents']} lies {abs(most['rest_difference']):.0f} points {side} the rest"


def _distribution_title(found: Findings) -> str:
    row = found.of(found.scores)[0]
    if found.leading.kind == "nps" and row["promoter_share"] is not None:
        return f"{row['promoter_share']:.0%} are promoters, {row['detractor_share']:.0%} detractors"
    if found.leading.kind == "share" and row["score"] is not None:
        kind = "satisfied" if found.leading.name == "csat" else "easy"
        return f"{said(found.leading, row['score'])} of answers are {kind}"
    return "How the answers spread"


def _ranking_title(found: Findings) -> str:
    best = found.of(found.ranking)[0]
    chance = best["best_probability"]
    if chance >= 1 - _SURE:
        return f"Almost surely the best: {best['respondents']}"
    if chance >= 0.5:  # noqa: PLR2004 likelier than not
        return f"Best with a chance of {chance:.0%}: {best['respondents']}"
    return f"In the lead, but truly the best with a chance of only {chance:.0%}: {best['respondents']}"


def _change_title(found: Findings) -> str:
    total, last = found.of(found.change)[-1], found.last
    begin = _on_before(total["total_effect"], found.sheets.period_name)
    begin = f"{begin[:1].upper()}{begin[1:]}"
    if last is None or _is_chance(last):
        return f"{begin}, which is within what chance would do"
    part = (
        "the groups moved"
        if abs(total["rate_effect"]) >= abs(total["mix_effect"])
        else "other groups answered"
    )
    return f"{begin}, mostly because {part}"
