"""How long shares of explained variance take beside refitting every subset of drivers.

Peers: the algorithm of dominance-analysis 1.1.9 (scikit-learn's LinearRegression on every subset; the package itself does not
import on current numpy), pingouin's `linear_regression(relimp=True)`, and statsmodels' Logit on every subset. Where all subsets
would take too long, subsets of every size are fitted in turn for some seconds and the time is scaled to all of them; the table says
so. pingouin and statsmodels want to be installed somewhere: name that Python with --peers; without it they are left out.

Run: python benchmarks/driver_speed.py [--peers python] [--seconds 15] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import combinations
from math import comb
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()


def ratings(n: int, p: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Make ratings from 1 to 5 that go together, and an outcome from 0 to 10."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=(n, 1))
    x = np.clip(np.round(3 + 0.7 * mood + 0.8 * rng.normal(size=(n, p))), 1, 5)
    y = 5 + (x - 3) @ np.linspace(1.0, 0.0, p) + 1.5 * rng.normal(size=n)
    return x, np.clip(np.round(y), 0, 10)


def timed(work: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Give the median of seconds by the clock and of processor seconds; quick work is repeated within a round."""
    work()
    began = time.perf_counter()
    work()
    repeats = max(1, int(0.05 / max(time.perf_counter() - began, 1e-6)))
    clock, processor = [], []
    for _ in range(rounds):
        c, p = time.perf_counter(), time.process_time()
        for _ in range(repeats):
            work()
        clock.append((time.perf_counter() - c) / repeats)
        processor.append((time.process_time() - p) / repeats)
    return median(clock), median(processor)


def every_subset(p: int, fit: Callable[[list[int]], Any], seconds: float) -> tuple[float, float, int]:
    """Fit subsets of every size in turn, up to so many seconds; scale to all subsets, size by size."""
    rng = np.random.default_rng(0)
    spent = {k: [0.0, 0.0, 0] for k in range(1, p + 1)}
    begin = time.perf_counter()
    whole = 2**p - 1
    pool = {k: list(combinations(range(p), k)) for k in spent}
    for subsets in pool.values():
        rng.shuffle(subsets)
    while any(pool.values()) and (
        time.perf_counter() - begin < seconds or not all(s[2] for s in spent.values())
    ):
        for k, left in pool.items():
            if left:
                subset = list(left.pop())
                c, cpu = time.perf_counter(), time.process_time()
                fit(subset)
                spent[k][0] += time.perf_counter() - c
                spent[k][1] += time.process_time() - cpu
                spent[k][2] += 1
    scaled = [sum(comb(p, k) * s[i] / s[2] for k, s in spent.items()) for i in (0, 1)]
    return scaled[0], scaled[1], min(whole, sum(s[2] for s in spent.values()))


def ours_linear(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Go from the answers to the shares."""
    from crm_analytics.stats.dominance import shapley  # noqa: PLC0415
    from crm_analytics.stats.subset_fits import subset_r2  # noqa: PLC0415

    z = np.column_stack([x, y])
    z -= z.mean(axis=0)
    return shapley(subset_r2(z.T @ z))


def ours_logit(x: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """Go from the answers to shares of McFadden's R2, equal answer sheets taken together."""
    from crm_analytics.stats.dominance import shapley  # noqa: PLC0415
    from crm_analytics.stats.subset_logit import subset_likelihoods  # noqa: PLC0415

    codes = x @ 6.0 ** np.arange(x.shape[1])
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    counts = np.zeros((len(first), 2))
    np.add.at(counts, (place, yes.astype(int)), 1.0)
    found = subset_likelihoods(x[first], counts, row_shares=False).log_likelihoods
    return shapley(1 - found / found[0])


def refit_linear(n: int, p: int, seconds: float) -> tuple[float, float, int]:
    """Do what dominance-analysis does for each subset: fit, then predict for R2."""
    import pandas as pd  # noqa: PLC0415
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415

    x, y = ratings(n, p)
    frame = pd.DataFrame(x, columns=[f"d{j}" for j in range(p)])
    names = list(frame.columns)

    def fit(subset: list[int]) -> float:
        chosen = frame[[names[j] for j in subset]]
        return float(LinearRegression().fit(chosen, y).score(chosen, y))

    return every_subset(p, fit, seconds)


def child(task: str, n: int, p: int, seconds: float) -> dict[str, Any]:
    """Time a peer in the Python that has it."""
    x, y = ratings(n, p)
    if task == "pingouin":
        import pandas as pd  # noqa: PLC0415
        import pingouin as pg  # noqa: PLC0415

        frame = pd.DataFrame(x, columns=[f"d{j}" for j in range(p)])
        pg.linear_regression(frame.iloc[:, :3], y, relimp=True)
        c, cpu = time.perf_counter(), time.process_time()
        found = pg.linear_regression(frame, y, relimp=True)
        return {
            "clock": time.perf_counter() - c,
            "processor": time.process_time() - cpu,
            "shares": [float(v) for v in found["relimp"][1:]],
            "fitted": 2**p - 1,
        }
    import statsmodels.api as sm  # noqa: PLC0415

    yes = (y >= 7).astype(float)

    def fit(subset: list[int]) -> float:
        return float(sm.Logit(yes, sm.add_constant(x[:, subset])).fit(disp=0).llf)

    fit([0])
    clock, processor, fitted = every_subset(p, fit, seconds)
    return {"clock": clock, "processor": processor, "fitted": fitted}


def ask(
    python: str, task: str, n: int, p: int, seconds: float, *, threads: int | None = None
) -> dict[str, Any]:
    """Run `child` in another Python, with so many threads for linear algebra (its own choice if None)."""
    command = [python, str(HERE), "--task", task, "--size", str(n), str(p), "--seconds", str(seconds)]
    said = {} if threads is None else {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **said})
    return json.loads(answer.stdout.splitlines()[-1])


