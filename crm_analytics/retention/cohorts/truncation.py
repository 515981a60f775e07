"""Does the extract start after the firm did? Then old customers pass for new ones in the first cohorts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.coverage import covered_from
from crm_analytics.retention.cohorts.counted import Cohorts, entered_per_cohort

_COMPARED: Final = 6
_FEWEST_COMPARED: Final = 3
_TIMES: Final = 1.75
"""A first cohort so many times the median of the next six is taken for one that holds old customers."""

_FEWEST: Final = 20
_OLD_SHARE: Final = 0.05
_KNOWN_SHARE: Final = 0.8


@dataclass(frozen=True)
class Truncation:
    """What speaks for a late start of the extract."""

    cohort: int
    n_first: int
    n_usual: float
    n_joined_before: int | None

    @property
    def is_documented(self) -> bool:
        """Whether the customers table says so, and not the numbers alone."""
        return self.n_joined_before is not None


def truncation(found: Cohorts) -> Truncation | None:
    """Look for old customers in the first cohort: by `joined_on` where it is known, else by the cohort's size."""
    if found.options.kind == "recurring" or _starts_later(found):
        return None
    counts = entered_per_cohort(found)["n_customers"].to_numpy()
    cohort, n_first = found.entries.first_cohort, int(counts[0])
    finished = max(0, int(found.clock.calendar.number_of(found.clock.as_of)) - cohort)
    following = counts[1 : min(finished, _COMPARED + 1)]
    usual = float(np.median(following)) if following.size else 0.0
    known, before = _joined(found, cohort)
    if known >= _KNOWN_SHARE * n_first:
        old = before >= max(2, _OLD_SHARE * known)
        return Truncation(cohort, n_first, usual, before) if old else None
    enough = following.size >= _FEWEST_COMPARED and n_first >= _FEWEST
    return Truncation(cohort, n_first, usual, None) if enough and n_first > _TIMES * max(usual, 1.0) else None


def _starts_later(found: Cohorts) -> bool:
    """Say whether the cohorts shown begin after those of the extract: what is first is then known."""
    entries, calendar = found.entries, found.clock.calendar
    first = int(calendar.numbers(np.array([entries.first_action]))[0])
    return entries.first_day > entries.first_action and first < entries.first_cohort


def _joined(found: Cohorts, cohort: int) -> tuple[int, int]:
    """Count the first cohort's customers whose `joined_on` is known, and those who joined before the extract begins."""
    if found.customers is None or "joined_on" not in found.customers.frame.collect_schema():
        return 0, 0
    ids = found.ids_of(cohort).unique()
    table = found.customers.frame.filter(pl.col("joined_on").is_not_null()).select("customer_id", "joined_on")
    joined = ids.to_frame().lazy().join(table, on="customer_id").collect()
    return joined.height, int((joined["joined_on"] < covered_from(found.extract)).sum())
