"""The retention economics: what keeping customers longer is worth, beside cheaper winning and higher spend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.aggregates import window as windows
from crm_analytics.clv.economics import tables
from crm_analytics.clv.economics.levers import Levers, cost_of_winning
from crm_analytics.clv.economics.tables import Economics
from crm_analytics.clv.economics.terms import TERMS
from crm_analytics.clv.models import candidates
from crm_analytics.clv.models.candidates import Model
from crm_analytics.clv.worth import spending
from crm_analytics.clv.worth.valuation import Valuation, horizon_words, reference_notes, valuate
from crm_analytics.errors import OptionError
from crm_analytics.results import Note, Result, View

__all__ = ["TERMS", "retention_economics"]

_LONGEST: Final = 3650


def retention_economics(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    reference: Any = None,  # noqa: ANN401 an Extract or any frame
    horizon_days: int = 1095,
    annual_discount_rate: float = 0.10,
    margin: float | None = None,
    acquisition_cost: float | None = None,
    retention_points: Sequence[float] = (0.01, 0.05),
    spend_rises: Sequence[float] = (0.01, 0.05),
    cost_cuts: Sequence[float] = (0.01, 0.05),
    model: Model = "auto",
    seed: int = 0,
) -> Result:
    """Say what better retention, higher spend or cheaper winning of customers is worth, and what replacing one takes.

    Retention is the share of those expected to be customers now who are expected to be customers in a year, by the model
    of repeat purchases that `crm.lifetime_value` takes too. It is raised by making every customer less ready to leave by
    one common factor; the gain is what the base is then worth over the horizon, less what it is worth now.

    Not what a measure will achieve: it says what a point is worth, not what it costs or whether it can be had. Not for
    contracts and subscriptions, where leaving is observed. Effects on customers still to be won are only in the cost of
    winning them.

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen, and the day from which on value is counted. None takes the day after the last row.
    start
        Taken for the sake of a common form, and not applied: rate and leaving are read from the whole history.
    customers
        The customers table, for `acquisition_cost`. Optional.
    reference
        Transactions that the models are fitted to, where `tx` holds only some of the customers (a segment): customers
        chosen by what they did cannot tell how customers in general go on. None fits to `tx`. Optional.
    horizon_days
        How far ahead value is counted, 1 to 3650 days; 1095 (three years), since better retention pays over years.
    annual_discount_rate
        Effective rate a year, above -1: 0.10 is a usual cost of capital. 0 does not discount.
    margin
        Part of spend that is margin, above 0 and up to 1. None takes it from the costs in the extract where they are known
        for at least half of spend; else value is in spend.
    acquisition_cost
        Cost of winning a customer, above 0; None takes the mean of the customers table's column where it has one.
    retention_points
        Rises of yearly retention, each in (0, 1): 0.01 is one point.
    spend_rises
        Rises of spend per purchase, each above 0: 0.01 is 1%.
    cost_cuts
        Cuts of the cost of winning a customer, each in (0, 1].
    model
        "auto" takes the model with the lowest AIC that is identified; or "bg_nbd", "mbg_nbd", "pareto_nbd".
    seed
        Not used, since nothing is drawn by chance; taken for the sake of a common form.

    Returns
    -------
    Result
        - "levers": one row per lever and change: `worth` with bounds, as a share of base value, per customer
        - "base": one row: yearly retention, base value, new customers a year, new customers that replace one lost
        - "keep_or_replace": one row per item: a customer kept, a new one, the cost of winning one
        - "curve": one row per point of retention, 0 to 10: worth with bounds

    Raises
    ------
    NotEnoughDataError
        If there are fewer than 10 customers, or fewer than 3 who bought on a second day.
    OptionError
        If an option is out of its range.

    Notes
    -----
    With the easing k, a customer's probability of leaving after a purchase is k p (BG/NBD, MBG/NBD), or the rate of leaving
    k mu (Pareto/NBD); k is found so that sum P(alive) S_k(1 year) / sum P(alive) is retention now plus the rise. The gain
    is m E(M) [D_k - D] summed over customers, D the discounted purchases within the horizon. A rise of spend by y is worth
    y times base value. A cut of cost by x saves x times the mean cost for as many new customers a year as in the last one.
    Bounds are by the delta method; that of a saving is from the number of new customers and the spread of their cost.

    References
    ----------
    Gupta, Lehmann, Stuart (2004), Valuing customers, Journal of Marketing Research 41 (retention, margin and acquisition
    cost compared). Fader, Hardie (2010), Customer-base valuation in a contractual setting: the perils of ignoring
    heterogeneity, Marketing Science 29.

    Examples
    --------
    >>> import crm_analytics as crm
    >>> base = crm.sample()
    >>> result = crm.retention_economics(base.table("transactions"), acquisition_cost=12.0)
    >>> result.tables()["levers"].filter(pl.col("lever") == "Spend per purchase")["worth_share"].round(9).to_list()
    [0.01, 0.05]
    """
    _check(horizon_days, annual_discount_rate, acquisition_cost, retention_points, spend_rises, cost_cuts)
    begin = None if start is None else windows.day_of("start", start)
    found = valuate(
        tx, as_of=as_of, customers=customers, reference=reference, horizon_days=horizon_days,
        annual_discount_rate=annual_discount_rate, margin=margin, model=model,
    )  # fmt: skip
    told = _tell(found, acquisition_cost, retention_points, spend_rises, cost_cuts)
    return Result.of(
        "retention_economics",
        title="Retention economics",
        headline=told.headline(),
        summary=told.summary(),
        tables={
            "levers": told.table,
            "base": tables.base_table(told.found),
            "keep_or_replace": tables.keep_table(told.found),
            "curve": tables.curve_table(told.found, told.table),
        },
        views=told.views(),
        parameters={
            "reference": None if reference is None else "given",
            "horizon_days": horizon_days,
            "annual_discount_rate": annual_discount_rate,
            "margin": margin,
            "acquisition_cost": acquisition_cost,
            "retention_points": list(retention_points),
            "spend_rises": list(spend_rises),
            "cost_cuts": list(cost_cuts),
            "model": model,
            "seed": seed,
            **found.parameters(),
        },
        provenance=windows.provenance(found.extract, found.window),
        notes=(
            *reference_notes(reference),
            *told.notes(retention_points, start_given=begin is not None),
            *candidates.notes(found.choice, found.worth.standing.histories.frame),
            *spending.notes(found.worth.spending),
        ),
        terms=TERMS,
        currency=found.extract.currency,
    )


def _tell(
    found: Valuation,
    acquisition_cost: float | None,
    retention_points: Sequence[float],
    spend_rises: Sequence[float],
    cost_cuts: Sequence[float],
) -> _Words:
    """Work out the levers and make them ready to be told."""
    base, horizon = found.base, found.horizon_days
    levers = Levers.of(base, found.worth, horizon=float(horizon), rate=found.rate)
    economics = Economics(
        levers, levers.value(), levers.alive(), levers.retention(), levers.kept(),
        levers.kept(least_repeats=1), levers.newcomer(),
        cost_of_winning(base, acquisition_cost), tables.new_a_year(base), horizon,
    )  # fmt: skip
    table = tables.lever_table(economics, retention_points, spend_rises, cost_cuts)
    return _Words(economics, table, found.extract.currency, horizon_words(horizon))


_SIDES: Final = {tables.RETENTION: "more retention", tables.SPEND: "more spend"}


class _Words:
    """The findings in words."""

    def __init__(self, found: Economics, table: pl.DataFrame, currency: str | None, ahead: str) -> None:
        self.found, self.table, self.currency, self.ahead = found, table, currency, ahead

    def money(self, value: float) -> str:
        return formats.money(value, self.currency, short=True)

    def spanned(self, row: dict[str, Any], name: str) -> str:
        low, high = (self.money(row[f"{name}_{end}"]) for end in ("lower", "upper"))
        return f"{self.money(row[name])} (95% interval {low} to {high})"

    def headline(self) -> str:
        """Say retention now and what more of it is worth."""
        kept = self.found.retention
        ends = " to ".join(formats.share(v) for v in (kept.lower, kept.upper))
        n = round(self.found.alive.value)
        text = (
            f"Of about {n:,} customer{'s' * (n != 1)} still with us, {formats.share(kept.value)} will be so "
            f"in a year (95% interval {ends})"
        )
        first = self.table.filter(pl.col("lever") == tables.RETENTION).head(1).to_dicts()
        if not first:
            return f"{text}; more can hardly be had."
        row = first[0]
        change = row["lever_change"].removeprefix("+")
        same = (
            f", as much as {formats.share(row['worth_share'])} more spend per purchase"
            if row["worth_share"]
            else ""
        )
        return f"{text}; {change} more would be worth {self.spanned(row, 'worth')} over {self.ahead}{same}."

    def views(self) -> tuple[View, ...]:
        """Give the pictures, each with its finding as its title."""
        first = self.table.filter(pl.col("lever_size") == self.table["lever_size"].min()).to_dicts()
        levers = [
            f"{r['lever_change'].lstrip('+-')} {_SIDES[r['lever']]} is worth {self.money(r['worth'])}"
            for r in first
            if r["lever"] in _SIDES
        ]
        return (
            View("levers", f"{', '.join(levers) or 'What a change is worth'}, over {self.ahead}", "levers"),
            View("curve", self._curve_title(), "curve"),
            View("keep_or_replace", self._kept_title(), "keep_or_replace"),
        )

    def _curve_title(self) -> str:
        points = self.table.filter(pl.col("lever") == tables.RETENTION).sort("lever_size").tail(1).to_dicts()
        if not points:
            return f"What points of retention are worth over {self.ahead}"
        change = points[0]["lever_change"].lstrip("+")
        return f"{change} more retention would bring {self.money(points[0]['worth'])} over {self.ahead}"

    def _kept_title(self) -> str:
        needed = self.found.needed
        if needed is None:
            return f"Keeping a customer against replacing one, over {self.ahead}"
        return f"Replacing a returning customer who is lost takes {needed.value:.1f} new ones"

    def summary(self) -> pl.DataFrame:
        """Give the findings, one row each."""
        rows = [
            (f"{row['lever']} {row['lever_change']}", row["worth"], self._lever_words(row))
            for row in self.table.to_dicts()
        ][:9]
        value = {**tables.bounded("value", self.found.value)}
        rows.append(
            (
                "The base as it stands",
                self.found.value.value,
                f"{self.spanned(value, 'value')} over {self.ahead}",
            )
        )
        for item, figure in (
            ("A customer kept", self.found.kept),
            ("A returning customer kept", self.found.returning),
            ("A new customer", self.found.newcomer),
        ):
            rows.append(
                (item, figure.value, f"{self.spanned(tables.bounded('v', figure), 'v')} over {self.ahead}")
            )
        rows += self._replacing()
        return pl.DataFrame(
            rows,
            schema={"finding": pl.String(), "worth": pl.Float64(), "finding_text": pl.String()},
            orient="row",
        )

    def _lever_words(self, row: dict[str, Any]) -> str:
        low, high = (self.money(row[f"worth_{end}"]) for end in ("lower", "upper"))
        each = "customer won a year" if row["lever"] == tables.COST else "customer there is"
        most = formats.money(row["worth_per_customer"], self.currency) if row["worth_per_customer"] else None
        return f"95% interval {low} to {high}" + (f"; may cost up to {most} per {each}" if most else "")

    def _replacing(self) -> list[tuple[str, float | None, str]]:
        cost, needed = self.found.cost, self.found.needed
        if cost is None:
            return []
        price = formats.money(cost[0], self.currency)
        if needed is None:
            return [
                (
                    "Replacing a returning customer who is lost",
                    None,
                    f"a new customer does not bring back the {price} that winning one costs",
                )
            ]
        text = f"takes {needed.value:.1f} new customers ({needed.lower:.1f} to {needed.upper:.1f}), each won for {price}"
        return [("Replacing a returning customer who is lost", None, text)]

    def notes(self, points: Sequence[float], *, start_given: bool) -> Iterator[Note]:
        """Say how retention is meant and what is not in the figures."""
        yield Note(
            "retention_defined",
            "Yearly retention is the model's: of those expected to be customers now, the share expected to be customers in a "
            "year. More of it means that every customer is less ready to leave by one common factor. It is not the share who "
            "buy within a year.",
        )
        yield Note(
            "before_costs",
            "Worth is before what the change itself costs, and says nothing of whether it can be had.",
        )
        if len(self.table.filter(pl.col("lever") == tables.RETENTION)) < len(points):
            text = "Retention is so high that not every rise asked for is possible; those beyond 99.9% are left out."
            yield Note("retention_at_its_end", text)
        if self.found.cost is None:
            text = (
                "The cost of winning customers is not known; with it, in a column of the customers table say, keeping could be "
                "compared with replacing."
            )
            yield Note("no_acquisition_cost", text, "caution", "acquisition_cost=25, say")
        if self.found.levers.worth.margin.basis == "spend":
            text = "Worth is in spend, not margin: the extract has no costs (or too few)."
            yield Note("value_is_spend", text, "caution", "margin=0.35, say")
        if start_given:
            text = "The start is not applied: how often customers buy and whether they left is read from their whole history."
            yield Note("start_not_applied", text)
        longest = float(self.found.levers.base.summary["T"].max() or 0.0)  # type: ignore[arg-type]
        if self.found.horizon_days > longest:
            text = (
                f"The horizon of {self.found.horizon_days:,} days is longer than any history ({longest:,.0f} days): what lies "
                "beyond is the model's alone."
            )
            yield Note("long_horizon", text, "caution")


def _check(
    horizon_days: int,
    annual_discount_rate: float,
    acquisition_cost: float | None,
    retention_points: Sequence[float],
    spend_rises: Sequence[float],
    cost_cuts: Sequence[float],
) -> None:
    if not 1 <= horizon_days <= _LONGEST:
        raise OptionError.out_of_range("horizon_days", horizon_days, f"1 to {_LONGEST:,} days")
    if not -1 < annual_discount_rate < 10:  # noqa: PLR2004 1000 % a year is surely a slip
        raise OptionError.out_of_range(
            "annual_discount_rate", annual_discount_rate, "a rate above -1 and below 10, e.g. 0.10 for 10%"
        )
    if acquisition_cost is not None and not acquisition_cost > 0:
        raise OptionError.out_of_range("acquisition_cost", acquisition_cost, "an amount above 0, or None")
    for name, sizes, most in (
        ("retention_points", retention_points, 1.0), ("spend_rises", spend_rises, 10.0), ("cost_cuts", cost_cuts, 1.0)
    ):  # fmt: skip
        for size in sizes:
            if not 0 < size <= most:
                raise OptionError.out_of_range(name, size, "shares above 0, such as 0.05")
