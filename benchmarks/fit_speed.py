"""How long fits take beside lifetimes, both in one process and in turn.

Run: python benchmarks/fit_speed.py [customers ...] [--pareto]     (default 2357 100000 1000000)

At 10,000,000 customers lifetimes needs 4 GB and minutes. Its Pareto/NBD is run up to 5,000 customers, with --pareto up to
100,000, where it takes a minute; ours is run everywhere, and set beside our BG/NBD.
"""

from __future__ import annotations

import sys
from functools import partial

from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter
from measure import Spent, customers, print_table, seconds, spent_in_turn

from crm_analytics import clv

FEW, MANY = 5_000, 500_000
HISTORY, SPEND = ["frequency", "recency", "T"], ["frequency", "monetary_value"]


def theirs(fitter, data, columns, **options):
    return fitter(**options).fit(*(data[c] for c in columns))


def measured(n: int, *, pareto_up_to: int) -> list[dict[str, object]]:
    ours = customers(n)
    pandas = ours.select(HISTORY + SPEND[1:]).to_pandas()
    buyers = pandas[pandas["frequency"] > 0]
    peers = {
        "BG/NBD": partial(clv.BetaGeo.fit, ours),
        "BG/NBD, lifetimes": partial(theirs, BetaGeoFitter, pandas, HISTORY),
        "Gamma-Gamma": partial(clv.GammaGamma.fit, ours),
        "Gamma-Gamma, lifetimes": partial(theirs, GammaGammaFitter, buyers, SPEND),
        "Pareto/NBD": partial(clv.ParetoNBD.fit, ours),
    }
    if n <= pareto_up_to:
        peers["Pareto/NBD, lifetimes"] = partial(theirs, ParetoNBDFitter, pandas, HISTORY)
    slow = tuple(name for name in peers if "lifetimes" in name and (n > MANY or "Pareto" in name))
    got = spent_in_turn(peers, 15 if n <= FEW else 5, slow=slow)
    return [
        row(n, model, got[model], got.get(f"{model}, lifetimes"), got["BG/NBD"])
        for model in ("BG/NBD", "Gamma-Gamma", "Pareto/NBD")
    ]


def row(n: int, model: str, ours: Spent, peer: Spent | None, bg: Spent) -> dict[str, object]:
    return {
        "fit": model,
        "customers": f"{n:,}",
        "seconds here": seconds(ours.wall),
        "of processors": seconds(ours.cpu),
        "lifetimes": seconds(peer.wall) if peer else "not run",
        "its processors": seconds(peer.cpu) if peer else "",
        "times faster": f"{peer.wall / ours.wall:.0f}" if peer else "",
        "by processors": f"{peer.cpu / ours.cpu:.0f}" if peer else "",
        "times BG/NBD": f"{ours.cpu / bg.cpu:.1f}",
    }


def main() -> None:
    sizes = [int(n) for n in sys.argv[1:] if n.isdigit()] or [2_357, 100_000, 1_000_000]
    up_to = 100_000 if "--pareto" in sys.argv else FEW
    print_table("Fit, median seconds", [row for n in sizes for row in measured(n, pareto_up_to=up_to)])


if __name__ == "__main__":
    main()
