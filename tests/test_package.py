"""The wheel: all that an installed package needs for its demo, and nothing that is made by running."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_can_run_its_demo(names):
    shipped = {n.removeprefix("crm_analytics/_shipped/") for n in names if "/_shipped/" in n}
    assert {"apps/streamlit_app.py", "apps/.streamlit/config.toml", "sample_data/crm.toml"} <= shipped
    pages = {p.relative_to(ROOT).as_posix() for p in (ROOT / "apps" / "app_pages").glob("*.py")}
    assert pages <= shipped
    tables = {p.relative_to(ROOT).as_posix() for p in (ROOT / "sample_data").glob("*.csv")}
    assert len(tables) == 7
    assert tables <= shipped


def test_the_wheel_holds_every_module_and_its_types(names):
    modules = {p.relative_to(ROOT).as_posix() for p in (ROOT / "crm_analytics").rglob("*.py")}
    assert modules <= names
    assert "crm_analytics/py.typed" in names


def test_the_wheel_holds_no_tests_and_nothing_made_by_running(names):
    assert not [n for n in names if n.startswith(("tests/", "notebooks/", "docs/")) or "__pycache__" in n]
