"""The customers of a table with the most rows, those named like nobody, and ids that look the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from crm_analytics.extracts.checking.keys import Keys

_NOBODY: Final = (
    "guest", "unknown", "anonymous", "anonym", "gast", "unbekannt", "test", "dummy", "walk-in", "walkin", "cash", "none given",
    "invite", "invité", "inconnu", "desconocido", "sconosciuto", "onbekend", "desconhecido", "nieznany", "no customer",
    "default", "n.n.", "xxx", "tba", "tbd", "pos", "barverkauf", "laufkunde", "not available", "not set", "(not set)", "undefined",
)  # fmt: skip
_PLACEHOLDER_NUMBER: Final = r"^(?:0+|9{3,}|-1|1234567?8?9?)$"
_LARGEST: Final = 20


@dataclass(frozen=True, eq=False)
class Customers:
    """How many customers there are, the few worth a look, and how many ids differ from another by zeros or capitals only.

    `largest` has one row per customer looked at: `customer_id`, `n` rows, their `share` of all, `amount` where there is
    money, the `typical` number of rows of a customer, the number of `customers`, whether it has the name of `nobody`
    or a `number` that stands for none.
    """

    n: int
    n_alike: int
    largest: pl.DataFrame


def largest_customers(keys: Keys, amounts: pl.Series | None) -> Customers:
    """Look at the customers of the good rows, by the keys and, where there is money, the amounts of these rows."""
    if not len(keys.order):
        return Customers(0, 0, pl.DataFrame())
    counts = keys.counts
    nobody, n_alike = _odd_names(keys)
    customers_with = np.bincount(counts)
    chosen = np.union1d(nobody, _top(counts, customers_with))
    largest = pl.DataFrame({"customer_id": keys.names(chosen), "n": counts[chosen]}).with_columns(
        share=pl.col("n") / len(keys.rows),
        typical=pl.lit(_median(customers_with)),
        customers=pl.lit(len(counts)),
        nobody=pl.Series(np.isin(chosen, nobody)),
        number=pl.col("customer_id").str.contains(_PLACEHOLDER_NUMBER),
    )
    if amounts is not None:
        sums = [amounts.gather(rows).sum() for rows in keys.rows_of(chosen)]
        largest = largest.with_columns(amount=pl.Series(sums, dtype=pl.Float64))
    # those with the names of nobody first, then the largest: a handful is all that is looked at
    largest = largest.sort(["nobody", "n", "customer_id"], descending=[True, True, False]).head(_LARGEST)
    return Customers(len(counts), n_alike, largest)


def _top(counts: npt.NDArray[np.int64], customers_with: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Give the customers with the most rows; of those who have as many as the last of them, the first."""
    with_more = np.cumsum(customers_with[::-1])[::-1]  # or as many
    least = int(np.flatnonzero(with_more >= min(_LARGEST, len(counts)))[-1])
    more, as_many = np.flatnonzero(counts > least), np.flatnonzero(counts == least)
    return np.concatenate([more, as_many[: _LARGEST - len(more)]])


def _median(customers_with: npt.NDArray[np.int64]) -> float:
    """Give the typical number of rows, where it is known how many customers have each number."""
    n = int(customers_with.sum())
    low, high = np.searchsorted(np.cumsum(customers_with), [(n + 1) // 2, n // 2 + 1])
    return float(low + high) / 2


def _odd_names(keys: Keys) -> tuple[npt.NDArray[np.intp], int]:
    """Give the customers with the names of nobody, and how many ids differ by zeros or capitals only.

    Ids of some letters and digits need not be looked at one by one: no name of nobody has a digit.
    """
    if (
        keys.letters is not None
        and keys.letters in (keys.letters.lower(), keys.letters.upper())
        and keys.letters
    ):
        return np.empty(0, np.intp), 0
    lower = pl.col("id").str.to_lowercase()
    ids = keys.ids.alias("id").to_frame().lazy().with_row_index("place")
    named, alike = pl.collect_all(
        [ids.filter(lower.is_in(list(_NOBODY))).select("place"), ids.select(**_ways())], engine="streaming"
    )
    return named["place"].to_numpy().astype(np.intp), _n_alike(keys.ids, alike.row(0, named=True))


def _ways() -> dict[str, pl.Expr]:
    """Ask whether the ids are written in one way: no zero in front, no capitals or nothing but capitals."""
    written = pl.col("id")
    return {
        "zeros": written.str.starts_with("0").any(),
        "lower": (written.str.to_lowercase() == written).all(),
        "upper": (written.str.to_uppercase() == written).all(),
    }


def _n_alike(ids: pl.Series, ways: Mapping[str, bool]) -> int:
    if not ways["zeros"] and (ways["lower"] or ways["upper"]):
        return 0
    return len(ids) - ids.str.to_lowercase().str.strip_chars_start("0").n_unique()
