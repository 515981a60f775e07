"""What the tests of the sample company share."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "sample_data"
if str(ROOT) not in sys.path:  # where the tests are not started with `python -m pytest`
    sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def folder():
    return FOLDER


@pytest.fixture(scope="session")
def truth():
    from sample_data.truth import Truth

    return Truth()


@pytest.fixture(scope="session")
def company():
    """The company as committed."""
    from sample_data.generate import make_company

    return make_company()


@pytest.fixture(scope="session")
def large():
    """The same company with so many customers that its truth can be seen."""
    from sample_data.generate import make_company

    return make_company(customers=150_000, seed=11)


@pytest.fixture(scope="session")
def files(folder):
    """The committed files, every cell as text."""
    return {path.stem: pl.read_csv(path, infer_schema=False) for path in sorted(folder.glob("*.csv"))}


@pytest.fixture(scope="session")
def lifetimes():
    """The outside oracle; it warns at import on newer pandas and scipy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes
    return lifetimes


@pytest.fixture
def unwarned():
    """The oracle also warns while it fits; that is not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
