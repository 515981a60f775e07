"""The customers behind the cells: one row per membership, and the list of those in any cell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.aggregates.cube_cells import Cube
from crm_analytics.aggregates.order_blocks import begins
from crm_analytics.errors import OptionError, UnknownNameError
from crm_analytics.results import Result
from crm_analytics.retention.cohort_clock import Ints
from crm_analytics.retention.cohort_members import Deeds, Members
from crm_analytics.retention.cohort_rows import RowNumbers, Shape

State = Literal["active", "away", "all"]

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


def customers_table(cube: Cube, found: Members, done: Deeds, row: RowNumbers, lists: Lists) -> pl.DataFrame:
    """Give one row per membership of a block, customer by customer; `row` is the row of each member."""
    all_once = found.customer.size == len(cube.ids) and bool(begins(found.customer).all())
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


def customers_in_cell(
    source: Any,  # noqa: ANN401 a Result, or what cohort_retention takes
    *,
    period: int,
    cohort_on: date | str | None = None,
    group: str | None = None,
    state: State = "active",
    **options: Any,  # noqa: ANN401 those of cohort_retention
) -> pl.DataFrame:
    """List the customers of one cell of a cohort table.

    Parameters
    ----------
    source
        A Result of `cohort_retention`, which is cheap, or the transactions, with the same options as there.
    period
        The age, as in the column `period` of the cells.
    cohort_on
        First day of the cohort's period, a date or text such as "2026-01-01"; None where the cohorts are the values of
        an attribute.
    group
        The group, where there are groups.
    state
        "active" lists those whom the cell counts as active, "away" the others of the cohort, "all" both.
    **options
        Options of `cohort_retention` where `source` holds transactions.

    Returns
    -------
    polars.DataFrame
        Rows of the table "customers" with `is_active`; as many of them are active as the cell's `n_active` says.

    Raises
    ------
    UnknownNameError
        If there is no such cell.
    OptionError
        If `state` is none of the three, options are given with a Result, or there are too many customers to be listed.

    Examples
    --------
    >>> orders = pl.DataFrame(
    ...     {
    ...         "customer_id": ["a", "a", "b"],
    ...         "ordered_at": [date(2026, 1, 5), date(2026, 2, 5), date(2026, 1, 9)],
    ...         "amount": [10.0, 20.0, 15.0],
    ...     }
    ... )
    >>> customers_in_cell(orders, cohort_on="2026-01-01", period=1)["customer_id"].to_list()
    ['a']
    """
    result = _result(source, options)
    if state not in ("active", "away", "all"):
        raise OptionError.out_of_range("state", state, "one of active, away, all")
    cell = _cell(result, period, cohort_on, group)
    members = result.tables().get("customers")
    if members is None:
        raise OptionError(
            "The result lists no customers.",
            f"Customers are listed one by one where there are no more than {MOST_LISTED:,}.",
            "Ask for fewer of them: of one country or channel, or of cohorts from a day on with start=.",
        )
    if "group" in cell:
        members = members.filter(pl.col("group") == cell["group"])
    if "cohort_on" in cell:
        members = members.filter(pl.col("cohort_on") == cell["cohort_on"])
    else:
        last = cell["period"] if cell["period_to"] is None else cell["period_to"]
        members = members.filter(pl.col("periods_observed") > last)
    marked = members.with_columns(is_active=_is_active(str(result.parameters["criterion"]), cell))
    return marked if state == "all" else marked.filter(pl.col("is_active") == (state == "active"))


def _result(source: Any, options: dict[str, Any]) -> Result:  # noqa: ANN401 as above
    if not isinstance(source, Result):
        from crm_analytics.retention.cohort_retention import cohort_retention  # noqa: PLC0415 it imports this module

        return cohort_retention(source, **options)
    if options:
        raise OptionError.out_of_range("options", sorted(options), "none beside a Result, which has its own")
    return source


def _cell(result: Result, period: int, cohort_on: date | str | None, group: str | None) -> dict[str, Any]:
    wanted = {"period": period, "cohort_on": cohort_on, "group": group}
    if isinstance(cohort_on, str):
        wanted["cohort_on"] = date.fromisoformat(cohort_on)
    cells = result.tables()["cells"]
    found = cells
    for name, value in wanted.items():
        if name in cells.columns:
            found = found.filter(pl.col(name).eq_missing(value))
        elif value is not None:
            raise UnknownNameError.of("column of the cells", name, cells.columns)
    if found.is_empty():
        asked = ", ".join(f"{n} {v}" for n, v in wanted.items() if v is not None)
        starts = [
            str(v) for c in ("cohort_on", "group") if c in cells.columns for v in cells[c].unique().sort()
        ]
        raise UnknownNameError.of("cell", asked, starts)
    return found.row(0, named=True)


def _is_active(criterion: str, cell: dict[str, Any]) -> pl.Expr:
    """Say by the ages at which a member acted whether the cell counts the member."""
    if cell["period"] == 0:
        return pl.lit(value=True)
    ages = pl.col("active_periods").str.split(" ").cast(pl.List(pl.Int64))
    first, last = cell["period_from"], cell["period_to"]
    seen = pl.element().ge(first) if last is None else pl.element().is_between(first, last)
    hits = ages.list.eval(seen).list.sum()
    return hits == last if criterion == "streak" else hits > 0
