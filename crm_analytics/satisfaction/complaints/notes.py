"""What a reader of complaints must know: definitions, what was left out, and what may not be concluded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from crm_analytics import formats
from crm_analytics.results import Note
from crm_analytics.satisfaction.complaints.topics import FEWEST_BEFORE
from crm_analytics.satisfaction.complaints.words import Findings, counted, time_words

_FEW: Final = 30
_BALANCED: Final = 0.1
_DIFFERS: Final = 0.1

_CAUSE: Final = (
    "What follows a complaint is compared with customers who were alike in recency, orders, spend and time as a customer. How bad "
    "the matter was, and what else goes with a complaint or a slow answer, is not in the orders: read it as what goes with "
    "complaints, not as what they cause, until quicker handling has been tried by lot."
)
_RECOVERY: Final = (
    "A complaint handled well may raise satisfaction above what it was (the service recovery paradox), but on average not repurchase, "
    "word of mouth or image (de Matos, Henrique and Rossi 2007, Journal of Service Research 10, 60-77); the more severe the failure, "
    "the less."
)


def notes(found: Findings) -> Iterator[Note]:
    """Say what a reader must know."""
    yield from _times(found)
    yield from _contacts(found)
    yield from _extract(found)
    yield from _volume(found)
    yield from _warnings(found)
    yield from _satisfaction(found)
    yield from _cost(found)
    yield Note("intervals", _INTERVALS)


_INTERVALS: Final = (
    "Intervals are 95%: Poisson's (Byar) for numbers of cases, log(-log) for shares resolved, Brookmeyer and Crowley's for medians, "
    "Wilson's for other shares, Student's for satisfaction. Rows of one customer count as if they were independent there; what "
    "follows a complaint is clustered by matched set and by customer."
)


def _times(found: Findings) -> Iterator[Note]:
    cases, row = found.cases, found.whole
    if not cases.tells_closing:
        text = (
            "The cases have no column closed_at: how long they take, which are open, and whether the first contact was enough "
            "cannot be told."
        )
        yield Note("no_closing", text, "caution")
        return
    text = (
        f"{row['n_open_cases']:,} of {row['n_cases']:,} cases were open on {formats.value(cases.question.as_of, 'day')}; they count "
        "as long as they have been open (Kaplan-Meier). Leaving them out would make handling look quicker than it is. Hours are "
        "those of the clock, nights and weekends included."
    )
    yield Note("censoring", text)
    if cases.n_backwards:
        who = counted(cases.n_backwards, "case")
        yield Note(
            "closed_before_opened",
            f"{who} closed before being opened: how long they took is not known, and they are left out of all times.",
            "caution",
        )
    if "closed_at" not in cases.has:
        text = "No case has a time of closing: all count as open. Where closing is not recorded, leave the column out."
        yield Note("no_closing", text, "caution")
    before = int(cases.every["is_open"].sum()) - row["n_open_cases"]
    if before:
        text = (
            f"{counted(before, 'open case was', 'open cases were')} opened before the first day that counts: in the backlog and "
            "the open cases of periods, not in times, categories and customers."
        )
        yield Note("open_before", text)
    if row["n_cases"] < _FEW:
        yield Note("few_cases", f"Only {counted(row['n_cases'], 'case')}: all intervals are wide.", "caution")


def _contacts(found: Findings) -> Iterator[Note]:
    cases, row = found.cases, found.whole
    if "customer_id" not in cases.has:
        yield Note(
            "no_customers",
            "No case names its customer: contacts again, repeat complainers and what follows cannot be told.",
            "caution",
        )
        return
    days = cases.question.recontact_days
    if not cases.tells_closing:
        return
    topic = "the same topic (category)" if "category" in cases.has else "any topic, since none has a category"
    yield Note(
        "first_contact",
        f"The first contact was enough where the case was closed within {counted(days, 'day')}, not reopened, and the customer "
        f"raised no other case on {topic} within {counted(days, 'day')} of its opening. Cases opened later than that before the "
        f"as-of date are not judged yet; {row['n_first_contacts']:,} are.",
    )
    flagged, counted_rate = row["flagged_rate"], row["first_contact_rate"]
    if flagged is not None and abs(flagged - counted_rate) > _DIFFERS:
        text = (
            f"The extract's own flag says {formats.share(flagged)} were resolved at the first contact, counting contacts says "
            f"{formats.share(counted_rate)}; they agree on {formats.share(row['flag_agreement_rate'])}. Flags are set by those who are measured."
        )
        yield Note("flag_differs", text, "caution")
    missing = int(cases.counted["customer_id"].null_count())
    if missing:
        yield Note(
            "without_customer",
            f"{counted(missing, 'case')} without a customer {'counts' if missing == 1 else 'count'} in volume and times only.",
        )


def _extract(found: Findings) -> Iterator[Note]:
    if "first_answered_at" in found.cases.has:
        yield Note(
            "first_answer", "A case closed without a first answer counts as answered when it was closed."
        )
    else:
        yield Note(
            "no_first_answer",
            "The time to the first answer is not known: the cases have no column first_answered_at. Slow to answer and slow to "
            "resolve are different things.",
        )
    for code, n in sorted(found.cases.codes.items()):
        text = f"{counted(n, 'satisfaction answer')} of {code:g} {'lies' if n == 1 else 'lie'} outside the run of the scale and {'is' if n == 1 else 'are'} taken as none."
        yield Note("odd_code", text, "caution")


def _volume(found: Findings) -> Iterator[Note]:
    if not found.has_transactions:
        yield Note(
            "no_orders",
            "Without transactions there are no rates per order, no values of customers and no look at what follows a complaint.",
        )
    first = found.volume["case_period_on"][0]
    if found.orders_begin is not None and found.orders_begin < first and found.cases.question.start is None:
        text = (
            f"Orders begin on {formats.value(found.orders_begin, 'day')}, cases on "
            f"{formats.value(found.cases.every['opened_on'].min(), 'day')}: so long without any is hardly chance, so periods before the "
            "first case count as not recorded, and not as free of complaints."
        )
        yield Note("cases_begin_later", text)
    if found.narrowed:
        text = (
            f"Orders are narrowed to {' and '.join(found.narrowed)}, cases are not, since their channel is how they came in: rates per "
            "order, the value of complainers and what follows are of those orders only."
        )
        yield Note("narrowed", text, "caution")
    if found.latest["usual_cases"] is not None:
        base = "orders" if found.latest["orders_in_period"] else "days"
        text = (
            f"Limits of usual variation are three standard errors around the rate per {base[:-1]} of all whole periods, widened where "
            "periods scatter more than chance (Laney's u'); within them an up or down needs no explanation."
        )
        yield Note("limits", text)
    whole = int(found.volume["case_period_complete"].sum())
    if whole < found.volume.height:
        yield Note("unfinished", "The first or last period is not whole: it is shown and not judged.")


def _warnings(found: Findings) -> Iterator[Note]:
    if found.warnings.height:
        text = (
            f"Each category's last whole period is compared with its own {found.warnings['n_periods_before'][0]:,} before, at equal "
            f"exposure; p-values are corrected for {counted(found.warnings.height, 'category', 'categories')} (Holm), so that any false "
            "warning is rare. Slow growth over many periods shows in the volume, not here."
        )
        yield Note("warnings", text)
    elif "category" in found.cases.has:
        yield Note(
            "no_warnings",
            f"Growth of categories is judged from {FEWEST_BEFORE + 1} whole periods on, of categories with 5 cases or more.",
        )


def _satisfaction(found: Findings) -> Iterator[Note]:
    if found.satisfaction.height:
        days = found.cases.question.survey_days
        text = (
            "Satisfaction is of those who answered, which the most and least satisfied do more often. Answers from surveys are the "
            f"first of the customer within {days} days after the case was closed, about whatever they were asked."
        )
        yield Note("satisfaction", text)
    if found.silent.height:
        yield Note(
            "silent", "Most of the dissatisfied never complain: few complaints are no proof of few failures."
        )


def _cost(found: Findings) -> Iterator[Note]:
    cost, question = found.cost, found.cases.question
    if not cost.table.height:
        if found.has_transactions and "customer_id" in found.cases.has:
            yield _no_cost(found)
        yield Note("recovery_paradox", _RECOVERY)
        return
    who = (
        "who had not complained by that day"
        if found.controls == "not_yet"
        else "who had not complained by that day nor until the end of the outcome window"
    )
    yield Note(
        "matching",
        f"Each customer's first complaint counts. Matched are the nearest customers {who}, alike on the day of the complaint; a regression takes out what differences are left. Orders are "
        f"counted over {question.horizon_days} days, beginning {question.target_days} days after the complaint, when it is known "
        f"whether it was handled within {time_words(question.target_hours)}; {counted(cost.n_too_recent, 'complaint')} too recent for "
        f"that, {counted(cost.n_without_orders, 'complainer')} without an order before.",
    )
    if found.controls == "never":
        text = (
            "Customers who complain later are left out of the comparison: since who orders more has more to complain about, that "
            "leaves the ones who ordered less, and makes complaints look harmless."
        )
        yield Note("looks_ahead", text, "caution")
    if cost.n_drawn:
        yield Note("drawn", f"{cost.n_drawn:,} complainers were drawn by lot.")
    worst = cost.balance["imbalance_after"].abs().max()
    if isinstance(worst, float) and worst > _BALANCED:
        text = f"Matched customers still differ by up to {worst:.2f} standard deviations: see the balance."
        yield Note("imbalance", text, "caution")
    thin = cost.table.filter(pl.col("n_matched") < _FEW)["complainer_group"].to_list()
    if thin:
        yield Note("few_matched", f"Fewer than {_FEW} complainers: {', '.join(thin)}.", "caution")
    yield Note("cause", _CAUSE, "caution")
    yield Note("recovery_paradox", _RECOVERY)


def _no_cost(found: Findings) -> Note:
    """Say why it cannot be told what follows a complaint."""
    cost = found.cost
    if cost.n_without_orders and not cost.n_too_recent + cost.n_unmatched:
        text = (
            f"None of {counted(cost.n_without_orders, 'complainer')} is known to have bought before the complaint: what follows one "
            "cannot be told. Are customers named alike in cases and orders?"
        )
        return Note("no_cost", text, "caution")
    text = (
        "Too few customers with a first complaint can be compared to say what follows one: "
        f"{counted(cost.n_without_orders, 'complainer')} without an order before, {cost.n_too_recent:,} too recent for the outcome "
        f"window, {cost.n_unmatched:,} seen through it of whom too few had anybody alike."
    )
    return Note("no_cost", text)
