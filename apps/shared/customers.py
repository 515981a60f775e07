"""All customers with their scores, segment and tier; and the page of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import streamlit as st

from crm_analytics import formats
from crm_analytics.errors import CrmError
from crm_analytics.results import Result
from crm_analytics.tables import TABLES, Kind
from crm_analytics.terms import SHARED, Term, Unit
from shared import blocks, cache, filters, history, kpi, rhythm, tables, words
from shared.filters import Seen
from shared.words import counted, plain

_UNITS: Final[Mapping[Kind, Unit]] = {
    "id": "id", "instant": "instant", "day": "day", "money": "money", "number": "number", "count": "count",
    "rating": "score", "flag": "flag", "category": "text", "text": "text",
}  # fmt: skip
SHOWN: Final = (
    "customer_id", "name", "segment", "tier", "rank", "spend", "n_orders", "last_ordered_on", "recency_days",
)  # fmt: skip
"""Columns of the list of customers on the page; its downloads have more."""

_FURTHER: Final = {
    "cases": "Cases",
    "surveys": "Survey answers",
    "subscriptions": "Subscriptions",
    "contacts": "Campaign contacts",
}


@dataclass(frozen=True, eq=False)
class Everyone:
    """One row per customer, the words for its columns, and the two results it comes from."""

    frame: pl.DataFrame
    terms: Mapping[str, Term]
    currency: str | None
    rfm: Result
    tiers: Result


def everyone(seen: Seen) -> Everyone:
    """Put the customers of RFM and of the value tiers side by side, the most valuable first."""
    return cache.remember(seen.opened, "everyone", lambda: _everyone(seen))


def _everyone(seen: Seen) -> Everyone:
    rfm, tiers = seen.result("rfm"), seen.result("value_tiers")
    scored, ranked = rfm.tables()["customers"], tiers.tables()["customers"]
    more = [c for c in ranked.columns if c not in scored.columns]
    joined = scored.join(ranked.select("customer_id", *more), on="customer_id", how="left")
    terms = {**SHARED, **tiers.terms, **rfm.terms}
    first = [
        "segment",
        "tier",
        "rank",
        "spend",
        "n_orders",
        "last_ordered_on",
        "recency_days",
        "spend_per_order",
    ]
    first += ["first_ordered_on", "refunds", "spend_share", "decile", "r_score", "f_score", "m_score"]
    chosen = ["customer_id", *(c for c in first if c in joined.columns)]
    frame = joined.select(chosen).sort("spend", "customer_id", descending=[True, False], nulls_last=True)
    return Everyone(blocks.named(seen.opened, frame), terms, rfm.currency, rfm, tiers)


def matching(frame: pl.DataFrame, words: str) -> pl.DataFrame:
    """Keep the customers whose id or name holds every word, whatever its case."""
    texts = pl.concat_str(
        [c for c in ("customer_id", "name") if c in frame.columns], separator=" ", ignore_nulls=True
    )
    for word in words.casefold().split():
        frame = frame.filter(texts.str.to_lowercase().str.contains(word, literal=True))
    return frame


def profile(seen: Seen, them: Everyone, customer: str) -> None:
    """Show one customer: standing, scores and why, orders, cases and answers."""
    rows = them.frame.filter(pl.col("customer_id") == customer)
    if rows.is_empty():
        _not_there(seen, customer)
        return
    row = rows.row(0, named=True)
    st.header(plain(row.get("name") or f"Customer {customer}"), anchor=False)
    own = rhythm.of(seen, customer)
    _badges(seen, row, own[1] if own else None)
    _facts(them, row)
    value = _ahead(seen, customer)
    if own:
        rhythm.show(*own, with_next=value is None)
    found = history.orders_of(seen.opened, customer, them.rfm.provenance.as_of)
    if not found.is_empty():
        figure = history.picture(found, them.currency, them.rfm.provenance.as_of, blocks.page_theme())
        blocks.show_figure(figure, "Spend per order", key="customer_orders")
    if value is not None:
        _alive(seen, value, customer)
    _why(them, row)
    _orders(found, them.currency, customer)
    _further(seen, them, customer)


def _not_there(seen: Seen, customer: str) -> None:
    words = " and ".join(seen.filters.words())
    why = f" with the filters set ({plain(words)})" if words else ""
    st.info(f"There is no customer {plain(customer)} among those shown{why}.", icon=":material/person_off:")
    if words:
        st.button("Reset filters", on_click=filters.reset, key="reset_for_customer")


def _badges(seen: Seen, row: Mapping[str, Any], own: Mapping[str, Any] | None) -> None:
    with st.container(horizontal=True, gap="small"):
        st.badge(plain(row["segment"]), icon=":material/donut_small:", color="blue")
        if own:
            rhythm.badge(own)
        if row.get("tier"):
            st.badge(f"Tier {plain(row['tier'])}", icon=":material/stacked_bar_chart:", color="gray")
        st.badge(f"Id {plain(row['customer_id'])}", color="gray")
        for name, item in _attributes(seen, row["customer_id"]):
            st.badge(f"{plain(name)}: {plain(item)}", color="gray")


def _attributes(seen: Seen, customer: str) -> list[tuple[str, str]]:
    if not seen.opened.base.has("customers"):
        return []
    frame = seen.opened.base.table("customers").frame.filter(pl.col("customer_id") == customer).collect()
    terms = table_terms("customers", frame.columns)
    return [
        (terms[c].label, formats.value(frame[c][0], terms[c].unit, seen.opened.base.currency))
        for c in frame.columns
        if frame.height and c not in ("customer_id", "name") and frame[c][0] is not None
    ]


def _facts(them: Everyone, row: Mapping[str, Any]) -> None:
    buyers, currency = them.frame.filter(pl.col("n_orders") > 0), them.currency
    known = {column: row[column] is not None for column in ("rank", "recency_days", "first_ordered_on")}
    rank = f"No. {row['rank'] or 0:,} of {counted(buyers.height, 'customer')}"
    ago = f"{counted(row['recency_days'] or 0, 'day')} before the as-of day"
    since = f"Customer since {formats.value(row['first_ordered_on'], 'day')}"
    with st.grid(4, min_column_width=158, gap="small"):
        spend = formats.money(row["spend"] or 0.0, currency)
        kpi.tile("Spend", spend, words=[rank, _standing(buyers, row, "spend")] if known["rank"] else [])
        kpi.tile("Orders", f"{row['n_orders']:,}", words=[_standing(buyers, row, "n_orders")])
        last = formats.value(row["last_ordered_on"], "day")
        kpi.tile(
            "Last order",
            last,
            words=[ago, _standing(buyers, row, "recency_days")] if known["recency_days"] else [],
        )
        each = formats.value(row["spend_per_order"], "money", currency)
        kpi.tile("Spend per order", each, words=[since] if known["first_ordered_on"] else [])


def _alive(seen: Seen, value: Result, customer: str) -> None:
    """Show how likely the customer was one still at each time, by the model that the lifetime value is from."""
    path = history.alive(seen.opened, value, customer)
    if path.height > 1:
        figure = history.alive_picture(path, blocks.page_theme())
        blocks.show_figure(figure, "Still a customer? As it looked at the time", key="customer_alive")


def _ahead(seen: Seen, customer: str) -> Result | None:
    """Show what the customer will still bring, where there are customers enough to tell."""
    try:
        result = seen.result("lifetime_value")
    except CrmError:  # too few customers: the page of lifetime value says so
        return None
    rows = result.tables()["customers"].filter(pl.col("customer_id") == customer)
    if rows.height:
        row = rows.row(0, named=True)
        if row["expected_next_on"] is None:
            row["expected_next_on"] = "more likely none"
        kpi.spanned(row, result, ["p_alive", "lifetime_value", "expected_purchases", "expected_next_on"])
        ahead = counted(result.parameters["horizon_days"], "day")
        st.caption(
            f"Expected within {ahead}; the intervals are of these expectations. What one customer does scatters far more."
        )
    return result


def _standing(buyers: pl.DataFrame, row: Mapping[str, Any], column: str) -> str:
    """Say how the customer stands among all who have ordered."""
    if column == "recency_days":
        return f"More recent than {formats.share(_beaten(buyers[column] > row[column]))} of customers"
    return f"More than {formats.share(_beaten(buyers[column] < row[column]))} of customers"


def _beaten(beaten: pl.Series) -> float:
    return int(1000 * int(beaten.sum()) / max(len(beaten), 1)) / 1000  # rounded down: nobody is above 100.0%


def _why(them: Everyone, row: Mapping[str, Any]) -> None:
    st.subheader(f"Why {plain(row['segment'])}", anchor=False)
    segment = them.rfm.tables()["segments"].row(by_predicate=pl.col("segment") == row["segment"], named=True)
    st.markdown(f"{plain(segment['meaning'])}\n\n:material/task_alt: {plain(segment['what_to_do'])}")
    if row["r_score"] is None:
        return
    scores = {"recency_days": "r_score", "n_orders": "f_score", "spend": "m_score"}
    cuts = them.rfm.tables()["thresholds"]
    rows = [_score(them, row, cuts, dimension, row[column]) for dimension, column in scores.items()]
    st.table(pl.DataFrame(rows), border="horizontal", hide_index=True, alt="Scores of the customer and why")


def _score(
    them: Everyone, row: Mapping[str, Any], cuts: pl.DataFrame, dimension: str, score: int
) -> dict[str, str]:
    term = them.terms[dimension]
    own = cuts.filter(pl.col("dimension") == dimension)
    found = own.filter(pl.col("score") == score)
    return {
        "Measured by": plain(term.label),
        "This customer": plain(formats.value(row[dimension], term.unit, them.currency)),
        "Score": f"**{score}** of {max(own['score'].to_list())}",
        "The score means": plain(blocks.span(found.row(0, named=True), them.rfm)) if found.height else "",
    }


def _orders(found: pl.DataFrame, currency: str | None, customer: str) -> None:
    st.subheader("Orders and refunds", anchor=False)
    tables.show(
        found,
        history.TERMS,
        currency,
        alt="Orders of the customer, the newest first",
        key="customer_orders_table",
    )
    blocks.download_table(
        found, history.TERMS, currency, name=f"orders-of-{blocks.slug(customer)}", key="customer_orders"
    )


def _further(seen: Seen, them: Everyone, customer: str) -> None:
    """Show the customer's rows in the other tables of the base."""
    for name, title in _FURTHER.items():
        base = seen.opened.base
        if not base.has(name) or "customer_id" not in base.table(name).frame.collect_schema().names():
            continue
        rows = base.table(name).frame.filter(pl.col("customer_id") == customer).drop("customer_id").collect()
        rows = rows[[c.name for c in rows if c.null_count() < rows.height]]
        dated = TABLES[name].dated_by
        if rows.height:
            st.subheader(title, anchor=False)
            rows = rows.sort(dated, descending=True) if dated in rows.columns else rows
            tables.show(
                rows,
                table_terms(name, rows.columns),
                them.currency,
                alt=f"{title} of the customer",
                key=f"customer_{name}",
            )


def table_terms(name: str, columns: list[str]) -> dict[str, Term]:
    """Make the words for the columns of an extract table from its contract."""
    return {column: _term(name, column) for column in columns}


def _term(table: str, column: str) -> Term:
    known = {c.name: c for c in TABLES[table].columns}.get(column)
    if known is None:
        return Term(column, words.heading(column), "text", "")
    return Term(column, words.heading(column), _UNITS[known.kind], known.meaning)
