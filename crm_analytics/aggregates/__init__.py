"""The few group-bys that touch every row; written once with narwhals, run on Polars, DuckDB or Spark."""
