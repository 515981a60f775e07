"""The options of a cohort table, checked together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from crm_analytics.aggregates.cube_cells import Activity
from crm_analytics.errors import OptionError
from crm_analytics.retention.cohorts.clock import ClockName
from crm_analytics.retention.cohorts.counts import Bracket, Criterion
from crm_analytics.retention.cohorts.members import Entry

Value = Literal["customers", "orders", "spend", "margin", "average_order", "cumulative", "payback"]
Average = Literal["pooled", "simple", "mature_only"]

ENTRIES: Final = get_args(Entry)
_PAIR: Final = 2


@dataclass(frozen=True)
class Options:
    """What `cohort_retention` was asked for; its docstring says what each means."""

    criterion: Criterion = "on"
    horizon: int | None = None
    brackets: tuple[Bracket, ...] | None = None
    entry: str = "first_ever"
    clock: ClockName = "calendar"
    value: Value = "customers"
    by: str | None = None
    average: Average = "pooled"
    activity: Activity = "purchases"
    max_periods: int | None = None
    min_customers: int = 1
    shrink: bool = False

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            if getattr(self, name) not in get_args(kind):
                known = ", ".join(get_args(kind))
                raise OptionError.out_of_range(name, getattr(self, name), f"one of {known}")
        self._check_numbers()
        self._check_brackets()
        if self.attribute is not None and self.by is not None:
            raise OptionError(
                f"entry={self.entry!r} and by={self.by!r} both name an attribute.",
                "One attribute can make the cohorts or the groups.",
                "Leave one of them out.",
            )

    @property
    def kind(self) -> Entry:
        """How customers enter: an attribute is that of the first entry ever."""
        return "recurring" if self.entry == "recurring" else "first_ever"

    @property
    def attribute(self) -> str | None:
        """The attribute whose values are the cohorts, where `entry` names one."""
        return None if self.entry in ENTRIES else self.entry

    @property
    def is_open_ended(self) -> bool:
        """Whether recent cohorts have had less time to come back than old ones."""
        return self.criterion == "on_or_after" and self.horizon is None

    def _check_numbers(self) -> None:
        for name in ("horizon", "max_periods", "min_customers"):
            value = getattr(self, name)
            if value is None and name != "min_customers":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise OptionError.out_of_range(name, value, "a whole number of at least 1")
        if self.horizon is not None and self.criterion != "on_or_after":
            raise OptionError.out_of_range("horizon", self.horizon, 'nothing unless criterion="on_or_after"')

    def _check_brackets(self) -> None:
        if bool(self.brackets) != (self.criterion == "bracket"):
            expected = (
                "pairs of ages such as [(1, 3), (4, 6)], with criterion='bracket' and with no other criterion"
            )
            raise OptionError.out_of_range("brackets", self.brackets, expected)
        last = 0
        for bracket in self.brackets or ():
            if not _is_pair(bracket) or not last < bracket[0] <= bracket[1]:
                expected = "pairs of ages from 1 on, in order and without overlap, such as [(1, 3), (4, 6)]"
                raise OptionError.out_of_range("brackets", list(self.brackets or ()), expected)
            last = bracket[1]


_KINDS: Final[dict[str, Any]] = {
    "criterion": Criterion,
    "clock": ClockName,
    "value": Value,
    "average": Average,
    "activity": Activity,
}


def as_pairs(brackets: Sequence[Sequence[int]] | None) -> tuple[Bracket, ...] | None:
    """Take brackets as people give them, in lists or tuples."""
    if brackets is None:
        return None
    return tuple(tuple(b) if isinstance(b, list) else b for b in brackets)  # type: ignore[misc]  # checked as options


def _is_pair(bracket: object) -> bool:
    """Say whether a bracket is two whole numbers."""
    return (
        isinstance(bracket, tuple) and len(bracket) == _PAIR and all(isinstance(age, int) for age in bracket)
    )
