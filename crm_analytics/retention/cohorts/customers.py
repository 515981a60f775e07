"""The customers behind the cells: one row per membership."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.aggregates.cube_cells import Cube
from crm_analytics.aggregates.order_blocks import begins
from crm_analytics.retention.cohorts.clock import Ints
from crm_analytics.retention.cohorts.members import Deeds, Members
from crm_analytics.retention.cohorts.rows import RowNumbers, Shape

MOST_LISTED: Final = 10_000_000
"""Of more customers no list is made, which would take a gigabyte or more."""

_PLACE: Final = "__place__"
_UNIX: Final = date(1970, 1, 1).toordinal()
_BITS: Final = 12
_AT_ONCE: Final = 4
_MOST_PARTS: Final = 8


@dataclass(frozen=True, eq=False)
class Lists:
    """How customers are listed: by row of the table its group, first day and ages lived through; ages as text.

    `texts` has, for each twelve ages, the text of each of their 4096 patterns; it is empty where there are too many ages.
    `order` is the place of each customer by id, where blocks do not follow each other in that order.
    """

    group: pl.Series | None
    first_day: NDArray[np.int32]
    lived: Ints
    texts: tuple[pl.Series, ...]
    order: NDArray[Any] | None

    @classmethod
    def of(cls, shape: Shape, order: NDArray[Any] | None) -> Lists:
        """Lay the lists of a table out."""
        n_parts = (shape.n_ages - 1) // _BITS + 1
        texts = (_texts(part * _BITS) for part in range(n_parts if n_parts <= _MOST_PARTS else 0))
        days = [shape.clock.calendar.first_day(int(c)).toordinal() - _UNIX for c in shape.rows.cohort]
        return cls(shape.rows.group, np.array(days, np.int32), shape.lived, tuple(texts), order)


def list_columns(*, grouped: bool) -> tuple[str, ...]:
    """Name the columns of the list."""
    group = ("group",) if grouped else ()
    return (
        "customer_id", *group, "cohort_on", "entered_on", "n_orders", "spend", "last_active_period",
        "periods_observed", "active_periods",
    )  # fmt: skip


def customers_table(cube: Cube, found: Members, done: Deeds, row: RowNumbers, lists: Lists) -> pl.DataFrame:
    """Give one row per membership of a block, customer by customer; `row` is the row of each member."""
    all_once = found.customer.size == cube.n_customers and bool(begins(found.customer).all())
    days = (lists.first_day[row], (found.entry_day - _UNIX).astype(np.int32, copy=False))
    cohort_on, entered_on = (pl.Series(v).cast(pl.Date) for v in days)
    return pl.DataFrame(
        {
            "customer_id": cube.ids if all_once else cube.ids.gather(found.customer),
            **({} if lists.group is None else {"group": lists.group.gather(row)}),
            "cohort_on": cohort_on,
            "entered_on": entered_on,
            "n_orders": done.orders_of_member,
            "spend": pl.Series(done.spend_of_member).round(6),
            "last_active_period": done.last_active().astype(np.int64),
            "periods_observed": lists.lived[row],
            "active_periods": _listed(done, lists.texts),
            **({} if lists.order is None else {_PLACE: lists.order[found.customer + cube.before]}),
        }
    )


def in_order_of_ids(table: pl.DataFrame) -> pl.DataFrame:
    """Put a table of all customers into the order of their ids."""
    return table.sort(_PLACE, maintain_order=True).drop(_PLACE) if _PLACE in table.columns else table


def _listed(done: Deeds, texts: tuple[pl.Series, ...]) -> pl.Series:
    """Write the ages at which each member acted, such as "0 1 4".

    Twelve ages at a time have 4096 patterns, each of which is written once; customers take theirs from the list.
    """
    if not texts:
        frame = pl.DataFrame(dict(zip(("member", "age"), done.active, strict=True)))
        by_member = frame.group_by("member", maintain_order=True).agg(pl.col("age").cast(pl.String))
        return by_member["age"].list.join(" ")
    written: pl.Series | None = None
    for first in range(0, int(done.age.max(initial=0)) // _BITS + 1, _AT_ONCE):
        patterns = _patterns(done, first * _BITS)
        for part, text in enumerate(texts[first : first + _AT_ONCE]):
            ages = text.gather(patterns >> part * _BITS & (1 << _BITS) - 1)
            written = ages if written is None else written + ages
    if written is None:
        raise AssertionError
    return written


def _patterns(done: Deeds, low: int) -> Ints:
    """Give the ages of each member from `low` on as bits of one number, as many as a float holds exactly."""
    bits = np.zeros(max(int(done.age.max(initial=0)) + 1, low + _AT_ONCE * _BITS))
    bits[low : low + _AT_ONCE * _BITS] = np.ldexp(1.0, np.arange(_AT_ONCE * _BITS))
    of_deed = bits[done.age]
    if done.active[0] is not done.member:
        of_deed[done.n_actions <= 0] = 0
    return done.per_member(of_deed).astype(np.int64)


def _texts(low: int) -> pl.Series:
    """Write each pattern of twelve ages from `low` on, to be put behind those before; age 0 is in every pattern of its own."""
    texts = [""]
    for age in range(low, low + _BITS):
        texts += [f"{text} {age}" if age else f"{age}" for text in texts]
    return pl.Series(texts, dtype=pl.String)
