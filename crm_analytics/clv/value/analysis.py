"""The lifetime value: what the customers there are will still bring, from whom, and who is slipping."""

from __future__ import annotations

from typing import Any, Final

from crm_analytics.aggregates import window as windows
from crm_analytics.clv.models.candidates import Model
from crm_analytics.clv.value import slipping, tables, views, words
from crm_analytics.clv.value.curve import curve_table
from crm_analytics.clv.value.terms import TERMS
from crm_analytics.clv.worth.valuation import reference_notes, valuate
from crm_analytics.errors import OptionError
from crm_analytics.results import Result

__all__ = ["TERMS", "lifetime_value"]

_LONGEST: Final = 3650
_MOST_MONTHS: Final = 60


def lifetime_value(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    reference: Any = None,  # noqa: ANN401 an Extract or any frame
    horizon_days: int = 365,
    annual_discount_rate: float = 0.10,
    margin: float | None = None,
    model: Model = "auto",
    compare_months: int = 3,
    good_share: float = 0.20,
    least_drop: float = 0.20,
    seed: int = 0,
) -> Result:
    """Say what the customers there are will still bring, who brings it, and which good customers are slipping.

    Fits models of repeat purchases (BG/NBD, MBG/NBD, Pareto/NBD) and of spend per purchase (Gamma-Gamma) to every
    customer's history, and values the purchases to come within the horizon: probability of being still a customer x
    purchases x spend x margin, discounted. Each figure has an interval for the uncertainty of the estimates; sums also
    have one for what customers will happen to do.

    Not for contracts and subscriptions, where leaving is observed. Not for a horizon much longer than the history. Not a
    promise for one customer: an expectation of 0.7 purchases means that of many such customers each makes 0.7 on
    average. Customers still to be won are not in it.

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen, and the day from which on value is counted. None takes the day after the last row.
    start
        Taken for the sake of a common form, and not applied: rate and leaving are read from the whole history.
    customers
        The customers table, for channel, country and `acquisition_cost`; without it channel and country are those of the
        first order. Optional.
    reference
        Transactions that the models are fitted to, where `tx` holds only some of the customers (a segment): customers
        chosen by what they did cannot tell how customers in general go on. None fits to `tx`. Optional.
    horizon_days
        How far ahead value is counted, 1 to 3650 days; 365, since a year holds every season and can be checked soon.
    annual_discount_rate
        Effective rate a year, above -1: 0.10 is a usual cost of capital. 0 does not discount.
    margin
        Part of spend that is margin, above 0 and up to 1. None takes it from the costs in the extract where they are known
        for at least half of spend; else value is in spend.
    model
        "auto" takes the model with the lowest AIC that is identified; or "bg_nbd", "mbg_nbd", "pareto_nbd".
    compare_months
        Slipping is told against so many months ago, 1 to 60.
    good_share
        Who counts as a good customer so far: the best so-many by spend, in (0, 1).
    least_drop
        By how much the probability of being still a customer must have fallen to be called slipping, in (0, 1).
    seed
        Not used, since nothing is drawn by chance; taken for the sake of a common form.

    Returns
    -------
    Result
        - "total": one row: customers, expected to be customers still, purchases, lifetime value with bounds, outcome bounds,
          and, where the cost of winning customers is known, value against it and payback
        - "customers": one row per customer, the most valuable first: p_alive, expected purchases, spend per purchase and
          lifetime value with bounds, next order, place and tenth by value, whether slipping
        - "groups": one row per cohort (joined), channel and country
        - "deciles": one row per tenth of the customers by lifetime value, 1 the best
        - "slipping": one row per good customer who is slipping, most value at stake first
        - "curve": one row per month of the horizon: value up to then with bounds
        - "model": one row per parameter of each model fitted

    Raises
    ------
    NotEnoughDataError
        If there are fewer than 10 customers, or fewer than 3 who bought on a second day.
    OptionError
        If an option is out of its range.

    Notes
    -----
    Value is m E(M) D, with m the margin rate, E(M) the expected spend per purchase and D the expected purchases, each
    discounted continuously at ln(1 + annual rate). Bounds are by the delta method on the logarithm, from the Hessians of
    both models. The variance of an outcome is E[N] Var(S) + E[N^2] E[M^2] - (E[N] E[M])^2 per customer plus that of the
    estimate; its range is that of a gamma distribution.

    References
    ----------
    Fader, Hardie, Lee (2005), Counting your customers the easy way. Batislam, Denizel, Filiztekin (2007). Schmittlein,
    Morrison, Colombo (1987), Counting your customers. Fader, Hardie (2013), The Gamma-Gamma model of monetary value.

    Examples
    --------
    >>> import crm_analytics as crm
    >>> base = crm.sample()
    >>> result = crm.lifetime_value(base.table("transactions"), margin=1.0, annual_discount_rate=0.0)
    >>> best = result.tables()["customers"].row(0, named=True)
    >>> round(best["expected_purchases"] * best["expected_spend_per_purchase"] / best["lifetime_value"], 9)
    1.0
    """
    _check(horizon_days, annual_discount_rate, compare_months, good_share, least_drop)
    begin = None if start is None else windows.day_of("start", start)
    found = valuate(
        tx, as_of=as_of, customers=customers, reference=reference, horizon_days=horizon_days,
        annual_discount_rate=annual_discount_rate, margin=margin, model=model,
    )  # fmt: skip
    before = slipping.compare(found, months=compare_months, good_share=good_share, least_drop=least_drop)
    valued = tables.Valued(found.base, found.choice, found.worth, before, horizon_days)
    people = tables.customer_table(valued)
    total = tables.total_table(valued, people)
    told = words.Told(
        valued, people, total.row(0, named=True), tables.group_table(valued),
        tables.decile_table(valued, people), found.extract.currency, annual_discount_rate, compare_months,
    )  # fmt: skip
    return Result.of(
        "lifetime_value",
        title="Lifetime value",
        headline=words.headline(told),
        summary=words.summary(told),
        tables={
            "total": total,
            "customers": people,
            "groups": told.groups,
            "deciles": told.deciles,
            "slipping": slipping.slipping_table(people, found.base),
            "curve": curve_table(valued, rate=found.rate),
            "model": tables.model_table(valued),
        },
        views=views.views(told),
        parameters={
            "reference": None if reference is None else "given",
            "horizon_days": horizon_days,
            "annual_discount_rate": annual_discount_rate,
            "margin": margin,
            "model": model,
            "compare_months": compare_months,
            "compared_on": before.on,
            "good_share": good_share,
            "least_drop": least_drop,
            "seed": seed,
            **found.parameters(),
        },
        provenance=windows.provenance(found.extract, found.window),
        notes=(*reference_notes(reference), *words.notes(told, begin)),
        terms=TERMS,
        currency=found.extract.currency,
    )


def _check(
    horizon_days: int, annual_discount_rate: float, compare_months: int, good_share: float, least_drop: float
) -> None:
    if not 1 <= horizon_days <= _LONGEST:
        raise OptionError.out_of_range("horizon_days", horizon_days, f"1 to {_LONGEST:,} days")
    if not -1 < annual_discount_rate < 10:  # noqa: PLR2004 1000 % a year is surely a slip
        raise OptionError.out_of_range(
            "annual_discount_rate", annual_discount_rate, "a rate above -1 and below 10, e.g. 0.10 for 10%"
        )
    if not 1 <= compare_months <= _MOST_MONTHS:
        raise OptionError.out_of_range("compare_months", compare_months, f"1 to {_MOST_MONTHS} months")
    for name, share in (("good_share", good_share), ("least_drop", least_drop)):
        if not 0 < share < 1:
            raise OptionError.out_of_range(name, share, "a share above 0 and below 1, such as 0.2")
