"""The pictures of lifetime value, each with its finding as its title."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from crm_analytics import formats
from crm_analytics.clv.value.words import Told
from crm_analytics.clv.worth.valuation import horizon_words
from crm_analytics.clv.worth.valued_customers import KINDS
from crm_analytics.results import View

_LONGEST_NAME: Final = 24


def views(told: Told) -> tuple[View, ...]:
    """Give the pictures."""
    return (
        View("curve", _curve(told), "curve"),
        View("groups", _groups(told), "groups"),
        View("deciles", _deciles(told), "deciles"),
        View("alive", _alive(told), "customers"),
        View("slipping", _slipping(told), "slipping"),
    )


def _curve(told: Told) -> str:
    ahead = horizon_words(told.valued.horizon_days)
    return f"{told.money(told.total['lifetime_value'])} of {told.basis} to expect in the next {ahead}"


def _groups(told: Told) -> str:
    best = list(_best_of_kinds(told))
    if best:
        return f"Most value comes from {' and '.join(best)}"
    joined = told.groups.sort("value_per_customer", descending=True, nulls_last=True).row(0, named=True)
    each = formats.money(joined["value_per_customer"] or 0.0, told.currency)
    return f"Those who joined in {joined['group']} are worth most: {each} each"


def _best_of_kinds(told: Told) -> Iterator[str]:
    for kind in KINDS.values():
        rows = told.groups.filter(pl.col("group_kind") == kind)
        if kind != KINDS["joined"] and rows.height > 1:
            name = str(rows.sort("lifetime_value", "group", descending=[True, False])["group"][0])
            yield name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1].rstrip() + "…"


def _deciles(told: Told) -> str:
    best = told.deciles.row(0, named=True)
    if best["value_decile"] != 1 or best["value_share"] is None:
        return "Lifetime value by tenth of the customers"
    return f"The best tenth of the customers holds {formats.share(best['value_share'])} of lifetime value"


def _alive(told: Told) -> str:
    alive, n = round(told.total["expected_alive"]), told.total["n_customers"]
    return f"About {alive:,} of {n:,} {'is' if alive == 1 else 'are'} expected to be customers still"


def _slipping(told: Told) -> str:
    gone = told.customers.filter("is_slipping")
    if gone.is_empty():
        return "No good customer is known to be slipping"
    stake = told.money(float(gone["value_at_stake"].sum()))
    who = "1 good customer is" if gone.height == 1 else f"{gone.height:,} good customers are"
    months = told.compare_months
    return f"{who} slipping, against {months} month{'s' * (months != 1)} ago, with {stake} at stake"
