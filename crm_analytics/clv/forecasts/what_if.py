"""What a purchase today would change: how much surer one could be of a customer, and what would follow."""

from __future__ import annotations

import polars as pl

from crm_analytics.clv.models.purchases import PurchaseFit, histories


def what_if_purchase(
    fit: PurchaseFit, summary: pl.DataFrame | pl.LazyFrame, *, horizon: float
) -> pl.DataFrame:
    """Say what each customer's forecast would be if they bought today, beside what it is.

    It is what the model would then believe, not what making somebody buy would cause: a customer who comes unasked tells
    more than one who was called.

    Parameters
    ----------
    fit
        BG/NBD, MBG/NBD or Pareto/NBD.
    summary
        As `clv.summarise` makes it.
    horizon
        In the summary's unit of time.

    Returns
    -------
    polars.DataFrame
        In the summary's order: `customer_id` where there is one, `p_alive`, `p_alive_if_bought`, `expected_purchases`,
        `expected_purchases_if_bought` (after today's), `gain` (the difference of the two, today's purchase not counted).

    Raises
    ------
    ColumnError, OptionError
        If a column is missing, a history impossible, or the horizon negative.

    Examples
    --------
    >>> from crm_analytics import clv
    >>> summary = pl.DataFrame({"frequency": [2, 0], "recency": [9.0, 0.0], "T": [30.0, 30.0]})
    >>> fit = clv.ModifiedBetaGeo.fit(summary, penalty=1.0)
    >>> found = clv.what_if_purchase(fit, summary, horizon=10)
    >>> bool((found["p_alive_if_bought"] > found["p_alive"]).all())
    True
    """
    _, _, age = histories(summary)
    today = pl.Series("T", age)
    bought = summary.lazy().collect().with_columns(frequency=pl.col("frequency") + 1, recency=today, T=today)
    now, then = (fit.predict(s, horizon=horizon) for s in (summary, bought))
    return now.with_columns(
        p_alive_if_bought=then["p_alive"],
        expected_purchases_if_bought=then["expected_purchases"],
        gain=then["expected_purchases"] - now["expected_purchases"],
    )
