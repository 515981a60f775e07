"""lifetimes' helpers around the fitters: from transactions to summaries, calibration and holdout, value, tracking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from crm_analytics.compat.lifetimes.borders import Floats, floats, is_series, pandas
from crm_analytics.compat.lifetimes.periods import Periods, as_times, cleaned, periods, unit_of
from crm_analytics.compat.lifetimes.search import ConvergenceError
from crm_analytics.errors import NotEnoughDataError, OptionError

__all__ = [
    "ConvergenceError",
    "calculate_alive_path",
    "calibration_and_holdout_data",
    "expected_cumulative_transactions",
    "summary_data_from_transaction_data",
]

Frame = Any
"""A pandas DataFrame."""

MONTH: Final = {"W": 4.345, "M": 1.0, "D": 30, "H": 720, "h": 720}
"""Units of time in a month of lifetimes' lifetime value."""


def summary_data_from_transaction_data(
    transactions: Frame,
    customer_id_col: str,
    datetime_col: str,
    monetary_value_col: str | None = None,
    datetime_format: str | None = None,
    observation_period_end: Any = None,
    freq: str = "D",
    freq_multiplier: float = 1,
    include_first_transaction: bool = False,
) -> Frame:
    """Give each customer's frequency, recency, T and mean spend per repeat purchase.

    Parameters
    ----------
    transactions
        A row per transaction.
    customer_id_col, datetime_col, monetary_value_col
        Its columns; without the last there is no `monetary_value`.
    datetime_format
        How dates are written, as for `strptime`; found out by pandas unless said.
    observation_period_end
        The last period observed, itself included; that of the last transaction unless said.
    freq
        Period within which purchases count as one: "D", "W", "M", "Y", "h", "min", "s".
    freq_multiplier
        Periods per unit of recency and T: with "h" and 24, days to the hour.
    include_first_transaction
        Count the first purchase too, in frequency and spend. Not for fitting.

    Returns
    -------
    pandas.DataFrame
        frequency, recency, T (and monetary_value), by customer in the order of their ids.
    """
    pd = pandas()
    bought = _purchases(
        transactions,
        customer_id_col,
        datetime_col,
        monetary_value_col,
        datetime_format,
        observation_period_end,
        freq,
    )
    first, last, count = bought.first(), bought.last(), bought.count()
    unit = bought.unit.length / np.timedelta64(1, "us") * freq_multiplier
    columns = {
        "frequency": count - (0.0 if include_first_transaction else 1.0),
        "recency": (last - first) / np.timedelta64(1, "us") / unit,
        "T": (bought.end - first) / np.timedelta64(1, "us") / unit,
    }
    if monetary_value_col:
        columns["monetary_value"] = bought.mean_amount(include_first=include_first_transaction)
    index = pd.Index(bought.customers, name=customer_id_col)
    return pd.DataFrame(columns, index=index).astype(float)


def calibration_and_holdout_data(
    transactions: Frame,
    customer_id_col: str,
    datetime_col: str,
    calibration_period_end: Any,
    observation_period_end: Any = None,
    freq: str = "D",
    freq_multiplier: float = 1,
    datetime_format: str | None = None,
    monetary_value_col: str | None = None,
    include_first_transaction: bool = False,
) -> Frame:
    """Give each customer's summary at the end of calibration, and what they did in the holdout after it.

    Parameters
    ----------
    calibration_period_end
        Transactions up to and including this instant are calibration. A date alone means its midnight, as in lifetimes:
        what happens later on that day is holdout.
    observation_period_end
        Transactions after this instant are not seen; the last transaction unless said.
    transactions, customer_id_col, datetime_col, freq, freq_multiplier, datetime_format, monetary_value_col, \
include_first_transaction
        As for `summary_data_from_transaction_data`.

    Returns
    -------
    pandas.DataFrame
        The summary's columns with `_cal`, then frequency_holdout (periods with a purchase), monetary_value_holdout (mean
        per transaction) and duration_holdout, by customer who bought in calibration.

    Raises
    ------
    NotEnoughDataError
        If there is no transaction in one of the two.
    """
    columns = [customer_id_col, datetime_col, *([monetary_value_col] if monetary_value_col else [])]
    rows = cleaned(transactions, customer_id_col, datetime_col, datetime_format)[columns]
    calibration_end = as_times(calibration_period_end, datetime_format)
    end = rows[datetime_col].max() if observation_period_end is None else observation_period_end
    end = as_times(end, datetime_format)
    before = rows[datetime_col] <= calibration_end
    held = rows[~before & (rows[datetime_col] <= end)]
    for name, n in (("calibration", int(before.sum())), ("holdout", len(held))):
        if not n:
            remedy = "Check observation_period_end and calibration_period_end against the dates of the transactions."
            raise NotEnoughDataError.of(f"transactions in the {name} period", 0, 1, remedy)
    known = summary_data_from_transaction_data(
        rows[before],
        customer_id_col,
        datetime_col,
        monetary_value_col,
        observation_period_end=calibration_end,
        freq=freq,
        freq_multiplier=freq_multiplier,
        include_first_transaction=include_first_transaction,
    ).add_suffix("_cal")
    combined = known.join(_held_out(held, customer_id_col, datetime_col, monetary_value_col, freq)).fillna(0)
    unit = unit_of(freq)
    length = unit.number(pandas().Series([calibration_end, end]))
    combined["duration_holdout"] = (length[1] - length[0]) / freq_multiplier
    return combined


