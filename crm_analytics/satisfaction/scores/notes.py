"""What a reader of satisfaction scores must know: scales taken, answers set aside, what is weak, what is not said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.extracts.extract import Extract
from crm_analytics.results import Note
from crm_analytics.satisfaction.ratings import SurveyWeights
from crm_analytics.satisfaction.scores.metrics import NAMES
from crm_analytics.satisfaction.scores.words import Findings

_FEW: Final = 30
_CONTRARY: Final = -0.2
_WIDE: Final = 1.2
_RANK: Final = 3


def notes(
    found: Findings, weights: SurveyWeights, *, scales: Mapping[str, Any], customers: bool
) -> Iterator[Note]:
    """Give everything a reader must know, the weightiest first."""
    yield from _set_aside(found)
    yield from _bases(found)
    yield from _effort(found)
    yield from _scales(found, scales)
    yield from _weights(found, weights)
    yield from _hidden(found)
    yield from _readings(found)
    yield from _nonresponse(found, customers=customers)


def unread(
    extract: Extract, frame: pl.DataFrame, metrics: Mapping[str, str], found: Findings
) -> Iterator[Note]:
    """Name the scores whose column holds nothing, or things, that could not be read."""
    scored = {m.name for m in found.sheets.metrics}
    lost = {f.column: f.text for f in extract.check.findings if f.code == "unread_value"}
    for name, label in NAMES.items():
        column = metrics.get(name, name)
        empty = (
            ""
            if name in scored
            else f"{label}: no answer in {column} could be read, so that it is not scored."
        )
        if column in frame.columns and (empty or column in lost):
            yield Note("unread", " ".join(x for x in (empty, lost.get(column, "")) if x), "caution")


def _set_aside(found: Findings) -> Iterator[Note]:
    for metric in found.sheets.metrics:
        if metric.n_off:
            codes = ", ".join(f"{code} ({n:,})" for code, n in list(metric.off.items())[:6])
            text = (
                f"{metric.n_off:,} {'answer is' if metric.n_off == 1 else 'answers are'} not on the scale of {metric.label.lower()} "
                f"({'of its items' if metric.kind == 'mean' else metric.scale}) and left out: {codes}. They may mean not "
                "applicable, or the scale may be another."
            )
            column = "<column>" if metric.kind == "mean" else metric.name
            option = f"not_applicable={{'<column>': [code]}}, or scales={{'{column}': (low, high)}}"
            yield Note("off_scale", text, "caution", option)


def _bases(found: Findings) -> Iterator[Note]:
    for metric in found.sheets.metrics:
        n = metric.points.size
        if n < found.sheets.min_answers:
            text = f"{metric.label}: {n:,} answers are fewer than {found.sheets.min_answers}, so the score is hidden."
            yield Note(
                "hidden_metric", text, "caution", f"min_answers={found.sheets.min_answers} sets the limit"
            )
        elif n < _FEW:
            yield Note(
                "few_answers",
                f"{metric.label} rests on {n:,} answers: read the interval, not the figure.",
                "caution",
            )
        if metric.n_missing > n:
            text = f"{metric.label}: {metric.n_missing:,} sheets have no answer to it, more than the {n:,} that do; the score is of those who gave one."
            yield Note("mostly_missing", text, "caution")
        if n >= found.sheets.min_answers and np.ptp(metric.points) == 0 and n > 1:
            text = f"{metric.label}: all answers count alike; the interval says what {n:,} answers cannot rule out."
            yield Note("all_alike", text, "caution")


def _effort(found: Findings) -> Iterator[Note]:
    """Say which end of the effort scale is good, and warn where the answers speak against it."""
    ces = next((m for m in found.sheets.metrics if m.name == "ces"), None)
    if ces is None:
        return
    good = "low" if ces.is_reversed else "high"
    turned = f"ces_high='{'ease' if ces.is_reversed else 'effort'}' turns it"
    yield Note("effort_direction", f"Effort: {good} answers are taken as little effort.", option=turned)
    other = next((m for m in found.sheets.metrics if m.name in ("csat", "nps")), None)
    if other is None:
        return
    both, one, two = np.intersect1d(ces.rows, other.rows, return_indices=True)
    if both.size < _FEW or np.ptp(ces.given[one]) == 0 or np.ptp(other.given[two]) == 0:
        return
    r = float(np.corrcoef(ces.given[one], other.given[two])[0, 1]) * (-1 if ces.is_reversed else 1)
    if r < _CONTRARY:
        text = f"Easy answers go with low scores of {other.label.lower()} (r = {r:.2f}): the scale of effort may run the other way."
        yield Note("effort_contrary", text, "caution")


def _scales(found: Findings, scales: Mapping[str, Any]) -> Iterator[Note]:
    taken = [
        f"{m.label.lower()} {m.scale}"
        for m in found.sheets.metrics
        if m.name in ("csat", "ces") and m.name not in scales
    ]
    if taken:
        text = f"Scales were read off the answers, the smallest usual one that holds them all: {', '.join(taken)}."
        yield Note("scales_found", text, option="scales={'<score>': (low, high)} names another")
    for metric in found.sheets.metrics:
        yield Note(
            f"definition_{metric.name}",
            f"{metric.label}: {metric.definition[:1].lower()}{metric.definition[1:]}.",
        )


def _weights(found: Findings, weights: SurveyWeights) -> Iterator[Note]:
    if weights.column is not None:
        lost = f" {weights.n_without:,} without a weight above 0 are left out." if weights.n_without else ""
        text = f"Answers are weighted by {weights.column}; intervals use the effective number of answers (Kish).{lost}"
        yield Note("weighted", text, "caution" if weights.n_without else "info")
    lead = found.leading
    if lead.alike > 0 and np.unique(lead.people).size < lead.people.size:
        text = (
            f"Some people answered more than once and alike (correlation {lead.alike:.2f}); the effective number of answers "
            "allows for it."
        )
        yield Note("repeated_answers", text)
    factor = found.of(found.scores)[0]["design_effect"]
    if factor is not None and factor > _WIDE:
        text = f"Weights and repeated answers make the variance {factor:.2f} times that of as many plain answers."
        yield Note("design_effect", text)


def _hidden(found: Findings) -> Iterator[Note]:
    least = found.sheets.min_answers
    for what, table in (("groups", found.segments), ("periods", found.periods)):
        n = sum(r["answer_base"] == "hidden" for r in found.of(table))
        if n:
            text = (
                f"{n:,} {what[:-1] if n == 1 else what} {'is' if n == 1 else 'are'} hidden: fewer than {least} answers, or one "
                "from which, with the total, such a one could be worked out (min_answers)."
            )
            yield Note(f"hidden_{what}", text)


def _readings(found: Findings) -> Iterator[Note]:
    if len(found.of(found.segments)) > 1:
        text = "Each group is compared with all other answers, never with a total that contains it; p-values are corrected for how many are compared."
        yield Note("against_the_rest", text)
        text = "Groups may differ because different customers answer in them; the figures do not say that the group is the cause."
        yield Note("no_cause", text)
    if len(found.of(found.ranking)) >= _RANK:
        text = "Places are given by scores drawn towards that of all groups, because raw scores of small groups are extreme by chance."
        yield Note("pooled", text)
    if any(r["n_paired"] for r in found.of(found.periods)):
        text = "Changes between periods take the answers as different people's; where many people answer in both, the change of the same people in the table is the sharper test."
        yield Note("same_people", text)
    if any((r["scatter_factor"] or 1) > 1 for r in found.of(found.periods)):
        text = "Periods scatter more than chance alone; the control limits are widened by it (Laney's p')."
        yield Note("scatter", text)


def _nonresponse(found: Findings, *, customers: bool) -> Iterator[Note]:
    heard = [r for r in found.of(found.response) if r["heard_rate"] is not None]
    if heard:
        text = (
            "Intervals are for chance in who answered; that those who did not answer may differ is only in the bounds without "
            "an assumption. Not every customer on file need have been invited."
        )
        yield Note("nonresponse", text)
    elif not customers:
        text = "Who did not answer is not known here: with customers= the response rate and the bounds for everybody are given."
        yield Note("nonresponse_unknown", text)
