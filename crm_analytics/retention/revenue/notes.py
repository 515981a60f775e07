"""What a reader of revenue retention must know: what was assumed, what is weak, what was left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from crm_analytics import formats
from crm_analytics.aggregates.window import Window
from crm_analytics.results import Note
from crm_analytics.retention.revenue.outlook import Outlook
from crm_analytics.retention.revenue.words import Findings, counted, period_name

_FEW: Final = 30
_MANY_DAY_AFTER: Final = 0.05
_LEAST_DAY_AFTER: Final = 3
_LOPSIDED: Final = 0.25
_MANY_LATER: Final = 0.02
_SAME: Final = 0.0005  # looks the same, written in tenths of a percent


def notes(found: Findings, window: Window, *, asked: int, grace_days: int) -> Iterator[Note]:
    """Give the notes, weighty ones first."""
    yield from _amounts(found)
    yield from _ends(found, window, grace_days)
    yield from _orders(found)
    yield from _sizes(found)
    yield from _stretch(found, asked)
    yield from _definitions(found)
    yield from _ahead(found)


def _amounts(found: Findings) -> Iterator[Note]:
    facts = found.ledger.facts
    if not found.ledger.has_money:
        text = "No contract has a monthly amount: customers are counted, and nothing is said of revenue."
        yield Note("no_amounts", text, "caution")
    elif facts.get("n_unpriced"):
        text = (
            f"{counted(facts['n_unpriced'], 'customer')} with a contract whose monthly amount is not known "
            f"{'is' if facts['n_unpriced'] == 1 else 'are'} counted as customers and left out of all revenue."
        )
        yield Note("some_amounts_unknown", text, "caution")
    if facts.get("n_never_paying"):
        text = (
            f"{counted(facts['n_never_paying'], 'customer')} never had a contract that costs anything and "
            f"{'counts' if facts['n_never_paying'] == 1 else 'count'} as no customer here; who goes from a free contract to a paid one "
            "is new then, who goes back to a free one is lost."
        )
        yield Note("free_contracts", text)


def _ends(found: Findings, window: Window, grace_days: int) -> Iterator[Note]:
    facts = found.ledger.facts
    if facts.get("n_no_day"):
        n = facts["n_no_day"]
        text = f"{counted(n, 'contract period')} that {'ends' if n == 1 else 'end'} on or before the first day {'is' if n == 1 else 'are'} left out."
        yield Note("contracts_without_a_day", text)
    after, ends = facts.get("n_day_after", 0), facts.get("n_ends", 0)
    if not grace_days and after >= max(_LEAST_DAY_AFTER, _MANY_DAY_AFTER * ends):
        text = (
            f"{counted(after, 'contract')} ended exactly a day before the customer's next one began. If the extract gives the last day "
            "of a contract and not the day after, a grace of one day lets these customers count as staying."
        )
        yield Note("ends_a_day_before", text, "caution", "grace_days=1")
    if facts.get("n_later_ends") and not window.as_of_given:
        text = (
            f"{counted(facts['n_later_ends'], 'contract')} {'has' if facts['n_later_ends'] == 1 else 'have'} an end on or after "
            f"{formats.value(window.as_of, 'day')}, {window.rule}. Such ends count as not seen yet; if they "
            "have happened, set as_of."
        )
        many = facts["n_later_ends"] > _MANY_LATER * max(facts.get("n_ends", 0), 1)
        yield Note("ends_not_seen", text, "caution" if many else "info")


def _orders(found: Findings) -> Iterator[Note]:
    if found.ledger.kind != "orders":
        return
    period = found.ledger.period
    text = (
        f"Orders are no contracts: lost means without a purchase, not gone. Over one {period} everybody who buys less often than "
        f"once a {period} is lost and returns; judge by the {found.over}, or take a longer period."
    )
    yield Note("orders_are_no_contracts", text, "caution")
    first = formats.value(found.ledger.starts[0], "day")
    yield Note(
        "new_in_the_extract",
        f"New means new in the extract, which begins in the {period} from {first}: customers from before that count as new.",
    )
    refunds = -float(found.tables["bridge"]["refund_balance"].sum())
    if refunds > 0:
        text = (
            f"Customers got back {found.money(refunds)} more than they paid in some {period}s. That is in the ledger and in no "
            "movement, so that closing revenue and refunds beyond purchases make the ledger."
        )
        yield Note("refunds_beyond_purchases", text)


def _sizes(found: Findings) -> Iterator[Note]:
    rate = found.rate("customers_cohort")
    if rate is not None and rate["n_customers"] < _FEW:
        text = f"Only {counted(rate['n_customers'], 'customer')} at the beginning of the stretch: intervals from so few are too short."
        yield Note("few_customers", text, "caution")
    if found.ledger.has_money:
        opening = float(found.steps["Opening"]["step_revenue"])
        most = found.tables["customers"]["trailing_opening_revenue"].max()
        share = float(most) / opening if isinstance(most, float) and opening > 0 else 0.0
        if share > _LOPSIDED:
            text = f"One customer makes {formats.share(share)} of the revenue of the beginning: the rate is largely about that one."
            yield Note("one_large_customer", text, "caution")


def _stretch(found: Findings, asked: int) -> Iterator[Note]:
    period = found.ledger.period
    if found.n < asked:
        text = (
            f"{counted(asked, period)} were asked for and the extract allows {found.n}: all figures of the stretch are over "
            f"{found.over} and not to be set beside those of a year."
        )
        yield Note("shorter_stretch", text, "caution")
    if not found.ledger.complete[-1]:
        name = period_name(found.ledger.starts[-1], period)
        yield Note(
            "unfinished_period",
            f"{name[:1].upper()}{name[1:]} is not over: it is shown and stands in no rate.",
        )


def _definitions(found: Findings) -> Iterator[Note]:
    keys = [
        k
        for k in ("cohort", "cohort_with_returned", "compounded", "compounded_with_returned", "summed")
        if k in found.rates
    ]
    rows = {k: row for k in keys if (row := found.rate(k)) is not None}
    spread = [row["rate"] for row in rows.values()]
    if len(rows) > 1 and max(spread) - min(spread) > _SAME:
        low, high = (min(rows, key=lambda k: rows[k]["rate"]), max(rows, key=lambda k: rows[k]["rate"]))
        text = (
            f"By definition, net revenue retention over the {found.over} is anything from {formats.share(rows[low]['rate'])} "
            f"({_lower(found.rates[low].definition.name)}) to {formats.share(rows[high]['rate'])} "
            f"({_lower(found.rates[high].definition.name)}). Compare figures of one definition only."
        )
        yield Note("definitions_differ", text)


def _lower(name: str) -> str:
    return f"{name[:1].lower()}{name[1:]}"


def _ahead(found: Findings) -> Iterator[Note]:
    if not isinstance(found.ahead, Outlook):
        if found.ledger.kind == "contracts":
            yield Note("no_outlook", found.ahead)
        return
    model, renewal = found.ahead.model, found.ahead.renewal
    by = "" if renewal == "month" else f", renewed by the {renewal} (contracts end with whole {renewal}s)"
    text = (
        f"The outlook is of the customers there are, at today's amounts: no new or returned customers, no changes of plan. Model of "
        f"contract churn (shifted-beta-geometric, a = {model.a:.2f}, b = {model.b:.2f}) from {counted(found.ahead.n_contracts, 'contract')}, "
        f"{found.ahead.n_lost:,} of them ended{by}; of newcomers {formats.share(found.ahead.newcomer_year)} stay for 12 months by it."
    )
    yield Note("outlook_model", text)
