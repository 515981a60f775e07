"""Looking back: histories up to an origin, and what the same customers did in the holdout period after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from crm_analytics.clv.summary import summarise
from crm_analytics.clv.worth.standing import Histories
from crm_analytics.errors import CrmError, NotEnoughDataError, OptionError
from crm_analytics.extracts.extract import Extract

WEEK: Final = 7
FEWEST_DAYS: Final = 28
_LONGEST: Final = 52 * WEEK
_LEAST_HISTORY: Final = 2 * WEEK
_QUARTER: Final = 4
_MOST_ORIGINS: Final = 12

_KEYS: Final = (
    "frequency", "T", "recency", "frequency_holdout", "monetary_value", "first_value", "spend_holdout",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Holdout:
    """The customers known at an origin: what they had done by then, lately, and what they did after.

    Attributes
    ----------
    people
        A summary with `frequency_holdout` and `spend_holdout`, and `recent_purchases`, `recent_spend` of the
        `lookback` days before the origin; sorted by history, so that ids and the order of rows play no part.
    before
        The same kind of summary one `lookback` earlier, its holdout being the lookback: what simple rules learn from.
        None where nobody was a customer by then.
    """

    origin: date
    end: date
    lookback: int
    people: pl.DataFrame
    before: pl.DataFrame | None
    histories: Histories

    @property
    def horizon(self) -> float:
        """Length of the holdout period in days."""
        return float((self.end - self.origin).days)

    def has_spend(self) -> bool:
        """Whether there is money on both sides of the origin."""
        spent = self.people["monetary_value"].max()
        later = self.people["spend_holdout"].sum()
        return bool(isinstance(spent, float) and spent > 0 and later > 0)


def at(extract: Extract, first: date, origin: date, days: int) -> Holdout:
    """Look back at the customers known at an origin and at what they did in the days after it."""
    end = origin + timedelta(days=days)
    people = summarise(extract, as_of=end, unit="day", calibration_end=origin)
    lookback = max(min(days, (origin - first).days // 2), 1)
    before = _before(extract, origin, lookback)
    people = _with_recent(people, before).sort(_KEYS)
    return Holdout(origin, end, lookback, people, before, Histories.of(people))


def _before(extract: Extract, origin: date, lookback: int) -> pl.DataFrame | None:
    try:
        start = origin - timedelta(days=lookback)
        return summarise(extract, as_of=origin, unit="day", calibration_end=start)
    except CrmError:  # nobody was a customer by then
        return None


def _with_recent(people: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """Add the repeat purchases of the lookback: all there are of those who became customers within it."""
    repeat_spend = pl.col("frequency") * pl.col("monetary_value")
    if before is None:
        return people.with_columns(recent_purchases=pl.col("frequency"), recent_spend=repeat_spend)
    recent = before.select("customer_id", recent_purchases="frequency_holdout", recent_spend="spend_holdout")
    joined = people.join(recent, on="customer_id", how="left", maintain_order="left")
    return joined.with_columns(
        pl.col("recent_purchases").fill_null(pl.col("frequency")),
        pl.col("recent_spend").fill_null(repeat_spend),
    )


def length(first: date, as_of: date, holdout_days: int | None) -> int:
    """Decide the length of the holdout period: whole weeks, a quarter of the history, a year at most, unless given."""
    history = (as_of - first).days
    if history < FEWEST_DAYS:
        raise NotEnoughDataError.of(
            "days of history" if history > 1 else "day of history",
            history,
            FEWEST_DAYS,
            "A forecast is checked on a period after the histories it is made from; take in a longer history.",
        )
    if holdout_days is None:
        return max(WEEK, WEEK * (min(history // _QUARTER, _LONGEST) // WEEK))
    most = history - _LEAST_HISTORY
    if not 1 <= holdout_days <= most:
        raise OptionError.out_of_range(
            "holdout_days",
            holdout_days,
            f"1 to {most:,} days, which leave two weeks of the {history:,} days of history before them",
        )
    return holdout_days


def origins(first: date, as_of: date, days: int, n_origins: int) -> list[date]:
    """Place the origins, the latest first, whole weeks apart and not further than the holdout is long.

    The earliest leaves half as much history before it as the holdout is long, two weeks at least.

    >>> [str(d) for d in origins(date(1997, 1, 1), date(1998, 7, 1), 273, 3)]
    ['1997-10-01', '1997-07-30', '1997-05-28']
    """
    if not 1 <= n_origins <= _MOST_ORIGINS:
        raise OptionError.out_of_range("n_origins", n_origins, f"1 to {_MOST_ORIGINS}")
    latest = as_of - timedelta(days=days)
    spare = (latest - first).days - max(days // 2, _LEAST_HISTORY)
    step = 0 if n_origins == 1 else WEEK * (min(days, spare // (n_origins - 1)) // WEEK)
    step = max(step, WEEK)
    possible = 1 + max(spare, 0) // step
    return [latest - timedelta(days=step * k) for k in range(min(n_origins, possible))]
