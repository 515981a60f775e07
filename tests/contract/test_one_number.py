"""The number is the same everywhere: library, command line, report, sheet, dashboard and notebook of one base."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from html import unescape
from pathlib import Path

import nbformat
import openpyxl
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import crm_analytics as crm
from crm_analytics import registry
from crm_analytics.cli import app
from crm_analytics.locations import shipped
from crm_analytics.reports import html, sheets
from crm_analytics.results import Result

from .conftest import asked_in_pairs

ROOT = Path(__file__).resolve().parents[2]

each_analysis = pytest.mark.parametrize("name", [a.name for a in registry.ANALYSES])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tenth of the sample company's customers, as files that every face opens for itself."""
    place, company = tmp_path_factory.mktemp("base"), crm.sample()
    for name in {t for a in registry.ANALYSES for t in (a.table, *a.instead)}:
        rows = company.table(name).frame.collect().filter(pl.col("customer_id").str.ends_with("3"))
        (asked_in_pairs(rows) if name == "surveys" else rows).write_csv(place / f"{name}.csv")
    return place


@pytest.fixture(scope="module")
def results(folder):
    base = crm.open(folder)
    return {a.name: crm.run(a.name, base) for a in registry.ANALYSES}


@each_analysis
def test_the_command_line_says_what_the_library_says(folder, results, name):
    done = CliRunner().invoke(app, ["run", name, str(folder), "--format", "json"])
    assert done.exit_code == 0, done.output
    said = Result.from_dict(json.loads(done.stdout))
    assert said.headline() == results[name].headline()
    assert_frame_equal(said.summary(), results[name].summary())
    for table, frame in results[name].tables().items():
        assert_frame_equal(said.tables()[table], frame)


@each_analysis
def test_the_report_says_what_the_library_says(results, name):
    page = html.render([results[name]], title="One number")
    assert results[name].headline() in unescape(page)


@each_analysis
def test_the_sheet_holds_what_the_library_holds(results, name):
    result = results[name]
    book = openpyxl.load_workbook(io.BytesIO(sheets.workbook(result)), data_only=True)
    cells = {c.value for sheet in book for row in sheet.iter_rows() for c in row}
    for table, frame in result.tables().items():
        for column in frame.select(pl.col(pl.Float64)).columns:
            first = frame[column].drop_nulls().head(1).to_list()
            assert all(
                any(isinstance(c, int | float) and c == pytest.approx(v) for c in cells) for v in first
            ), table


def test_the_dashboard_shows_what_the_library_says(folder, results, monkeypatch):
    apps = shipped("apps")
    monkeypatch.syspath_prepend(str(apps))
    monkeypatch.setenv("CRM_BASE", str(folder))
    at = AppTest.from_file(apps / "streamlit_app.py", default_timeout=120).run()
    assert not at.exception
    plain = sys.modules["shared.words"].plain
    said = " ".join(str(e.value) for kind in (at.subheader, at.markdown, at.caption) for e in kind)
    for name, result in results.items():
        assert plain(result.headline()) in said, name  # the overview lists the finding of every analysis


def test_the_notebooks_say_what_the_library_says(folder, results, tmp_path):
    spec = importlib.util.spec_from_file_location("notebooks_build", ROOT / "notebooks" / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    said = ""
    for path in sorted((ROOT / "notebooks").glob("*.py")):
        if path.name != "build.py":
            book = nbformat.read(build.build(path, tmp_path, {"base_path": str(folder)})[0], as_version=4)
            said += "".join(
                str(o.get("text", "")) + str(o.get("data", {}))
                for c in book.cells
                if c.cell_type == "code"
                for o in c.outputs
            )
    for name, result in results.items():
        assert result.headline() in unescape(said), name
