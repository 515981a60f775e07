"""Rates of retention and churn by every definition, period by period, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics import formats
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.retention.revenue import days
from crm_analytics.retention.revenue.definitions import DEFINITIONS, Definition, over
from crm_analytics.retention.revenue.ledger import Ledger
from crm_analytics.retention.revenue.sums import Sums
from crm_analytics.stats.bootstrap import percentile
from crm_analytics.stats.intervals import Floats, wilson

PERIODS_A_YEAR: Final[Mapping[str, int]] = {"week": 52, "month": 12, "quarter": 4, "year": 1}
_STILL: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Stretches:
    """The sums of single periods and of trailing stretches of `n` periods, and what was seen day by day."""

    ledger: Ledger
    n: int
    period: Sums
    trailing: Sums
    days: days.Days | None

    def parts(self, *, drawn: bool) -> dict[str, Floats]:
        """Give all sums by name, observed or drawn."""
        one, many = (s.drawn if drawn else s.observed for s in (self.period, self.trailing))
        return {**one, **{f"trailing_{name}": values for name, values in many.items()}}

    def usable(self, definition: Definition) -> np.ndarray:
        """Say of which periods the rate can be worked out: seen whole at both ends, and somebody there at the start."""
        whole = np.array(self.ledger.complete)
        number = np.arange(whole.size)
        single = definition.stretch == "period"
        begun = number >= first_comparable(self.ledger, 1 if single else self.n)
        sums = self.period if single else self.trailing
        base = sums.observed["before" if definition.about_money else "n_before"]
        return np.asarray(whole & begun & (base > 0))


def first_comparable(ledger: Ledger, n: int) -> int:
    """Give the number of the first period whose end can be compared with n periods earlier."""
    if ledger.kind == "contracts":
        return n
    first = next((i for i, whole in enumerate(ledger.complete) if whole), ledger.n_periods)
    return first + 2 * n - 1


def longest(ledger: Ledger, n: int) -> int:
    """Give the number of trailing periods, n or the most there are before which somebody was there.

    Raises
    ------
    NotEnoughDataError
        If not two whole periods can be compared.
    """
    last = ledger.last_complete
    for size in range(n if last is not None else 0, 0, -1):
        if (
            last is not None
            and last >= first_comparable(ledger, size)
            and _anybody(ledger, last - size, size)
        ):
            return size
    raise _too_short(ledger)


def _too_short(ledger: Ledger) -> NotEnoughDataError:
    """Say what is seen where not two whole periods can be compared."""
    seen = sum(ledger.complete)
    first, last = (formats.value(day, "day") for day in (ledger.seen_from, ledger.ends[-1]))
    between = f"between {first}, when the first {_ROW[ledger.kind]}, and {last}, the first day not seen"
    remedy = "Take a shorter period, a later as_of, or an extract that covers more time."
    if seen < 2:  # noqa: PLR2004 two ends make a comparison
        return NotEnoughDataError.of(f"whole {ledger.period}s {between}", seen, 2, remedy)
    return NotEnoughDataError(
        f"Of the {seen} whole {ledger.period}s {between}, the last began without a customer.",
        "Customers who could stay or leave in it are needed.",
        f"Take an earlier as_of or a longer period: who bought or had a contract is asked {ledger.period} by {ledger.period}.",
    )


_ROW: Final = {"contracts": "contract began", "orders": "order was placed"}


def _anybody(ledger: Ledger, number: int, size: int) -> bool:
    span = (number, number) if ledger.kind == "contracts" else (number - size + 1, number)
    counts = pl.col("net") > 0 if ledger.has_money else pl.col("is_active")
    there = ledger.states.filter(pl.col("period").is_between(*span) & counts)
    return there.height > 0


def offered(ledger: Ledger) -> list[Definition]:
    """List the definitions that the ledger can be held against."""
    return [
        d
        for d in DEFINITIONS
        if (ledger.has_money or not d.about_money) and (ledger.kind == "contracts" or not d.contracts_only)
    ]


@dataclass(frozen=True, eq=False)
class Rate:
    """A rate by period with its bounds (not a number where there are none), and how many customers it rests on."""

    definition: Definition
    value: Floats
    lower: Floats
    upper: Floats
    n: Floats
    usable: np.ndarray

    def at(self, number: int) -> dict[str, Any] | None:
        """Give the rate of a period, or None where it cannot be worked out."""
        if not self.usable[number] or not np.isfinite(self.value[number]):
            return None
        value = float(self.value[number])
        low, high = (float(x[number]) for x in (self.lower, self.upper))
        known = np.isfinite(low) and np.isfinite(high)
        return {
            "rate": value,
            "rate_lower": min(low, value) if known else None,
            "rate_upper": max(high, value) if known else None,
            "n_customers": round(self.n[number]),
        }


def rates(found: Stretches) -> list[Rate]:
    """Work out every definition for every period."""
    observed, drawn = found.parts(drawn=False), found.parts(drawn=True)
    year = PERIODS_A_YEAR[found.ledger.period]
    return [_rate(found, d, observed, drawn, year) for d in offered(found.ledger)]


def _rate(
    found: Stretches, definition: Definition, observed: dict[str, Floats], drawn: dict[str, Floats], year: int
) -> Rate:
    sums = found.period if definition.stretch == "period" else found.trailing
    n = sums.n_paying if definition.about_money else sums.observed["n_before"]
    if definition.of is None:
        value, lower, upper = _from_days(found, definition)
    elif definition.interval == "share":
        value, lower, upper = _share(found, definition, observed, year)
    else:
        value = definition.of(observed, found.n, year)
        lower, upper = percentile_or_none(definition.of(drawn, found.n, year))
        size = sums.n_effective if definition.about_money else n
        lower, upper = where_nothing_moved(value, lower, upper, size)
    return Rate(definition, value, lower, upper, n, found.usable(definition))


def percentile_or_none(samples: Floats) -> tuple[Floats, Floats]:
    """Give the percentile interval by column; not a number where no draw gave a figure."""
    some = np.isfinite(samples).any(axis=0)
    lower, upper = percentile(np.where(some, samples, 0.0))
    return np.where(some, lower, np.nan), np.where(some, upper, np.nan)


def where_nothing_moved(value: Floats, lower: Floats, upper: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Mend intervals without width: where nobody moved, all that is known is that few do.

    A rate of 0 or 1 then has Wilson's interval of as many equal customers; any other has none.
    """
    still = upper - lower < _STILL
    end = (np.abs(value) < _STILL) | (np.abs(value - 1) < _STILL)
    low, high = wilson(np.nan_to_num(np.clip(np.round(value), 0, 1)) * n, n)
    none = np.where(end, low, np.nan), np.where(end, high, np.nan)
    return np.where(still, none[0], lower), np.where(still, none[1], upper)


