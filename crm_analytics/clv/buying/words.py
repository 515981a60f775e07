"""How customers buy in words: headline, titles, summary, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.clv.buying import model
from crm_analytics.clv.buying.model import Base
from crm_analytics.clv.models import candidates
from crm_analytics.clv.worth import spending
from crm_analytics.clv.worth.spending import Spending
from crm_analytics.results import Note, View

_HALF: Final = 0.5
_TENTH: Final = 0.9
_GOOD: Final = 0.75
_REGULAR: Final = 1.5
_BURSTS: Final = 0.75


@dataclass(frozen=True, eq=False)
class Told:
    """What the words are made of."""

    base: Base
    tables: Mapping[str, pl.DataFrame]
    spending: Spending | None
    currency: str | None

    @property
    def rhythm(self) -> dict[str, Any]:
        """The gaps in one row."""
        return self.tables["rhythm"].row(0, named=True)

    @property
    def typical(self) -> dict[str, Any] | None:
        """After how long a silence a good repeat customer is as likely gone as not, where that is ever reached.

        Good is whoever bought again more often than three in four of those who did.
        """
        table = self.tables["silence"].drop_nulls("silence_half_days")
        again = self.base.summary.filter(pl.col("frequency") > 0)["frequency"].quantile(_GOOD)
        if table.is_empty():
            return None
        return table.sort((pl.col("frequency") - again).abs(), maintain_order=True).row(0, named=True)


def _days(value: float) -> str:
    n = round(value)
    return "1 day" if n == 1 else f"{n:,} days"


def _repeats(n: int) -> str:
    return "1 repeat purchase" if n == 1 else f"{n:,} repeat purchases"


def _times(rate: float) -> str:
    return f"{rate:.2f}" if rate < 1 else f"{rate:.1f}"


def headline(told: Told) -> str:
    """Say in one sentence how often, how regularly and for how long customers buy."""
    gaps = told.rhythm
    half, most = (_times(model.rate_quantile(told.base.fit, q)) for q in (_HALF, _TENTH))
    text = (
        f"While they are customers, half of the {told.base.n:,} buy less than {half} times a year and a tenth more than {most} "
        f"times; half of those who come back do so within {_days(gaps['gap_median_days'])}, nine in ten within "
        f"{_days(gaps['gap_90_days'])}"
    )
    typical = told.typical
    if typical is not None:
        text += f", and after {_days(typical['silence_half_days'])} of silence one with {_repeats(typical['frequency'])} is more likely gone than not"
    return f"{text}."


def views(told: Told) -> tuple[View, ...]:
    """Give the pictures, each with its finding as its title; those for the expert are left out of reports."""
    gaps = told.rhythm
    placed = formats.share(model.rightly_placed(told.tables["purchases"]))
    tenth = _times(model.rate_quantile(told.base.fit, _TENTH))
    return (
        View("purchases", f"The model has {placed} of customers at the right number of purchases", "purchases"),
        View("rates", f"A tenth of the customers buy more than {tenth} times a year", "rates"),
        View("alive_map", _silence_title(told), "standing"),
        View(
            "gaps",
            f"Nine in ten repeat purchases come within {_days(gaps['gap_90_days'])} of the one before",
            "gaps",
        ),
        View("spend", _spend_title(told), "spend"),
        View("leaving", _leaving_title(told), "leaving", aside=True),
        View("ahead_map", _ahead_title(told), "standing", aside=True),
        View("newcomers", _newcomer_title(told), "newcomers", aside=True),
        View("regularity", _regular_title(told), "regularity", aside=True),
        View("timing", _timing_title(told), "timing", aside=True),
        View("histories", _history_title(told), "histories", aside=True),
    )  # fmt: skip


def _silence_title(told: Told) -> str:
    typical = told.typical
    if typical is None:
        return "No silence within the history makes a customer more likely gone than not"
    return f"Silent for {_days(typical['silence_half_days'])} after {_repeats(typical['frequency'])}: more likely gone"


def _spend_title(told: Told) -> str:
    table = told.tables["spend"]
    if table.is_empty():
        return "Spend per repeat purchase"
    again = told.base.summary.filter((pl.col("frequency") > 0) & (pl.col("monetary_value") > 0))
    middle = formats.money(float(again["monetary_value"].median()), told.currency)  # type: ignore[arg-type]
    return f"Half of the repeat customers spend less than {middle} per purchase"


def _leaving_title(told: Told) -> str:
    share = formats.share(model.mean_leaving(told.base.fit))
    when = "after a purchase" if model.leaves_by_purchase(told.base.fit) else "within a year"
    return f"On average {share} of customers leave {when}, some far more readily"


def _ahead_title(told: Told) -> str:
    best = told.tables["standing"].sort("expected_purchases", descending=True).row(0, named=True)
    return (
        f"From next to none to {best['expected_purchases']:.1f} purchases expected in {_days(told.base.horizon_days)}, "
        "by history"
    )


def _newcomer_title(told: Told) -> str:
    year = told.base.fit.expected_of_new_customer(model.YEAR)
    return f"A new customer is expected to come back {_times(year)} times in the first year"


def _timing_title(told: Told) -> str:
    shown = told.tables["timing"].group_by("line").agg(pl.col("p_alive").first())
    gone = int((shown["p_alive"] < _HALF).sum())
    return f"Of {shown.height} customers picked evenly, {gone or 'none'} {'is' if gone <= 1 else 'are'} more likely gone"


def _history_title(told: Told) -> str:
    ends = told.tables["histories"].group_by("line", maintain_order=True).agg(pl.col("p_alive").last())
    shares = [formats.share(p) for p in ends["p_alive"]]
    listed = shares[0] if len(shares) == 1 else f"{', '.join(shares[:-1])} and {shares[-1]}"
    return f"Still a customer? How {len(shares)} histories came to {listed}"


def _regular_title(told: Told) -> str:
    k = told.rhythm["regularity"]
    if k is None:
        return "Too few customers bought three times to tell whether they do so regularly"
    return f"{_regular_words(k).capitalize()} (k = {k:.2f})"


def _regular_words(k: float) -> str:
    if k >= _REGULAR:
        return "customers buy in a rhythm, more evenly than by chance"
    if k < _BURSTS:
        return "customers buy in bursts, less evenly than by chance"
    return "customers buy about as irregularly as chance would have it"


_Row = tuple[str, str]


def summary(told: Told) -> pl.DataFrame:
    """Give the findings, one row each."""
    rows = [*_often(told), *_rhythm(told), *_staying(told), *_spending(told), *_fit(told)]
    return pl.DataFrame(rows, schema={"finding": pl.String(), "finding_text": pl.String()}, orient="row")


def _often(told: Told) -> Iterator[_Row]:
    fit = told.base.fit
    low, middle, high = (_times(model.rate_quantile(fit, q)) for q in (1 - _TENTH, _HALF, _TENTH))
    mean = _times(fit.params["r"] / fit.params["alpha"] * model.YEAR)
    yield (
        "How often",
        f"{mean} purchases a year while a customer on average; a tenth below {low}, half below {middle}, a tenth above {high}",
    )
    year = fit.expected_of_new_customer(model.YEAR)
    once = float(told.base.summary.select((pl.col("frequency") == 0).mean()).item())
    yield (
        "New customers",
        f"{_times(year)} repeat purchases expected in the first year; {formats.share(once)} of all have bought once so far",
    )


def _rhythm(told: Told) -> Iterator[_Row]:
    gaps = told.rhythm
    yield (
        "Time between purchases",
        (
            f"half of the {gaps['n_gaps']:,} gaps are {_days(gaps['gap_median_days'])} or less, nine in ten "
            f"{_days(gaps['gap_90_days'])} or less"
        ),
    )
    if gaps["regularity"] is not None:
        k, low, high = (gaps[f"regularity{end}"] for end in ("", "_lower", "_upper"))
        yield "Regularity", f"{_regular_words(k)}: k = {k:.2f} ({low:.2f} to {high:.2f}), where 1 is chance"


def _staying(told: Told) -> Iterator[_Row]:
    fit = told.base.fit
    when = "after a purchase" if model.leaves_by_purchase(fit) else "within a year"
    yield "Leaving", f"{formats.share(model.mean_leaving(fit))} leave {when} on average"
    typical = told.typical
    if typical is not None:
        low, high = typical["silence_half_days_lower"], typical["silence_half_days_upper"]
        span = f" ({low:,.0f} to {high:,.0f})" if low is not None and high is not None else ""
        yield (
            "When to worry",
            (
                f"{_repeats(typical['frequency'])}: more likely gone than not after {_days(typical['silence_half_days'])} of "
                f"silence{span}"
            ),
        )


def _spending(told: Told) -> Iterator[_Row]:
    if not told.tables["spend"].is_empty():
        yield "Spend per purchase", f"{_spend_title(told).lower()}"


def _fit(told: Told) -> Iterator[_Row]:
    purchases = told.tables["purchases"]
    inside = purchases.filter(
        pl.col("n_customers").is_between(
            pl.col("expected_customers_lower").floor(), pl.col("expected_customers_upper").ceil()
        )
    ).height
    yield (
        "Does the model fit?",
        (
            f"{told.base.choice.label} has {formats.share(model.rightly_placed(purchases))} of customers at the right number of "
            f"purchases; {inside} of {purchases.height} groups differ by no more than chance"
        ),
    )


def notes(told: Told) -> Iterator[Note]:
    """Say what a reader must know."""
    yield from candidates.notes(told.base.choice, told.base.histories.frame)
    if told.spending is not None:
        yield from spending.notes(told.spending)
    yield Note(
        "gaps_seen",
        "Only gaps that have ended are counted: those who have not come back yet are missing, so long gaps are rarer here than "
        "they will turn out to be.",
    )
    k = told.rhythm["regularity"]
    if k is not None and k >= _REGULAR:
        yield Note(
            "regular_buyers",
            f"Customers buy more evenly (k = {k:.2f}) than the models of lifetime value assume (k = 1); whether a "
            "model of regular buying forecasts better can be tried.",
            "caution",
            "clv.compare with log_intervals=True",
        )
    yield Note(
        "rates_are_fitted",
        "Rates of purchases and of leaving are those of the fitted distributions over customers, not of single customers, "
        "whose own are never seen.",
    )
