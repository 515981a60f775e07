"""How a result is shown, whatever the analysis: headline, pictures, table, notes, definitions, downloads, customers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import polars as pl
import streamlit as st

from crm_analytics import formats
from crm_analytics.charts import draw
from crm_analytics.errors import CrmError
from crm_analytics.reports import about, sheets
from crm_analytics.results import Note, Result
from crm_analytics.terms import SHARED, Term
from shared import cache, pages, tables
from shared.cache import Opened
from shared.guard import guarded
from shared.words import counted, plain

PLOT: Final = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False}
FONT: Final = '"Source Sans", sans-serif'  # the page's own, served with it
_PANEL_TITLE: Final = 34  # pixels above the plot where panels have titles of their own
_MINDED: Final = ":orange[:material/warning:]"
_MOST_CAUTIONS: Final = 3  # said in short above the notes
_ALL_TABLES: Final = "All tables of this page (Excel)"
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def banner(*, offer: bool) -> None:
    """Say whose data these are, above every page; `offer` leads to where others are opened."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="banner"):
        try:
            base = cache.opened().base
        except CrmError:  # the page itself says what is wrong with the source
            sample = False
        else:
            sample, offer = base.is_sample, offer and base.is_sample
            if not sample:
                st.badge(plain(base.name), icon=":material/database:", color="gray")
        if sample:
            st.badge(
                "Sample data",
                icon=":material/science:",
                color="orange",
                help="An invented company, to look around.",
            )
        if offer:
            st.page_link(pages.DATA, label="Open your own", icon=":material/upload_file:")


def headline(result: Result) -> None:
    """Say the finding in one sentence."""
    st.subheader(plain(result.headline()), anchor=False)


def picture(of: Opened, result: Result, view: str, *, within: str = "", key: str | None = None) -> None:
    """Draw a view of a result in the colours of the page, under its title.

    `within` names the options the result was made with, where they can be other ones on the same base; `key` tells
    the picture from the same one elsewhere on the page.
    """
    look = page_theme()
    with guarded():
        named_by = f"{result.analysis}|{view}|{look}|{within}"
        figure = cache.remember(of, named_by, lambda: drawn(result, view, look))
        show_figure(figure, views(result)[view], key=key or f"{result.analysis}_{view}")


def page_theme() -> Literal["light", "dark"]:
    """Give the look the visitor has chosen."""
    return "dark" if st.context.theme.type == "dark" else "light"


def show_figure(figure: Any, title: str, *, key: str) -> None:  # noqa: ANN401 plotly publishes no types
    """Put a figure on the page under its title, with its description for those who do not see it."""
    st.markdown(f"**{plain(title)}**")
    st.plotly_chart(
        figure, theme=None, config=PLOT, key=key, alt=figure.layout.meta["alt"], height="content", width="stretch"
    )  # fmt: skip


def drawn(result: Result, view: str, look: str) -> Any:  # noqa: ANN401 as above
    """Draw without the title, which the page sets where it wraps on a phone too."""
    return in_page(draw(result, view, theme=look))


def in_page(figure: Any) -> Any:  # noqa: ANN401 as above
    """Give a figure the page's own font, and leave its title to the page."""
    panels = any(
        note.yref == "paper" and note.yanchor == "bottom" and (note.y or 0) >= 1
        for note in figure.layout.annotations
    )
    return figure.update_layout(
        title_text=None,
        margin_t=_PANEL_TITLE if panels else 12,
        margin_l=0,
        font_family=FONT,
        hoverlabel_font_family=FONT,
    )


def views(result: Result) -> Mapping[str, str]:
    """Give the views of a result: name and title."""
    return {view.name: view.title for view in result.views}


def table(
    frame: pl.DataFrame, result: Result, *, alt: str, key: str | None = None, whole: bool = True
) -> None:
    """Show a table of a result."""
    tables.show(frame, result.terms, result.currency, alt=alt, key=key, height="content" if whole else "auto")


def summary(result: Result, *, alt: str, key: str | None = None) -> None:
    """Show the short table that a manager reads."""
    tables.brief(result, alt=alt, key=key)


def notes(result: Result, on: str = "") -> None:
    """Offer what a reader must know, closed so that it fills no phone; what is to be minded is said in short above.

    `on` says of what they are, where a page shows the notes of several results.
    """
    if not result.notes:
        return
    cautions = [n for n in result.notes if n.severity == "caution"]
    label = counted(len(result.notes), "note") + (f" on {on}" if on else "")
    label += f", {len(cautions)} to mind" if cautions else ""
    for note in cautions[:_MOST_CAUTIONS]:
        st.caption(f"{_MINDED} {plain(first_sentence(note.text))}")
    with st.expander(label, icon=":material/sticky_note_2:"):
        ordered = [*cautions, *(n for n in result.notes if n.severity != "caution")]
        st.markdown("\n".join(_line(note) for note in ordered))


def first_sentence(text: str) -> str:
    """Give the first sentence of a note.

    >>> first_sentence("Few answers, of 3.5 on average. Read the interval.")
    'Few answers, of 3.5 on average.'
    """
    return re.split(r"(?<=[.!?])\s+(?=[^a-z\s])", text, maxsplit=1)[0]


def _line(note: Note) -> str:
    mark = _MINDED if note.severity == "caution" else ":material/info:"
    return f"- {mark} {plain(note.text)}"


def definitions(terms: Sequence[Term], *, label: str = "What the words mean") -> None:
    """Show the definition of each term once; bounds go with their figure."""
    figures = [term for term in terms if not term.name.endswith(("_lower", "_upper"))]
    once = {(term.label, term.definition): term for term in figures}.values()
    with st.expander(label, icon=":material/menu_book:"):
        st.markdown("\n".join(f"- **{plain(term.label)}**: {plain(term.definition)}" for term in once))


