"""The explicit list of analyses. A new analysis adds one entry here; every face finds it by this list."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from crm_analytics import formats
from crm_analytics.aggregates.window import BaseDay
from crm_analytics.errors import CrmError, OptionError, UnknownNameError
from crm_analytics.results import Note, Result

if TYPE_CHECKING:
    from crm_analytics.extracts.base import CustomerBase
    from crm_analytics.extracts.extract import Extract


@dataclass(frozen=True)
class Analysis:
    """One analysis: its name, the question it answers, where it lives and which tables it reads.

    `table` drives the analysis and is its first argument; `instead` are tables that may drive it where the base has not
    that one; `also` are tables passed by keyword where the base has them.
    """

    name: str
    title: str
    question: str
    module: str
    table: str
    also: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    applies: str = ""

    def driver(self, base: CustomerBase) -> str | None:
        """Give the name of the table of a base that drives the analysis, or None where the base has none that can."""
        tables = (name for name in (self.table, *self.instead) if base.has(name))
        return next((name for name in tables if self._applies_to(base, name)), None)

    def _applies_to(self, base: CustomerBase, name: str) -> bool:
        if not self.applies:
            return True
        module, _, predicate = self.applies.partition(":")
        try:
            return bool(getattr(importlib.import_module(module), predicate)(base.table(name)))
        except CrmError:  # a table that cannot be read: the analyses it always serves say why
            return False

    @property
    def function(self) -> Callable[..., Result]:
        """The function itself, imported when asked for."""
        found: Callable[..., Result] = getattr(importlib.import_module(self.module), self.name)
        return found


ANALYSES: tuple[Analysis, ...] = (
    Analysis(
        "overview",
        "The customer base",
        "How is the customer base doing, against the period before and the same period last year?",
        "crm_analytics.key_figures.overview",
        table="transactions",
        also=("customers",),
    ),
    Analysis(
        "rfm",
        "RFM segments",
        "Which customers are recent, frequent and valuable, and which are slipping away?",
        "crm_analytics.segmentation.rfm",
        table="transactions",
        also=("customers",),
    ),
    Analysis(
        "value_tiers",
        "Value tiers",
        "Who brings the money, how concentrated is it, and which good customers are declining?",
        "crm_analytics.segmentation.value_tiers",
        table="transactions",
        also=("customers",),
    ),
    Analysis(
        "lifetime_value",
        "Lifetime value",
        "What will the customers there are still bring, who brings it, and which good customers are slipping?",
        "crm_analytics.clv.value.analysis",
        table="transactions",
        also=("customers",),
    ),
    Analysis(
        "clv_validation",
        "Can the forecast be trusted?",
        "How far were forecasts of purchases and spend off when made in the past, and do they beat simple rules?",
        "crm_analytics.clv.validation.analysis",
        table="transactions",
        also=("customers",),
    ),
    Analysis(
        "buying_patterns",
        "How customers buy",
        "How often, how regularly and for how much do customers buy, when do they leave, and does the model tell it as it was?",
        "crm_analytics.clv.buying.analysis",
        table="transactions",
    ),
    Analysis(
        "retention_economics",
        "Retention economics",
        "What is it worth to keep customers longer, beside winning them more cheaply or selling them more?",
        "crm_analytics.clv.economics.analysis",
        table="transactions",
        also=("customers",),
    ),
    Analysis(
        "cohort_retention",
        "Cohort retention",
        "How many customers stay, is it getting better, and where are they lost?",
        "crm_analytics.retention.cohorts.analysis",
        table="transactions",
        also=("customers",),
    ),
    Analysis(
        "repeat_purchase",
        "Repeat purchase",
        "Do customers come back, how soon and how often, who is late, and what goes with coming back?",
        "crm_analytics.retention.repeat_purchase.analysis",
        table="transactions",
        also=("customers",),
    ),
    Analysis(
        "lifecycle",
        "Life cycle",
        "Who comes, stays, falls silent and comes back, and where is the customer base heading?",
        "crm_analytics.retention.lifecycle.analysis",
        table="transactions",
        also=("customers",),
    ),
    Analysis(
        "survival",
        "Survival",
        "How long do customers stay, when is the loss highest, and who leaves sooner?",
        "crm_analytics.retention.survival.analysis",
        table="subscriptions",
        also=("customers",),
        instead=("transactions",),
    ),
    Analysis(
        "revenue_retention",
        "Revenue retention",
        "How much of recurring revenue is kept, what is lost, what comes on top, and what will today's customers still bring?",
        "crm_analytics.retention.revenue.analysis",
        table="subscriptions",
        also=("customers",),
        instead=("transactions",),
    ),
    Analysis(
        "satisfaction_scores",
        "Satisfaction scores",
        "How satisfied are customers, has that changed, and which groups differ from the rest?",
        "crm_analytics.satisfaction.scores.analysis",
        table="surveys",
        also=("customers",),
    ),
    Analysis(
        "satisfaction_drivers",
        "Satisfaction drivers",
        "Which ratings go with satisfaction most, how surely, and what would a point more bring?",
        "crm_analytics.satisfaction.drivers.analysis",
        table="surveys",
        also=("customers",),
    ),
    Analysis(
        "importance_performance",
        "What to fix first",
        "Which drivers of satisfaction are important and rated low, and how sure is that?",
        "crm_analytics.satisfaction.importance.analysis",
        table="surveys",
        also=("customers",),
    ),
    Analysis(
        "penalty_reward",
        "Must-bes and delighters",
        "Which drivers of satisfaction only hurt when poor, and which only please when good?",
        "crm_analytics.satisfaction.penalty.analysis",
        table="surveys",
    ),
    Analysis(
        "kano",
        "Kano questionnaires",
        "Which features must be there, which count by degree, and which would delight?",
        "crm_analytics.satisfaction.kano.analysis",
        table="surveys",
        applies="crm_analytics.extracts.recognising.question_pairs:asks_in_pairs",
    ),
    Analysis(
        "complaints",
        "Complaints",
        "How many complaints are there, about what, how fast are they resolved, and what do they cost?",
        "crm_analytics.satisfaction.complaints.analysis",
        table="cases",
        also=("transactions", "surveys", "customers"),
    ),
)


def analysis(name: str) -> Analysis:
    """Give the analysis of this name, or say which there are."""
    for found in ANALYSES:
        if found.name == name:
            return found
    raise UnknownNameError.of("analysis", name, (a.name for a in ANALYSES))


def run(name: str, base: CustomerBase, **options: Any) -> Result:  # noqa: ANN401 each analysis has options of its own
    """Run an analysis on a customer base, as the command line and the dashboards do.

    Options go to the analysis; the base gives its tables and, unless overridden, its window (`start`, `as_of`). Where
    nobody said an `as_of`, every analysis of the base sees up to the last row of any of its tables.

    Raises
    ------
    OptionError
        If the base is something else, such as a path or a frame.
    UnknownNameError
        If there is no such analysis, or it has no such option.
    """
    entry = analysis(name)
    if not callable(getattr(base, "table", None)):
        raise OptionError(
            f"What was given as the base is of the type {type(base).__name__!r}.",
            "A customer base was expected.",
            f'Open one: crm.run("{name}", crm.open("orders.csv")). A frame or file goes to crm.{name}(...) itself.',
        )
    known = list(inspect.signature(entry.function).parameters)[1:]
    for option in options:
        if option not in known:
            raise UnknownNameError.of(f"option of {name}", option, known)
    driver = base.table(entry.driver(base) or entry.table)
    tables = {other: base.table(other) for other in entry.also if base.has(other)}
    said = {"as_of": base.as_of, "start": base.start, **tables, **options}
    if said["as_of"] is not None:
        return entry.function(driver, **said)
    return _up_to_the_last_row(entry, driver, base, said)


_EARLY_DAYS: Final = 31
"""A table that ends so many days before the last row of the base may have been drawn earlier than the others."""


def _up_to_the_last_row(entry: Analysis, driver: Extract, base: CustomerBase, said: dict[str, Any]) -> Result:
    """Run an analysis up to the last row of any table of the base; say so where the analysis' own table ends long before."""
    last = base.last_row()
    if last is None:
        return entry.function(driver, **said)
    as_of = last[0] + timedelta(days=1)
    result = entry.function(driver, **{**said, "as_of": BaseDay(as_of.year, as_of.month, as_of.day)})
    own = driver.check.window_end
    days = 0 if own is None else (last[0] - own.date()).days
    if own is None or days <= _EARLY_DAYS:
        return result
    text = (
        f"The {driver.table} end on {formats.value(own.date(), 'day')}, {days:,} days before the last row of the base (in its "
        f"{last[1]}): they are taken to have ceased. If they were only drawn earlier, set as_of={own.date() + timedelta(days=1)}."
    )
    return replace(result, notes=(Note("table_ends_early", text, "caution"), *result.notes))
