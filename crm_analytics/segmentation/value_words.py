"""The value tiers in words: headline, summary, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.results import Note
from crm_analytics.segmentation.decline_lists import Lists
from crm_analytics.segmentation.value_curves import Whale

_HEADLINE_TOP: Final = 0.20
_MOST_TOPS: Final = 5
_FEW: Final = 10
_EDGE: Final = 1e-9
FEW_FOR_INTERVALS: Final = 200
"""In lognormal bases (sigma 1) of 200 customers a 95% interval of a top share holds the truth in 86 to 92 of 100, in
bases of 50 in 73 to 86."""
_UNEVEN: Final = 0.05  # deciles that differ by less than this part are as good as even
_NOTHING: Final = 0.0005  # what rounds to 0.0 %


@dataclass(frozen=True, eq=False)
class Findings:
    """What the analysis made, for those who put it into words."""

    ranked: pl.DataFrame
    tiers: pl.DataFrame
    tops: pl.DataFrame
    deciles: pl.DataFrame
    concentration: pl.DataFrame
    whale: Whale
    lists: Lists
    currency: str | None

    def money(self, value: float) -> str:
        """Write money in the currency of the extract."""
        return formats.money(value, self.currency)


def headline(found: Findings) -> str:
    """Say in one sentence who brings the money, and what is at stake."""
    spend, n = found.money(float(found.ranked["spend"].sum())), found.ranked.height
    top = found.tops.filter((pl.col("top_share") - _HEADLINE_TOP).abs() < _EDGE)
    if top.is_empty():
        row = found.tiers.row(0, named=True)
        who = f"{row['n_customers']:,} of {n:,} customers (tier A)"
    else:
        row = top.row(0, named=True)
        who = f"The best {percent(_HEADLINE_TOP)} ({row['n_customers']:,} of {n:,} customers)"
    return f"{who} brought {formats.share(row['spend_share'])} of the {spend} spent{_stake(found)}."


def _stake(found: Findings) -> str:
    rows = found.lists.lists.filter(pl.col("list").is_in(["buying_less", "silent"]))
    n, money = int(rows["n_customers"].sum()), float(rows["money_at_stake"].sum())
    if not n:
        return ""
    who = (
        "1 good customer who buys less or fell silent puts"
        if n == 1
        else (f"{n:,} good customers who buy less or fell silent put")
    )
    return f", and {who} {found.money(money)} at stake"


def percent(share: float) -> str:
    """Write a round share without decimals.

    >>> percent(0.2), percent(0.025)
    ('20%', '2.5%')
    """
    return f"{100 * share:.4g}%"


def _customers(n: int) -> str:
    return "1 customer" if n == 1 else f"{n:,} customers"


def summary(found: Findings) -> pl.DataFrame:
    """Give the findings, one row each."""
    rows = [
        *_tier_rows(found),
        *_top_rows(found),
        *_measure_rows(found),
        _whale_row(found),
        *_list_rows(found),
    ]
    schema = {
        "finding": pl.String(),
        "n_customers": pl.Int64(),
        "money": pl.Float64(),
        "finding_text": pl.String(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


_Row = tuple[str, int, float | None, str]


def _tier_rows(found: Findings) -> Iterator[_Row]:
    for row in found.tiers.iter_rows(named=True):
        text = f"{formats.share(row['customer_share'])} of customers bring {formats.share(row['spend_share'])} of spend"
        yield f"Tier {row['tier']}", row["n_customers"], row["spend"], text


def _top_rows(found: Findings) -> Iterator[_Row]:
    for row in found.tops.tail(_MOST_TOPS).iter_rows(named=True):
        yield f"Best {percent(row['top_share'])}", row["n_customers"], row["spend"], _share_of_spend(row)


def _share_of_spend(row: Mapping[str, Any]) -> str:
    ends = " to ".join(formats.share(row[f"spend_share_{end}"]) for end in ("lower", "upper"))
    return f"bring {formats.share(row['spend_share'])} of spend (95% interval {ends})"


def _measure_rows(found: Findings) -> Iterator[_Row]:
    largest = float(found.ranked["spend"][0])
    gini, share = (found.concentration.filter(pl.col("measure") == m).row(0, named=True) for m in _MEASURES)
    ends = " to ".join(f"{gini[f'measure_value_{end}']:.2f}" for end in ("lower", "upper"))
    yield "Gini coefficient", found.ranked.height, None, f"{gini['measure_text']} (95% interval {ends})"
    yield "Largest customer", 1, largest, f"brings {share['measure_text']} of spend"


_MEASURES: Final = ("gini", "largest_customer_share")


def _whale_row(found: Findings) -> _Row:
    curve = found.whale
    return (
        f"Peak of cumulative {curve.basis}",
        curve.n_to_peak,
        curve.peak_value,
        whale_sentence(curve, found.currency),
    )


def whale_sentence(curve: Whale, currency: str | None) -> str:
    """Say what the whale curve shows: who makes more than the whole, and who takes it away again."""
    if curve.peak_value_share is None:
        return f"all customers together make {formats.money(curve.total, currency)} of {curve.basis}"
    taken = curve.taken_away / curve.total
    best = formats.share(curve.peak_customer_share)
    if curve.n_to_peak == curve.n_customers:
        return f"every customer adds {curve.basis}; none takes any away"
    if taken < _NOTHING:
        return f"the best {best} of customers make all the {curve.basis}; the rest add nothing or next to nothing"
    makes = formats.share(curve.peak_value_share)
    return (
        f"the best {best} of customers make {makes} of the {curve.basis}; the rest take {formats.share(taken)} "
        f"({formats.money(curve.taken_away, currency)}) away"
    )


def _list_rows(found: Findings) -> Iterator[_Row]:
    for row in found.lists.lists.iter_rows(named=True):
        share = row["stake_share"]
        stake = "at stake" if share is None else f"{formats.share(share)} of recent spend is at stake"
        text = stake if row["n_customers"] else "no customer"
        yield row["list_label"], row["n_customers"], row["money_at_stake"], text


def notes(found: Findings, top_shares: tuple[float, ...]) -> Iterator[Note]:
    """Say what a reader must know: who is in no share, what was left out, what ties did."""
    yield from _not_positive(found)
    yield from _small_or_uneven(found)
    yield from _left_out_tops(found, top_shares)
    yield from _whale_notes(found)
    yield from found.lists.notes


def _not_positive(found: Findings) -> Iterator[Note]:
    below = found.ranked.filter(pl.col("spend") <= 0)
    if below.is_empty():
        return
    money, n = found.money(float(below["spend"].sum())), below.height
    who = "1 customer has" if n == 1 else f"{n:,} customers have"
    text = (
        f"{who} no positive net spend ({money} in all): they paid nothing, or got back as much as they paid or more. "
        "They are in tier C and in every total; in the Lorenz curve, the Gini coefficient and the Herfindahl index they "
        "count as nought."
    )
    yield Note("no_positive_spend", text)


def _small_or_uneven(found: Findings) -> Iterator[Note]:
    sizes = found.deciles["n_customers"].to_list()
    n = found.ranked.height
    if n < _FEW:
        text = f"With {n} customers a decile holds at most one of them; read the customers instead."
        yield Note("few_customers", text, "caution")
    elif max(sizes) - min(sizes) > max(1, _UNEVEN * n / len(sizes)):
        empty = "; an empty decile has no averages" if min(sizes) == 0 else ""
        text = (
            f"Deciles differ in size ({min(sizes):,} to {max(sizes):,} customers), because customers who spent the same "
            f"stay together{empty}."
        )
        yield Note("uneven_deciles", text)
    if n < FEW_FOR_INTERVALS:
        text = (
            f"With {n:,} customers the intervals of top shares and of the Gini coefficient are somewhat too short, above all "
            "upwards: the largest customer who might have come is not in the data."
        )
        yield Note("short_intervals", text, "caution")


def _left_out_tops(found: Findings, top_shares: tuple[float, ...]) -> Iterator[Note]:
    missing = sorted(set(top_shares) - set(found.tops["top_share"].to_list()))
    if missing:
        shares = ", ".join(percent(s) for s in missing)
        text = f"The best {shares} of {_customers(found.ranked.height)} is less than one customer and is left out."
        yield Note("less_than_one_customer", text)


def _whale_notes(found: Findings) -> Iterator[Note]:
    curve = found.whale
    if curve.basis == "spend":
        known = "margin" in found.ranked.columns
        why = "too few costs are known" if known else "the extract has no cost"
        yield Note("whale_on_spend", f"The whale curve shows spend, not margin: {why}.")
    elif curve.n_without_margin:
        left = found.ranked.filter(pl.col("margin").is_null())
        text = (
            f"{_customers(curve.n_without_margin)} with {found.money(float(left['spend'].sum()))} of spend are left out of "
            "the whale curve: the cost of some of their orders is not known."
        )
        yield Note("margin_not_known", text, "caution")
