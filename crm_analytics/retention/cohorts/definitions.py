"""One base under the retention definitions of several vendors, side by side, with why they differ.

Retention of "month 3" is not one figure: who enters a cohort, on whose clock a period runs, what counts as coming back
and how cohorts are averaged all differ from product to product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import Any, Final

import narwhals as nw
import numpy as np
import polars as pl
from narwhals.typing import IntoFrame

from crm_analytics import formats
from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.aggregates.cube_cells import Activity
from crm_analytics.aggregates.order_blocks import begins
from crm_analytics.aggregates.purchase_days import purchase_instants
from crm_analytics.stats.intervals import wilson
from crm_analytics.terms import Term, by_name

POOLED: Final = "Pooled"
"""The definition of this library; the others are compared with it."""

_POOLED_POWER, _SIMPLE_POWER, _MIXPANEL_POWER = 1, 0, 2
_DAYS: Final[Mapping[str, int]] = {"day": 1, "week": 7, "month": 30}

TERMS: Final[Mapping[str, Term]] = by_name(
    Term("definition", "Definition", "text", "What the figure is called here: the vendor's way of counting."),
    Term("vendor", "Product", "text", "Whose default or option it is."),
    Term(
        "difference_from_pooled",
        "Difference from pooled",
        "share",
        "Retention under this definition less pooled retention of the same period.",
    ),
    Term("why", "Why it differs", "text", "In what the definition departs from pooled retention."),
)


def average(sizes: list[float], active: list[float], power: int) -> tuple[float, float]:
    """Average the rates of cohorts with weights `size ** power`.

    Power 1 pools (active customers of all cohorts over all their customers), power 0 gives every cohort the same
    weight, and power 2 is what comes of weighting both the counts and the sizes by size before dividing one by the
    other, as Mixpanel's weighted average does.

    Parameters
    ----------
    sizes, active
        Customers of each cohort, all above 0, and those of them who came back.
    power
        0, 1 or 2.

    Returns
    -------
    rate, effective_size
        The average in [0, 1], and the number of customers whose plain share would scatter as much.

    Examples
    --------
    500 of 1,000 and 400 of 500 customers came back:

    >>> [round(average([1000, 500], [500, 400], power)[0], 2) for power in (1, 0, 2)]
    [0.6, 0.65, 0.56]
    """
    size, back = np.asarray(sizes, float), np.asarray(active, float)
    weight = size**power / (size**power).sum()
    return float((weight * back / size).sum()), float(1 / (weight**2 / size).sum())


@dataclass(frozen=True)
class _History:
    """Who bought when: one row per customer and calendar period."""

    entries: pl.DataFrame
    """`customer_id`, `number` of the period, `entered_at`, and the customer's `first_number`, `first_at`, `last_at`,
    `n_orders`."""
    purchases: pl.DataFrame
    as_of: date
    start: date | None
    calendar: Calendar
    most_periods: int

    @property
    def current(self) -> int:
        """The number of the period that is not over."""
        return self.calendar.number_of(self.as_of)

    @cached_property
    def newcomers(self) -> pl.DataFrame:
        """Entries of the customers whose first purchase lies in the window."""
        return self._from_start(pl.col("first_at"))

    @cached_property
    def buyers(self) -> pl.DataFrame:
        """Entries of everyone who bought in the window, newcomer or not."""
        return self._from_start(pl.col("entered_at"))

    def _from_start(self, at: pl.Expr) -> pl.DataFrame:
        return self.entries if self.start is None else self.entries.filter(at >= _at(self.start))


@dataclass(frozen=True)
class _Definition:
    """One way of counting: its cells (cohort, period, size, active) and the weights of its average."""

    name: str
    vendor: str
    cells: Callable[[_History], pl.DataFrame]
    power: int
    independent: bool
    periods: tuple[str, ...]
    why: str


def compare_definitions(
    frame: IntoFrame,
    *,
    as_of: date,
    start: date | None = None,
    calendar: Calendar = Calendar("month"),  # noqa: B008 a frozen value
    activity: Activity = "purchases",
    most_periods: int = 12,
) -> pl.DataFrame:
    """Work out retention of the same customers under several vendors' definitions.

    Parameters
    ----------
    frame
        Transactions in canonical columns: anything narwhals reads. Customers may be whole numbers, which is quicker.
    as_of
        The first day that is not seen.
    start
        The first day from which customers (or, where a definition lets customers enter anew, purchases) count; first
        purchases are found in the whole history all the same.
    calendar
        The periods and how they begin. Quarters and years stand only under the definitions whose product offers them.
    activity
        "purchases": orders that net to more than nothing; "any": any line.
    most_periods
        How many periods after the first are compared.

    Returns
    -------
    polars.DataFrame
        One row per definition and period from 1 on (period 0 is everyone by construction): `definition`, `vendor`,
        `period`, `retention_rate` with bounds, `n_customers` (those who could have come back; with Mixpanel a
        customer counts once per cohort entered), `n_active`, `difference_from_pooled`, `why`.

    Notes
    -----
    Bounds are Wilson's for the number of independent customers whose share would scatter as much as the average; there
    are none where a customer sits in several cohorts, whose outcomes are not independent.

    References
    ----------
    The products' own documentation as of 2026: Mixpanel's retention report and its FAQ, Amplitude's "How time works in
    a retention analysis" and its FAQ, PostHog's retention documentation and source, Shopify's help on returning customers.
    """
    history = _history(frame, as_of, start, calendar, activity, most_periods)
    found = pl.concat([_averages(d, history) for d in DEFINITIONS if calendar.period in d.periods])
    pooled = found.filter(pl.col("definition") == POOLED).select("period", pooled="retention_rate")
    return (
        found.join(pooled, on="period", how="inner", maintain_order="left")
        .with_columns(difference_from_pooled=pl.col("retention_rate") - pl.col("pooled"))
        .select(
            "definition", "vendor", "period", "retention_rate", "retention_rate_lower", "retention_rate_upper",
            "n_customers", "n_active", "difference_from_pooled", "why",
        )
    )  # fmt: skip


def spread(compared: pl.DataFrame, period: str = "month", at: int = 1) -> str | None:
    """Say in a sentence how far the definitions lie apart at one period; None where it is not there.

    >>> columns = {"definition": ["Pooled", "Return on"], "vendor": ["crm_analytics", "Amplitude"]}
    >>> spread(pl.DataFrame({**columns, "period": [1, 1], "retention_rate": [0.2, 0.41]}))
    'Retention of the same customers in month 1 is 20.0% (pooled) to 41.0% (Amplitude, return on), depending on the definition.'
    """
    rows = compared.filter(pl.col("period") == at).sort("retention_rate", maintain_order=True)
    if rows.is_empty():
        return None
    low, high = rows.row(0, named=True), rows.row(-1, named=True)
    ends = [f"{formats.share(row['retention_rate'])} ({_label(row)})" for row in (low, high)]
    return f"Retention of the same customers in {period} {at} is {' to '.join(ends)}, depending on the definition."


def _label(row: Mapping[str, str]) -> str:
    name = row["definition"]
    return name.lower() if name == POOLED else f"{row['vendor']}, {name.lower()}"


def _history(
    frame: IntoFrame,
    as_of: date,
    start: date | None,
    calendar: Calendar,
    activity: Activity,
    most_periods: int,
) -> _History:
    number = calendar.of_day(nw.col("ordered_at").dt.date()).cast(nw.Int64).alias("number")
    found = _instants(frame, as_of, activity).with_columns(number)
    purchases: pl.DataFrame = found.collect("polars").to_native()
    if not purchases["customer_id"].dtype.is_integer():
        purchases = purchases.with_columns(pl.col("customer_id").rank("dense"))
    purchases = purchases.sort("customer_id", "ordered_at")
    return _History(_entries(purchases), purchases, as_of, start, calendar, most_periods)


def _entries(purchases: pl.DataFrame) -> pl.DataFrame:
    """Give one row per customer and period; the purchases of one stand side by side, in order of time."""
    customer, number = (purchases[c].to_numpy() for c in ("customer_id", "number"))
    first = np.flatnonzero(begins(customer))
    n = np.diff(first, append=customer.size)
    customers = purchases[first].select(
        "customer_id",
        first_number="number",
        first_at="ordered_at",
        last_at=purchases["ordered_at"].gather(first + n - 1),
        n_orders=pl.Series(n),
    )
    entry = np.flatnonzero(begins(customer, number))
    place = np.searchsorted(first, entry, side="right") - 1
    entries = purchases[entry].select("number", entered_at="ordered_at")
    return entries.hstack(customers[place])


def _instants(frame: IntoFrame, as_of: date, activity: Activity) -> nw.LazyFrame[Any]:
    """Give one row per customer and instant of a purchase (or of any line): `customer_id`, `ordered_at`."""
    if activity == "purchases":
        found = purchase_instants(frame, as_of=as_of, free_orders=False)
    else:
        seen = nw.from_native(frame).lazy().filter(nw.col("ordered_at") < _at(as_of))
        found = seen.select("customer_id", "ordered_at").unique()
    return found.select("customer_id", "ordered_at")


def _averages(definition: _Definition, history: _History) -> pl.DataFrame:
    rows = []
    cells = definition.cells(history).filter(pl.col("size") > 0).sort("period", "cohort")
    for (k,), part in cells.group_by("period", maintain_order=True):
        rate, effective = average(part["size"].to_list(), part["active"].to_list(), definition.power)
        lower, upper = wilson(min(rate, 1.0) * effective, effective)
        rows.append(
            (
                definition.name,
                definition.vendor,
                k,
                rate,
                min(float(lower), rate) if definition.independent else None,
                max(float(upper), rate) if definition.independent else None,
                int(part["size"].sum()),
                int(part["active"].sum()),
                definition.why,
            )
        )
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


_SCHEMA: Final[Mapping[str, type[pl.DataType]]] = {
    "definition": pl.String,
    "vendor": pl.String,
    "period": pl.Int64,
    "retention_rate": pl.Float64,
    "retention_rate_lower": pl.Float64,
    "retention_rate_upper": pl.Float64,
    "n_customers": pl.Int64,
    "n_active": pl.Int64,
    "why": pl.String,
}


def _calendar_cells(history: _History) -> pl.DataFrame:
    """Count who bought again in the k-th calendar period after the period of the first purchase, once it is over."""
    back = history.newcomers.group_by(
        cohort="first_number", period=pl.col("number") - pl.col("first_number")
    ).len("active")
    sizes = back.filter(pl.col("period") == 0).select("cohort", size="active")
    grid = sizes.join(_ks(history), how="cross").filter(pl.col("cohort") + pl.col("period") < history.current)
    return grid.join(back, on=["cohort", "period"], how="left").with_columns(pl.col("active").fill_null(0))


def _ever_again_cells(history: _History) -> pl.DataFrame:
    """Count, in every period that has begun, whoever has a second purchase anywhere in the history."""
    customers = history.newcomers.filter(pl.col("number") == pl.col("first_number"))
    sizes = customers.group_by(cohort="first_number").agg(
        size=pl.len(), active=(pl.col("n_orders") > 1).sum()
    )
    begun = pl.col("cohort") + pl.col("period") <= history.current
    return sizes.join(_ks(history), how="cross").filter(begun)


def _own_clock_cells(history: _History) -> pl.DataFrame:
    """Count who bought in the k-th stretch of a clock that starts with the first purchase, once it is over."""
    customers = _own_clocks(history)
    ticks = (
        history.purchases.lazy()
        .join(customers.lazy().select("customer_id", "first_at", "age"), on="customer_id")
        .select("customer_id", "age", period=_ticks(pl.col("ordered_at"), history))
        .filter(pl.col("period") < pl.col("age"))
        .unique()
        .group_by("period")
        .agg(active=pl.len())
        .collect(engine="streaming")
    )
    return _one_cohort(customers, ticks, history)


def _own_clock_later_cells(history: _History) -> pl.DataFrame:
    """Count who bought in the k-th stretch of the own clock or at any time later, once the stretch is over."""
    customers = _own_clocks(history).with_columns(last=_ticks(pl.col("last_at"), history))
    rows = [
        (k, customers.filter((pl.col("age") > k) & (pl.col("last") >= k)).height)
        for k in range(1, history.most_periods + 1)
    ]
    active = pl.DataFrame(rows, schema={"period": pl.Int64, "active": pl.Int64}, orient="row")
    return _one_cohort(customers, active, history)


def _own_clocks(history: _History) -> pl.DataFrame:
    """Give each newcomer's first purchase and `age`: how many stretches of the own clock are over."""
    customers = history.newcomers.filter(pl.col("number") == pl.col("first_number"))
    return customers.select(
        "customer_id", "first_at", "last_at", age=_ticks(pl.lit(_at(history.as_of)), history)
    )


