"""One customer: what was bought when, and how the customer stands among all."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.aggregates.orders import orders
from crm_analytics.charts import buying_histories, parts, text
from crm_analytics.charts.theme import theme
from crm_analytics.clv.buying.rhythm import customer_history
from crm_analytics.clv.models.candidates import restored
from crm_analytics.results import Result
from crm_analytics.terms import Term, by_name
from shared.blocks import in_page
from shared.cache import Opened

TERMS: Final = by_name(
    Term(
        "order_id",
        "Order",
        "id",
        "The order's number in the extract; none where orders are known by their day alone.",
    ),
    Term("ordered_on", "Day", "day", "The first day of the order."),
    Term("amount", "Amount", "money", "What the order came to, net of what was returned."),
    Term("refunds", "Refunds", "money", "Money paid back on the order, as a positive sum."),
    Term("n_lines", "Lines", "count", "Lines of the order in the extract."),
)
"""Words of the order table."""

_MILLISECONDS_A_DAY: Final = 86_400_000
_BARS_THAT_FIT: Final = 110


def orders_of(of: Opened, customer: str, as_of: date | None) -> pl.DataFrame:
    """Give the orders of a customer, the newest first."""
    lines = of.base.table("transactions").frame.filter(pl.col("customer_id") == customer)
    found: pl.DataFrame = orders(lines, as_of=as_of or date.max).collect("polars").to_native()
    columns = [c for c in ("ordered_on", "order_id", "amount", "refunds", "n_lines") if c in found.columns]
    return found.select(columns).sort(columns[:2], descending=True)


def picture(found: pl.DataFrame, currency: str | None, as_of: date | None, look: str) -> go.Figure:
    """Draw the amount of each order over time; what nets to less than nothing hangs below the line."""
    colours, days = theme(look), found["ordered_on"].to_list()
    end = as_of or max(days)
    span = max((end - min(days)).days, 30)
    margin = timedelta(days=max(span // 40, 2))
    bar = go.Bar(
        x=days,
        y=found["amount"].to_list(),
        width=max(span / _BARS_THAT_FIT, 0.8) * _MILLISECONDS_A_DAY,
        marker={"color": [colours.accent if a > 0 else colours.bad for a in found["amount"]]},
        hovertext=[_words(row, currency) for row in found.iter_rows(named=True)],
        hovertemplate=parts.HOVER,
    )
    made = go.Figure([bar], layout={"template": colours.template, "height": 320, "barmode": "relative"})
    made.update_layout(
        xaxis=parts.axis("Day of the order", "names", tickformat="%b %Y", range=[min(days) - margin, end + margin]),
        yaxis=parts.axis(formats.label(TERMS["amount"], currency), "money"),
        meta={"alt": f"Bars for {found.height} orders from {formats.value(min(days), 'day')} to {formats.value(max(days), 'day')}."},
    )  # fmt: skip
    return in_page(made)


def alive(of: Opened, value: Result, customer: str) -> pl.DataFrame:
    """Follow how likely the customer was one still, by the model that a lifetime value is from."""
    as_of = value.provenance.as_of
    fit = restored(value.tables()["model"])
    return customer_history(of.base.table("transactions"), customer, fit, as_of or date.max)


def alive_picture(path: pl.DataFrame, look: str) -> go.Figure:
    """Draw how likely the customer was one still, with each day of a purchase marked."""
    return in_page(buying_histories.history(path, theme(look)))


def _words(row: dict[str, Any], currency: str | None) -> str:
    return text.lines(
        formats.money(row["amount"], currency),
        f"Order {row['order_id']}" if row.get("order_id") else None,
        f"of which paid back: {formats.money(row['refunds'], currency)}" if row["refunds"] else None,
        head=formats.value(row["ordered_on"], "day"),
    )