def terms_of(result: Result, *names: str) -> list[Term]:
    """Give the terms of the columns of a summary and of the named tables."""
    frames = [result.summary(), *(result.tables()[name] for name in names)]
    return [result.terms[column] for frame in frames for column in frame.columns]


def background(*results: Result) -> None:
    """Say where the figures come from, in small print."""
    for line in dict.fromkeys(about.line(result) for result in results):
        st.caption(plain(line))


def footer(result: Result, *names: str, also: Sequence[Result] = ()) -> None:
    """End a page once: whole results as workbooks, notes, words (of the named tables too), where it comes from.

    `also` are further results that the page shows.
    """
    every = (*also, result)
    with st.container(horizontal=True, gap="small"):
        for one in every:
            download_result(one, f"All tables: {plain(one.title)} (Excel)" if also else _ALL_TABLES)
    for one in every:
        notes(one, f"“{plain(one.title)}”" if also else "")
    definitions([term for one in also for term in terms_of(one)] + terms_of(result, *names))
    background(*every)


def download_result(result: Result, label: str) -> None:
    """Offer everything of a result as one workbook."""
    st.download_button(
        label, lambda: sheets.workbook(result), file_name=f"{result.analysis}.xlsx", mime=_XLSX,
        icon=":material/download:", on_click="ignore", key=f"{result.analysis}_workbook",
    )  # fmt: skip


def download_table(
    frame: pl.DataFrame, terms: Mapping[str, Term], currency: str | None, *, name: str, key: str
) -> None:
    """Offer a table in full, as CSV and as a sheet; neither holds a formula."""
    too_long = frame.height > sheets.MOST_ROWS
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "CSV", lambda: sheets.csv_bytes(frame), file_name=f"{name}.csv", mime="text/csv",
            icon=":material/download:", on_click="ignore", key=f"{key}_csv",
        )  # fmt: skip
        st.download_button(
            "Excel", lambda: sheets.xlsx_bytes({name: frame}, terms, currency), file_name=f"{name}.xlsx", mime=_XLSX,
            icon=":material/download:", on_click="ignore", key=f"{key}_xlsx", disabled=too_long,
            help="More rows than a sheet holds: take the CSV." if too_long else None,
        )  # fmt: skip


def people(
    of: Opened,
    frame: pl.DataFrame,
    result: Result,
    *,
    name: str,
    key: str,
    shown: Sequence[str] | None = None,
) -> None:
    """Show the customers behind a number: the list in full, each a click away from the customer's own page."""
    terms = {**SHARED, **result.terms}
    people_table(named(of, frame), terms, result.currency, name=name, key=key, shown=shown)


def people_table(
    frame: pl.DataFrame,
    terms: Mapping[str, Term],
    currency: str | None,
    *,
    name: str,
    key: str,
    shown: Sequence[str] | None = None,
) -> None:
    """Show customers with their count; a click on a row opens the customer.

    `shown` names the columns on the page; the downloads have them all.
    """
    st.caption(f"{counted(frame.height, 'customer')}. Click a row to open the customer.")
    visible = frame.select(c for c in shown or frame.columns if c in frame.columns)
    tables.pick(
        visible, terms, currency, alt=f"Customers: {plain(name)}", key=f"{key}_table", then=open_customer
    )
    download_table(frame, terms, currency, name=slug(name), key=key)


def cut_offs(result: Result) -> None:
    """Show which values earn which RFM score."""
    st.table(
        pl.DataFrame(
            [
                {
                    "Measured by": plain(result.terms[row["dimension"]].label),
                    "Score": str(row["score"]),
                    "Values": plain(span(row, result)),
                    "Customers": f"{row['n_customers']:,}",
                }
                for row in result.tables()["thresholds"].iter_rows(named=True)
            ]
        ),
        border="horizontal", hide_index=True, alt="Which values earn which score",
    )  # fmt: skip


def span(row: Mapping[str, Any], result: Result) -> str:
    """Say from which value to which a score reaches, in the unit of what is scored."""
    unit = result.terms[row["dimension"]].unit
    low, high = (
        None if row[end] is None else formats.value(row[end], unit, result.currency) for end in ("from", "to")
    )
    to = (
        "under" if row["dimension"] == "spend" else "to"
    )  # money is parted by its cut-offs, counts by what occurs
    if low is None or high is None:
        return f"up {to} {high}".replace("up under", "under") if low is None else f"{low} and more"
    return low if low == high else f"{low} {to} {high}"


def open_customer(row: Mapping[str, Any]) -> None:
    """Go to the page of the customer of a row."""
    st.switch_page(pages.CUSTOMERS, query_params={"customer": row["customer_id"]})


def named(of: Opened, frame: pl.DataFrame) -> pl.DataFrame:
    """Put the customers' names beside their ids, where the base knows them."""
    names = cache.remember(of, "names", lambda: _names(of))
    if names is None or "name" in frame.columns:
        return frame
    return frame.join(names, on="customer_id", how="left", maintain_order="left").select(
        "customer_id", "name", pl.exclude("customer_id", "name")
    )


def _names(of: Opened) -> pl.DataFrame | None:
    if not of.base.has("customers"):
        return None
    frame = of.base.table("customers").frame
    return frame.select("customer_id", "name").collect() if "name" in frame.collect_schema().names() else None


def slug(text: str) -> str:
    """Make a file name of words.

    >>> slug("Can't lose them")
    'can-t-lose-them'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-") or "table"