def _ticks(at: pl.Expr, history: _History) -> pl.Expr:
    """Count whole stretches from the first purchase: of hours for days, of days for weeks and months."""
    step = "1h" if history.calendar.period == "day" else "1d"
    past = at.dt.truncate(step) - pl.col("first_at").dt.truncate(step)
    return past.dt.total_seconds() // (_DAYS[history.calendar.period] * 86_400)


def _one_cohort(customers: pl.DataFrame, active: pl.DataFrame, history: _History) -> pl.DataFrame:
    ages = np.sort(customers["age"].to_numpy())
    ks = np.arange(1, history.most_periods + 1)
    sizes = len(ages) - np.searchsorted(ages, ks, side="right")
    return (
        pl.DataFrame({"period": ks, "size": sizes})
        .join(active, on="period", how="left")
        .with_columns(pl.col("active").fill_null(0), cohort=0)
    )


def _every_buyer_cells(history: _History) -> pl.DataFrame:
    """Count, of everyone who bought in a calendar period, who bought k stretches after that purchase or later."""
    length = _DAYS[history.calendar.period] * 86_400
    later = ((pl.col("last_at") - pl.col("entered_at")).dt.total_seconds() // length).alias("later")
    counts = history.buyers.group_by(pl.col("number").alias("cohort"), later).len("n")
    cells = (
        counts.join(_ks(history), how="cross")
        .group_by("cohort", "period")
        .agg(size=pl.col("n").sum(), active=pl.col("n").filter(pl.col("later") >= pl.col("period")).sum())
    )
    cohorts = cells["cohort"].unique().to_list()
    closed = [history.as_of - history.calendar.first_day(number + 1) for number in cohorts]
    over = pl.DataFrame(
        {
            "cohort": cohorts,
            "over": [time_since.days // _DAYS[history.calendar.period] for time_since in closed],
        },
        schema={"cohort": pl.Int64, "over": pl.Int64},
    )
    return cells.join(over, on="cohort").filter(pl.col("over") > pl.col("period")).drop("over")


def _ks(history: _History) -> pl.DataFrame:
    return pl.DataFrame({"period": range(1, history.most_periods + 1)}, schema={"period": pl.Int64})


def _at(day: date) -> datetime:
    return datetime.combine(day, time.min)


_ROLLING: Final = ("day", "week", "month")
_ALL: Final = (*_ROLLING, "quarter", "year")

DEFINITIONS: Final = (
    _Definition(
        POOLED,
        "crm_analytics",
        _calendar_cells,
        _POOLED_POWER,
        True,
        _ALL,
        "A customer counts once, in the calendar period of the first purchase ever; only periods that are over count;"
        " all who came back are divided by all who could have.",
    ),
    _Definition(
        "Weighted mean",
        "PostHog",
        _calendar_cells,
        _POOLED_POWER,
        True,
        _ROLLING,
        "Does not differ: first-time cohorts on the calendar, and rates weighted by the size of their cohort come to"
        " the same as pooling.",
    ),
    _Definition(
        "Simple mean",
        "PostHog",
        _calendar_cells,
        _SIMPLE_POWER,
        True,
        _ROLLING,
        "The rates of cohorts are averaged as if all cohorts had one size, so that a small cohort moves the figure as"
        " much as a large one.",
    ),
    _Definition(
        "Return on",
        "Amplitude",
        _own_clock_cells,
        _POOLED_POWER,
        True,
        _ROLLING,
        "Each customer has a clock of their own that starts with the first purchase and ticks in 24 hours, 7 days or 30"
        " days instead of calendar periods, so that no first period is cut short; customers count once they are old"
        " enough.",
    ),
    _Definition(
        "Return on or after",
        "Amplitude",
        _own_clock_later_cells,
        _POOLED_POWER,
        True,
        _ROLLING,
        "On the customer's own clock, a purchase at any later time counts as well; customers won long ago have had"
        " longer to make one, so that recent customers look worse and the curve can rise.",
    ),
    _Definition(
        "Weighted average",
        "Mixpanel",
        _every_buyer_cells,
        _MIXPANEL_POWER,
        False,
        _ROLLING,
        "Everyone who buys in a period enters its cohort, so that regulars sit in many; a purchase at any later time"
        " counts; counts and sizes are both weighted by size before they are divided, so that large cohorts weigh"
        " twice.",
    ),
    _Definition(
        "Ever returned",
        "Shopify",
        _ever_again_cells,
        _POOLED_POWER,
        True,
        _ALL,
        "A customer with a second purchase anywhere in the history counts as returning in every period, before that"
        " purchase as after it, so that the figure of a past period changes with later orders.",
    ),
)
"""The definitions compared, ours first."""
