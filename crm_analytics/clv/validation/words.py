"""The validation in words: headline, summary, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.clv.models import candidates
from crm_analytics.clv.validation.accuracy import Accuracy, against
from crm_analytics.clv.validation.holdout import WEEK
from crm_analytics.clv.validation.judged import NAMES, Judged, best_rule
from crm_analytics.clv.validation.simple_rules import IN_WORDS
from crm_analytics.clv.worth import spending
from crm_analytics.results import Note

_FEW: Final = 200
_OFF: Final = 0.10
"""Off in total by this part or more, and surely, it is said before anybody plans with sums."""

_HARDLY: Final = 0.1
_A_LITTLE: Final = 0.005  # of a rank correlation: no difference

_MOST_GROUPS: Final = 3
_MOST_OTHERS: Final = 4  # periods in the summary beside the latest

_SMALL: Final = 0.005  # what rounds to 0 %


@dataclass(frozen=True, eq=False)
class Told:
    """What the words are made of."""

    periods: Sequence[Judged]
    frequency: pl.DataFrame
    groups: pl.DataFrame
    folds: pl.DataFrame
    independence: pl.DataFrame
    asked_origins: int
    n_folds: int
    missed_origins: Sequence[date]
    currency: str | None

    @property
    def last(self) -> Judged:
        """The latest period."""
        return self.periods[0]

    @property
    def found(self) -> Accuracy:
        """Accuracy of the model taken, for purchases, in the latest period."""
        return self.last.purchases[self.last.chosen]

    @property
    def rule(self) -> Accuracy:
        """Accuracy of the simple rule with the smallest miss in the latest period."""
        return self.last.purchases[self.last.rule]

    def money(self, value: float) -> str:
        """Write money in the currency of the extract."""
        return formats.money(value, self.currency)


def period_words(days: int) -> str:
    """Say a period in words.

    >>> period_words(273), period_words(7), period_words(100), period_words(1)
    ('39 weeks', 'week', '100 days', 'day')
    """
    n, unit = (days // WEEK, "week") if days % WEEK == 0 else (days, "day")
    return unit if n == 1 else f"{n} {unit}s"


def headline(told: Told) -> str:
    """Say in one sentence how far the model was off, and whether it beat the best simple rule."""
    last, found = told.last, told.found
    ahead = period_words(int(last.back.horizon))
    off = found.values["total_error"]
    miss = found.values["mae"] or 0.0
    if off is None:
        text = f"Over the last {ahead} nobody of {last.n:,} customers bought, where the {last.choice.label} model expected"
        return f"{text} {found.forecast:,.1f} purchases."
    text = (
        f"Over the last {ahead} the {last.choice.label} model was off by {formats.share(abs(off))} in total and missed a "
        f"customer by {miss:.2f} purchases on average"
    )
    return f"{text}, {_compared(told)}."


def _compared(told: Told) -> str:
    last = told.last
    difference, _, _ = against(told.found, told.rule, "mae")
    rule = f"the best simple rule ({IN_WORDS[last.rule]})"
    amount = _percent(difference)
    match last.verdict():
        case "better":
            return f"{amount} less than {rule}"
        case "worse":
            return f"{amount} more than {rule}, which it does not beat"
        case _ if difference is None or abs(difference) < _SMALL:
            return f"as much as {rule}, which it does not beat"
        case _:
            side = "less" if difference < 0 else "more"
            return f"{amount} {side} than {rule}, which it does not clearly beat"


def _percent(share: float | None) -> str:
    return "0%" if share is None else f"{100 * abs(share):.0f}%"


def _spanned(one: Accuracy, name: str, digits: int = 2) -> str:
    low, high = one.interval(name)
    value = f"{one.values[name]:.{digits}f}"
    return value if low is None or high is None else f"{value} ({low:.{digits}f} to {high:.{digits}f})"


def summary(told: Told) -> pl.DataFrame:
    """Give the findings, one row each."""
    rows = [
        *_total(told), *_misses(told), *_order(told), *_by_frequency(told), *_money(told), *_elsewhere(told), *_folds(told),
        *_independence(told),
    ]  # fmt: skip
    schema = {"finding": pl.String(), "n_customers": pl.Int64(), "finding_text": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row")


_Row = tuple[str, int, str]


def _total(told: Told) -> Iterator[_Row]:
    found = told.found
    off = found.values["total_error"]
    text = f"{found.forecast:,.0f} purchases forecast, {found.actual:,.0f} made"
    if off is not None:
        low, high = found.interval("total_error")
        side = "too few" if off < 0 else "too many"
        text += f": {formats.share(abs(off))} {side}"
        if low is not None and high is not None:
            text += f" (95% interval {_signed(low)} to {_signed(high)})"
    yield "In total", told.last.n, text


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}%"


def _misses(told: Told) -> Iterator[_Row]:
    last = told.last
    rule = f"{NAMES[last.rule].lower()} {told.rule.values['mae']:.2f}"
    yield "A customer", last.n, f"missed by {_spanned(told.found, 'mae')} purchases; {rule}"
    large = best_rule(last.purchases, "rmse")
    rule = f"{NAMES[large].lower()} {last.purchases[large].values['rmse']:.2f}"
    yield "A customer, squared", last.n, f"root mean square {_spanned(told.found, 'rmse')}; {rule}"


def _order(told: Told) -> Iterator[_Row]:
    found = told.found
    if found.values["rank_correlation"] is not None:
        text = f"rank correlation with what they did {_spanned(found, 'rank_correlation')}"
        yield "Who buys more", told.last.n, text
    if found.values["top_decile_lift"] is not None:
        text = f"made {_spanned(found, 'top_decile_lift', 1)} times the average number of purchases"
        yield "The tenth rated highest", -(-told.last.n // 10), text


def _by_frequency(told: Told) -> Iterator[_Row]:
    gap = (pl.col("forecast_per_customer") - pl.col("actual_per_customer")) * pl.col("n_customers")
    worst = told.frequency.sort(gap.abs(), descending=True).row(0, named=True)
    side = "too few" if worst["forecast_per_customer"] < worst["actual_per_customer"] else "too many"
    text = (
        f"with {worst['bought_again']} repeat purchases before: {worst['forecast_per_customer']:.2f} forecast each, "
        f"{worst['actual_per_customer']:.2f} made, {side}"
    )
    yield "Most of the error", worst["n_customers"], text


def _money(told: Told) -> Iterator[_Row]:
    last = told.last
    if not last.spend:
        return
    found, rule = last.spend[last.chosen], best_rule(last.spend)
    off = found.values["total_error"] or 0.0
    text = (
        f"{told.money(found.forecast)} forecast, {told.money(found.actual)} came: {formats.share(abs(off))} "
        f"{'too little' if off < 0 else 'too much'}"
    )
    yield "In money", last.n, text
    miss, other = (told.money(last.spend[name].values["mae"] or 0.0) for name in (last.chosen, rule))
    yield "A customer, in money", last.n, f"missed by {miss}; {NAMES[rule].lower()} {other}"


def _elsewhere(told: Told) -> Iterator[_Row]:
    for judged in told.periods[1 : 1 + _MOST_OTHERS]:
        found = judged.purchases[judged.chosen]
        off, miss = found.values["total_error"], found.values["mae"]
        difference, _, _ = against(found, judged.purchases[judged.rule], "mae")
        if off is None or difference is None:
            continue
        side = "less" if difference < 0 else "more"
        text = (
            f"{_signed(off)} in total; missed by {miss:.2f}, {_percent(difference)} {side} than the best rule "
            f"({judged.choice.label})"
        )
        yield f"From {formats.value(judged.back.origin, 'day')}", judged.n, text


def _folds(told: Told) -> Iterator[_Row]:
    if told.folds.is_empty():
        return
    n = told.folds["n_customers"]
    miss = float((told.folds["mae"] * n).sum()) / float(n.sum())
    text = f"missed by {miss:.2f} on average; {told.found.values['mae']:.2f} where the model was fitted to them too"
    yield "New to the model", int(n.sum()), text


def _independence(told: Told) -> Iterator[_Row]:
    for row in told.independence.iter_rows(named=True):
        if row["spend_correlation"] is not None:
            text = f"correlation {row['spend_correlation']:.2f}{_ends(row, 'spend_correlation')}"
            yield "How often against how much", row["n_customers"], text


def _ends(row: Mapping[str, Any], name: str) -> str:
    low, high = row[f"{name}_lower"], row[f"{name}_upper"]
    return "" if low is None or high is None else f" (95% interval {low:.2f} to {high:.2f})"


def notes(told: Told, start: date | None) -> Iterator[Note]:
    """Say what a reader must know."""
    yield from _verdict(told)
    yield from _bias(told)
    yield from candidates.notes(told.last.choice, told.last.back.histories.frame)
    yield from _spend_notes(told)
    yield _rules(told)
    yield Note(
        "intervals",
        "Bounds are by bootstrap over customers: they say how the figures would differ with other customers of the same kind, "
        "not how they would in another season.",
    )
    yield from _limits(told)
    if start is not None:
        text = (
            f"The start, {formats.value(start, 'day')}, is not applied: how often customers buy and whether they left is "
            "read from their whole history."
        )
        yield Note("start_not_applied", text)


def _verdict(told: Told) -> Iterator[Note]:
    verdicts = [judged.verdict() for judged in told.periods]
    won, n = verdicts.count("better"), len(verdicts)
    periods = "the one period looked at" if n == 1 else f"{won} of {n} periods"
    if verdicts[0] == "better":
        yield Note("beats_the_rules", f"The model beat every simple rule in {periods}.")
    else:
        clear = "misses by more than" if verdicts[0] == "worse" else "is not clearly better than"
        large = told.last.purchases[best_rule(told.last.purchases, "rmse")]
        difference, _, upper = against(told.found, large, "rmse")
        squared = (
            f" Its large misses are smaller, though (root mean squared miss {_percent(difference)} below the best rule's)."
            if upper is not None and upper < 0
            else ""
        )
        text = (
            f"For single customers the model {clear} the best simple rule, {IN_WORDS[told.last.rule]} (better in {won} of {n} "
            f"{'period' if n == 1 else 'periods'}).{squared} To choose whom to address, that rule does as well; take the model for "
            "totals, for the chance of having left, and for customers with a short history. A longer history may help, and so "
            "may leaving out bulk buyers, or groups that differ (channels, countries), each validated by itself."
        )
        yield Note("does_not_beat_the_rules", text, "caution")
    ranked = {
        name: told.last.purchases[name].values["rank_correlation"]
        for name in IN_WORDS
        if name in told.last.purchases
    }
    mine = told.found.values["rank_correlation"]
    best = max(ranked, key=lambda name: ranked[name] or -1.0)
    if mine is not None and (ranked[best] or -1.0) > mine + _A_LITTLE:
        text = (
            f"In putting customers in order, {IN_WORDS[best]} does as well or better (rank correlation {ranked[best]:.2f} "
            f"against {mine:.2f}): the gain of the model lies in how much, not in who."
        )
        yield Note("order_by_a_rule", text)


def _bias(told: Told) -> Iterator[Note]:
    errors = [e for j in told.periods if (e := j.purchases[j.chosen].values["total_error"]) is not None]
    off = told.found.values["total_error"]
    if off is None:
        text = "Nobody bought in the latest period: was the extract cut off, or did the shop close?"
        yield Note("nobody_bought", text, "caution")
        return
    low, high = told.found.interval("total_error")
    if abs(off) >= _OFF and low is not None and high is not None and low * high > 0:
        same = len(errors) > 1 and all((e > 0) == (off > 0) for e in errors)
        often = f" in all {len(errors)} periods" if same else ""
        text = (
            f"Totals are {'too low' if off < 0 else 'too high'}{often} ({_signed(off)} in the latest): the pace of buying "
            "changed, by season, campaign or trend, which the model does not know. Take that into account before planning with "
            "sums; the order of customers suffers less."
        )
        yield Note("off_in_total", text, "caution")
    yield from _groups_off(told, off)
    yield from _spend_bias(told, off)


def _groups_off(told: Told, off: float) -> Iterator[Note]:
    """Name the groups that are surely off by more than the whole is, the largest errors first."""
    apart = (pl.col("total_error_lower") > off + _OFF) | (pl.col("total_error_upper") < off - _OFF)
    size = (pl.col("forecast_purchases") - pl.col("actual_purchases")).abs()
    found = told.groups.filter(apart).sort(size, descending=True).head(_MOST_GROUPS)
    if found.is_empty():
        return
    named = ", ".join(
        f"{row['group_kind'].lower()} {row['group']} ({_signed(row['total_error'])})"
        for row in found.iter_rows(named=True)
    )
    text = (
        f"Some groups are off otherwise than the whole ({_signed(off)}): {named}. One model for all does not fit them; where a "
        "group is large, fit and validate it by itself."
    )
    yield Note("groups_off", text)


def _spend_bias(told: Told, off: float) -> Iterator[Note]:
    """Say where money is off by more than purchases are: what was spent per purchase changed."""
    if not told.last.spend or not told.found.forecast:
        return
    money = told.last.spend[told.last.chosen]
    each, came = money.forecast / told.found.forecast, money.actual / told.found.actual
    if abs(each / came - 1) >= _OFF:
        text = (
            f"A purchase was forecast at {told.money(each)} and came to {told.money(came)} on average, so money is off by "
            f"{_signed(money.values['total_error'] or 0.0)} where purchases are off by {_signed(off)}: prices or baskets "
            "changed, or a few very large purchases came."
        )
        yield Note("spend_per_purchase_changed", text, "caution")


def _spend_notes(told: Told) -> Iterator[Note]:
    if told.last.spending is None:
        yield Note("no_spend", "There is no spend on both sides of the origin; only purchases are validated.")
        return
    yield from (note for note in spending.notes(told.last.spending) if note.code != "spend_model")
    for row in told.independence.iter_rows(named=True):
        if row["spend_correlation"] is not None:
            yield _dependence(row)


def _dependence(row: Mapping[str, Any]) -> Note:
    """Say whether how often and how much go together, which the Gamma-Gamma model takes not to be so."""
    value, by_rank = row["spend_correlation"], row["spend_rank_correlation"] or 0.0
    strong = abs(value) >= spending.STRONG
    if strong:
        finding = "they go together, which the Gamma-Gamma model by itself does not allow for"
    elif not any(_is_sure(row, name) for name in ("spend_correlation", "spend_rank_correlation")):
        finding = "no sign that they go together, as the Gamma-Gamma model supposes"
    elif max(abs(value), abs(by_rank)) < _HARDLY:
        finding = "they hardly go together, as the Gamma-Gamma model supposes"
    else:
        finding = "they go together, though weakly; the Gamma-Gamma model neglects it"
    text = (
        f"How often customers bought again and what they spent each time correlate at {value:.2f}"
        f"{_ends(row, 'spend_correlation')}, by rank {by_rank:.2f}{_ends(row, 'spend_rank_correlation')}: {finding}."
    )
    return Note("frequency_and_spend", text, "caution" if strong else "info")


def _is_sure(row: Mapping[str, Any], name: str) -> bool:
    low, high = row[f"{name}_lower"], row[f"{name}_upper"]
    return low is not None and high is not None and low * high > 0


def _rules(told: Told) -> Note:
    back = told.last.back
    lookback = f"the last {period_words(back.lookback)}"
    text = (
        "The simple rules: own mean rate so far (repeat purchases by days since the first purchase); as in the last period "
        f"({lookback} before the forecast); average of similar customers (what followed in those for customers who were then "
        "in the same fifth of frequency and of days since the last purchase); all customers alike. Each is scaled to the "
        "length of the holdout period, and knows only what lies before it."
    )
    return Note("simple_rules", text)


def _limits(told: Told) -> Iterator[Note]:
    if told.last.n < _FEW:
        text = f"With {told.last.n:,} customers the figures are rough: look at their intervals."
        yield Note("few_customers", text, "caution")
    if "similar" not in told.last.purchases:
        text = "Nobody was a customer one period earlier, so there is no average of similar customers to compare with."
        yield Note("no_similar_customers", text)
    if told.missed_origins:
        days = ", ".join(formats.value(day, "day") for day in told.missed_origins)
        yield Note(
            "origin_left_out",
            f"Too few customers had bought again by {days}; no forecast is made from there.",
        )
    possible = len(told.periods) + len(told.missed_origins)
    if possible < told.asked_origins:
        text = f"The history has room for {possible} of the {told.asked_origins} origins asked for."
        yield Note("fewer_origins", text)
    places = [judged.back.origin for judged in told.periods]
    if len(places) > 1 and (places[0] - places[1]).days < told.last.back.horizon:
        yield Note(
            "overlap", "The holdout periods overlap, so their figures are not independent of each other."
        )
    if told.folds.height < told.n_folds:
        text = f"{told.n_folds - told.folds.height} of {told.n_folds} folds are left out: too few of the others bought again."
        yield Note("folds_left_out", text)
