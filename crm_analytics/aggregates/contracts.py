"""Contract periods become contracts, and contracts counts of renewals: what the models of churn in contracts read."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.readers import as_extract

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def contract_counts(
    subscriptions: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    period: str = "month",
) -> pl.DataFrame:
    """Count who left and who was last seen under contract, by age of the contract.

    Contract periods of a customer that follow each other without a gap are one contract (a change of plan is no loss);
    after a gap another begins. Age is counted in whole periods since its beginning.

    Parameters
    ----------
    subscriptions
        An Extract, a frame, or anything `crm.read_subscriptions` takes.
    as_of
        The first day that is not seen; None takes the day after the last contract period began, as every analysis of
        contracts does: later ends may be plans, and cannot be told from such as have happened.
    period
        "month", "quarter" or "year": how often a customer may leave.

    Returns
    -------
    polars.DataFrame
        One row per age, 1, 2, …: `age`, `n_lost` (left at the end of that period), `n_survivors` (seen to renew so often
        and still under contract). Contracts younger than one period tell nothing and are not counted.
        `ShiftedBetaGeometric.fit(counts["n_lost"], counts["n_survivors"])` fits it.

    Raises
    ------
    NotEnoughDataError
        If no contract has lasted a period.
    OptionError
        If the period is not known.

    Examples
    --------
    >>> from datetime import date
    >>> found = contract_counts(
    ...     pl.DataFrame(
    ...         {
    ...             "customer_id": ["a", "a", "b"],
    ...             "started_on": [date(2026, 1, 1), date(2026, 2, 1), date(2026, 1, 10)],
    ...             "ended_on": [date(2026, 2, 1), date(2026, 4, 1), None],
    ...         }
    ...     ),
    ...     as_of=date(2026, 5, 1),
    ... )
    >>> found.rows()
    [(1, 0, 0), (2, 0, 0), (3, 1, 1)]
    """
    if period not in _MONTHS:
        raise OptionError.out_of_range("period", period, f"one of {', '.join(_MONTHS)}")
    extract = as_extract(subscriptions, "subscriptions")
    rows = extract.frame.select("customer_id", "started_on", "ended_on").collect()
    end = windows.resolve(extract, as_of=as_of).as_of
    return count_by_age(joined(rows, end), end, period)


def count_by_age(contracts: pl.DataFrame, end: date, period: str = "month") -> pl.DataFrame:
    """Count contracts that were lost and that were last seen running, by age: see `contract_counts`.

    Parameters
    ----------
    contracts
        One row per contract, as `joined` gives them: `started_on`, `last_on` (its end, or `end` while it runs), `is_lost`.
    end
        The first day that is not seen.
    period
        "month", "quarter" or "year".

    Raises
    ------
    NotEnoughDataError
        If no contract has lasted a period.
    """
    ages = contracts.with_columns(age=age_in_periods(period, end)).filter(pl.col("age") >= 1)
    if ages.is_empty():
        raise NotEnoughDataError.of(f"contracts of at least one {period}", 0, 1)
    counted = ages.group_by("age").agg(
        n_lost=pl.col("is_lost").sum().cast(pl.Int64), n_survivors=(~pl.col("is_lost")).sum().cast(pl.Int64)
    )
    every = pl.DataFrame({"age": range(1, int(ages["age"].max()) + 1)})  # type: ignore[arg-type]
    return every.join(counted, on="age", how="left", maintain_order="left").fill_null(0)


def joined(rows: pl.DataFrame, end: date) -> pl.DataFrame:
    """Join periods that follow each other into contracts; an end at or after `end` has not been seen.

    Returns
    -------
    polars.DataFrame
        One row per contract: `customer_id`, `contract` (a number), `started_on`, `last_on` (its end, or `end` while it
        runs), `is_lost`.
    """
    seen = rows.filter(pl.col("started_on") < end).with_columns(
        until=pl.when(pl.col("ended_on") < end).then(pl.col("ended_on"))
    )
    ordered = seen.sort("customer_id", "started_on", pl.col("until").fill_null(end))
    reached = pl.col("until").fill_null(end).cum_max().shift(1).over("customer_id")
    begins = (pl.col("started_on") > reached).fill_null(value=True)
    numbered = ordered.with_columns(contract=begins.cum_sum())
    return numbered.group_by("customer_id", "contract").agg(
        started_on=pl.col("started_on").min(),
        last_on=pl.col("until").fill_null(end).max(),
        is_lost=pl.col("until").null_count() == 0,
    )


def age_in_periods(period: str, end: date) -> pl.Expr:
    """Give, of contracts as `joined` gives them, the period in which a lost contract ended, or how often a living one was seen to renew."""
    begin, last = pl.col("started_on"), pl.col("last_on")
    months = (last.dt.year() - begin.dt.year()) * 12 + (last.dt.month() - begin.dt.month())
    whole = months - (last.dt.day() < begin.dt.day()).cast(pl.Int32)
    in_full = whole // _MONTHS[period]
    exact = begin.dt.offset_by(pl.format("{}mo", in_full * _MONTHS[period])) == last
    # ended within a period: lost at its end; still there on the very day of a renewal: the renewal is not yet seen
    lost = in_full + (~exact).cast(pl.Int32)
    kept = in_full - (exact & (last == pl.lit(end))).cast(pl.Int32)
    return pl.when(pl.col("is_lost")).then(lost).otherwise(kept).cast(pl.Int64)
