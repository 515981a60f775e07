from collections.abc import Callable

import streamlit as st

from crm_analytics import registry
from shared import filters
from shared.guard import guarded
from shared.satisfaction import answer, ask, drivers, kano, scores, segments, shape, trust

PARTS: dict[str, Callable[[filters.Seen, ask.Asked], None]] = {
    "Scores": scores.show,
    "Drivers": drivers.show,
    "Shape": shape.show,
    "Segments": segments.show,
    "Trust": trust.show,
}

seen = filters.seen()
if not seen.opened.base.has("surveys"):
    st.info(
        "This base has no survey answers. Put an extract of them beside the others.",
        icon=":material/reviews:",
    )
    st.stop()

if registry.analysis("kano").driver(seen.opened.base):
    PARTS["Kano"] = kano.show
    if not ask.has_ratings(seen):
        with guarded():
            kano.show(seen, ask.Asked())
        st.stop()

asked = ask.options(seen)
with guarded():
    answer.show(seen, asked)

st.header("Look closer", anchor=False)
chosen = st.segmented_control(
    "Part", list(PARTS), default="Scores", required=True, key="part", bind="query-params", label_visibility="collapsed",
)  # fmt: skip
with guarded():
    PARTS[chosen](seen, asked)
