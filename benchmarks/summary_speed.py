"""How long histories take from a file of transactions, beside lifetimes and DuckDB.

Each runs in a process of its own and in turn; reading the file is in the time, imports are not. Ours looks at every row at
the door (recognised, checked, repeats counted), the others do not.

Run: python benchmarks/summary_speed.py [rows] [rounds]     (default 1000000 rows, 3 rounds)
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from measure import customers, print_table

import crm_analytics as crm
from crm_analytics import clv

SQL = """
with days as (
    select customer_id, cast(ordered_at as date) as day, sum(amount) as amount
    from {source} group by all
), firsts as (
    select customer_id, count(*) - 1 as frequency, min(day) as first_day, max(day) as last_day, sum(amount) as spend,
           arg_min(amount, day) as first_value
    from days group by customer_id
)
select customer_id, frequency, last_day - first_day as recency, (select max(day) from days) - first_day as T,
       case when frequency > 0 then (spend - first_value) / frequency else 0 end as monetary_value
from firsts order by customer_id
"""


def transactions(rows: int) -> pl.DataFrame:
    """Make orders of BG/NBD buyers over two years, in time order, ids as text, amounts to the cent."""
    fit = clv.BetaGeo.fit(customers(5_000))
    made = clv.simulate(fit, int(rows / 3.2), length=731, arrivals=600, seed=1)
    cents = (pl.int_range(pl.len()).hash(1) % 9_900 + 100) / 100
    return made.head(rows).with_columns(
        pl.format("C{}", "customer_id").alias("customer_id"), cents.alias("amount")
    )


def ours(path: Path) -> Callable[[], object]:
    """Read, check and summarise."""
    clv.summarise  # noqa: B018 - what is imported late is imported now
    crm.read_transactions(path.with_name("few.csv"))
    return lambda: clv.summarise(crm.read_transactions(path))


def lifetimes(path: Path) -> Callable[[], object]:
    """Read with pandas and summarise with lifetimes."""
    import pandas as pd  # noqa: PLC0415 - in a process of its own
    from lifetimes.utils import summary_data_from_transaction_data  # noqa: PLC0415

    def work() -> object:
        read = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
        frame = read(path)
        frame["ordered_at"] = pd.to_datetime(frame["ordered_at"])
        return summary_data_from_transaction_data(
            frame, "customer_id", "ordered_at", monetary_value_col="amount", freq="D"
        )

    return work


def duckdb(path: Path) -> Callable[[], object]:
    """Do it all in SQL."""
    import duckdb as engine  # noqa: PLC0415 - in a process of its own

    read = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    sql = SQL.format(source=f"{read}('{path}')")
    return lambda: engine.sql(sql).to_arrow_table()


PEERS = {"crm_analytics": ours, "lifetimes": lifetimes, "duckdb": duckdb}


def child(name: str, path: Path) -> None:
    """Run one peer and write what it took."""
    work = PEERS[name](path)
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"wall": wall, "cpu": cpu, "peak": peak}))


def measured(path: Path, rounds: int) -> list[dict[str, object]]:
    """Give the medians of each peer, in turn."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in PEERS}
    for _ in range(rounds):
        for name in PEERS:
            command = [sys.executable, __file__, "--child", name, str(path)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            found[name].append(json.loads(run.stdout.splitlines()[-1]))
    median = {
        name: {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "peak")}
        for name, runs in found.items()
    }
    base = median["crm_analytics"]
    return [
        {
            "from": path.suffix[1:],
            "with": name,
            "seconds": f"{one['wall']:.2f}",
            "processor seconds": f"{one['cpu']:.2f}",
            "peak MB": f"{one['peak']:.0f}",
            "seconds to ours": f"{one['wall'] / base['wall']:.1f}",
            "processor seconds to ours": f"{one['cpu'] / base['cpu']:.1f}",
        }
        for name, one in median.items()
    ]


def main() -> None:
    """Make the files and measure."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
        return
    numbers = [int(a) for a in sys.argv[1:]]
    rows, rounds = (*numbers, *(1_000_000, 3)[len(numbers) :])
    with tempfile.TemporaryDirectory() as folder:
        made = transactions(rows)
        files = [Path(folder) / f"orders.{kind}" for kind in ("csv", "parquet")]
        made.write_csv(files[0], datetime_format="%Y-%m-%d %H:%M:%S")
        made.write_parquet(files[1])
        made.head(1_000).write_csv(Path(folder) / "few.csv", datetime_format="%Y-%m-%d %H:%M:%S")
        rows = made.height
        del made
        table = [row for path in files for row in measured(path, rounds)]
    print_table(f"Histories from {rows:,} transactions", table)


if __name__ == "__main__":
    main()
