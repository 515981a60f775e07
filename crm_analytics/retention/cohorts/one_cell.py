"""Who the customers of any one cell of a cohort table are."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import polars as pl

from crm_analytics.errors import OptionError, UnknownNameError
from crm_analytics.results import Result
from crm_analytics.retention.cohorts.analysis import cohort_retention
from crm_analytics.retention.cohorts.customers import MOST_LISTED

State = Literal["active", "away", "all"]


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