def _held_out(held: Frame, customer: str, when: str, amount: str | None, freq: str) -> Frame:
    numbers = held.assign(**{when: unit_of(freq).number(held[when])})
    frame = numbers.groupby(customer)[when].nunique().to_frame("frequency_holdout")
    if amount:
        frame["monetary_value_holdout"] = held.groupby(customer)[amount].mean()
    return frame


def calculate_alive_path(
    model: Any,
    transactions: Frame,
    datetime_col: str,
    t: int,
    freq: str = "D",
) -> Any:
    """Give one customer's P(alive) at each age from 0 to t, as it was seen then.

    Parameters
    ----------
    model
        A fitted fitter.
    transactions
        Those of one customer.
    datetime_col
        Their dates.
    t
        Units of time since the first purchase up to which the path goes; further if purchases lie beyond.
    freq
        Unit of time.

    Returns
    -------
    pandas.Series
        P(alive) by age.
    """
    number = unit_of(freq).number(as_times(transactions[datetime_col], None))
    if not len(number):
        raise NotEnoughDataError.of("transactions of the customer", 0, 1)
    since = np.unique(number - number.min())
    age = np.arange(max(int(t), int(since[-1])) + 1)
    bought = np.isin(age, since)
    recency = np.maximum.accumulate(np.where(bought, age, 0))
    frequency = np.cumsum(bought) - 1
    alive = model.conditional_probability_alive(frequency, recency, age)
    return pandas().Series(np.asarray(alive, float), index=age)


def expected_cumulative_transactions(
    model: Any,
    transactions: Frame,
    datetime_col: str,
    customer_id_col: str,
    t: int,
    datetime_format: str | None = None,
    freq: str = "D",
    freq_multiplier: int = 1,
    set_index_date: bool = False,
) -> Frame:
    """Give the repeat purchases that happened and those expected, added up over time (Fader, Hardie, Lee 2005, note 008).

    Parameters
    ----------
    model
        A fitted fitter, in units of `freq_multiplier` periods.
    transactions, datetime_col, customer_id_col, datetime_format, freq, freq_multiplier
        As for `summary_data_from_transaction_data`.
    t
        Periods from the first transaction on.
    set_index_date
        Label the rows with periods instead of 0, 1, 2 …

    Returns
    -------
    pandas.DataFrame
        actual, predicted.
    """
    pd = pandas()
    rows = cleaned(transactions, customer_id_col, datetime_col, datetime_format)
    unit = unit_of(freq)
    start = unit.number(rows[datetime_col]).min()
    seen = periods(rows, customer_id_col, datetime_col, None, unit)
    seen = seen.until(start + t)
    steps, width = t // freq_multiplier, int(freq_multiplier)
    ends = np.arange(1, steps + 1) * width
    begun = np.bincount(seen.number[seen.is_first] - start, minlength=t + 1)
    again = np.bincount(seen.number[~seen.is_first] - start, minlength=t + 1)
    expected = np.zeros(t + 1)
    expected[1:] = model.expected_number_of_purchases_up_to_time(np.arange(1.0, t + 1) / freq_multiplier)
    predicted = [float(begun[:end] @ expected[end:0:-1]) for end in ends]
    actual = np.cumsum(again)[ends - 1]
    dates = pd.period_range(rows[datetime_col].min().to_period(unit.alias), periods=t + 1, freq=unit.alias)
    index = dates[width - 1 : -1 : width] if set_index_date else range(steps)
    return pd.DataFrame({"actual": actual, "predicted": predicted}, index=index)


