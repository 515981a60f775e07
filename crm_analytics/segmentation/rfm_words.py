"""What RFM says in words: the headline and the notes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Final

import polars as pl

from crm_analytics import formats
from crm_analytics.results import Note
from crm_analytics.segmentation.rfm_cuts import DIMENSIONS, Thresholds
from crm_analytics.segmentation.rfm_tables import FEWEST
from crm_analytics.segmentation.segments import Segment

FEW_CUSTOMERS: Final = 100
"""Below this number a fifth holds fewer than twenty customers and its edges say little."""

_UNEVEN: Final = 0.05  # by so much may a bin's share differ from an equal one before it is said
_PLAIN: Final = {"recency_days": "recency", "n_orders": "frequency", "spend": "money"}


def headline(segments: pl.DataFrame, names: Mapping[Segment, str], currency: str | None) -> str:
    """Say who brings the money and who is slipping away, with figures."""
    scored = segments.filter(pl.col("customer_share").is_not_null())
    n, spend = int(scored["n_customers"].sum()), float(scored["spend"].sum())
    of_all = _people(n)
    best = scored.filter(pl.col("segment") == names[Segment.CHAMPIONS])
    if best.is_empty():
        best = scored.sort("spend", descending=True).head(1)
        who = f"The segment “{best['segment'][0]}” has {formats.share(best['customer_share'][0])} of {of_all}"
        brings = ""
    else:
        who = f"{best['segment'][0]} are {formats.share(best['customer_share'][0])} of {of_all}"
        brings = "bring "
    money = formats.money(spend, currency, short=True)
    if spend > 0:
        text = f"{who} and {brings}{formats.share(best['spend_share'][0])} of the {money} spend"
    else:
        text = f"{who}; after refunds, spend comes to {money}"
    return f"{text}{_slipping(scored, names, of_all=n)}."


def _slipping(scored: pl.DataFrame, names: Mapping[Segment, str], *, of_all: int) -> str:
    going = scored.filter(pl.col("segment").is_in([names[Segment.AT_RISK], names[Segment.CANNOT_LOSE]]))
    n = int(going["n_customers"].sum())
    if n in (0, of_all):
        return ""
    share = going["spend_share"].sum()
    money = f" ({formats.share(float(share))} of spend)" if share else ""
    return f"; {n:,} regular customer{'s' * (n > 1)}{money} {'are' if n > 1 else 'is'} slipping away"


def notes(
    thresholds: Thresholds,
    table: pl.DataFrame,
    customers: pl.DataFrame,
    names: Mapping[Segment, str],
    *,
    n_lapsed: int,
    start: date | None,
    filters: tuple[str, ...],
) -> tuple[Note, ...]:
    """Gather what a reader must know."""
    buyers = customers.filter(pl.col("r_score").is_not_null())
    found = [
        _few(buyers.height),
        _alike(buyers),
        _frequency(thresholds, buyers),
        _frozen(thresholds),
        _uneven(table, buyers.height),
        _no_purchase(customers, names),
        _lapsed(n_lapsed, start),
        _prospects(customers, names, filters),
        _refunds(buyers),
        Note(
            "intervals",
            "The 95% intervals say how far a figure could move had other customers of the same kind come; the cut-offs "
            f"are taken as they are. Segments of fewer than {FEWEST} customers have none for means and medians.",
        ),
    ]
    return tuple(note for note in found if note is not None)


def _few(n: int) -> Note | None:
    if n >= FEW_CUSTOMERS:
        return None
    text = f"Only {_people(n)} with a purchase: scores rank them, but the groups are small."
    return Note("few_customers", text, "caution")


def _alike(buyers: pl.DataFrame) -> Note | None:
    """Say what cannot tell customers apart, such as an extract of a single day."""
    names = [name for column, name in _PLAIN.items() if buyers[column].n_unique() == 1]
    if buyers.height == 1 or not names:
        return None
    text = f"All customers have the same {' and the same '.join(names)}, which therefore ranks nobody: the names of segments "
    return Note("all_alike", f"{text}say no more than the other scores do.", "caution")


def _people(n: int) -> str:
    return "1 customer" if n == 1 else f"{n:,} customers"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _frequency(thresholds: Thresholds, buyers: pl.DataFrame) -> Note | None:
    if not thresholds.absolute_frequency:
        return None
    once = float((buyers["n_orders"] == 1).mean() or 0.0)  # type: ignore[arg-type]
    return Note(
        "absolute_frequency",
        f"Frequency is scored by fixed numbers of orders ({_order_ranges(thresholds)}), because {formats.share(once)} of "
        "customers bought once and equal parts would divide customers who bought the same number of times.",
    )


def _order_ranges(thresholds: Thresholds) -> str:
    edges = [1, *(int(c) for c in thresholds.n_orders if c is not None)]
    closed = [f"{a}" if b == a + 1 else f"{a}-{b - 1}" for a, b in pairwise(edges)]
    return ", ".join([*closed, f"{edges[-1]} or more"])


def _frozen(thresholds: Thresholds) -> Note | None:
    if not thresholds.given:
        return None
    which = ", ".join(_PLAIN[d] for d in DIMENSIONS if d in thresholds.given)
    text = f"The cut-offs of {which} were given, not chosen from these customers."
    return Note("cuts_given", f"{text} Values beyond their ends have the lowest or the highest score.")


def _uneven(table: pl.DataFrame, n: int) -> Note | None:
    """Say which scores hold markedly more or less than an equal part."""
    words = []
    for dimension, name in _PLAIN.items():
        sizes = table.filter(pl.col("dimension") == dimension).sort("score", descending=True)
        shares = (sizes["n_customers"] / n).to_list()
        if any(abs(s - 1 / len(shares)) > _UNEVEN for s in shares):
            listed = ", ".join(f"{100 * s:.0f}%" for s in shares)
            words.append(f"{name} {listed}")
    if not words:
        return None
    text = "Scores do not hold equal parts of the customers, since equal values share a score; from the best score down: "
    return Note("uneven_bins", f"{text}{'; '.join(words)}.")


def _no_purchase(customers: pl.DataFrame, names: Mapping[Segment, str]) -> Note | None:
    name = names[Segment.NO_PURCHASE]
    others = customers.filter(pl.col("segment") == name, pl.col("r_score").is_null())
    if others.is_empty():
        return None
    money = float(others["spend"].sum())
    return Note(
        "no_purchase",
        f"{_people(others.height)} without any order that nets to more than nothing "
        f"(together {money:,.2f}) {_are(others.height)} set apart as “{name}”: not scored, and not in any share.",
    )


def _lapsed(n: int, start: date | None) -> Note | None:
    if n == 0 or start is None:
        return None
    text = f"{_people(n)} whose orders all lie before {formats.value(start, 'day')} {_are(n)} left out."
    return Note("before_start", text)


def _prospects(
    customers: pl.DataFrame, names: Mapping[Segment, str], filters: tuple[str, ...]
) -> Note | None:
    n = customers.filter(pl.col("segment") == names[Segment.PROSPECT], pl.col("r_score").is_null()).height
    if n == 0:
        return None
    within = f" within the filter ({', '.join(filters)})" if filters else ""
    text = f"{_people(n)} of the customers table without an order{within} {_are(n)} “{names[Segment.PROSPECT]}”, in no share."
    return Note("prospects", text)


def _refunds(buyers: pl.DataFrame) -> Note | None:
    refunds = float(buyers["refunds"].sum())
    gross = float(buyers["spend"].sum()) + refunds
    if refunds <= 0 or gross <= 0:
        return None
    return Note(
        "net_of_refunds", f"Spend is net of refunds, which took back {formats.share(refunds / gross)} of it."
    )