def line(
    what: str, ours: tuple[float, float], peer: str, clock: float, processor: float, fitted: str
) -> None:
    print(
        f"| {what} | {ours[1]:.4g} | {peer} | {processor:,.4g}{fitted} | {processor / ours[1]:,.0f} | {clock / ours[0]:,.0f} |"
    )


def compare(options: argparse.Namespace) -> None:
    """Print the table."""
    print("| what | processor seconds here | peer | processor seconds there | times faster | by the clock |")
    print("|---|---|---|---|---|---|")
    for n, p in ((10_000, 8), (100_000, 12)):
        x, y = ratings(n, p)
        ours = timed(lambda x=x, y=y: ours_linear(x, y), options.rounds)
        clock, processor, fitted = refit_linear(n, p, options.seconds)
        line(
            f"LMG, {p} drivers, {n:,} answers",
            ours,
            "scikit-learn, every subset",
            clock,
            processor,
            scaled(fitted, p),
        )
    if options.peers:
        x, y = ratings(10_000, 15)
        ours = timed(lambda: ours_linear(x, y), options.rounds)
        found = ask(options.peers, "pingouin", 10_000, 15, 0)
        off = float(np.abs(ours_linear(x, y) - found["shares"]).max())
        line(
            "LMG, 15 drivers, 10,000 answers",
            ours,
            f"pingouin (largest difference {off:.0e})",
            found["clock"],
            found["processor"],
            "",
        )
        for n, p in ((10_000, 8), (10_000, 10)):
            x, y = ratings(n, p)
            ours = timed(lambda x=x, y=y: ours_logit(x, (y >= 7).astype(float)), options.rounds)
            for threads in (None, 1):
                found = ask(options.peers, "statsmodels", n, p, options.seconds, threads=threads)
                line(
                    f"McFadden, {p} drivers, {n:,} answers", ours,
                    f"statsmodels' Logit, every subset{', one thread' if threads else ''}", found["clock"], found["processor"], scaled(found["fitted"], p),
                )  # fmt: skip
    alone(options.rounds)


def scaled(fitted: int, p: int) -> str:
    return "" if fitted >= 2**p - 1 else f" (scaled from {fitted:,} of {2**p - 1:,} subsets)"


def alone(rounds: int) -> None:
    """Print what has no peer in Python: bootstraps and the whole analysis."""
    from crm_analytics.stats.dominance import shapley  # noqa: PLC0415
    from crm_analytics.stats.moment_draws import covariance_draws  # noqa: PLC0415
    from crm_analytics.stats.subset_fits import subset_r2  # noqa: PLC0415

    print("\n| without a peer | processor seconds | seconds |\n|---|---|---|")
    for n, p in ((10_000, 8), (10_000, 12), (100_000, 12)):
        x, y = ratings(n, p)
        z = np.column_stack([x, y])

        def work(z: np.ndarray = z) -> Any:
            return shapley(subset_r2(covariance_draws(z, n_draws=1000)))

        clock, processor = timed(work, max(2, rounds // 2))
        print(
            f"| bootstrap, 1,000 draws of LMG, {p} drivers, {n:,} answers | {processor:.3g} | {clock:.3g} |"
        )
    clock, processor = timed(whole_analysis, 2)
    print(
        f"| `crm.satisfaction_drivers`, all tables and words, 12 drivers, 10,000 answers | {processor:.3g} | {clock:.3g} |"
    )


def whole_analysis() -> Any:
    """Run the analysis as people do, gaps and all."""
    from datetime import datetime, timedelta  # noqa: PLC0415

    import polars as pl  # noqa: PLC0415

    import crm_analytics as crm  # noqa: PLC0415

    x, y = ratings(10_000, 12)
    days = pl.Series([datetime(2026, 1, 1) + timedelta(minutes=i) for i in range(len(x))])
    frame = pl.DataFrame({f"d{j}": x[:, j] for j in range(12)}).with_columns(
        csat=pl.Series(y), answered_at=days
    )
    return crm.satisfaction_drivers(frame)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(child(options.task, *options.size, options.seconds)))
    else:
        compare(options)


if __name__ == "__main__":
    sys.exit(main())
