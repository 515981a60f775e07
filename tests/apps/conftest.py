"""The dashboards under test: run from the entry script, as Streamlit does."""

from __future__ import annotations

import sys

import pytest

from crm_analytics.locations import shipped

APPS = shipped("apps")
if str(APPS) not in sys.path:  # Streamlit puts the folder of the entry script there
    sys.path.insert(0, str(APPS))


@pytest.fixture(scope="session")
def apps():
    """Give the folder of the dashboards."""
    return APPS
