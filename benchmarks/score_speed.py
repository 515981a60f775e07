"""How long scoring takes beside lifetimes, both in one process and in turn, from the same parameters.

Run: python benchmarks/score_speed.py [customers]              (default 1000000)
     python benchmarks/score_speed.py --memory [customers]     (default 10000000): the most memory a process held
"""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import polars as pl
from lifetimes import BetaGeoFitter, GammaGammaFitter
from measure import customers, print_table, seconds, spent_in_turn

from crm_analytics import clv

WEEKS_26, MONTH, MONTHLY_RATE = 182.0, 30.0, 0.01


def year_of_value(fit, spend, data) -> pl.Series:
    """Give twelve months of 30 days, each discounted at 1 % a month, times expected spend."""
    bought = fit.purchases_by_period(data, period=MONTH, n_periods=12, discount_rate=MONTHLY_RATE)
    return bought * spend.expected_spend(data)["expected_spend"]


def random_histories(n: int) -> pl.DataFrame:
    """Make histories that cost little memory to make."""
    rng = np.random.default_rng(0)
    age = rng.integers(1, 732, n).astype(float)
    x = np.minimum(rng.geometric(0.3, n) - 1, age.astype(int))
    last = np.where(x > 0, np.maximum(np.floor(age * rng.random(n)), 1), 0.0)
    spend = np.where(x > 0, rng.gamma(4, 10, n), 0.0)
    return pl.DataFrame({"frequency": x, "recency": last, "T": age, "monetary_value": spend})


def figures(fit, spend, data) -> dict[str, object]:
    return {
        "P(alive)": lambda: fit.p_alive(data),
        "expected purchases, 26 weeks": lambda: fit.expected_purchases(data, horizon=WEEKS_26),
        "expected spend": lambda: spend.expected_spend(data),
        "value of 12 months": lambda: year_of_value(fit, spend, data),
        "P(alive) and purchases with intervals": lambda: fit.predict(data, horizon=365.0, intervals=True),
    }


def gigabytes() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f}"


def one_figure(name: str, n: int) -> None:
    """Score in this process and print the most memory it held, before and after."""
    data = random_histories(n)
    few = data[:100_000]
    work = figures(clv.BetaGeo.fit(few), clv.GammaGamma.fit(few), data)[name]
    before = gigabytes()
    work()
    print(before, gigabytes())


def memory(n: int) -> None:
    rows = []
    for name in figures(None, None, None):
        command = [sys.executable, __file__, "--one", name, str(n)]
        before, after = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        rows.append({"figure": name, "GB before, with the data": before, "GB at most": after})
    print_table(f"Scoring {n:,} customers, memory of a process", rows)


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    if "--one" in sys.argv:
        one_figure(sys.argv[2], numbers[-1])
    elif "--memory" in sys.argv:
        memory(numbers[0] if numbers else 10_000_000)
    else:
        beside_lifetimes(numbers[0] if numbers else 1_000_000)


def beside_lifetimes(n: int) -> None:
    data = customers(n)
    pandas = data.to_pandas()
    columns = [pandas[c] for c in ("frequency", "recency", "T")]
    buyers = pandas[pandas["frequency"] > 0]
    few = data[:100_000]
    fit, spend = clv.BetaGeo.fit(few), clv.GammaGamma.fit(few)
    theirs, their_spend = BetaGeoFitter(), GammaGammaFitter()
    theirs.fit(*(c[:1000] for c in columns))
    their_spend.fit(buyers["frequency"][:1000], buyers["monetary_value"][:1000])
    for name in fit.names:
        theirs.params_[name] = fit.params[name]
    for name in spend.names:
        their_spend.params_[name] = spend.params[name]
    others = {
        "P(alive)": lambda: theirs.conditional_probability_alive(*columns),
        "expected purchases, 26 weeks": lambda: theirs.conditional_expected_number_of_purchases_up_to_time(
            WEEKS_26, *columns
        ),
        "expected spend": lambda: their_spend.conditional_expected_average_profit(
            pandas["frequency"], pandas["monetary_value"]
        ),
        "value of 12 months": lambda: their_spend.customer_lifetime_value(
            theirs, *columns, pandas["monetary_value"], time=12, freq="D", discount_rate=MONTHLY_RATE
        ),
    }
    ours, rows = figures(fit, spend, data), []
    for name, other in others.items():
        slow = ("lifetimes",) if "value" in name else ()
        got = spent_in_turn({"ours": ours[name], "lifetimes": other}, 9, slow=slow)
        here, there = got["ours"], got["lifetimes"]
        rows.append(
            {
                "score": name,
                "seconds here": seconds(here.wall),
                "of processors": seconds(here.cpu),
                "lifetimes": seconds(there.wall),
                "its processors": seconds(there.cpu),
                "times faster": f"{there.wall / here.wall:.1f}",
                "by processors": f"{there.cpu / here.cpu:.1f}",
            }
        )
    print_table(f"Scoring {n:,} customers, median seconds", rows)


if __name__ == "__main__":
    main()