def _customer_lifetime_value(
    transaction_prediction_model: Any,
    frequency: Any,
    recency: Any,
    T: Any,
    monetary_value: Any,
    time: int = 12,
    discount_rate: float = 0.01,
    freq: str = "D",
) -> Any:
    """Give expected purchases of each month times spend, discounted at the month's end, added up."""
    if freq not in MONTH:
        raise OptionError.out_of_range("freq", freq, f"one of {sorted(MONTH)}")
    pd = pandas()
    index = frequency.index if is_series(frequency) else None
    spend = (
        monetary_value.reindex(index) if is_series(monetary_value) and index is not None else monetary_value
    )
    worth = floats(spend, "monetary_value")
    total, before = np.zeros(np.shape(frequency)), np.zeros(np.shape(frequency))
    for month in np.arange(1, time + 1):
        until = np.asarray(
            transaction_prediction_model.predict(month * MONTH[freq], frequency, recency, T), float
        )
        total = total + worth * (until - before) / (1 + discount_rate) ** month
        before = until
    return pd.Series(np.atleast_1d(total), index=index, name="clv")


def _find_first_transactions(
    transactions: Frame,
    customer_id_col: str,
    datetime_col: str,
    monetary_value_col: str | None = None,
    datetime_format: str | None = None,
    observation_period_end: Any = None,
    freq: str = "D",
) -> Frame:
    """Give one row per customer and period, with the spend and whether it was the customer's first."""
    pd = pandas()
    bought = _purchases(
        transactions,
        customer_id_col,
        datetime_col,
        monetary_value_col,
        datetime_format,
        observation_period_end,
        freq,
    )
    columns = {
        customer_id_col: bought.customers[bought.code],
        datetime_col: pd.DatetimeIndex(bought.unit.begin(bought.number)).to_period(bought.unit.alias),
    }
    if monetary_value_col:
        columns[monetary_value_col] = bought.amount
    return pd.DataFrame({**columns, "first": bought.is_first})


@dataclass(frozen=True, eq=False)
class _Purchases(Periods):
    """Purchases up to the end of observation."""

    end: Any = None

    def first(self) -> Any:
        return self.unit.begin(self.number[self.starts])

    def last(self) -> Any:
        return self.unit.begin(self.number[np.append(self.starts[1:], len(self.number)) - 1])

    def count(self) -> Floats:
        return np.diff(np.append(self.starts, len(self.number))).astype(float)

    def mean_amount(self, *, include_first: bool) -> Floats:
        used = np.ones(len(self.code), bool) if include_first else ~self.is_first
        n = np.bincount(self.code[used], minlength=len(self.starts))
        total = np.bincount(self.code[used], self.amount[used], minlength=len(self.starts))
        return total / np.maximum(n, 1)


def _purchases(
    transactions: Frame,
    customer: str,
    when: str,
    amount: str | None,
    datetime_format: str | None,
    end: Any,
    freq: str,
) -> _Purchases:
    unit = unit_of(freq)
    rows = cleaned(transactions, customer, when, datetime_format)
    last = rows[when].max() if end is None else as_times(end, datetime_format)
    number = int(unit.number(pandas().Series([last]))[0])
    seen = periods(rows, customer, when, amount, unit).until(number)
    if not len(seen.number):
        raise NotEnoughDataError.of("transactions up to the end of observation", 0, 1)
    return _Purchases(**vars(seen), end=unit.begin(np.array([number]))[0])


def _scale_time(age: Any) -> float:
    """Give the factor that makes the greatest age 1."""
    most = float(np.max(age))
    if not most > 0:
        raise OptionError("Every T is 0.", "Expected customers observed for some time.")
    return 1.0 / most


def _check_inputs(
    frequency: Any,
    recency: Any = None,
    T: Any = None,
    monetary_value: Any = None,
) -> None:
    """Refuse what cannot be a summary, in lifetimes' order.

    Raises
    ------
    OptionError
        A ValueError, as in lifetimes.
    """
    x = np.asarray(frequency, float)
    found: list[tuple[bool | Callable[[], bool], str]] = []
    if recency is not None:
        t_x = np.asarray(recency, float)
        if T is not None:
            found.append(
                (
                    bool(np.any(t_x > np.asarray(T, float))),
                    "Some values in recency vector are larger than T vector.",
                )
            )
        if min(len(x), len(t_x)) == 0:
            found.append((True, "There exists a zero length vector in one of frequency, recency or T."))
        else:
            found.append(
                (
                    bool(np.any(t_x[x == 0] != 0)),
                    "There exist non-zero recency values when frequency is zero.",
                )
            )
            found.append(
                (
                    bool(np.any(t_x < 0)),
                    "There exist negative recency (ex: last order set before first order).",
                )
            )
    found.append((bool(np.any(x != np.floor(x))), "There exist non-integer values in the frequency vector."))
    if monetary_value is not None:
        z = np.asarray(monetary_value, float)
        found.append(
            (bool(np.any(z <= 0)), "There exist non-positive (<= 0) values in the monetary_value vector.")
        )
    for wrong, words in found:
        if wrong:
            raise OptionError(words, "Expected a summary as summary_data_from_transaction_data makes it.")
