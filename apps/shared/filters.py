"""The one filter bar: dates, segment, channel and country, kept in the address so that a link restores the view.

A filter changes which orders and customers are seen, through `CustomerBase.where`; every figure on a page is then
what the library gives for that base. A customer's segment is decided before the segment filter is applied, so that
choosing a segment shows just the customers counted in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import polars as pl
import streamlit as st

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.errors import OptionError
from crm_analytics.results import Result
from crm_analytics.segmentation.segments import SCORED
from shared import cache
from shared.cache import Opened
from shared.words import listed, plain

FROM, AS_OF, SEGMENT, CHANNEL, COUNTRY = KEYS = ("from", "as_of", "segment", "channel", "country")
"""Names of the filters in the address."""

FITTED_TO_ALL: Final = frozenset({"lifetime_value", "retention_economics"})
"""Analyses whose models are fitted to all customers, whatever segment is shown."""

JUDGED_ON_ALL: Final = frozenset(
    {
        "clv_validation", "buying_patterns",
        "cohort_retention", "survival", "lifecycle", "repeat_purchase", "revenue_retention",
        "complaints",
    }
)  # fmt: skip
"""Analyses that must not see customers chosen by what they did: those that look back, and those of how customers differ.

Whoever stayed is in another segment than who left: retention of a segment would be what the segment is made by.
"""

_DATED: Final = ("transactions", "surveys", "cases", "contacts", "subscriptions")
"""Tables whose days bound the choice of days, the first there is."""

_EMPTY: Final[dict[str, Any]] = {FROM: None, AS_OF: None, SEGMENT: [], CHANNEL: [], COUNTRY: []}


@dataclass(frozen=True)
class Filters:
    """What is asked to be seen. `start` is the first day, `as_of` the first day that is no longer seen."""

    start: date | None = None
    as_of: date | None = None
    segments: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Say what is seen, a phrase for each filter that is set."""
        return [
            *([f"From {formats.value(self.start, 'day')}"] if self.start else []),
            *([f"As of {formats.value(self.as_of, 'day')}"] if self.as_of else []),
            *([f"Segment: {listed(list(self.segments))}"] if self.segments else []),
            *([f"Channel: {listed(list(self.channels))}"] if self.channels else []),
            *([f"Country: {listed(list(self.countries))}"] if self.countries else []),
        ]


