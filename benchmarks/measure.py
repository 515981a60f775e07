"""What the benchmarks share: data made from known models, and timing of two peers in turn in one process."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable

import numpy as np
import polars as pl


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that a piece of work takes."""
    gc.collect()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work()
    return time.perf_counter() - start


def in_turn(
    peers: dict[str, Callable[[], object]], rounds: int, *, slow: tuple[str, ...] = ()
) -> dict[str, float]:
    """Give the fewest seconds of each peer: other work on the machine only adds. Peers take turns, `slow` ones run once."""
    found: dict[str, list[float]] = {name: [] for name in peers}
    for turn in range(rounds):
        for name, work in peers.items():
            if not (turn and name in slow):
                found[name].append(timed(work))
    return {name: min(seconds) for name, seconds in found.items()}


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
