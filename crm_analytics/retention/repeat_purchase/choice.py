"""The options of repeat purchase, checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final, get_args

from crm_analytics.aggregates.occasions import Occasion
from crm_analytics.errors import OptionError

_MOST_STEPS: Final = 20


@dataclass(frozen=True)
class Choice:
    """What was asked for; the parameters of `repeat_purchase`, where they are described."""

    by: str | None
    occasion: Occasion
    n_steps: int
    within_days: tuple[int, ...]
    mature_days: int
    follow_days: int
    late_below: float
    newly_late_days: int
    min_customers: int

    def __post_init__(self) -> None:
        if not 1 <= self.n_steps <= _MOST_STEPS:
            raise OptionError.out_of_range("n_steps", self.n_steps, f"1 to {_MOST_STEPS} orders")
        spans = self.within_days
        if not spans or spans[0] < 1 or not all(a < b for a, b in pairwise(spans)):
            raise OptionError.out_of_range("within_days", list(spans), "days of 1 or more, rising")
        if not 0 < self.late_below <= 0.5:  # noqa: PLR2004 beyond one half, silence is what most show
            raise OptionError.out_of_range(
                "late_below", self.late_below, "a probability above 0 and up to 0.5"
            )
        if self.occasion not in get_args(Occasion):
            raise OptionError.out_of_range(
                "occasion", self.occasion, f"one of {', '.join(get_args(Occasion))}"
            )
        for name in ("mature_days", "follow_days", "newly_late_days", "min_customers"):
            if getattr(self, name) < 1:
                raise OptionError.out_of_range(name, getattr(self, name), "1 or more")

    def to_dict(self) -> dict[str, Any]:
        """Give the options by name."""
        return {**asdict(self), "within_days": list(self.within_days)}