@dataclass(frozen=True, eq=False)
class Seen:
    """A base as the filters show it, and the same base before the segment filter."""

    opened: Opened
    before_segments: Opened
    filters: Filters

    def result(self, name: str, **options: Any) -> Result:  # noqa: ANN401 each analysis has options of its own
        """Run an analysis on what is seen.

        RFM keeps the cut-offs of the base before the segment filter: who is left stays in the segment chosen. Models of
        what customers will do are fitted to the base before it, and forecasts are judged on it: those chosen by what they
        did tell too little.
        """
        if name == "rfm" and self.filters.segments:
            whole = cache.result(self.before_segments, "rfm")
            return cache.remember(
                self.opened, "rfm|same cut-offs", lambda: crm.run("rfm", self.opened.base, thresholds=whole)
            )
        if name in JUDGED_ON_ALL:
            return cache.result(self.before_segments, name, **options)
        if name in FITTED_TO_ALL and self.filters.segments:
            everyone = self.before_segments.base.table("transactions")
            return cache.remember(
                self.opened,
                f"{name}|fitted to all",
                lambda: crm.run(name, self.opened.base, reference=everyone),
            )
        return cache.result(self.opened, name, **options)

    def of_segments(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Keep the customers of the segments chosen, in a list of customers of all segments."""
        if not self.filters.segments:
            return frame
        ids = cache.remember(
            self.before_segments,
            f"ids|{self.filters.segments}",
            lambda: _ids(self.before_segments, self.filters),
        )
        return frame.filter(pl.col("customer_id").is_in(ids.implode()))


def bar() -> None:
    """Draw the filter bar in the side bar.

    The entry script calls it, not the pages: what is drawn there is one and the same bar on every page.
    """
    of = cache.opened()
    first, last = _window(of)
    with st.sidebar, st.container(key="filters"):
        st.subheader("Filters")
        _day("From", FROM, "First day whose orders count towards spend and frequency.", first, last)
        _day("As of", AS_OF, "Orders of this day and later are not seen.", first, last)
        _choice("Segment", SEGMENT, _segments(of))
        _choice("Channel", CHANNEL, _values(of, "channel"))
        _choice("Country", COUNTRY, _values(of, "country"))
        st.button(
            "Reset filters", icon=":material/filter_alt_off:", on_click=reset, disabled=chosen() == Filters(), width="stretch"
        )  # fmt: skip


def chosen() -> Filters:
    """Give what the filter bar says."""
    said = {key: st.session_state.get(key) or nothing for key, nothing in _EMPTY.items()}
    return Filters(said[FROM], said[AS_OF], tuple(said[SEGMENT]), tuple(said[CHANNEL]), tuple(said[COUNTRY]))


def seen() -> Seen:
    """Say on the page what is chosen, and give the base as the filters show it."""
    filters = chosen()
    chips(filters)
    return see(cache.opened(), filters)


def chips(filters: Filters) -> None:
    """Show on the page itself which filters are set: on a phone the side bar is closed."""
    if filters.words():
        with st.container(horizontal=True, vertical_alignment="center", key="chips"):
            for words in filters.words():
                st.badge(plain(words), icon=":material/filter_alt:", color="blue")
            st.button("Clear", type="tertiary", icon=":material/close:", on_click=reset, key="clear_filters")


def reset() -> None:
    """Take every filter off."""
    for key, nothing in _EMPTY.items():
        st.session_state[key] = nothing


def see(of: Opened, filters: Filters) -> Seen:
    """Apply the filters to a base."""
    if filters.start and filters.as_of and filters.start >= filters.as_of:
        raise OptionError.out_of_range(
            "from", filters.start.isoformat(), f"a day before the as-of day, {filters.as_of.isoformat()}"
        )
    rows = replace(filters, segments=())
    before = cache.remember(of, f"where|{rows}", lambda: _where(of, rows))
    if not filters.segments:
        return Seen(before, before, filters)
    return Seen(cache.remember(of, f"where|{filters}", lambda: _only(before, filters)), before, filters)


def _where(of: Opened, rows: Filters) -> Opened:
    if rows == Filters():
        return of
    base = of.base.where(
        start=rows.start, end=rows.as_of, channels=rows.channels or None, countries=rows.countries or None
    )
    return replace(of, base=base, key=f"{of.key}|{rows}")


def _only(before: Opened, filters: Filters) -> Opened:
    base = before.base.where(
        customer_ids=_ids(before, filters).to_list(), words=f"segment {listed(list(filters.segments), 12)}"
    )
    return replace(before, base=base, key=f"{before.key}|{filters.segments}")


def _ids(before: Opened, filters: Filters) -> pl.Series:
    customers = cache.result(before, "rfm").tables()["customers"]
    return customers.filter(pl.col("segment").is_in(filters.segments))["customer_id"]


def _day(label: str, key: str, words: str, first: date | None, last: date | None) -> None:
    after = last and last + timedelta(days=1)  # the first day that is not seen may be the one after the last
    st.date_input(label, None, first, after, key, words, format="DD/MM/YYYY", bind="query-params")


def _choice(label: str, key: str, options: list[str]) -> None:
    if len(options) > 1:
        st.multiselect(label, options, key=key, placeholder="All", bind="query-params")


def _window(of: Opened) -> tuple[date | None, date | None]:
    name = next((n for n in _DATED if of.base.has(n)), None)
    if name is None:
        return None, None
    check = of.base.table(name).check
    first, last = check.window_start, check.window_end
    return first.date() if first else None, last.date() if last else None


def _values(of: Opened, column: str) -> list[str]:
    return cache.remember(of, f"values|{column}", lambda: _distinct(of, column))


def _distinct(of: Opened, column: str) -> list[str]:
    if not of.base.has("transactions"):
        return []
    frame = of.base.table("transactions").frame
    if column not in frame.collect_schema().names():
        return []
    counts = frame.group_by(column).len().sort("len", column, descending=[True, False]).collect()
    found: list[str] = counts[column].drop_nulls().to_list()
    return found


def _segments(of: Opened) -> list[str]:
    """Name every segment that orders can make, without working out who is in it: the figures of a page come first."""
    return [segment.value for segment in SCORED] if of.base.has("transactions") else []
