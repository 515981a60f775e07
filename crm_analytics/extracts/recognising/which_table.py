"""Which table a source is: how well its headings and values fit each contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from crm_analytics.errors import SourceError
from crm_analytics.extracts.raw import RawTable
from crm_analytics.extracts.recognising.profiles import Profile, profiles, sample_of
from crm_analytics.extracts.recognising.question_pairs import question_pairs
from crm_analytics.extracts.recognising.which_column import Recognition, missing_error, recognise
from crm_analytics.tables import TABLES, Table

LOOK_AT: Final = 50_000
"""Rows that are looked at."""
_NAMED_SO: Final = 2.0  # what a file's own name says counts like two sure columns
_INCOMPLETE: Final = 0.3
_CONTRACT: Final = frozenset({"started_on", "ended_on", "plan"})
_IS_CONTRACT: Final = (
    4.0  # beside its span and plan a contract's amount, quantity, currency and status speak for no order
)


def looked_at(raw: RawTable) -> list[Profile]:
    """Give the profiles of the columns of a source from its first rows."""
    seen = profiles(sample_of(raw.frame.head(LOOK_AT).collect(engine="streaming"), raw.headings))
    if not seen:
        raise SourceError.empty(raw.source)
    return list(seen)


def table_scores(
    headings: Sequence[str],
    seen: Sequence[Profile],
    named: str | None = None,
    *,
    among: Iterable[str] = TABLES,
) -> dict[str, float]:
    """Say how well a source fits each table: the columns recognised by heading, the required ones counting twice."""
    return {
        name: _fit(headings, seen, TABLES[name]) + (_NAMED_SO if name == named else 0.0) for name in among
    }


def best_of(scores: dict[str, float]) -> str:
    """Give the table that fits best; of equals the first."""
    return max(scores, key=lambda name: scores[name])


def nearest(headings: Sequence[str], seen: Sequence[Profile], among: Sequence[str]) -> str:
    """Give the one of some tables that the headings speak for, also where a column it needs is missing."""
    complete = table_scores(headings, seen, among=among)

    def named(name: str) -> tuple[float, float]:
        found = recognise(seen, TABLES[name])
        sure = (r.confidence**2 for r in found.columns if r.column not in found.by_content)
        return sum(sure), complete[name]

    return max(among, key=named)


def _fit(headings: Sequence[str], seen: Sequence[Profile], table: Table) -> float:
    found = recognise(seen, table)
    sure = {r.column: r.confidence**2 for r in found.columns}
    if table.key in sure and found.heading(table.key) in {p.heading for p in seen if p.repeats > 0.02}:  # noqa: PLR2004
        sure[table.key] = 0.0  # its key repeats, so its rows are something else
    score = sum(c * (2 if name in table.required else 1) for name, c in sure.items())
    own = sum(1 for name in sure if name in table.required) / len(table.required)
    pairs = table.name == "surveys" and bool(question_pairs(headings))
    # a survey has as many further columns as it has questions
    open_ended = table.name == "surveys" and (pairs or "nps" in sure)
    share = 1.0 if open_ended else len(sure) / max(len(headings), len(sure))
    complete = missing_error(table, found, headings) is None and (
        table.name != "surveys" or pairs or bool({"nps", "csat", "ces"} & set(sure))
    )
    contract = _IS_CONTRACT if table.name == "subscriptions" and _spans(found, seen) else 0.0
    return score * (0.5 + 0.5 * share) * (1 if complete else _INCOMPLETE * own) + contract


def _spans(found: Recognition, seen: Sequence[Profile]) -> bool:
    """Tell whether headings name a start, an end and a plan, none of which an order would have."""
    named = {r.column: r.heading for r in found.columns if r.column not in found.by_content}
    of_orders = {r.heading for r in recognise(seen, TABLES["transactions"]).columns}
    return named.keys() >= _CONTRACT and not of_orders & {named[column] for column in _CONTRACT}
