"""Where the apps and the sample data lie: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from crm_analytics.errors import SourceError

_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """Give the folder "apps" or "sample_data" wherever this package keeps it."""
    for place in (_PACKAGE / "_shipped" / folder, _PACKAGE.parent / folder):
        if place.is_dir():
            return place
    raise SourceError.not_found(folder)
