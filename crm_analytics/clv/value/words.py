"""The lifetime value in words: headline, summary, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.clv.models import candidates
from crm_analytics.clv.value.tables import Valued
from crm_analytics.clv.worth import spending
from crm_analytics.clv.worth.valuation import horizon_words
from crm_analytics.clv.worth.valued_customers import KINDS
from crm_analytics.results import Note

_DAYS_A_YEAR: Final = 365
_MOST_OF_A_KIND: Final = 4
_HISTORY_NEEDED: Final = 1.0  # a horizon longer than the history is a guess


@dataclass(frozen=True, eq=False)
class Told:
    """What the words are made of."""

    valued: Valued
    customers: pl.DataFrame
    total: Mapping[str, Any]
    groups: pl.DataFrame
    deciles: pl.DataFrame
    currency: str | None
    annual_discount_rate: float
    compare_months: int

    @property
    def basis(self) -> str:
        """What value is measured in."""
        return "spend" if self.valued.worth.margin.basis == "spend" else "margin"

    def money(self, value: float) -> str:
        """Write money short."""
        return formats.money(value, self.currency, short=True)

    def spanned(self, row: Mapping[str, Any], name: str = "lifetime_value") -> str:
        """Write a figure of money with its interval."""
        low, high = (self.money(row[f"{name}_{end}"]) for end in ("lower", "upper"))
        return f"{self.money(row[name])} (95% interval {low} to {high})"


def headline(told: Told) -> str:
    """Say in one sentence what the base is worth, who makes it, and who is slipping."""
    total, n = told.total, told.total["n_customers"]
    who = "The one customer is" if n == 1 else f"The {n:,} customers are"
    ahead = horizon_words(told.valued.horizon_days)
    text = f"{who} expected to bring {told.spanned(total)} of {told.basis} in the next {ahead}"
    best = told.deciles.row(0, named=True)
    if best["value_decile"] == 1 and best["value_share"] is not None:
        text += f", {formats.share(best['value_share'])} of it from the best tenth"
    return f"{text}{_slipping(told)}."


def _slipping(told: Told) -> str:
    gone = told.customers.filter("is_slipping")
    if gone.is_empty():
        return ""
    n, stake = gone.height, told.money(float(gone["value_at_stake"].sum()))
    who = "1 good customer is slipping" if n == 1 else f"{n:,} good customers are slipping"
    return f"; {who}, with {stake} at stake"


def summary(told: Told) -> pl.DataFrame:
    """Give the findings, one row each."""
    rows = [*_whole(told), *_best(told), *_going(told), *_group_rows(told), *_cost(told)]
    schema = {
        "finding": pl.String(), "n_customers": pl.Int64(), "lifetime_value": pl.Float64(), "finding_text": pl.String(),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


_Row = tuple[str, int, float | None, str]


def _whole(told: Told) -> Iterator[_Row]:
    total = told.total
    n, value = total["n_customers"], total["lifetime_value"]
    low, high = (told.money(total[f"lifetime_value_{end}"]) for end in ("lower", "upper"))
    text = f"95% interval of the estimate {low} to {high}"
    if total["outcome_lower"] is not None:
        low, high = (told.money(total[f"outcome_{end}"]) for end in ("lower", "upper"))
        text += f"; with the chance of what customers do, {low} to {high} will come in"
    yield "All customers", n, value, text
    low, high = (f"{total[f'expected_alive_{end}']:,.0f}" for end in ("lower", "upper"))
    alive = round(total["expected_alive"])
    text = f"{formats.share(total['expected_alive'] / n)} of all are expected to be customers still ({low} to {high})"
    yield "Still customers", alive, None, text
    bought, each = total["expected_purchases"], total["expected_spend_per_purchase"]
    low, high = (f"{total[f'expected_purchases_{end}']:,.0f}" for end in ("lower", "upper"))
    text = (
        f"{bought:,.0f} purchases to expect ({low} to {high}), at {formats.money(each, told.currency)} each"
    )
    yield "Purchases to come", n, None, text


def _best(told: Told) -> Iterator[_Row]:
    row = told.deciles.row(0, named=True)
    if row["value_share"] is not None:
        share = f"{formats.share(row['value_share'])} of lifetime value, {told.money(row['value_per_customer'])} each"
        yield (
            "Best tenth" if row["value_decile"] == 1 else "Best customers",
            row["n_customers"],
            row["lifetime_value"],
            share,
        )


def _going(told: Told) -> Iterator[_Row]:
    before = told.valued.before
    if before.on is None:
        return
    gone = told.customers.filter("is_slipping")
    since = formats.value(before.on, "day")
    stake = told.money(float(gone["value_at_stake"].sum() or 0.0))
    text = f"{stake} at stake since {since}" if gone.height else f"nobody since {since}"
    yield "Slipping", gone.height, float(gone["lifetime_value"].sum() or 0.0), text


def _group_rows(told: Told) -> Iterator[_Row]:
    """Show the groups of each kind where they are few enough to be read at a glance, newest cohorts last."""
    for kind in KINDS.values():
        rows = told.groups.filter(pl.col("group_kind") == kind)
        if kind == KINDS["joined"]:
            continue
        for row in rows.sort("lifetime_value", descending=True).head(_MOST_OF_A_KIND).iter_rows(named=True):
            text = f"{formats.money(row['value_per_customer'], told.currency)} per customer"
            if row.get("value_to_cost") is not None:
                text += f", {row['value_to_cost']:.1f} times the cost of winning them"
            yield f"{kind}: {row['group']}", row["n_customers"], row["lifetime_value"], text


def _cost(told: Told) -> Iterator[_Row]:
    total = told.total
    if total.get("value_to_cost") is None:
        return
    cost, days = formats.money(total["mean_acquisition_cost"], told.currency), total["payback_days"]
    back = (
        "not within ten years"
        if days is None
        else "with the first order"
        if not days
        else f"after {days:,.0f} days"
    )
    known = told.customers.filter(pl.col("acquisition_cost").is_not_null()).height
    text = (
        f"{total['value_to_cost']:.1f} times the cost of winning a customer ({cost}), which comes back {back}"
    )
    yield "Value to cost of winning", known, None, text


def notes(told: Told, start: date | None) -> Iterator[Note]:
    """Say what a reader must know."""
    histories = told.valued.worth.standing.histories.frame
    yield from candidates.notes(told.valued.choice, histories)
    yield from spending.notes(told.valued.worth.spending)
    yield _basis(told)
    yield Note(
        "intervals",
        "Bounds of lifetime value, purchases, spend and probabilities say how far the expectation may be off, since the "
        "parameters are estimates; for one customer what will happen scatters far more. Bounds of the outcome, given for "
        "sums, add what customers will happen to do. Neither covers a change in how customers behave.",
    )
    rate = formats.share(told.annual_discount_rate)
    yield Note(
        "policy",
        f"Value is that of the purchases to come from the customers there are, discounted at {rate} a year; customers still "
        "to be won are not in it. Purchases of one day count as one; the first one makes the customer and tells nothing of "
        "the rate or of later spend; money back is taken off in proportion.",
    )
    if start is not None:
        text = (
            f"The start, {formats.value(start, 'day')}, is not applied: how often customers buy and whether they left is "
            "read from their whole history."
        )
        yield Note("start_not_applied", text)
    yield from _limits(told)


def _basis(told: Told) -> Note:
    margin = told.valued.worth.margin
    if margin.basis == "given":
        return Note("margin", f"Value is margin at the rate given, {formats.share(margin.rate)} of spend.")
    if margin.basis == "cost":
        text = (
            f"Value is margin at the base's own rate, {formats.share(margin.rate)} of spend net of refunds, from the costs "
            "in the extract; one rate for all customers, since a customer's own says little of the next orders."
        )
        return Note("margin", text)
    text = "Value is spend, not margin: the extract has no costs (or too few)."
    return Note("value_is_spend", text, "caution", "margin=0.35, say")


def _limits(told: Told) -> Iterator[Note]:
    base, valued = told.valued.base, told.valued
    if valued.before.on is None:
        text = (
            f"Who is slipping cannot be said: the extract does not reach back {told.compare_months} months."
        )
        yield Note("no_comparison", text)
    longest = float(base.summary["T"].max() or 0.0)  # type: ignore[arg-type]
    if valued.horizon_days > _HISTORY_NEEDED * longest:
        text = (
            f"The horizon of {valued.horizon_days:,} days is longer than any history ({longest:,.0f} days): what lies beyond is "
            "the model's alone."
        )
        yield Note("long_horizon", text, "caution")
    if base.n_refunds_only:
        text = f"{base.n_refunds_only:,} customers without any purchase (only refunds, or orders that net to nothing) are left out."
        yield Note("no_purchase", text)
