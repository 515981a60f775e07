"""Every notebook runs on a small base, and its page shows live figures without any network."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import jupytext
import nbformat
import polars as pl
import pytest

import crm_analytics as crm

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(p.name for p in FOLDER.glob("*.py") if p.name != "build.py")


@pytest.fixture(scope="session")
def build():
    spec = importlib.util.spec_from_file_location("notebooks_build", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_base(tmp_path_factory):
    """The orders, answers and cases of a tenth of the sample company's customers."""
    folder = tmp_path_factory.mktemp("small")
    for name in ("transactions", "surveys", "cases"):
        rows = crm.sample().table(name).frame.collect()
        rows.filter(pl.col("customer_id").str.ends_with("7")).write_csv(folder / f"{name}.csv")
    return folder


@pytest.fixture(scope="session", params=NOTEBOOKS)
def built(request, build, small_base, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    parameters = {"base_path": str(small_base), "n_bootstrap": 100}
    return build.build(FOLDER / request.param, out, parameters)


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(
        '# %% [markdown]\n# # A <toy>\n\n# %% tags=["parameters"]\nn = 1\n\n# %%\nassert n == 2, n\n'
    )
    return path


def test_there_are_notebooks():
    assert "segmentation.py" in NOTEBOOKS


def test_a_notebook_runs_and_leaves_no_error(built):
    book = nbformat.read(built[0], as_version=4)
    nbformat.validate(book)
    kinds = [o.output_type for c in book.cells if c.cell_type == "code" for o in c.outputs]
    assert kinds
    assert "error" not in kinds
    assert "stream" not in kinds, "nothing is printed, and no warning is raised"


def test_a_notebook_used_the_parameters_given(built, small_base):
    book = nbformat.read(built[0], as_version=4)
    tags = [c.metadata.get("tags", []) for c in book.cells]
    place = tags.index(["injected-parameters"])
    assert tags[place - 1] == ["parameters"]
    assert f"base_path = {str(small_base)!r}" in book.cells[place].source
    assert [c.id for c in book.cells] == [f"cell-{i:03d}" for i in range(len(book.cells))]


def test_the_page_shows_every_figure(built):
    book = nbformat.read(built[0], as_version=4)
    outputs = [o for c in book.cells if c.cell_type == "code" for o in c.outputs]
    figures = [o for o in outputs if "application/vnd.plotly.v1+json" in o.get("data", {})]
    page = built[1].read_text()
    assert len(figures) >= 5
    assert page.count("<figure>") == len(figures)
    assert page.count("Plotly.newPlot(") >= len(figures)
    assert 'aria-label=""' not in page


def test_tables_have_headings_in_words(built):
    """A frame shown as it is has names of columns and types for headings."""
    book = nbformat.read(built[0], as_version=4)
    outputs = [o for c in book.cells if c.cell_type == "code" for o in c.outputs]
    pages = ["".join(o.data.get("text/html", "")) for o in outputs if "data" in o]
    raw = [page for page in pages if 'class="dataframe"' in page]
    models = ("frequency", "estimate", "expected_purchases")  # columns that bear the names of the literature
    assert all(any(name in page for name in models) for page in raw)


def test_the_page_loads_nothing(built):
    page = built[1].read_text()
    assert not re.findall(r"<(?:script|img|iframe|link)[^>]+(?:src|href)\s*=", page)
    assert "@import" not in page
    assert page.count("* plotly.js v") == 1, "plotly.js is inside, once"
    assert "default-src &#x27;none&#x27;" in page


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_ends_with_an_assertion_and_holds_little_logic(name):
    cells = [c for c in jupytext.read(FOLDER / name).cells if c.cell_type == "code"]
    assert "assert " in cells[-1].source
    for cell in cells:
        statements = re.findall(r"^(?!import |from |assert |\))\S", cell.source, re.MULTILINE)
        assert len(statements) <= 6, cell.source


def test_parameters_reach_the_cells(build, toy, tmp_path):
    written = build.build(toy, tmp_path / "out", {"n": 2})
    assert [p.name for p in written] == ["toy.ipynb", "toy.html"]
    assert "<title>A &lt;toy&gt;</title>" in written[1].read_text()


def test_equal_runs_give_equal_files(build, toy, tmp_path):
    first = [p.read_bytes() for p in build.build(toy, tmp_path / "one", {"n": 2})]
    assert [p.read_bytes() for p in build.build(toy, tmp_path / "two", {"n": 2})] == first


def test_a_failing_cell_fails_the_build(build, toy, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["build.py", str(toy), "--out", str(tmp_path / "out")])
    assert build.main() == 1
    assert "toy.py failed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_name_from_the_data_is_only_text_on_the_page(build, tmp_path):
    path = tmp_path / "evil.py"
    path.write_text(
        "# %%\nimport plotly.graph_objects as go\nname = '</script><script>alert(1)</script>'\n"
        "from IPython.display import Markdown, display\ndisplay(Markdown(f'**{name}**'))\n"
        "go.Figure(go.Bar(x=[name], y=[1]), layout={'meta': {'alt': '\"><script>alert(2)'}, 'title': {'text': name}})\n"
    )
    page = build.build(path, tmp_path / "out", {})[1].read_text()
    assert "<script>alert(" not in page
