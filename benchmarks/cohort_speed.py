"""How long a monthly cohort table takes from a CSV file beside pandas, DuckDB and retentioneering, all in turn.

Ours reads the file at the door, every row checked, and makes the whole result: table, averages, trends, losses. The list of
customers, which is made when it is asked for, is in a row of its own. The peers read the same file and make the table
alone: pandas with the code of the usual notebook, DuckDB with SQL that groups twice (quicker than counting distinct
customers), retentioneering 3.3 with `Cohorts`, which wants numpy below 2 and so runs in an environment of its own: name
its Python with --retentioneering. Each peer is a fresh process, so that one's memory is no burden to the next; times are
from after the imports to the finished table.

Run: python benchmarks/cohort_speed.py [rows] [--rounds 3] [--csv file] [--retentioneering python] [--parquet]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve()

SQL = """
    with bought as (select customer_id, date_trunc('month', ordered_at) as month, sum(amount) as spend
                    from {source} group by all),
    began as (select customer_id, min(month) as cohort from bought group by all)
    select cohort, date_diff('month', cohort, month) as age, count(*) as customers, sum(spend) as spend
    from bought join began using (customer_id) group by all order by all
"""


def with_crm_analytics(path: str) -> Any:
    import crm_analytics as crm  # noqa: PLC0415
    from crm_analytics.retention.cohorts import analysis  # noqa: F401, PLC0415 not to be timed

    def work() -> Any:
        result = crm.cohort_retention(crm.read_transactions(path))
        return result.tables()["cells"]["n_active"].sum()

    return work


def with_crm_analytics_list(path: str) -> Any:
    """Ask for the list of customers too, one row each with the ages at which the customer was active."""
    import crm_analytics as crm  # noqa: PLC0415
    from crm_analytics.retention.cohorts import analysis  # noqa: F401, PLC0415 not to be timed

    return lambda: crm.cohort_retention(crm.read_transactions(path)).tables()["customers"].height


def with_crm_analytics_read(path: str) -> Any:
    """Give what reading and checking alone take."""
    import crm_analytics as crm  # noqa: PLC0415

    return lambda: crm.read_transactions(path).check.rows_kept


def with_pandas(path: str) -> Any:
    import pandas as pd  # noqa: PLC0415

    def work() -> Any:
        if path.endswith(".parquet"):
            orders = pd.read_parquet(path)
        else:
            orders = pd.read_csv(path, parse_dates=["ordered_at"])
        orders["month"] = orders["ordered_at"].dt.to_period("M")
        first = orders.groupby("customer_id")["ordered_at"].transform("min")
        orders["cohort"] = first.dt.to_period("M")
        cells = orders.groupby(["cohort", "month"]).agg(n=("customer_id", "nunique"), spend=("amount", "sum"))
        cells = cells.reset_index()
        cells["age"] = (cells["month"] - cells["cohort"]).apply(lambda months: months.n)
        table = cells.pivot_table(index="cohort", columns="age", values="n")
        table.divide(table[0], axis=0)
        return int(cells["n"].sum())

    return work


def with_duckdb(path: str) -> Any:
    import duckdb  # noqa: PLC0415

    types = "{'ordered_at': 'TIMESTAMP'}"
    source = f"read_parquet('{path}')" if path.endswith(".parquet") else f"read_csv('{path}', types={types})"

    def work() -> Any:
        cells = duckdb.sql(SQL.format(source=source)).pl()
        return cells["customers"].sum()

    return work


def with_retentioneering(path: str) -> Any:
    import pandas as pd  # noqa: PLC0415
    from retentioneering import RETE_CONFIG  # noqa: PLC0415

    RETE_CONFIG.tracking.is_tracking_allowed = False  # before the parts that report home are imported
    from retentioneering.eventstream import Eventstream  # noqa: PLC0415
    from retentioneering.tooling.cohorts import Cohorts  # noqa: PLC0415

    columns = {"event_name": "event", "user_id": "customer_id", "event_timestamp": "ordered_at"}

    def work() -> Any:
        orders = pd.read_csv(path, parse_dates=["ordered_at"]).assign(event="order")
        stream = Eventstream(
            orders[list(columns.values())], raw_data_schema=columns, add_start_end_events=False
        )
        cohorts = Cohorts(eventstream=stream)
        cohorts.fit(cohort_start_unit="M", cohort_period=(1, "M"), average=False)
        return cohorts.values.shape[0]

    return work


PEERS = {
    "crm_analytics": with_crm_analytics,
    "crm_analytics, with the list of customers": with_crm_analytics_list,
    "crm_analytics, reading alone": with_crm_analytics_read,
    "pandas notebook": with_pandas,
    "DuckDB": with_duckdb,
    "retentioneering 3.3": with_retentioneering,
}


def alone(name: str, path: str) -> None:
    """Run one peer in this process and report."""
    work = PEERS[name](path)
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**spent, "peak_mb": peak, "answer": int(answer)}))


def in_a_process(name: str, path: str, python: str) -> dict[str, float]:
    """Run one peer in a fresh process."""
    command = [python, str(HERE), "--alone", name, "--csv", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def from_a_cube(path: str, rounds: int = 7) -> tuple[float, float]:
    """Give the seconds, and those of processors, of a cohort table from a frame of customer, month and spend that is there already."""
    import polars as pl  # noqa: PLC0415

    import crm_analytics as crm  # noqa: PLC0415
    from crm_analytics.aggregates.calendar_numbers import Calendar  # noqa: PLC0415
    from crm_analytics.aggregates.cohorts import extract_cube  # noqa: PLC0415
    from crm_analytics.aggregates.cube_cells import Cube  # noqa: PLC0415
    from crm_analytics.aggregates.window import resolve  # noqa: PLC0415
    from crm_analytics.retention.cohorts import members, sums  # noqa: PLC0415
    from crm_analytics.retention.cohorts.clock import Clock  # noqa: PLC0415
    from crm_analytics.retention.cohorts.options import Options  # noqa: PLC0415
    from crm_analytics.retention.cohorts.rows import Rows, Shape, entries_of  # noqa: PLC0415

    extract, calendar, options = crm.read_transactions(path), Calendar("month"), Options()
    as_of = resolve(extract).as_of
    cubes = extract_cube(extract, as_of=as_of, calendar=calendar, activity="purchases")
    clock = Clock(calendar, "calendar", as_of)

    def work() -> Any:
        entries = entries_of(cubes, clock, options, None, listed=False)
        shape = Shape.of(Rows.of(entries), clock, options)

        def table(cube: Cube) -> Any:
            found = members.members(cube, clock, "first_ever")
            done = members.deeds(cube, found, clock)
            row = shape.rows.of_members(found, cube.before)
            return sums.Table(row, shape.rows.n, shape.windows, done).active

        return pl.DataFrame(sum(cubes.each(table)))

    times = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return median(t[0] for t in times), median(t[1] for t in times)


def make(rows: int, path: Path) -> None:
    """Make orders of BG/NBD buyers over two years, in time order."""
    from summary_speed import transactions  # noqa: PLC0415

    made = transactions(rows)
    if path.suffix == ".parquet":
        made.write_parquet(path)
    else:
        made.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")


def compare(path: str, rounds: int, retentioneering: str | None) -> None:
    """Run the peers in turn and print the table."""
    pythons = dict.fromkeys(PEERS, sys.executable)
    if retentioneering is None:
        del pythons["retentioneering 3.3"]
    else:
        pythons["retentioneering 3.3"] = retentioneering
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
    for turn in range(rounds):
        for name, python in pythons.items():
            if not (turn and name.startswith("retentioneering")):
                runs[name].append(in_a_process(name, path, python))
    table = [
        {"with": name, **{what: median(run[what] for run in found) for what in ("wall", "cpu", "peak_mb")}}
        for name, found in runs.items()
    ]
    ours = table[0]
    print(
        "| monthly cohort table with | seconds | processor seconds | peak MB | times ours | in processor time |"
    )
    print("|---|---|---|---|---|---|")
    for row in table:
        ratios = [f"{row[what] / ours[what]:.2f}" for what in ("wall", "cpu")]
        cells = [row["with"], f"{row['wall']:.2f}", f"{row['cpu']:.2f}", f"{row['peak_mb']:,.0f}", *ratios]
        print("| " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--csv", help="a file of customer_id, ordered_at, amount instead of made orders")
    parser.add_argument("--parquet", action="store_true")
    parser.add_argument("--retentioneering", help="the Python of an environment with retentioneering 3.3")
    parser.add_argument(
        "--cube", action="store_true", help="time the table from a customer-month cube instead"
    )
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.alone:
        alone(said.alone, said.csv)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = said.csv
        if path is None:
            path = str(Path(folder) / f"orders.{'parquet' if said.parquet else 'csv'}")
            make(said.rows, Path(path))
        if said.cube:
            wall, cpu = from_a_cube(path)
            print(f"from a customer-month cube: {wall:.3f} s, {cpu:.3f} s of processors")
        else:
            compare(path, said.rounds, said.retentioneering)


if __name__ == "__main__":
    main()