def _share(
    found: Stretches, definition: Definition, observed: dict[str, Floats], year: int
) -> tuple[Floats, Floats, Floats]:
    """Take Wilson's interval of customers who stayed, and carry it through the formula."""
    prefix = "" if definition.stretch == "period" else "trailing_"
    stayed, n = observed[f"{prefix}n_stayed"], observed[f"{prefix}n_before"]
    formula = definition.of
    if formula is None:  # pragma: no cover such definitions go by days
        raise AssertionError(definition.key)
    ends = [
        formula({f"{prefix}n_stayed": share * n, f"{prefix}n_before": n}, found.n, year)
        for share in wilson(stayed, n)
    ]
    value = formula(observed, found.n, year)
    return value, np.minimum(*ends), np.maximum(*ends)


def _from_days(found: Stretches, definition: Definition) -> tuple[Floats, Floats, Floats]:
    seen = found.days
    if seen is None:  # pragma: no cover they are not offered
        raise AssertionError(definition.key)
    if definition.day == "with_new":
        base = found.period.observed["n_before"] + seen.came
        return (over(seen.left, base), *wilson(np.minimum(seen.left, base), base))
    if definition.about_money:
        return (seen.revenue["sum"], *days.money_bounds(seen.revenue["sum"], seen.revenue["spread"]))
    value = seen.customers[definition.day]
    return (value, *days.count_bounds(value, seen.left, seen.customers["mean_there"]))


def rate_table(found: list[Rate], ledger: Ledger, since: int) -> pl.DataFrame:
    """Give one row per definition and whole period."""
    rows = [
        {
            "period_on": ledger.starts[i],
            "rate_name": r.definition.measure,
            "rate_definition": r.definition.name,
            **row,
        }
        for r in found
        for i in range(since, ledger.n_periods)
        if (row := r.at(i)) is not None
    ]
    return pl.DataFrame(rows, schema=_RATES)


_FIGURES: Final = {
    "rate": pl.Float64(), "rate_lower": pl.Float64(), "rate_upper": pl.Float64(), "n_customers": pl.Int64(),
}  # fmt: skip
_RATES: Final = {
    "period_on": pl.Date(), "rate_name": pl.String(), "rate_definition": pl.String(), **_FIGURES,
}  # fmt: skip
_DEFINITIONS: Final = {
    "rate_name": pl.String(), "rate_definition": pl.String(), "stretch": pl.String(), **_FIGURES,
    "rate_difference": pl.Float64(), "rate_formula": pl.String(), "rate_why": pl.String(),
}  # fmt: skip


def definition_table(found: list[Rate], words: Mapping[str, str], last: int) -> pl.DataFrame:
    """Give every definition side by side, as of the last whole period."""
    return pl.DataFrame(list(_side_by_side(found, words, last)), schema=_DEFINITIONS)


def _side_by_side(found: list[Rate], words: Mapping[str, str], last: int) -> Iterator[dict[str, Any]]:
    usual: dict[tuple[str, str], float] = {}
    for rate in found:
        row, what = rate.at(last), rate.definition
        if row is None:
            continue
        stretch = "annualised" if what.key.endswith("annualised") else what.stretch
        first = usual.setdefault((what.measure, stretch), row["rate"])
        yield {
            "rate_name": what.measure,
            "rate_definition": what.name,
            "stretch": words[stretch],
            **row,
            "rate_difference": row["rate"] - first,
            "rate_formula": what.formula,
            "rate_why": what.why,
        }
