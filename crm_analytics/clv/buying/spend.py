"""How spend per purchase is spread over customers, beside what the Gamma-Gamma model has."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from crm_analytics.clv.buying.classes import counted, round_ends
from crm_analytics.clv.worth.spending import Spending

_CLASSES: Final = 30
_TAIL: Final = 0.975

_SCHEMA: Final = {
    "spend_from": pl.Float64(), "spend_to": pl.Float64(), "n_customers": pl.Int64(), "observed_share": pl.Float64(),
    "model_share": pl.Float64(),
}  # fmt: skip


def spend_table(summary: pl.DataFrame, spending: Spending | None) -> pl.DataFrame:
    """Count customers with a repeat purchase by their mean spend per repeat purchase; no row where there is no spend.

    The model's share is that of customers with as many purchases as these have: the more there are, the nearer is a
    customer's mean to the customer's own level.
    """
    known = summary.filter((pl.col("frequency") > 0) & (pl.col("monetary_value") > 0))
    if known.is_empty() or spending is None:
        return pl.DataFrame(schema=_SCHEMA)
    x, z = (known[c].cast(pl.Float64).to_numpy() for c in ("frequency", "monetary_value"))
    ends = round_ends(float(np.quantile(z, _TAIL)), _CLASSES)
    counts = counted(z, ends)
    model: list[float | None] = [None] * len(ends)
    if spending.fit is not None and spending.basis != "mean":
        often, weight = np.unique(x, return_counts=True)
        below = weight @ spending.share_below(often, ends) / len(x)
        model = np.diff(below, append=1.0).clip(0, 1).tolist()
    columns = [ends, [*ends[1:].tolist(), None], counts.astype(np.int64), counts / len(z), model]
    return pl.DataFrame(dict(zip(_SCHEMA, columns, strict=True)), schema=_SCHEMA)
