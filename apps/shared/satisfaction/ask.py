"""What a reader may choose on the page on satisfaction, kept in the address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from crm_analytics.errors import CrmError
from crm_analytics.results import Result
from crm_analytics.satisfaction.ratings import rating_columns
from shared import cache, controls
from shared.filters import Seen
from shared.words import heading

_METRICS: Final = {"nps": "Net promoter score", "csat": "Satisfied answers", "ces": "Easy answers"}
_OUTCOMES: Final = {"nps": "Recommending (NPS)", "csat": "Satisfaction (CSAT)", "ces": "Ease (CES)"}
_PERIODS: Final = {"quarter": "Quarter", "month": "Month", "week": "Week", "year": "Year"}
_GAPS: Final = {
    "em": "Estimated from what is there", "complete": "Complete answers alone", "pairwise": "Pair by pair",
    "not_applicable": "A gap means: does not apply",
}  # fmt: skip
_CUTS: Final = {"mean": "At the means", "midpoint": "At the middle of the scales", "iso": "Equal priority"}
_USUAL: Final = {"missing": "em", "cut": "mean", "period": "quarter"}


@dataclass(frozen=True)
class Asked:
    """The options for the scores and for everything about drivers; only what differs from the usual."""

    scores: dict[str, Any] = field(default_factory=dict)
    drivers: dict[str, Any] = field(default_factory=dict)
    cut: dict[str, Any] = field(default_factory=dict)

    def scored(self, seen: Seen) -> Result:
        """Score the answers."""
        return seen.result("satisfaction_scores", **self.scores)

    def driven(self, seen: Seen, **more: Any) -> Result:  # noqa: ANN401 options of the analysis
        """Find what moves the outcome."""
        return seen.result("satisfaction_drivers", **self.drivers, **more)

    def mapped(self, seen: Seen) -> Result:
        """Set importance against performance."""
        return seen.result("importance_performance", **self.drivers, **self.cut)

    def answered(self, seen: Seen) -> tuple[Result, ...]:
        """Give what the top of the page shows beside the part below, or nothing where it has said why it cannot."""
        try:
            return (self.mapped(seen),)
        except CrmError:
            return ()

    def shaped(self, seen: Seen) -> Result:
        """Tell what must be from what delights."""
        plain = {k: v for k, v in self.drivers.items() if k != "missing"}
        return seen.result("penalty_reward", **plain)


def options(seen: Seen) -> Asked:
    """Ask for the score shown, the outcome explained, the drivers, and how gaps and lines are taken."""
    outcomes, ratings = _offered(seen)
    with (
        st.expander("Options", icon=":material/tune:", key="satisfaction_options"),
        st.grid(4, min_column_width=200, gap="small"),
    ):
        metric = controls.choice(
            "Score",
            {None: "First there is", **_of(outcomes, _METRICS), "index": "Index of ratings"},
            "metric",
        )
        period = controls.choice("Score by", _PERIODS, "period")
        outcome = controls.choice(
            "Explain", {None: "As found", **_of(outcomes, _OUTCOMES)}, "outcome",
            "What the ratings are to explain; satisfaction (CSAT) where there is such a column.",
        )  # fmt: skip
        gaps = controls.choice("Gaps", _GAPS, "gaps", "What an unanswered rating means.")
        cut = controls.choice("Lines of the map", _CUTS, "cut", "Where important and well rated begin.")
        picked: list[str] = st.multiselect(
            "Drivers", ratings, format_func=heading, key="drivers", bind="query-params", placeholder="All ratings",
        )  # fmt: skip
        items: list[str] = st.multiselect(
            "Index of", ratings, format_func=heading, key="index_items", bind="query-params", placeholder="No index",
            help="The mean of several ratings, each from 0 to 100, is scored beside the others.",
        )  # fmt: skip
    drivers = {"outcome": outcome, "missing": gaps, "drivers": tuple(picked) or None}
    scores = {
        "metric": metric if metric != "index" or items else None,
        "period": period,
        "index": tuple(items) or None,
    }
    return Asked(_unusual(scores), _unusual(drivers), _unusual({"cut": cut}))


def has_ratings(seen: Seen) -> bool:
    """Say whether the answer sheets rate anything at all."""
    return any(_offered(seen))


def _offered(seen: Seen) -> tuple[list[str], list[str]]:
    return cache.remember(seen.opened, "survey columns", lambda: _columns(seen))


def _columns(seen: Seen) -> tuple[list[str], list[str]]:
    frame = seen.opened.base.table("surveys").frame.collect()
    outcomes = [c for c in _METRICS if c in frame.columns and frame[c].null_count() < frame.height]
    return outcomes, rating_columns(frame, without=outcomes)


def _of(names: list[str], words: dict[str, str]) -> dict[str, str]:
    return {name: words[name] for name in names}


def _unusual(said: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if value not in (None, _USUAL.get(key))}
