"""How long scoring takes beside lifetimes, both in one process and in turn, from the same parameters.

Run: python benchmarks/score_speed.py [customers]     (default 1000000)
"""

from __future__ import annotations

import sys

import polars as pl
from lifetimes import BetaGeoFitter, GammaGammaFitter
from measure import customers, in_turn, print_table, seconds

from crm_analytics import clv

WEEKS_26, MONTH, MONTHLY_RATE = 182.0, 30.0, 0.01


def year_of_value(fit, spend, data) -> pl.Series:
    """Give twelve months of 30 days, each discounted at 1 % a month, times expected spend."""
    bought = fit.purchases_by_period(data, period=MONTH, n_periods=12, discount_rate=MONTHLY_RATE)
    return bought * spend.expected_spend(data)["expected_spend"]


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
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
    jobs = {
        "P(alive)": (
            lambda: fit.p_alive(data),
            lambda: theirs.conditional_probability_alive(*columns),
        ),
        "expected purchases, 26 weeks": (
            lambda: fit.expected_purchases(data, horizon=WEEKS_26),
            lambda: theirs.conditional_expected_number_of_purchases_up_to_time(WEEKS_26, *columns),
        ),
        "expected spend": (
            lambda: spend.expected_spend(data),
            lambda: their_spend.conditional_expected_average_profit(
                pandas["frequency"], pandas["monetary_value"]
            ),
        ),
        "value of 12 months": (
            lambda: year_of_value(fit, spend, data),
            lambda: their_spend.customer_lifetime_value(
                theirs, *columns, pandas["monetary_value"], time=12, freq="D", discount_rate=MONTHLY_RATE
            ),
        ),
    }
    rows = []
    for name, (ours, other) in jobs.items():
        got = in_turn({"ours": ours, "lifetimes": other}, 3, slow=("lifetimes",) if "value" in name else ())
        rows.append(
            {
                "figure": name,
                "crm_analytics": seconds(got["ours"]),
                "lifetimes": seconds(got["lifetimes"]),
                "ratio": f"{got['lifetimes'] / got['ours']:.1f}",
            }
        )
    print_table(f"Scoring {n:,} customers, seconds", rows)


if __name__ == "__main__":
    main()
