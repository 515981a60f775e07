"""Make the tables of the sample company.

    python sample_data/generate.py                                  # what is committed here
    python sample_data/generate.py --check                          # fails where it is not what this makes
    python sample_data/generate.py --customers 3000000 --only transactions --format parquet --out big

See README.md beside this file for what is true of the company.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import polars as pl

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # run as a script, or from inside an installed package
    sys.path.insert(0, str(HERE.parent))

from sample_data.company import Company, make_company, transactions_in_blocks  # noqa: E402 - needs the path above
from sample_data.truth import Truth  # noqa: E402

__all__ = ["Company", "Truth", "check", "main", "make_company", "transactions_in_blocks", "write"]

CUSTOMERS, YEARS, SEED = 5_000, 3, 20260630
FEWEST = 200
"""Customers; with fewer there would not be lines enough for the dirt."""
INSTANT = "%Y-%m-%d %H:%M:%S"


def write(company: Company, folder: Path, file_format: str = "csv") -> list[Path]:
    """Write every table of the company into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{file_format}" for name in company.tables]
    for path, frame in zip(paths, company.tables.values(), strict=True):
        _write_frame(frame, path)
    return paths


def _write_frame(frame: pl.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        with path.open("wb") as file:
            _write_csv(frame, file, include_header=True)


def _write_csv(frame: pl.DataFrame, file: IO[bytes], *, include_header: bool) -> None:
    """Write CSV in the same bytes everywhere."""
    frame.write_csv(
        file,
        include_header=include_header,
        datetime_format=INSTANT,
        float_precision=2,
        line_terminator="\n",
    )


def write_transactions(blocks: Iterable[pl.DataFrame], folder: Path, file_format: str) -> Path:
    """Write transactions block after block into one file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"transactions.{file_format}"
    if file_format == "csv":
        with path.open("wb") as file:
            for number, block in enumerate(blocks):
                _write_csv(block, file, include_header=number == 0)
        return path
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for number, block in enumerate(blocks):
            block.write_parquet(Path(scratch) / f"{number:06d}.parquet", compression="lz4")
        pl.scan_parquet(Path(scratch) / "*.parquet").sink_parquet(path)
    return path


def check(folder: Path, truth: Truth, customers: int, seed: int) -> list[str]:
    """Give the names of the files in the folder that are not what the generator makes."""
    with tempfile.TemporaryDirectory() as scratch:
        made = write(make_company(truth, customers=customers, seed=seed), Path(scratch))
        return [path.name for path in made if not _same(path, folder / path.name)]


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; gives 0, or 1 where `--check` finds a difference."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.customers < FEWEST or options.years < 1:
        parser.error(f"at least {FEWEST} customers and one year are needed")
    truth = replace(Truth(), years=options.years)
    if options.check:
        stale = check(options.out, truth, options.customers, options.seed)
        print(f"differs from what the generator makes: {', '.join(stale)}" if stale else "as generated")
        return int(bool(stale))
    if options.only == "transactions":
        blocks = transactions_in_blocks(truth, options.customers, options.seed)
        print(write_transactions(blocks, options.out, options.format))
        return 0
    company = make_company(truth, customers=options.customers, seed=options.seed)
    for path in write(company, options.out, options.format):
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Make the tables of the sample company.")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="how many (default %(default)s)")
    parser.add_argument(
        "--years", type=int, default=YEARS, help="years up to 2026-06-30 (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed gives the same files")
    parser.add_argument(
        "--out", type=Path, default=HERE, help="folder to write to (default: beside this script)"
    )
    parser.add_argument("--format", choices=["csv", "parquet"], default="csv")
    parser.add_argument(
        "--only", choices=["transactions"], help="clean transactions alone, block by block, at any size"
    )
    parser.add_argument("--check", action="store_true", help="compare the files in --out instead of writing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
