"""Every choice that makes a cohort figure what it is, kept in the address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from crm_analytics.errors import OptionError
from shared import controls
from shared.filters import Seen
from shared.words import listed, plain

PERIODS: Final = {"month": "Month", "day": "Day", "week": "Week", "quarter": "Quarter", "year": "Year"}
CRITERIA: Final = {
    "on": "On", "on_or_after": "On or after", "on_or_before": "On or before", "bracket": "Within brackets",
    "streak": "Every time so far",
}  # fmt: skip
CLOCKS: Final = {
    "calendar": "Calendar", "month": "Own months", "30d": "Own 30 days", "7d": "Own 7 days", "24h": "Own 24 hours",
}  # fmt: skip
VALUES: Final = {
    "customers": "Customers", "orders": "Orders", "spend": "Spend", "margin": "Margin", "average_order": "Average order",
    "cumulative": "Spend so far", "payback": "Payback",
}  # fmt: skip
AVERAGES: Final = {"pooled": "Pooled", "simple": "Simple", "mature_only": "Mature only"}
ACTIVITIES: Final = {"purchases": "Purchases", "any": "Any, refunds too"}
WEEK_STARTS: Final = {None: "As in the base", "monday": "Monday", "sunday": "Sunday", "saturday": "Saturday"}
MONTHS: Final = dict(
    enumerate(
        ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
         "December"), start=1,
    )
)  # fmt: skip
ENTRIES: Final = {"first_ever": "First order ever", "recurring": "Every period with an order"}

USUAL: Final[Mapping[str, Any]] = {
    "period": "month", "criterion": "on", "horizon": None, "brackets": "", "entry": "first_ever", "clock": "calendar",
    "value": "customers", "by": None, "average": "pooled", "activity": "purchases", "week_start": None,
    "fiscal_year_start": 1, "max_periods": None, "min_customers": 1, "shrink": False, "compare": False,
}  # fmt: skip
"""What each option is unless it is chosen, by its name in the address."""

LABELS: Final[Mapping[str, str]] = {
    "period": "Period", "criterion": "Counts as active", "horizon": "Horizon", "brackets": "Brackets", "entry": "Who enters",
    "clock": "Clock", "value": "What is shown", "by": "Groups", "average": "Average", "activity": "Activity",
    "week_start": "Weeks begin on", "fiscal_year_start": "Years begin in", "max_periods": "Most ages",
    "min_customers": "Smallest cohort shown", "shrink": "Draw small cohorts to the others", "compare": "Compare definitions",
}  # fmt: skip
_USUAL_BRACKETS: Final = "1-3, 4-6, 7-12"


def ask(seen: Seen) -> dict[str, Any]:
    """Show the options, and give those that are not as usual as `cohort_retention` takes them."""
    columns = _columns(seen)
    with st.expander("Options", icon=":material/tune:", key="cohort_options"):
        with st.grid(4, min_column_width=200, gap="small"):
            _what()
            _who(columns)
            _details()
        controls.switch(
            LABELS["shrink"], "shrink", "Adds rates of small cohorts drawn towards those of the others."
        )
        controls.switch(
            LABELS["compare"],
            "compare",
            "The same customers as Mixpanel, Amplitude, PostHog and Shopify count them.",
        )
        st.button("Usual options", icon=":material/restart_alt:", on_click=controls.reset, args=(USUAL,))
    return _said(columns)


def changed() -> str:
    """Say which options are not as usual."""
    names = [
        LABELS[key].lower()
        for key, usual in USUAL.items()
        if st.session_state.get(key, usual) not in (usual, None)
    ]
    return f"Not as usual: {plain(listed(names, len(names)))}." if names else ""


def _what() -> None:
    controls.choice(LABELS["period"], PERIODS, "period", "Length of a cohort and of its ages.")
    controls.choice(
        LABELS["criterion"], CRITERIA, "criterion",
        "On: an order at just this age. On or after: at this age or later. On or before: at any age up to it. "
        "Within brackets: between two ages. Every time so far: at every age up to it.",
    )  # fmt: skip
    if st.session_state["criterion"] == "on_or_after":
        controls.number(
            LABELS["horizon"],
            "horizon",
            1,
            400,
            "How many ages are looked at, the same for every cohort. Empty: up to the end.",
        )
    if st.session_state["criterion"] == "bracket":
        st.text_input(
            LABELS["brackets"], key="brackets", placeholder=_USUAL_BRACKETS, bind="query-params",
            help=f"First and last age of each, for example {_USUAL_BRACKETS}.",
        )  # fmt: skip
    controls.choice(LABELS["value"], VALUES, "value", "What the table shows.")
    controls.choice(
        LABELS["average"], AVERAGES, "average", "Whether every customer, or every cohort, weighs the same."
    )


def _columns(seen: Seen) -> dict[str, str]:
    """Give the attributes of orders and of customers; where both have one, that of the customers table stands apart."""
    of = seen.before_segments
    orders, people = controls.attributes(of, "transactions"), controls.attributes(of, "customers")
    both = {f"customers.{name}": f"{words} (customers)" for name, words in people.items() if name in orders}
    return {**orders, **{name: words for name, words in people.items() if name not in orders}, **both}


def _who(columns: Mapping[str, str]) -> None:
    controls.choice(LABELS["entry"], {**ENTRIES, **columns}, "entry", "What makes a cohort.")
    controls.choice(
        LABELS["by"], {None: "None", **columns}, "by", "Divide the cohorts by what is known of customers."
    )
    controls.choice(
        LABELS["clock"], CLOCKS, "clock", "Calendar periods, or time since each customer's own first order."
    )


def _details() -> None:
    controls.choice(
        LABELS["activity"], ACTIVITIES, "activity", "Whether refunds and free orders count as activity."
    )
    controls.choice(LABELS["week_start"], WEEK_STARTS, "week_start")
    controls.choice(
        LABELS["fiscal_year_start"], MONTHS, "fiscal_year_start", "First month of quarters and years."
    )
    controls.number(LABELS["max_periods"], "max_periods", 1, 400, "Ages that are shown. Empty: all.")
    controls.number(
        LABELS["min_customers"],
        "min_customers",
        1,
        100_000,
        "Smaller cohorts show their size and nothing else.",
        usual=1,
    )


def _said(columns: Mapping[str, str]) -> dict[str, Any]:
    both = [words for key in ("entry", "by") if (words := columns.get(str(st.session_state.get(key))))]
    if len(both) > 1:
        raise OptionError(
            f"The cohorts are to be made by {both[0].lower()} and divided by {both[1].lower()}.",
            "One of the two can be shown.",
            "Under Options, set who enters to the first order ever, or groups to none.",
        )
    state = {key: st.session_state.get(key, usual) for key, usual in USUAL.items()}
    said = {key: value for key, value in state.items() if value != USUAL[key] and value is not None}
    if state["criterion"] == "bracket":
        said["brackets"] = brackets(state["brackets"] or _USUAL_BRACKETS)
    else:
        said.pop("brackets", None)
    if state["criterion"] != "on_or_after":
        said.pop("horizon", None)
    if said.pop("compare", False):
        said["compare_definitions"] = True
    return said


def brackets(text: str) -> list[tuple[int, int]]:
    """Read brackets as people write them.

    >>> brackets("1-3, 4 - 6; 7")
    [(1, 3), (4, 6), (7, 7)]
    """
    parts = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
    found = [re.fullmatch(r"(\d{1,4})(?:\s*(?:-|–|to)\s*(\d{1,4}))?", part) for part in parts]
    pairs = [(int(m[1]), int(m[2] or m[1])) for m in found if m]
    before = [0, *(last for _, last in pairs)]
    in_order = all(last < pair[0] <= pair[1] for last, pair in zip(before, pairs, strict=False))
    if not pairs or len(pairs) < len(parts) or not in_order:
        raise OptionError(
            f"The brackets are given as {text!r}.",
            f"First and last age of each were expected, from 1 on, in order and without overlap: {_USUAL_BRACKETS}.",
            "Correct them under Options.",
        )
    return pairs
