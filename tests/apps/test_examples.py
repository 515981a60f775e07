import doctest
import importlib

import pytest

MODULES = ["words", "kpi", "blocks", "customers", "history", "check_report", "tables"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(f"shared.{name}")).failed == 0
