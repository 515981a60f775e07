import streamlit as st

from shared import controls, filters
from shared.guard import guarded
from shared.retention import answer, cohorts, lifecycle, repeat, revenue, survival

PARTS = {
    "Cohorts": cohorts.show,
    "Survival": survival.show,
    "Life cycle": lifecycle.show,
    "Repeat purchase": repeat.show,
    "Revenue": revenue.show,
}

seen = filters.seen()
controls.of_all_segments(seen)
top = st.container()
found = None  # where nobody ordered, the page says so
with top, guarded():
    found = answer.show(seen)

st.header("Look closer", anchor=False)
chosen = st.segmented_control(
    "Part",
    list(PARTS),
    default="Cohorts",
    required=True,
    key="part",
    bind="query-params",
    label_visibility="collapsed",
)
if found and chosen == "Cohorts":  # who asks for another part has come for that one's pictures
    with top, guarded():
        answer.picture(seen, found)
with guarded():
    PARTS[chosen](seen)
