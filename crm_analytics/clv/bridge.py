"""Where the way to and from lifetimes begins: it stands in a room above this one, and is looked up when called."""

from __future__ import annotations

import importlib
from typing import Any


def bridge() -> Any:  # noqa: ANN401 a module
    """Give `crm_analytics.compat.lifetimes.bridge`; it loads pandas only when a fitter is made."""
    return importlib.import_module("crm_analytics.compat.lifetimes.bridge")
