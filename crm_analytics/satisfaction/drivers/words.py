"""Satisfaction drivers in words: headline, titles, summary, notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl

from crm_analytics import formats
from crm_analytics.results import MOST_SUMMARY_ROWS, View
from crm_analytics.satisfaction.drivers.findings import Findings
from crm_analytics.satisfaction.ratings import label

SURE: Final = 0.05
"""Below this p-value a finding is called sure."""

MOST_NAMED: Final = 3
"""So many drivers are named in a sentence."""

_LITTLE: Final = 0.05
_WIDER: Final = 1.5  # a scale so much longer than another has points that are not the same


class Told:
    """The tables, and what they say together."""

    def __init__(self, found: Findings, drivers: pl.DataFrame, differences: pl.DataFrame) -> None:
        self.found, self.differences = found, differences
        self.drivers = drivers.filter(pl.col("lmg").is_not_null())
        self.rows = self.drivers.to_dicts()

    @property
    def leaders(self) -> list[str]:
        """Drivers that may be the first: all whose difference from the first can be none."""
        first = self.rows[0]["driver"]
        behind = self.differences.filter((pl.col("driver") == first) & pl.col("is_ahead"))[
            "other_driver"
        ].to_list()
        return [r["driver"] for r in self.rows if r["driver"] not in behind]

    @property
    def scales_differ(self) -> bool:
        """Whether a point means more of the scale with one rating than with another."""
        ratings = [d.rating for d in self.found.design.drivers if d.rating is not None and d.kind == "rating"]
        widths = [r.high - r.low for r in ratings]
        return bool(widths) and max(widths) > _WIDER * min(widths)

    @property
    def measure(self) -> str:
        """Name what is shared out."""
        return "R²" if self.found.design.outcome.kind == "numeric" else "McFadden's R²"

    @property
    def of(self) -> str:
        """Say what the shares are shares of."""
        return (
            "what the ratings explain"
            if all(d.kind == "rating" for d in self.found.design.drivers)
            else "what the drivers explain"
        )

    @property
    def explained(self) -> float:
        """What all drivers explain beyond what is always in."""
        return float(self.found.shares.r2 - self.found.shares.base)

    @property
    def _none_sure(self) -> bool:
        return not (np.array([r["unique_p_holm"] for r in self.rows]) < SURE).any()

    @property
    def by_chance(self) -> bool:
        """Whether chance alone may explain what the drivers explain."""
        return self.found.together_p >= SURE and self._none_sure

    @property
    def nothing(self) -> bool:
        """Whether the drivers say too little for an order of them to matter."""
        return self.by_chance or (self.explained < _LITTLE and self._none_sure)

    def base(self) -> str:
        """Give the fit and the number of answers."""
        return f"{self.measure} {self.found.shares.r2:.2f}, n {self.found.rows.n:,}"


def lower(text: str) -> str:
    """Begin a label in the middle of a sentence; words in capitals stay.

    >>> lower("Quality of food"), lower("NPS"), lower("A")
    ('quality of food', 'NPS', 'A')
    """
    return text if text[:2].isupper() or len(text) < 2 else text[:1].lower() + text[1:]  # noqa: PLR2004


def listed(names: Sequence[str]) -> str:
    """List names in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


def percent(value: float) -> str:
    """Write a share in whole percent, small ones with a digit more.

    >>> percent(0.384), percent(0.004), percent(0.997), percent(1.0)
    ('38%', '0.4%', '99.7%', '100%')
    """
    near_an_end = 0 < value < 0.0095 or 0.995 <= value < 1  # noqa: PLR2004 would read as none or all
    return f"{100 * value:.1f}%" if near_an_end else f"{100 * value:.0f}%"


def _with_interval(row: dict[str, float]) -> str:
    return f"{percent(row['importance'])} (95% interval {percent(row['importance_lower'])} to {percent(row['importance_upper'])})"


def outcome_words(told: Told) -> str:
    """Name the outcome in a sentence."""
    outcome = told.found.design.outcome
    names = {"csat": "satisfaction", "nps": "recommendation", "ces": "ease"}
    return names.get(outcome.name, lower(outcome.label))


def headline(told: Told) -> str:
    """Say in one sentence what matters most, without a winner where none can be told."""
    what, leaders = outcome_words(told), told.leaders
    rows = {r["driver"]: r for r in told.rows}
    if told.by_chance:
        return f"Whether {_who(told)} anything of {what} cannot be told: chance alone would explain as much (p {formats.p_value(told.found.together_p)}; {told.base()})."
    if told.nothing:
        return f"{capital(_who(told))} little of {what}: {_explained(told)} ({told.base()})."
    if len(told.rows) == 1:
        only = capital(lower(told.rows[0]["driver_label"]))
        part = (
            f"explains {formats.share(told.explained)} of the variation of"
            if told.measure == "R²"
            else "goes with"
        )
        return f"{only} {part} {what} ({told.base()})."
    if len(leaders) == 1:
        return f"{_alone(told, rows[leaders[0]], what)} ({told.base()})."
    if len(leaders) <= MOST_NAMED:
        names = listed([lower(rows[d]["driver_label"]) for d in leaders])
        parts = (
            ", ".join(_with_interval(rows[d]) for d in leaders[:-1])
            + f" and {_with_interval(rows[leaders[-1]])}"
        )
        return f"{capital(names)} matter most for {what}: {parts} of {told.of}, and which is first cannot be told ({told.base()})."
    names = listed([lower(rows[d]["driver_label"]) for d in leaders[:MOST_NAMED]])
    first = rows[leaders[0]]
    return (
        f"No driver of {what} stands out: {names} lead, {lower(first['driver_label'])} with {_with_interval(first)} of {told.of}, but {len(leaders)} of {len(told.rows)} drivers "
        f"could be the first ({told.base()})."
    )  # fmt: skip


