"""What makes customers satisfied: scores, their drivers, what to fix first, complaints and what they cost.

Each has a room of its own, and `crm` has them all. The analyses whose room bears another name are also here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from crm_analytics.satisfaction.drivers import satisfaction_drivers as satisfaction_drivers
    from crm_analytics.satisfaction.importance import importance_performance as importance_performance
    from crm_analytics.satisfaction.penalty import penalty_reward as penalty_reward
    from crm_analytics.satisfaction.scores import satisfaction_scores as satisfaction_scores

_ROOMS: Final = {
    "importance_performance": "importance",
    "penalty_reward": "penalty",
    "satisfaction_drivers": "drivers",
    "satisfaction_scores": "scores",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 as wide as the room
    room = _ROOMS.get(name)
    if room is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{room}"), name)
