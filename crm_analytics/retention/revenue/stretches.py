"""The sums of all stretches at once: customers by periods as a matrix, worked through in blocks that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.retention.revenue.ledger import UNIT, Ledger
from crm_analytics.retention.revenue.movements import Flags, Ints, first_periods
from crm_analytics.retention.revenue.sums import Sums
from crm_analytics.stats.customer_draws import Draws
from crm_analytics.stats.intervals import Floats

_CELLS: Final = 1 << 17
"""Customers times periods of a block: what is made of it stays in the processor's cache."""

_MOVED: Final = ("after", "refunds", "came", "new", "gained", "left", "fallen")
_COUNTED: Final = ("is", "n_came", "n_new", "n_expanded", "n_contracted", "n_lost")
_DRAWN: Final = ("after", "came", "new", "gained", "left", "fallen", "is", "n_lost")


@dataclass(frozen=True, eq=False)
class Stretch:
    """Sums by period of all stretches of `n` periods that end with it.

    `totals` are in whole units, customers as counts, and tie exactly; `sums` are the parts of rates, as observed and drawn.
    """

    n: int
    totals: pl.DataFrame
    sums: Sums


def stretches(ledger: Ledger, lengths: Sequence[int], draws: Draws) -> list[Stretch]:
    """Add up the movements of stretches of each length, period by period.

    Parameters
    ----------
    ledger
        From `of_contracts` or `of_orders`.
    lengths
        How many periods lie between the two ends.
    draws
        Sets of its customers drawn again.
    """
    found = [_Sums(n, ledger.n_periods, draws.weights.shape[1]) for n in lengths]
    first = first_periods(ledger, draws.group.size)
    for block in _blocks(ledger, draws):
        for sums in found:
            sums.add(block, first[block.customers])
    return [_stretch(sums, draws) for sums in found]


@dataclass(frozen=True, eq=False)
class _Block:
    """Some customers, group by group: what is in force (contracts) or was bought (orders), one row per period."""

    customers: Ints
    groups: Ints
    group_starts: Ints
    net: Ints
    active: Flags
    adds_up: bool

    def over(self, n: int) -> tuple[Ints, Flags]:
        """Give what stands for a stretch of n periods at each period's end."""
        if not self.adds_up or n == 1:
            return self.net, self.active
        found = np.cumsum(self.net, axis=0)
        found[n:] -= found[:-n].copy()
        return found, found > 0


