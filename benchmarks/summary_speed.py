"""How long histories take from transactions beside lifetimes, both in one process and in turn.

Once from a frame in memory, once from a CSV file; ours checks every row at the door in both.

Run: python benchmarks/summary_speed.py [rows]     (default 1000000)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd
import polars as pl
from lifetimes.utils import summary_data_from_transaction_data
from measure import customers, in_turn, print_table, seconds

import crm_analytics as crm
from crm_analytics import clv


def transactions(rows: int) -> pl.DataFrame:
    """Make orders of BG/NBD buyers over two years, in time order, ids as text."""
    fit = clv.BetaGeo.fit(customers(5_000))
    made = clv.simulate(fit, int(rows / 3.2), length=731, arrivals=600, seed=1)
    return made.head(rows).with_columns(pl.format("C{}", "customer_id").alias("customer_id"))


def theirs(frame: pd.DataFrame) -> pd.DataFrame:
    return summary_data_from_transaction_data(
        frame, "customer_id", "ordered_at", monetary_value_col="amount", freq="D"
    )


def main() -> None:
    rows = next((int(a) for a in sys.argv[1:] if a.isdigit()), 1_000_000)
    made = transactions(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        made.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")
        pandas = made.to_pandas()
        jobs = {
            "frame in memory": (lambda: clv.summarise(made), lambda: theirs(pandas)),
            "CSV file": (
                lambda: clv.summarise(crm.read_transactions(path)),
                lambda: theirs(pd.read_csv(path, parse_dates=["ordered_at"])),
            ),
        }
        table = []
        for name, (ours, other) in jobs.items():
            got = in_turn({"ours": ours, "lifetimes": other}, 3)
            table.append(
                {
                    "from": name,
                    "crm_analytics": seconds(got["ours"]),
                    "lifetimes": seconds(got["lifetimes"]),
                    "ratio": f"{got['lifetimes'] / got['ours']:.1f}",
                }
            )
    print_table(f"Summary of {made.height:,} transactions, seconds", table)


if __name__ == "__main__":
    main()
