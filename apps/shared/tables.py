"""Frames as tables on a page: headings in words, values in their units, definitions as tooltips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import polars as pl
import streamlit as st
from streamlit.typing import DataframeState

from crm_analytics import formats
from crm_analytics.reports import html
from crm_analytics.reports.markup import Markup, raw, tag
from crm_analytics.results import Result
from crm_analytics.terms import Term
from shared.words import plain

_WHOLE_FROM: Final = 1000.0  # from here on pence tell nothing, as in crm_analytics.formats
_VANISHING: Final = 0.0005  # below, three digits read 0.000
_MIDDLING: Final = 20.0  # of numbers of this size a second decimal tells nothing
_SMALL: Final = 0.01  # below, three digits
_WORDY: Final = 20  # characters of a text that a grid would cut off on a phone
_MOST_IN_WORDS: Final = 6  # columns that fit side by side on a page
_LINES: Final = """
.brief { font-size: 14px; }
.brief table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums lining-nums; }
.brief caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.brief th, .brief td { padding: 7px 10px; text-align: right; vertical-align: top; font-weight: 400;
  border: 0; border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
.brief thead th { opacity: 0.7; vertical-align: bottom; }
.brief .left { text-align: left; overflow-wrap: break-word; }
.brief td:not(.left) { white-space: nowrap; }
.brief th:first-child { padding-left: 0; }
.brief th:last-child, .brief td:last-child { padding-right: 0; }
.brief td.words { width: 50%; }
.brief small { display: block; opacity: 0.7; font-size: 13px; }
@media (max-width: 640px) {
  .brief thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .brief table, .brief tbody { display: block; }
  .brief tbody tr { display: block; padding: 8px 0; border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
  .brief tbody th { display: block; font-weight: 600; }
  .brief tbody th, .brief tbody td { border: 0; padding: 1px 0; text-align: left; }
  .brief tbody td { display: inline-block; margin-right: 14px; }
  .brief tbody td::before { content: attr(data-label) " "; opacity: 0.7; }
  .brief tbody td.words { display: block; width: auto; margin-right: 0; }
  .brief tbody td.words::before { content: none; }
  .brief tbody td small { display: inline; }
}
"""
"""As the tables of the report; in the colours of the page, whatever they are."""


def show(
    frame: pl.DataFrame,
    terms: Mapping[str, Term],
    currency: str | None,
    *,
    alt: str,
    key: str | None = None,
    height: int | Literal["auto", "content"] = "auto",
    to_the_cent: bool = False,
) -> None:
    """Show a table; `terms` give heading, format and tooltip of each column."""
    frame = _without_ids(frame, terms)
    st.dataframe(
        _readable(_in_percent(frame, terms), terms), column_config=columns(frame, terms, currency, to_the_cent=to_the_cent), hide_index=True, alt=alt, key=key, height=height,
        placeholder=formats.NOTHING, width="stretch",
    )  # fmt: skip


def brief(result: Result, *, alt: str, key: str | None = None) -> None:
    """Show the short table of a finding: one that tells in words as lines that wrap, any other as a grid."""
    if is_wordy(result.summary()):
        st.html(in_lines(result, alt))
    else:
        show(result.summary(), result.terms, result.currency, alt=alt, key=key, height="content")


def is_wordy(frame: pl.DataFrame) -> bool:
    """Tell whether a table has sentences that a grid, whose cells are of one line, would cut off."""
    told = [c for c in frame.columns[1:] if frame.schema[c] == pl.String]
    longest = [n for c in told if isinstance(n := frame[c].str.len_chars().max(), int)]
    return frame.width <= _MOST_IN_WORDS and max(longest, default=0) > _WORDY


def in_lines(result: Result, alt: str) -> Markup:
    """Write the table as the report does; on a phone each row is a paragraph."""
    return tag("div", tag("style", raw(_LINES)), html.table(result, result.summary(), alt), class_="brief")


def _without_ids(frame: pl.DataFrame, terms: Mapping[str, Term]) -> pl.DataFrame:
    """Leave out a column that another one, of the same heading, says in words: the downloads have both."""
    return frame.drop(
        name
        for name in frame.columns
        if (worded := f"{name}_label") in frame.columns
        and {name, worded} <= set(terms)
        and terms[name].label == terms[worded].label
    )


def _readable(frame: pl.DataFrame, terms: Mapping[str, Term]) -> pl.DataFrame:
    """Write columns in which a value would read 0.000 as text: a p-value is never nought."""
    return frame.with_columns(
        pl.col(name).map_elements(_in_words, return_dtype=pl.String)
        for name in frame.columns
        if name in terms and _vanishes(frame[name], terms[name])
    )


def _vanishes(values: pl.Series, term: Term) -> bool:
    if term.unit != "number" or not values.dtype.is_float():
        return False
    sizes = values.drop_nulls().abs()
    return bool(((sizes > 0) & (sizes < _VANISHING)).any() and (sizes <= 1).all())


def _in_words(value: float) -> str:
    return formats.value(value, "number") if 0 < abs(value) < _VANISHING else f"{value:.3f}"


def pick(
    frame: pl.DataFrame,
    terms: Mapping[str, Term],
    currency: str | None,
    *,
    alt: str,
    key: str,
    then: Callable[[dict[str, Any]], None],
) -> None:
    """Show a table in which clicking a row does something with it: `then` gets the row."""
    state: DataframeState = st.dataframe(
        _readable(_in_percent(frame, terms), terms), column_config=columns(frame, terms, currency), hide_index=True, alt=alt, key=key, width="stretch",
        placeholder=formats.NOTHING, on_select="rerun", selection_mode="single-row",
    )  # fmt: skip
    chosen = [row for row in state.selection.rows if row < frame.height]
    if chosen:
        then(frame.row(chosen[0], named=True))


def columns(
    frame: pl.DataFrame, terms: Mapping[str, Term], currency: str | None, *, to_the_cent: bool = False
) -> dict[str, Any]:
    """Give the configuration of each column of a frame that has a term."""
    return {
        name: _column(frame[name], terms[name], currency, to_the_cent=to_the_cent)
        for name in frame.columns
        if name in terms
    }


def _column(values: pl.Series, term: Term, currency: str | None, *, to_the_cent: bool) -> Any:  # noqa: ANN401 Streamlit's own
    kind, form = _kind(values, term)
    if to_the_cent and term.unit == "money":
        form = {"format": "%,.2f"}
    pinned = term.name == "customer_id" or None
    return kind(formats.label(term, currency), help=plain(term.definition) or None, pinned=pinned, **form)


def _kind(values: pl.Series, term: Term) -> tuple[Callable[..., Any], dict[str, Any]]:
    kinds = st.column_config
    units: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        "day": (kinds.DateColumn, {"format": "D MMM YYYY"}),
        "instant": (kinds.DatetimeColumn, {"format": "D MMM YYYY, HH:mm"}),
        "flag": (kinds.CheckboxColumn, {}),
        "share": (kinds.NumberColumn, {"format": _share_format(values)}),
        "text": (kinds.TextColumn, {}),
        "id": (kinds.TextColumn, {}),
    }
    if _vanishes(values, term):
        return kinds.TextColumn, {"alignment": "right"}
    if term.unit in units and not (term.unit == "text" and values.dtype.is_numeric()):
        return units[term.unit]
    return (
        (kinds.NumberColumn, {"format": _number_format(values, term)})
        if values.dtype.is_numeric()
        else (kinds.Column, {})
    )


def _share_format(values: pl.Series) -> str:
    """One decimal, or two where a share would else read 0.0%."""
    tiny = values.dtype.is_numeric() and bool(((values.abs() > 0) & (values.abs() < 0.001)).any())  # noqa: PLR2004
    return "%.2f%%" if tiny else "%.1f%%"


def _in_percent(frame: pl.DataFrame, terms: Mapping[str, Term]) -> pl.DataFrame:
    """Turn shares into percent: Streamlit's own percent format cuts decimals off where all other faces round."""
    shares = [
        c for c in frame.columns if c in terms and terms[c].unit == "share" and frame[c].dtype.is_numeric()
    ]
    return frame.with_columns(pl.col(shares) * 100) if shares else frame


def _middle(sizes: pl.Series) -> float:
    return float(pl.DataFrame({"size": sizes}).select(pl.col("size").median().fill_null(0.0)).item())


def _number_format(values: pl.Series, term: Term) -> str:
    sizes = values.cast(pl.Float64).abs().drop_nulls()
    whole = bool((sizes == sizes.round()).all())
    large = bool((sizes >= _WHOLE_FROM).any())
    match term.unit:
        case "text":
            return "%d" if whole else "%.2f"
        case "number" if whole or _middle(sizes) >= _MIDDLING:  # whole: weighted counts, every weight being 1
            return "%,.0f" if whole or large else "%,.1f"
        case "money":
            return "%,.0f" if large else "%,.2f"
        case "count" | "days" | "score":
            return "%,.0f" if whole else "%,.1f"
        case "index":
            return "%.3f"
        case _:  # a p-value of 0.0004 must not read as 0
            return "%,.3f" if bool(((sizes > 0) & (sizes < _SMALL)).any()) else "%,.2f"
