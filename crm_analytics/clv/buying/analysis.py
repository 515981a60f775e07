"""How customers buy: how often, how regularly, for how much and until when, and whether the model tells it as it is."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.clv.buying import rhythm, words
from crm_analytics.clv.buying.model import (
    Base,
    leaving_table,
    newcomer_table,
    purchase_table,
    rate_table,
    silence_table,
    standing_table,
)
from crm_analytics.clv.buying.spend import spend_table
from crm_analytics.clv.buying.terms import TERMS
from crm_analytics.clv.models.candidates import Model, choose
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.clv.summary import summarise
from crm_analytics.clv.worth import valued_customers
from crm_analytics.clv.worth.spending import Spending, expected_spend
from crm_analytics.clv.worth.standing import Histories
from crm_analytics.errors import OptionError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Result

__all__ = ["TERMS", "buying_patterns"]

_LONGEST: Final = 3650
_MOST_SHOWN: Final = 60


def buying_patterns(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    horizon_days: int = 365,
    model: Model = "auto",
    n_shown: int = 30,
    seed: int = 0,
) -> Result:
    """Say how often, how regularly and for how much customers buy, when they leave, and whether the model tells it rightly.

    The same models as in `crm.lifetime_value` are fitted; their parts are laid open and set beside what was observed: the
    numbers of purchases, the spread of rates and of the readiness to leave, the time between purchases, spend per purchase,
    and how a silence turns into the conclusion that a customer has left.

    Not for the value of customers (`crm.lifetime_value`) nor for whether forecasts came true (`crm.clv_validation`): a
    model that fits the past may still miss the future. Not for customers chosen by what they did (a segment): their rates
    are not spread like those of customers in general.

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen. None takes the day after the last row.
    start
        Taken for the sake of a common form, and not applied: rates and leaving are read from the whole history.
    horizon_days
        How far ahead purchases are expected, 1 to 3650 days; 365, since a year holds every season.
    model
        "auto" takes the model with the lowest AIC that is identified; or "bg_nbd", "mbg_nbd", "pareto_nbd".
    n_shown
        Customers whose purchases are drawn one by one, 1 to 60; 30 can still be told apart.
    seed
        Not used, since nothing is drawn by chance; taken for the sake of a common form.

    Returns
    -------
    Result
        - "purchases": one row per number of repeat purchases: customers, and as the model has it, with what chance allows
        - "newcomers": one row per age: repeat purchases expected of a new customer with bounds, and made
        - "rates", "leaving": one row per class of the rate of purchases, and of the probability of leaving
        - "standing": one row per number of repeat purchases and length of silence: probability of being still a customer,
          expected purchases, customers near it
        - "silence": one row per number of repeat purchases: after how long a silence leaving is as likely as not
        - "gaps": one row per class of days between purchases; "rhythm": the gaps in one row, with their regularity
        - "regularity": one row per class of the later of two gaps as a part of both
        - "spend": one row per class of mean spend per repeat purchase
        - "timing": one row per customer drawn and purchase; "histories": one row per day of three customers' histories

    Raises
    ------
    NotEnoughDataError
        If there are fewer than 10 customers, or fewer than 3 who bought on a second day.
    OptionError
        If an option is out of its range.

    Notes
    -----
    Rates of purchases are gamma(r, alpha); the readiness to leave is beta(a, b) per purchase (BG/NBD, MBG/NBD) or gamma(s,
    beta) per day (Pareto/NBD). Mean spend z of x purchases is v / x times a beta prime (p x, q) variable (Gamma-Gamma).
    Regularity is k = (1 - 4 v) / (8 v), v being the variance around one half of the later of the last two gaps as a part of
    both.

    References
    ----------
    Fader, Hardie, Lee (2005), Counting your customers the easy way. Wheat, Morrison (1990), Estimating purchase regularity
    with two interpurchase times, Journal of Marketing Research 27. Platzer, Reutterer (2016), Ticking away the moments,
    Marketing Science 35. Fader, Hardie (2013), The Gamma-Gamma model of monetary value.

    Examples
    --------
    >>> import crm_analytics as crm
    >>> result = crm.buying_patterns(crm.sample().table("transactions"))
    >>> result.tables()["gaps"]["observed_share"].sum().__round__(9)
    1.0
    """
    _check(horizon_days, n_shown)
    extract = valued_customers.held(as_extract(tx))
    window = windows.resolve(extract, as_of=as_of)
    if start is not None:
        windows.day_of("start", start)
    summary = summarise(extract, as_of=window.as_of, unit="day")
    histories = Histories.of(summary)
    base = Base(summary, histories, choose(histories.frame, model), horizon_days)
    spending = _spending(summary)
    told = words.Told(base, _tables(extract, window, base, spending, n_shown), spending, extract.currency)
    return Result.of(
        "buying_patterns",
        title="How customers buy",
        headline=words.headline(told),
        summary=words.summary(told),
        tables=told.tables,
        views=words.views(told),
        parameters={
            "horizon_days": horizon_days,
            "model": model,
            "model_taken": base.choice.name,
            "spend_basis": None if spending is None else spending.basis,
            "n_shown": n_shown,
            "seed": seed,
        },
        provenance=windows.provenance(extract, window),
        notes=tuple(words.notes(told)),
        terms=TERMS,
        currency=extract.currency,
    )


def _tables(
    extract: Extract,
    window: windows.Window,
    base: Base,
    spending: Spending | None,
    n_shown: int,
) -> dict[str, pl.DataFrame]:
    fit: PurchaseFit = base.fit
    bought = rhythm.purchases_of(extract, window.as_of)
    parts = rhythm.last_gaps(bought)
    regular = rhythm.regularity(parts)
    since = rhythm.since_first(bought, base.summary, window.as_of)
    return {
        "purchases": purchase_table(base),
        "newcomers": newcomer_table(base, since),
        "rates": rate_table(base),
        "leaving": leaving_table(base),
        "standing": standing_table(base),
        "silence": silence_table(base),
        "gaps": rhythm.gap_table(bought),
        "rhythm": rhythm.rhythm_table(bought, regular),
        "regularity": rhythm.place_table(parts, regular),
        "spend": spend_table(base.summary, spending),
        "timing": rhythm.timing_table(bought, base.summary, fit, n_shown),
        "histories": rhythm.history_table(bought, base.summary, fit, window.as_of),
    }


def _spending(summary: pl.DataFrame) -> Spending | None:
    """Fit spend per purchase where there is any."""
    paid = summary.filter((pl.col("frequency") > 0) & (pl.col("monetary_value") > 0))
    return None if paid.is_empty() else expected_spend(summary)


def _check(horizon_days: int, n_shown: int) -> None:
    if not 1 <= horizon_days <= _LONGEST:
        raise OptionError.out_of_range("horizon_days", horizon_days, f"1 to {_LONGEST:,} days")
    if not 1 <= n_shown <= _MOST_SHOWN:
        raise OptionError.out_of_range("n_shown", n_shown, f"1 to {_MOST_SHOWN} customers")
