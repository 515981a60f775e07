"""What a reader of priorities must know about the answers behind them: what was left out, and what may not be concluded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from crm_analytics.results import Note
from crm_analytics.satisfaction import ratings
from crm_analytics.satisfaction.regression.design import SAME_ANSWERS, Design
from crm_analytics.satisfaction.regression.moments import Missing

_WAYS: Final[Mapping[str, str]] = {
    "em": "incomplete answers count with what they have, on the assumption that gaps depend only on what was answered "
    "(maximum likelihood, EM)",
    "complete": "only answers without gaps count",
    "pairwise": "each pair of ratings is taken from the answers that have both",
    "not_applicable": "a gap is taken as 'does not apply' and has an effect of its own",
}
_MOST_NAMED: Final = 5


def labels(names: Mapping[str, object] | list[str]) -> str:
    """List columns as a reader sees them."""
    shown = [ratings.label(n) for n in list(names)[:_MOST_NAMED]]
    rest = len(names) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def about_answers(design: Design, way: Missing, n_rows: int) -> Iterator[Note]:
    """Say which answers count, and how."""
    yield from _codes(design)
    gaps = _gaps(design)
    if gaps:
        yield Note("missing", f"{gaps}; {_WAYS[way]}: {n_rows:,} answers.")
    if design.n_no_outcome or design.n_no_driver:
        yield Note(
            "not_counted",
            f"Not counted: {design.n_no_outcome:,} without an answer to {design.outcome.label}, "
            f"{design.n_no_driver:,} without any rating.",
        )
    if design.weight_column:
        without = (
            f"; {design.n_no_weight:,} without a positive weight do not count" if design.n_no_weight else ""
        )
        yield Note(
            "weights",
            f"Answers count with their weight ({ratings.label(design.weight_column)}); they say as much as "
            f"{design.effective_n:,.0f} that count alike{without}.",
        )
    if design.clusters is not None:
        yield Note(
            "clusters",
            f"{design.n:,} answers come from {int(design.clusters.max()) + 1:,} respondents; who answered more than once is "
            "drawn as a whole.",
        )


def _codes(design: Design) -> Iterator[Note]:
    for column, codes in design.set_aside.items():
        said = ", ".join(f"{code:g} ({n:,} times)" for code, n in codes.items())
        listed = ", ".join(f"{code:g}" for code in codes)
        yield Note(
            "odd_codes",
            f"{ratings.label(column)} has codes outside the run of its scale: {said}. They are taken for “no answer”.",
            "caution",
            f"not_applicable={{'{column}': [{listed}]}} if they are, {{'{column}': []}} if they are ratings",
        )
    for column, texts in design.unreadable.items():
        n = sum(texts.values())
        some = ", ".join(repr(t) for t in list(texts)[:3])
        yield Note(
            "unreadable",
            f"{n:,} {'answer' if n == 1 else 'answers'} in {ratings.label(column)} could not be read as a rating: {some}.",
            "caution",
        )
    for column, reason in design.left_out.items():
        yield Note("left_out", f"{ratings.label(column)} is left out: {reason}.", "caution")
    named: set[str] = set()
    for driver in design.drivers:
        if driver.trouble and driver.label not in named:
            twin = driver.trouble.removeprefix(f"{SAME_ANSWERS} as ")
            named |= {driver.label, twin}
            yield Note(
                "twins",
                f"{twin} has {SAME_ANSWERS} as {driver.label}; the two share what they explain evenly, whichever of them counts.",
                "caution",
            )


def _gaps(design: Design) -> str:
    gap = {d.name: float((d.rating.values != d.rating.values).mean()) for d in design.drivers if d.rating}
    worst = sorted((n for n in gap if gap[n] > 0), key=lambda n: (-gap[n], n))
    if not worst:
        return ""
    most = f"{ratings.label(worst[0])} is not rated in {100 * gap[worst[0]]:.0f}% of answers"
    return most if len(worst) == 1 else f"{len(worst)} drivers have gaps; {most}"


def groups_of(frame: pl.DataFrame, by: str) -> pl.Series:
    """Give the group of each row as text, "not known" where there is none."""
    return frame[by].cast(pl.String).fill_null("not known")
