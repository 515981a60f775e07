import importlib
import inspect
from collections.abc import Iterable

import polars as pl
import streamlit as st

from crm_analytics.registry import ANALYSES, Analysis
from crm_analytics.segmentation.segments import Segment
from crm_analytics.terms import SHARED, Term
from shared import kpi, pages
from shared.words import counted, plain

UNITS = {
    "money": "money", "share": "share", "count": "count", "days": "days", "number": "number", "index": "index",
    "score": "score", "text": "text", "id": "id", "day": "day", "instant": "time", "flag": "yes or no",
}  # fmt: skip


Told = tuple[Term, str]  # a word, and where it is used


def words_of(analysis: Analysis) -> list[Told]:
    """Give the words of an analysis alone, in the order of the alphabet; bounds go with their figure."""
    terms = importlib.import_module(analysis.module).TERMS.values()
    return in_order((term, analysis.title) for term in terms)


def in_order(told: Iterable[Told]) -> list[Told]:
    """Give every word once, in the order of the alphabet."""
    plain_ones = [(t, where) for t, where in told if not t.name.endswith(("_lower", "_upper"))]
    once = {(t.label, t.definition): (t, where) for t, where in reversed(plain_ones)}
    return sorted(once.values(), key=lambda pair: pair[0].label.casefold())


def listed(told: Iterable[Told], *, named: bool = True) -> None:
    """Show words as lines, which wrap on a phone: a table of four columns would not."""
    lines = (
        f"- **{plain(term.label)}**: {plain(term.definition)} "
        + kpi.small(f"{UNITS[term.unit]} · {where}" if named else UNITS[term.unit])
        for term, where in told
    )
    st.markdown("\n".join(lines))


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
        own = words_of(analysis)
        with st.expander(counted(len(own), "word"), icon=":material/menu_book:"):
            listed(own, named=False)

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
everywhere = [(term, "everywhere") for term in SHARED.values()]
st.markdown("Intervals are 95% intervals: lower and upper bound of a figure stand beside it in the tables.")
find = st.text_input(
    "Find a word", key="word", type="search", placeholder="for example: spend", bind="query-params", live=True
)
glossary = in_order([*everywhere, *(told for analysis in ANALYSES for told in words_of(analysis))])
if find:
    found = [
        (term, where) for term, where in glossary
        if find.casefold() in f"{term.label} {term.definition} {term.name}".casefold()
    ]  # fmt: skip
    if found:
        st.caption(counted(len(found), "word"))
        listed(found)
    else:
        st.info("No word matches. Try a shorter one.", icon=":material/search_off:")
else:
    st.caption(f"{counted(len(glossary), 'word')}; those of an analysis stand with its question.")
    with st.expander("Words of all analyses", icon=":material/menu_book:"):
        listed(in_order(everywhere), named=False)
