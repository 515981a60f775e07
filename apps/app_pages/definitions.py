import importlib
import inspect

import polars as pl
import streamlit as st

from crm_analytics.registry import ANALYSES, Analysis
from crm_analytics.segmentation.segments import Segment
from crm_analytics.terms import SHARED, Term
from shared import pages
from shared.words import counted, plain

UNITS = {
    "money": "money", "share": "share", "count": "count", "days": "days", "number": "number", "index": "index",
    "score": "score", "text": "text", "id": "id", "day": "day", "instant": "time", "flag": "yes or no",
}  # fmt: skip


def glossary() -> list[tuple[Term, str]]:
    """Give every word once with where it is used, in the order of the alphabet; bounds go with their figure."""
    own = [(term, a.title) for a in ANALYSES for term in importlib.import_module(a.module).TERMS.values()]
    every = [*((term, "everywhere") for term in SHARED.values()), *own]
    plain_ones = [(t, where) for t, where in every if not t.name.endswith(("_lower", "_upper"))]
    once = {(t.label, t.definition): (t, where) for t, where in reversed(plain_ones)}
    return sorted(once.values(), key=lambda pair: pair[0].label.casefold())


def method(analysis: Analysis) -> str:
    """Give the part of the docstring that comes before the parameters, without its first line, the question."""
    text = inspect.getdoc(analysis.function) or ""
    paragraphs = text.partition("\nParameters\n")[0].split("\n\n")[1:]
    return "\n\n".join(plain(p) for p in paragraphs if p.strip())


st.markdown(
    "Every word and figure of these pages, as the reports, the notebooks and the command line use them too."
)

st.header("The questions", anchor=False)
for analysis in ANALYSES:
    with st.container(border=True):
        pages.link(analysis, f"**{plain(analysis.title)}**")
        st.markdown(plain(analysis.question))
        with st.expander("How it is worked out", icon=":material/function:"):
            st.markdown(method(analysis))

st.header("The segments", anchor=False)
st.table(
    pl.DataFrame(
        {
            "Segment": [f"**{plain(segment.value)}**" for segment in Segment],
            "Who they are": [plain(segment.meaning) for segment in Segment],
            "What to do": [plain(segment.what_to_do) for segment in Segment],
        }
    ),
    border="horizontal", hide_index=True, alt="The segments, who they are and what to do",
)  # fmt: skip

st.header("The words", anchor=False)
st.markdown("Intervals are 95% intervals: lower and upper bound of a figure stand beside it in the tables.")
find = st.text_input(
    "Find a word", key="word", type="search", placeholder="for example: spend", bind="query-params", live=True
)
found = [
    (term, where) for term, where in glossary()
    if find.casefold() in f"{term.label} {term.definition} {term.name}".casefold()
]  # fmt: skip
st.caption(counted(len(found), "word"))
if found:
    st.table(
        pl.DataFrame(
            {
                "Word": [f"**{plain(term.label)}**" for term, _ in found],
                "Meaning": [plain(term.definition) for term, _ in found],
                "Unit": [UNITS[term.unit] for term, _ in found],
                "Analysis": [plain(where) for _, where in found],
            }
        ),
        border="horizontal", hide_index=True, alt="Words and what they mean",
    )  # fmt: skip
else:
    st.info("No word matches. Try a shorter one.", icon=":material/search_off:")
