"""How long fits take beside lifetimes, both in one process and in turn.

Run: python benchmarks/fit_speed.py [customers ...]     (default 2357 100000 1000000)
"""

from __future__ import annotations

import sys
from functools import partial

from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter
from measure import customers, in_turn, print_table, seconds

from crm_analytics import clv

PARETO_UP_TO = 5_000
"""lifetimes' Pareto/NBD takes minutes beyond; named on the command line it is run up to 100,000."""


def theirs(fitter, data, columns, **options):
    return fitter(**options).fit(*(data[c] for c in columns))


def main() -> None:
    with_pareto = "--pareto" in sys.argv
    sizes = [int(n) for n in sys.argv[1:] if n.isdigit()] or [2_357, 100_000, 1_000_000]
    rows = []
    history = ["frequency", "recency", "T"]
    for n in sizes:
        ours = customers(n)
        pandas = ours.to_pandas()
        buyers = pandas[pandas["frequency"] > 0]
        rounds = 7 if n < 50_000 else 3
        jobs = [
            ("BG/NBD", clv.BetaGeo, BetaGeoFitter, pandas, history),
            ("Gamma-Gamma", clv.GammaGamma, GammaGammaFitter, buyers, ["frequency", "monetary_value"]),
        ]
        if n <= PARETO_UP_TO or (with_pareto and n <= 100_000):
            jobs.append(("Pareto/NBD", clv.ParetoNBD, ParetoNBDFitter, pandas, history))
        for name, model, fitter, data, columns in jobs:
            got = in_turn(
                {"ours": partial(model.fit, ours), "lifetimes": partial(theirs, fitter, data, columns)},
                rounds,
                slow=("lifetimes",) if n > 500_000 or fitter is ParetoNBDFitter else (),
            )
            rows.append(row(n, name, got["ours"], got["lifetimes"]))
        if n > PARETO_UP_TO and not with_pareto:
            rows.append(
                row(
                    n, "Pareto/NBD", in_turn({"ours": partial(clv.ParetoNBD.fit, ours)}, rounds)["ours"], None
                )
            )
    print_table("Fit, seconds", rows)


def row(n: int, name: str, ours: float, lifetimes: float | None) -> dict[str, object]:
    return {
        "customers": f"{n:,}",
        "model": name,
        "crm_analytics": seconds(ours),
        "lifetimes": seconds(lifetimes) if lifetimes else "not run",
        "ratio": f"{lifetimes / ours:.0f}" if lifetimes else "",
    }


if __name__ == "__main__":
    main()
