"""Every choice that makes a cohort figure what it is, kept in the address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from crm_analytics.errors import OptionError
from shared.filters import Seen
from shared.retention import controls
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

_LABELS: Final = {
    "period": "Period", "criterion": "Counts as active", "horizon": "Horizon", "brackets": "Brackets", "entry": "Who enters",
    "clock": "Clock", "value": "What is shown", "by": "Groups", "average": "Average", "activity": "Activity",
    "week_start": "Weeks begin on", "fiscal_year_start": "Years begin in", "max_periods": "Most ages",
    "min_customers": "Smallest cohort shown", "shrink": "Draw small cohorts to the others", "compare": "Compare definitions",
}  # fmt: skip
_USUAL_BRACKETS: Final = "1-3, 4-6, 7-12"


def ask(seen: Seen) -> dict[str, Any]:
    """Show the options, and give those that are not as usual as `cohort_retention` takes them."""
    with st.expander("Options", icon=":material/tune:", key="cohort_options"):
        with st.grid(4, min_column_width=200, gap="small"):
            _what()
            _who(seen)
            _details()
        controls.switch(
            _LABELS["shrink"], "shrink", "Adds rates of small cohorts drawn towards those of the others."
        )
        controls.switch(
            _LABELS["compare"],
            "compare",
            "The same customers as Mixpanel, Amplitude, PostHog and Shopify count them.",
        )
        st.button("Usual options", icon=":material/restart_alt:", on_click=controls.reset, args=(USUAL,))
    return _said()


def changed() -> str:
    """Say which options are not as usual."""
    names = [
        _LABELS[key].lower()
        for key, usual in USUAL.items()
        if st.session_state.get(key, usual) not in (usual, None)
    ]
    return f"Not as usual: {plain(listed(names, len(names)))}." if names else ""


def _what() -> None:
    controls.choice(_LABELS["period"], PERIODS, "period", "Length of a cohort and of its ages.")
    controls.choice(
        _LABELS["criterion"], CRITERIA, "criterion",
        "On: an order at just this age. On or after: at this age or later. On or before: at any age up to it. "
        "Within brackets: between two ages. Every time so far: at every age up to it.",
    )  # fmt: skip
    if st.session_state["criterion"] == "on_or_after":
        controls.number(
            _LABELS["horizon"],
            "horizon",
            1,
            400,
            "How many ages are looked at, the same for every cohort. Empty: up to the end.",
        )
    if st.session_state["criterion"] == "bracket":
        st.text_input(
            _LABELS["brackets"], key="brackets", placeholder=_USUAL_BRACKETS, bind="query-params",
            help=f"First and last age of each, for example {_USUAL_BRACKETS}.",
        )  # fmt: skip
    controls.choice(_LABELS["value"], VALUES, "value", "What the table shows.")
    controls.choice(
        _LABELS["average"], AVERAGES, "average", "Whether every customer, or every cohort, weighs the same."
    )


def _who(seen: Seen) -> None:
    columns = controls.attributes(seen.before_segments, "transactions", "customers")
    controls.choice(_LABELS["entry"], {**ENTRIES, **columns}, "entry", "What makes a cohort.")
    controls.choice(
        _LABELS["by"], {None: "None", **columns}, "by", "Divide the cohorts by what is known of customers."
    )
    controls.choice(
        _LABELS["clock"], CLOCKS, "clock", "Calendar periods, or time since each customer's own first order."
    )


def _details() -> None:
    controls.choice(
        _LABELS["activity"], ACTIVITIES, "activity", "Whether refunds and free orders count as activity."
    )
    controls.choice(_LABELS["week_start"], WEEK_STARTS, "week_start")
    controls.choice(
        _LABELS["fiscal_year_start"], MONTHS, "fiscal_year_start", "First month of quarters and years."
    )
    controls.number(_LABELS["max_periods"], "max_periods", 1, 400, "Ages that are shown. Empty: all.")
    controls.number(
        _LABELS["min_customers"],
        "min_customers",
        1,
        100_000,
        "Smaller cohorts show their size and nothing else.",
        usual=1,
    )


def _said() -> dict[str, Any]:
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
    if not parts or not all(found):
        raise OptionError.out_of_range(
            "brackets", text, f"first and last age of each, such as {_USUAL_BRACKETS}"
        )
    return [(int(m[1]), int(m[2] or m[1])) for m in found if m]
