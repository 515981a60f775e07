"""What the benchmarks share: data made from known models, and timing of two peers in turn in one process."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import numpy as np
import polars as pl


class Spent(NamedTuple):
    """Seconds that passed, and seconds of all processors together."""

    wall: float
    cpu: float


def spent(work: Callable[[], object]) -> Spent:
    """Give the time that a piece of work takes."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def spent_in_turn(
    peers: dict[str, Callable[[], object]], rounds: int, *, slow: tuple[str, ...] = ()
) -> dict[str, Spent]:
    """Give the median times of each peer. Peers take turns, `slow` ones run once."""
    found: dict[str, list[Spent]] = {name: [] for name in peers}
    for turn in range(rounds):
        for name, work in peers.items():
            if not (turn and name in slow):
                found[name].append(spent(work))
    return {
        name: Spent(median(t.wall for t in times), median(t.cpu for t in times))
        for name, times in found.items()
    }


def in_turn(
    peers: dict[str, Callable[[], object]], rounds: int, *, slow: tuple[str, ...] = ()
) -> dict[str, float]:
    """Give the median seconds of each peer. Peers take turns, `slow` ones run once."""
    return {name: times.wall for name, times in spent_in_turn(peers, rounds, slow=slow).items()}


def customers(n: int, *, seed: int = 0, days: int = 731) -> pl.DataFrame:
    """Make histories in days of BG/NBD buyers with Gamma-Gamma spend, acquisition growing over two years."""
    rng = np.random.default_rng(seed)
    age = (days * rng.beta(1.5, 1.0, n)).astype(int) + 1
    rate, leaves = rng.gamma(0.55, 1 / 40, n), rng.beta(0.8, 2.4, n)
    x, last, clock = np.zeros(n, int), np.zeros(n), np.zeros(n)
    active = np.arange(n)
    while len(active):
        clock[active] += rng.exponential(1 / rate[active])
        active = active[clock[active] < age[active]]
        day = np.floor(clock[active])
        x[active] += day > last[active]
        last[active] = day
        active = active[rng.random(len(active)) >= leaves[active]]
    count = np.maximum(x, 1)
    spend = np.where(x > 0, rng.gamma(6.0 * count) / count / rng.gamma(4.0, 1 / 15, n), 0.0)
    columns = {"frequency": x, "recency": last, "T": age.astype(float), "monetary_value": spend.round(2)}
    return pl.DataFrame(columns).with_columns(time_unit=pl.lit("day"))


def print_table(title: str, rows: list[dict[str, object]]) -> None:
    """Print rows as a table in Markdown."""
    print(f"\n### {title}\n")
    heads = list(rows[0])
    print("| " + " | ".join(heads) + " |")
    print("|" + "|".join("---" for _ in heads) + "|")
    for row in rows:
        print("| " + " | ".join(str(row[h]) for h in heads) + " |")


def seconds(value: float) -> str:
    """Write seconds with three digits."""
    return f"{value:.3g}"
