"""Whether customers stay: cohorts, survival, repeat purchase, life cycle, revenue retention.

Each has a room of its own, and `crm` has them all. The analyses whose room bears another name are also here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from crm_analytics.retention.cohorts import cohort_retention as cohort_retention
    from crm_analytics.retention.cohorts import compare_definitions as compare_definitions
    from crm_analytics.retention.cohorts import customers_in_cell as customers_in_cell
    from crm_analytics.retention.revenue import revenue_retention as revenue_retention

_ROOMS: Final = {
    "cohort_retention": "cohorts",
    "compare_definitions": "cohorts",
    "customers_in_cell": "cohorts",
    "revenue_retention": "revenue",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 as wide as the room
    room = _ROOMS.get(name)
    if room is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{room}"), name)
