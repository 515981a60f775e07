"""The attribute of a cohort's customers: from their first purchase, or from the customers table."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.cohorts import entry_values
from crm_analytics.aggregates.cube_cells import Cube, Cubes
from crm_analytics.aggregates.order_blocks import begins
from crm_analytics.errors import UnknownNameError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.recognising.headings import fold
from crm_analytics.retention.cohorts.options import ENTRIES, Options
from crm_analytics.retention.cohorts.rows import Entries, Groups

MOST_GROUPS: Final = 12
UNKNOWN: Final = "(not known)"
OTHERS: Final = "(all others)"

_NOT_ATTRIBUTES: Final = ("customer_id", "ordered_at", "amount", "order_id", "name")
_TABLE: Final = "customers."


def groups_of(
    options: Options, extract: Extract, customers: Extract | None, cubes: Cubes, entries: Entries, as_of: date
) -> Groups | None:
    """Give the value of the attribute for each customer; None where none is asked for.

    A column of the transactions counts as of the customer's first purchase; one of the customers table as it stands
    there ("customers.channel" where both have it). Beyond the twelve commonest, values are put together.
    """
    attribute = options.attribute or options.by
    if attribute is None:
        return None
    known = attributes(extract, customers)
    if attribute not in known:
        kind, also = ("attribute", ()) if options.attribute is None else ("entry", ENTRIES)
        raise UnknownNameError.of(kind, attribute, [*also, *known], _not_kept(attribute, extract))
    first = _firsts(cubes)
    values = (
        _of_customers(attribute.removeprefix(_TABLE), customers, first)
        if known[attribute] == "customers" and customers is not None
        else entry_values(extract.frame, attribute, first, as_of=as_of)
    )
    per_customer = pl.DataFrame({"customer_id": cubes.ids}).join(
        values, on="customer_id", how="left", maintain_order="left"
    )
    said = {word: f"{attribute}: {answer}" for word, answer in (("true", "yes"), ("false", "no"))}
    is_flag = _schema(extract, customers, known[attribute])[attribute.removeprefix(_TABLE)] == pl.Boolean
    texts = per_customer.to_series(1)
    named = (texts.replace(said) if is_flag else texts).fill_null(UNKNOWN).alias("group")
    return _commonest(named.alias("group"), entries)


def _schema(extract: Extract, customers: Extract | None, table: str) -> pl.Schema:
    source = customers if table == "customers" and customers is not None else extract
    return source.frame.collect_schema()


def _not_kept(attribute: str, extract: Extract) -> str:
    """Say how to keep a heading of the transactions that was not, where the attribute may be meant for it."""
    unused = [h for h in extract.details.get("unused", "").split(", ") if h and fold(h) == fold(attribute)]
    if not unused:
        return ""
    return (
        f"The transactions have a heading {unused[0]!r} that is not kept: name it with columns={{{attribute!r}: {unused[0]!r}}}, "
        "or in crm.toml under [sources.transactions.columns]."
    )


def attributes(extract: Extract, customers: Extract | None) -> dict[str, str]:
    """Name the attributes there are and the table each is from: columns of text, flags and whole numbers."""
    found = {}
    if customers is not None:
        columns = _columns(customers)
        found = dict.fromkeys([*columns, *(f"{_TABLE}{c}" for c in columns)], "customers")
    return found | dict.fromkeys(_columns(extract), "transactions")


def _columns(extract: Extract) -> list[str]:
    schema = extract.frame.collect_schema()
    measured = (pl.Float64, pl.Float32, pl.Date, pl.Datetime)
    return [c for c, dtype in schema.items() if c not in _NOT_ATTRIBUTES and dtype not in measured]


def _firsts(cubes: Cubes) -> pl.DataFrame:
    """Give each customer's day of first action."""
    return pl.concat(cubes.each(_firsts_of_block))


def _firsts_of_block(cube: Cube) -> pl.DataFrame:
    acted = np.flatnonzero(cube.n_actions > 0)
    customer, day = cube.customer[acted], cube.day[acted]
    starts = np.flatnonzero(begins(customer))
    first = np.minimum.reduceat(day, starts) if starts.size else day
    ids = cube.ids.gather(customer[starts]).alias("customer_id")
    return pl.DataFrame({"customer_id": ids, "day": first.astype(np.int64)})


def _of_customers(column: str, customers: Extract, first: pl.DataFrame) -> pl.DataFrame:
    table = customers.frame.select("customer_id", pl.col(column).cast(pl.String)).collect()
    return first.select("customer_id").join(
        table.unique("customer_id", keep="first"), on="customer_id", how="left"
    )


def _commonest(named: pl.Series, entries: Entries) -> Groups:
    """Keep the commonest values among those who entered and put the others together."""
    counts = (
        named.gather(entries.customers).value_counts(name="n").sort(["n", "group"], descending=[True, False])
    )
    names = counts["group"]
    if counts.height > MOST_GROUPS:
        kept = names.head(MOST_GROUPS - 1)
        few = pl.when(pl.col("group").is_in(kept.implode())).then("group").otherwise(pl.lit(OTHERS))
        named = named.to_frame().select(few.alias("group"))["group"]
        names = pl.Series([*kept, OTHERS], dtype=pl.String).unique()
    names = names.sort()
    places = named.replace_strict(names, range(len(names)), default=0, return_dtype=pl.Int32)
    return Groups(tuple(names), places.to_numpy())