def _alone(told: Told, first: dict[str, float | str], what: str) -> str:
    second = told.rows[1]
    name = capital(lower(str(first["driver_label"])))
    return (
        f"{name} matters most for {what}: {_with_interval(first)} of {told.of}, surely ahead of "  # type: ignore[arg-type]
        f"{lower(second['driver_label'])} with {percent(second['importance'])}"
    )


def _who(told: Told) -> str:
    return "the drivers say" if len(told.rows) > 1 else f"{lower(told.rows[0]['driver_label'])} says"


def _explained(told: Told) -> str:
    """Write what the drivers explain beyond what is always in; McFadden's R² is no share of a variation."""
    part = max(told.explained, 0.0)
    what = (
        f"{formats.share(part)} of the variation" if told.measure == "R²" else f"{part:.2f} of McFadden's R²"
    )
    return f"it explains {what}" if len(told.rows) == 1 else f"together they explain {what}"


def views(told: Told, shape: pl.DataFrame, missing: pl.DataFrame, segments: pl.DataFrame) -> Iterator[View]:
    """Give the pictures there are data for."""
    what = outcome_words(told)
    yield View("drivers", _main_title(told, what), "drivers")
    if len(told.rows) > 1:
        yield View("ranks", _rank_title(told), "ranks")
    if any(r["leverage"] is not None for r in told.rows):
        yield View("leverage", _leverage_title(told, what), "drivers")
    if not shape.is_empty():
        yield View("shape", _shape_title(told), "shape")
    if not segments.is_empty():
        yield View("segments", _segment_title(told, segments), "segments")
    if missing["gaps_taken"].n_unique() > 1:
        yield View("missing", _missing_title(missing), "missing")


def _main_title(told: Told, what: str) -> str:
    rows, leaders = {r["driver"]: r for r in told.rows}, told.leaders
    if told.by_chance:
        return f"Whether {_who(told)} anything of {what} cannot be told"
    if told.nothing:
        return f"{capital(_who(told))} little of {what}"
    if len(told.rows) == 1:
        return f"What {lower(told.rows[0]['driver_label'])} explains of {what}"
    names = listed([lower(rows[d]["driver_label"]) for d in leaders[:MOST_NAMED]])
    if len(leaders) == 1:
        return f"{capital(names)} matters most for {what}"
    if len(leaders) <= MOST_NAMED:
        return f"{capital(names)} matter most for {what}"
    return f"No driver of {what} stands out"


def _rank_title(told: Told) -> str:
    first = told.rows[0]
    name = capital(lower(first["driver_label"]))
    p = first["first_probability"]
    if told.nothing:
        return "No order of the drivers can be told"
    if len(told.leaders) == 1:
        return f"{name} is first in {percent(p)} of draws"
    return f"Which driver is first is not sure: {lower(first['driver_label'])} in {percent(p)} of draws"


def _leverage_title(told: Told, what: str) -> str:
    sure = [r for r in told.rows if r["leverage"] is not None and r["leverage_lower"] > 0]
    if not sure:
        return f"No driver surely goes with higher {what} if rated a point better"
    if told.scales_differ:
        return f"What {what} a point more goes with, each driver on its own scale"
    best = max(sure, key=lambda r: r["leverage"])
    return f"A point better on {lower(best['driver_label'])} goes with {what} {amount(told.found, best['leverage'])} higher"


def amount(found: Findings, value: float) -> str:
    """Write a change of the outcome in its unit."""
    unit = found.design.outcome.unit
    if unit == "share":
        return f"{100 * value:.1f} percentage points"
    return f"{value:.1f} NPS points" if unit == "NPS points" else f"{value:.2f} points"


def _shape_title(told: Told) -> str:
    bent = sorted(
        (r for r in told.rows if (r["straight_p_value"] or 1) < SURE / len(told.rows)),
        key=lambda r: r["straight_p_value"],
    )
    if not bent:
        return "Ratings act in straight lines, as far as can be told"
    names = listed([lower(r["driver_label"]) for r in bent[:MOST_NAMED]])
    return f"{capital(names)} {'does' if len(bent) == 1 else 'do'} not act in a straight line"


def _segment_title(told: Told, segments: pl.DataFrame) -> str:
    by = lower(label(str(told.found.by)))
    if (segments["equal_p_holm"] < SURE).any():
        part = segments.sort("equal_p_holm", "answers_of")["answers_of"][0]
        return f"Drivers matter differently by {by}, most surely for {part}"
    return f"No sure difference by {by} in what matters"


def _missing_title(missing: pl.DataFrame) -> str:
    first = missing.filter(pl.col("place") == 1)["driver_label"].unique(maintain_order=True).to_list()
    if len(first) > 1:
        return f"Which driver is first depends on how gaps are taken: {' or '.join(lower(f) for f in first[:MOST_NAMED])}"
    moved = missing.group_by("driver").agg(n=pl.col("place").n_unique()).filter(pl.col("n") > 1).height
    if moved:
        return f"{capital(lower(first[0]))} is first however gaps are taken; {moved} drivers change places"
    return "How gaps are taken changes no driver's place"


def summary(told: Told) -> pl.DataFrame:
    """Give the drivers, the most important first, as a manager reads them."""
    columns = [
        "driver_label",
        "n_answers",
        "driver_mean",
        "importance",
        "importance_lower",
        "importance_upper",
        "first_probability",
        "unique_p_holm",
        "leverage",
    ]
    return told.drivers.select(columns).head(MOST_SUMMARY_ROWS)
