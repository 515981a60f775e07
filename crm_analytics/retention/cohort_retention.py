"""Cohorts: how many of those who came at the same time are still active, and whether that is getting better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.calendar_numbers import AnyPeriod, Calendar
from crm_analytics.aggregates.cohorts import Activity, activity_cube
from crm_analytics.aggregates.periods import WeekStart
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Result, View
from crm_analytics.retention import cohort_cells, cohort_members
from crm_analytics.retention.cohort_clock import Clock, ClockName
from crm_analytics.retention.cohort_counts import Bracket, Criterion, Windows
from crm_analytics.retention.cohort_curve import Average, curve_table
from crm_analytics.retention.cohort_terms import TERMS

Value = Literal["customers", "orders", "spend", "margin", "average_order", "cumulative", "payback"]


def cohort_retention(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    period: AnyPeriod = "month",
    criterion: Criterion = "on",
    horizon: int | None = None,
    brackets: Sequence[Bracket] | None = None,
    entry: str = "first_ever",
    clock: ClockName = "calendar",
    value: Value = "customers",
    by: str | None = None,
    average: Average = "pooled",
    activity: Activity = "purchases",
    week_start: WeekStart | None = None,
    fiscal_year_start: int = 1,
    max_periods: int | None = None,
    min_customers: int = 1,
    shrink: bool = False,
    compare_definitions: bool = False,
) -> Result:
    """Say how many customers stay."""
    extract = as_extract(tx)
    window = windows.resolve(extract, as_of=as_of, start=start)
    calendar = Calendar(period, week_start or extract.week_start, fiscal_year_start)
    ticks = Clock(calendar, clock, window.as_of)
    cube = cohort_members.Cube.of(
        activity_cube(extract.frame, as_of=window.as_of, calendar=ticks.cube_calendar, activity=activity)
    )
    start_day = None if window.start is None else window.start.toordinal()
    found = cohort_members.members(cube, ticks, entry, start_day)
    if not found.customer.size:
        raise NotEnoughDataError.of("customers with an order", 0, 1)
    done = cohort_members.deeds(cube, found, ticks)
    rows = cohort_cells.rows_of(found)
    n_ages = int(ticks.begun(rows.cohort).max())
    n_ages = n_ages if max_periods is None else min(n_ages, max_periods + 1)
    spans = Windows.of(criterion, n_ages, horizon=horizon, brackets=brackets)
    grid = cohort_cells.grid(criterion, ticks, rows, done, n_ages=n_ages, windows=spans, horizon=horizon)
    cells = cohort_cells.cells(grid, ticks, least=min_customers)
    curve = curve_table(cells, average)
    return Result.of(
        "cohort_retention",
        title="Cohort retention",
        headline=f"{found.customer.size} customers.",
        summary=curve.head(15),
        tables={"cells": cells, "curve": curve},
        views=(View("heatmap", "Retention by cohort", "cells"),),
        parameters={"period": period},
        provenance=windows.provenance(extract, window),
        terms=TERMS,
        currency=extract.currency,
    )