def _blocks(ledger: Ledger, draws: Draws) -> Iterator[_Block]:
    """Lay the states out block by block; the whole of a group of customers lies in one."""
    customer, period, net, active = (
        ledger.states[c].to_numpy() for c in ("customer", "period", "net", "is_active")
    )
    n_customers = draws.group.size
    counts = np.bincount(customer, minlength=n_customers)
    begins = np.cumsum(counts) - counts
    order = np.argsort(draws.group, kind="stable")
    grouped = draws.group[order]
    edges = np.flatnonzero(np.diff(grouped, prepend=-1))
    for low, high in _cuts(edges, n_customers, max(1, _CELLS // ledger.n_periods)):
        those = order[low:high]
        n = counts[those]
        place = np.repeat(begins[those] - (np.cumsum(n) - n), n) + np.arange(n.sum())
        at = period[place], np.repeat(np.arange(those.size), n)
        shape = (ledger.n_periods, those.size)
        matrix, flags = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        matrix[at], flags[at] = net[place], active[place]
        own = edges[(edges >= low) & (edges < high)]
        yield _Block(those, grouped[own], own - low, matrix, flags, ledger.kind == "orders")


def _cuts(edges: Ints, n: int, at_least: int) -> Iterator[tuple[int, int]]:
    """Cut customers between groups into parts of so many or a few more."""
    low = 0
    for edge in (*edges[1:], n):
        if edge - low >= at_least or edge == n:
            yield low, int(edge)
            low = int(edge)


class _Sums:
    """What is added up over blocks for one length of stretch."""

    def __init__(self, n: int, n_periods: int, n_groups: int) -> None:
        self.n = n
        self.totals = {name: np.zeros(n_periods, np.int64) for name in (*_MOVED, *_COUNTED, "n_paying")}
        self.squares = np.zeros(n_periods)
        self.groups = {name: np.zeros((n_periods, n_groups), np.int64) for name in _DRAWN}

    def add(self, block: _Block, first: Ints) -> None:
        net, now = block.over(self.n)
        for name, values in _parts(net, now, first, self.n):
            if name in _DRAWN:
                sums = np.add.reduceat(values, block.group_starts, axis=1, dtype=np.int64)
                self.groups[name][:, block.groups] = sums
                self.totals[name] += sums.sum(axis=1)
            else:
                self.totals[name] += values.sum(axis=1, dtype=np.int64)
            if name == "after":
                money = values / UNIT
                self.squares += np.einsum("ij,ij->i", money, money)


def _parts(net: Ints, now: Flags, first: Ints, n: int) -> Iterator[tuple[str, NDArray[Any]]]:
    """Give what each customer adds in each period to each sum."""
    after = np.maximum(net, 0)
    before, was = _earlier(after, n), _earlier(now, n)
    came, grew = now & ~was, after - before
    new = came & (first > np.arange(net.shape[0])[:, None] - n)
    lost, stayed = was & ~now, was & now
    yield "after", after
    yield "refunds", np.minimum(net, 0)
    yield "came", after * came
    yield "new", after * new
    yield "gained", np.maximum(grew, 0)
    yield "left", before * lost
    yield "fallen", np.maximum(-grew, 0)
    yield "is", now
    yield "n_came", came
    yield "n_new", new
    yield "n_expanded", stayed & (grew > 0)
    yield "n_contracted", stayed & (grew < 0)
    yield "n_lost", lost
    yield "n_paying", after > 0


def _earlier(values: NDArray[Any], n: int) -> NDArray[Any]:
    """Give the values of n periods earlier; nothing before the first."""
    found = np.zeros_like(values)
    found[n:] = values[:-n]
    return found


def _stretch(found: _Sums, draws: Draws) -> Stretch:
    drawn = {name: draws.weights @ cells.T.astype(float) for name, cells in found.groups.items()}
    n = found.n
    squares, before = _shifted(found.squares, n), _shifted(found.totals["after"] / UNIT, n)
    sums = Sums(
        {name: values / _unit(name) for name, values in _rate_parts(found.totals, n).items()},
        {name: values / _unit(name) for name, values in _rate_parts(drawn, n).items()},
        _shifted(found.totals["n_paying"], n).astype(float),
        np.divide(before**2, squares, out=np.zeros(before.size), where=squares > 0),
    )
    return Stretch(n, _totals(found.totals, n), sums)


def _unit(name: str) -> int:
    return 1 if name.startswith("n_") else UNIT


def _shifted(values: NDArray[Any], n: int) -> NDArray[Any]:
    """Move sums by period n periods on: what was there at the end opens the stretch n periods later."""
    found = np.zeros_like(values)
    found[..., n:] = values[..., :-n]
    return found


def _rate_parts(s: dict[str, NDArray[Any]], n: int) -> dict[str, NDArray[Any]]:
    """Give the parts of rates: see `sums.PARTS`."""
    before, was = _shifted(s["after"], n), _shifted(s["is"], n)
    kept = s["after"] - s["came"]
    return {
        "before": before,
        "after": s["after"],
        "kept": kept,
        "capped": before - s["fallen"],
        "returned": s["came"] - s["new"],
        "left": s["left"],
        "n_before": was,
        "n_after": s["is"],
        "n_stayed": was - s["n_lost"],
        "gained": s["gained"],
        "fallen": s["fallen"],
    }


def _totals(s: dict[str, Ints], n: int) -> pl.DataFrame:
    """Give the movements, one row per period, as `movements.sums` does."""
    columns: dict[str, Floats | Ints] = {
        "opening_revenue": _shifted(s["after"], n),
        "new_revenue": s["new"],
        "returned_revenue": s["came"] - s["new"],
        "expansion_revenue": s["gained"] - s["came"],
        "contraction_revenue": s["fallen"] - s["left"],
        "lost_revenue": s["left"],
        "closing_revenue": s["after"],
        "refund_balance": s["refunds"],
        "opening_customers": _shifted(s["is"], n),
        "new_customers": s["n_new"],
        "returned_customers": s["n_came"] - s["n_new"],
        "expanded_customers": s["n_expanded"],
        "contracted_customers": s["n_contracted"],
        "lost_customers": s["n_lost"],
        "closing_customers": s["is"],
    }
    return pl.DataFrame({"period": np.arange(s["after"].size), **columns})
