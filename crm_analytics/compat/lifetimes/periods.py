"""Purchases by customer and period, worked out on whole numbers so that every pandas from 2.0 on gives the same."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from crm_analytics.compat.lifetimes.borders import Floats, outside, pandas
from crm_analytics.errors import ColumnError, CrmWarning, OptionError

Ints = NDArray[np.int64]
Instants = NDArray[np.datetime64]


@dataclass(frozen=True)
class Unit:
    """A period of time: how pandas calls it, how long it is, and how instants fall into it."""

    alias: str
    length: np.timedelta64
    """Of one period; months and years have their mean length, as numpy once gave it to lifetimes."""

    step: str

    def number(self, times: Any) -> Ints:
        """Give the numbers of the periods in which the instants lie."""
        instants = times.to_numpy().astype("datetime64[us]")
        if self.alias == "W":  # weeks run from Monday to Sunday; 1970-01-01 was a Thursday
            days: Ints = instants.astype("datetime64[D]").astype(np.int64)
            return np.floor_divide(days + 3, 7)
        numbers: Ints = instants.astype(f"datetime64[{self.step}]").astype(np.int64)
        return numbers

    def begin(self, number: Ints) -> Instants:
        """Give the instants at which the periods begin."""
        if self.alias == "W":
            return (number * 7 - 3).astype("datetime64[D]").astype("datetime64[us]")
        return number.astype(f"datetime64[{self.step}]").astype("datetime64[us]")


_DAY: Final = 86_400_000_000
_UNITS: Final = {
    "Y": Unit("Y", np.timedelta64(int(365.2425 * _DAY), "us"), "Y"),
    "M": Unit("M", np.timedelta64(int(365.2425 / 12 * _DAY), "us"), "M"),
    "W": Unit("W", np.timedelta64(7 * _DAY, "us"), "W"),
    "D": Unit("D", np.timedelta64(_DAY, "us"), "D"),
    "h": Unit("h", np.timedelta64(_DAY // 24, "us"), "h"),
    "min": Unit("min", np.timedelta64(60_000_000, "us"), "m"),
    "s": Unit("s", np.timedelta64(1_000_000, "us"), "s"),
}
_OTHER_NAMES: Final = {
    "H": "h",
    "T": "min",
    "m": "min",
    "S": "s",
    "A": "Y",
    "ME": "M",
    "MS": "M",
    "YE": "Y",
    "YS": "Y",
}


def unit_of(freq: str) -> Unit:
    """Give the unit of this name, old and new pandas names alike.

    Raises
    ------
    OptionError
        If there is none.
    """
    unit = _UNITS.get(_OTHER_NAMES.get(freq, freq))
    if unit is None:
        raise OptionError.out_of_range("freq", freq, f"one of {', '.join(_UNITS)}")
    return unit


def as_times(thing: Any, datetime_format: str | None) -> Any:
    """Read dates; what bears a zone keeps its local time."""
    pd = pandas()
    if isinstance(thing, pd.Period):
        thing = thing.to_timestamp()
    whole_numbers = (
        datetime_format is not None and getattr(thing, "dtype", None) is not None and thing.dtype.kind in "iu"
    )
    try:
        times = pd.to_datetime(thing.astype(str) if whole_numbers else thing, format=datetime_format)
    except (ValueError, TypeError) as error:
        raise OptionError(
            f"The dates cannot be read: {str(error).splitlines()[0]}.",
            "Expected dates.",
            "Say how they are written with datetime_format, or read them with pandas.to_datetime first.",
        ) from error
    local = times.dt if isinstance(times, pd.Series) else times
    return local.tz_localize(None) if local.tz is not None else times


def cleaned(transactions: Any, customer: str, when: str, datetime_format: str | None) -> Any:
    """Give the transactions with their dates read; rows without a customer or date are set aside with a warning."""
    found = [str(c) for c in transactions.columns]
    for name in (customer, when):
        if name not in transactions.columns:
            raise ColumnError.missing(str(name), "transactions", found)
    rows = transactions.assign(**{when: as_times(transactions[when], datetime_format)})
    whole = rows[customer].notna() & rows[when].notna()
    if not whole.all():
        warnings.warn(
            f"{int((~whole).sum()):,} of {len(rows):,} rows have no {customer} or no {when} and are left out.",
            CrmWarning,
            stacklevel=outside(),
        )
        rows = rows[whole]
    return rows


@dataclass(frozen=True, eq=False)
class Periods:
    """One row per customer and period with a purchase, customers in the order of their ids, periods in time.

    Attributes
    ----------
    customers
        Ids.
    code
        Place of the row's customer among them.
    number
        The period.
    amount
        Spend in it.
    starts
        Where each customer's rows begin.
    """

    customers: Any
    code: Ints
    number: Ints
    amount: Floats
    starts: Ints
    unit: Unit

    @property
    def is_first(self) -> NDArray[np.bool_]:
        """Whether a row is its customer's first."""
        first = np.zeros(len(self.code), bool)
        first[self.starts] = True
        return first

    def until(self, number: int) -> Self:
        """Keep the periods up to this one, it included, and the customers who have any."""
        keep = self.number <= number
        if keep.all():
            return self
        seen, code = np.unique(self.code[keep], return_inverse=True)
        starts = np.flatnonzero(np.diff(code, prepend=-1))
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        cut = {"code": code, "number": self.number[keep], "amount": self.amount[keep], "starts": starts}
        return type(self)(**{**given, **cut, "customers": self.customers[seen]})


def periods(rows: Any, customer: str, when: str, amount: str | None, unit: Unit) -> Periods:
    """Merge each customer's transactions of a period into one purchase."""
    code, customers = pandas().factorize(rows[customer], sort=True)
    number = unit.number(rows[when])
    spent = rows[amount].fillna(0).to_numpy(dtype=float) if amount else np.zeros(len(code))
    order = np.lexsort((number, code))
    code, number, spent = code[order].astype(np.int64), number[order], spent[order]
    new = (np.diff(code, prepend=-1) != 0) | (np.diff(number, prepend=np.iinfo(np.int64).min // 2) != 0)
    at = np.flatnonzero(new)
    total = np.add.reduceat(spent, at) if len(at) else spent
    code, number = code[at], number[at]
    return Periods(customers, code, number, total, np.flatnonzero(np.diff(code, prepend=-1)), unit)
