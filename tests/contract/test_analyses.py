"""What every analysis owes its users, checked over the registry."""

from __future__ import annotations

import importlib
import inspect
import json
import pickle
import re
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics import registry
from crm_analytics.errors import ColumnError, CrmError, UnknownNameError
from crm_analytics.extracts.readers import read
from crm_analytics.results import MOST_SUMMARY_ROWS, Result
from crm_analytics.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2025, 7, 1)

each_analysis = pytest.mark.parametrize("entry", registry.ANALYSES, ids=lambda a: a.name)
DRIVEN = [(a, t) for a in registry.ANALYSES for t in (a.table, *a.instead)]
each_way = pytest.mark.parametrize(
    ("entry", "table"), DRIVEN, ids=[f"{a.name}-{t}" if a.instead else a.name for a, t in DRIVEN]
)
"""Every analysis on every table that can drive it."""


def equal(one: Result, two: Result) -> None:
    """Two results say the same: words, figures and every table."""
    assert one.headline() == two.headline()
    assert_frame_equal(one.summary(), two.summary())
    assert one.tables().keys() == two.tables().keys()
    for name, frame in one.tables().items():
        assert_frame_equal(frame, two.tables()[name], rel_tol=1e-9, abs_tol=1e-9)


@pytest.fixture(scope="session")
def results(firm):
    """Each analysis once on every table that can drive it, on the small firm."""
    return {(a.name, t): a.function(firm[t], as_of=AS_OF) for a, t in DRIVEN}


@pytest.fixture
def data(firm, table):
    """Give the table that drives the analysis under test."""
    return firm[table]


@pytest.fixture
def result(results, entry, table):
    """Give what the analysis under test found in it."""
    return results[entry.name, table]


@each_analysis
def test_documented_parameters_are_the_signature(entry):
    names = list(inspect.signature(entry.function).parameters)
    section = re.search(
        r"Parameters\n\s*-+\n(.*?)\n\s*\n?\s*Returns\n", inspect.getdoc(entry.function), re.DOTALL
    )
    assert section, "a docstring in numpy style with Parameters and Returns"
    documented = [
        name.strip()
        for line in section[1].splitlines()
        if line and not line.startswith(" ")
        for name in line.split(":")[0].split(",")
    ]
    assert documented == names


@each_analysis
def test_data_first_and_the_rest_by_keyword(entry):
    first, *rest = inspect.signature(entry.function).parameters.values()
    assert first.default is inspect.Parameter.empty
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in rest)
    assert {"as_of"} <= {p.name for p in rest}


@each_way
def test_is_deterministic(entry, data, result):
    equal(entry.function(data, as_of=AS_OF), result)


@each_way
def test_leaves_its_input_as_it_was(entry, data):
    before = data.clone()
    entry.function(data, as_of=AS_OF)
    assert_frame_equal(data, before)


@each_way
@pytest.mark.parametrize("form", ["lazy", "extract", "pandas", "arrow"])
def test_every_form_of_input_gives_the_same(entry, table, data, result, form):
    given = {
        "lazy": data.lazy,
        "extract": lambda: read(table, data),
        "pandas": data.to_pandas,
        "arrow": data.to_arrow,
    }[form]()
    equal(entry.function(given, as_of=AS_OF), result)


@each_way
def test_row_order_does_not_matter(entry, data, result):
    for seed in (1, 2):
        shuffled = data.sample(fraction=1.0, shuffle=True, seed=seed)
        equal(entry.function(shuffled, as_of=AS_OF), result)


@each_way
def test_relabelled_customers_give_relabelled_results(entry, data, result):
    ids = data["customer_id"].unique().sort()
    rng = np.random.default_rng(3)
    new = dict(zip(ids, (f"K{i:05d}" for i in rng.permutation(len(ids))), strict=True))
    relabelled = entry.function(data.with_columns(pl.col("customer_id").replace_strict(new)), as_of=AS_OF)
    for name, frame in result.tables().items():
        other = relabelled.tables()[name]
        if "customer_id" in frame.columns:
            keys = [c for c in frame.columns if frame.schema[c] == pl.String]
            frame = frame.with_columns(pl.col("customer_id").replace_strict(new)).sort(keys)  # noqa: PLW2901
            other = other.sort(keys)
        columns = [
            c for c in frame.columns if not c.endswith(("_lower", "_upper"))
        ]  # draws go by customer order
        assert_frame_equal(frame.select(columns), other.select(columns), rel_tol=1e-9, abs_tol=1e-9)


@each_way
def test_rows_at_or_after_as_of_change_nothing(entry, table, data, result):
    late = pl.lit(pl.Series([AS_OF])[0]) + pl.duration(days=pl.int_range(pl.len()) % 9)
    strange = {"order_id": pl.lit("late"), "amount": pl.lit(99_999.0), "monthly_amount": pl.lit(99_999.0)}
    later = data.head(40).with_columns(
        late.cast(data.schema[TABLES[table].dated_by]).alias(TABLES[table].dated_by),
        *(value.alias(name) for name, value in strange.items() if name in data.columns),
    )
    equal(entry.function(pl.concat([data, later]), as_of=AS_OF), result)


@each_way
def test_ends_that_come_after_as_of_are_not_known_yet(entry, table, data):
    ends = [c for c in ("ended_on", "closed_at") if c in data.columns]
    if not ends:
        return
    early = date(2024, 7, 1)
    open_still = data.with_columns(pl.when(pl.col(c) < early).then(pl.col(c)).alias(c) for c in ends)
    equal(entry.function(open_still, as_of=early), entry.function(data, as_of=early))


NEEDED = [(a, t, c) for a, t in DRIVEN for c in TABLES[t].required]


@pytest.mark.parametrize(("entry", "table", "column"), NEEDED, ids=[f"{a.name}-{c}" for a, _, c in NEEDED])
def test_a_missing_column_is_named_with_the_remedy(entry, table, column, data):
    with pytest.raises(ColumnError, match=f"{column}.*columns="):
        entry.function(data.drop(column), as_of=AS_OF)


@each_way
@pytest.mark.parametrize("case", ["no rows", "all null", "before the first row"])
def test_nothing_to_work_on_is_a_typed_error(entry, table, data, case):
    needed = TABLES[table].required[0]
    given, as_of = {
        "no rows": (data.clear(), AS_OF),
        "all null": (data.with_columns(pl.lit(None, data.schema[needed]).alias(needed)), AS_OF),
        "before the first row": (data, date(2001, 1, 1)),
    }[case]
    with pytest.raises(CrmError) as caught:
        entry.function(given, as_of=as_of)
    assert caught.value.found
    assert caught.value.expected or caught.value.remedy


@each_way
def test_one_row_is_an_answer_or_a_plain_reason(entry, table, data):
    row = data.sort(TABLES[table].required[-1]).tail(1) if table == "transactions" else data.head(1)
    try:
        result = entry.function(row)
    except CrmError as error:
        assert error.remedy or error.expected  # noqa: PT017 either outcome is right, silence is not
    else:
        assert result.provenance.rows_kept == 1
        for view in result.views:
            result.plot(view.name)


@each_way
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_draws_with_title_units_and_alt_text(result, theme):
    assert result.views
    for view in result.views:
        assert view.table in result.tables()
        figure = result.plot(view.name, theme=theme)
        assert figure.layout.title.text
        assert len(figure.layout.meta["alt"]) > 40
        if any(trace.type in {"bar", "scatter", "heatmap"} for trace in figure.data):
            assert figure.layout.xaxis.title.text or figure.layout.yaxis.title.text


@each_way
def test_an_unknown_view_is_a_typed_error(result, entry):
    with pytest.raises(UnknownNameError, match="no view"):
        result.plot("no such view")


@each_way
def test_headline_is_one_sentence_with_figures(result, entry):
    headline = result.headline()
    assert headline.endswith(".")
    assert not re.search(r"[.!?] [A-Z]", headline), "one sentence"
    assert re.search(r"\d", headline)
    assert "nan" not in headline.casefold()
    assert not re.search(r"\d\.\d{4,}", headline)


@each_way
def test_what_people_read_begins_with_a_capital_and_names_no_parameter(result, entry):
    """Managers read notes too: what the library calls an option stands beside a note, for analysts."""
    said = [result.headline(), *(view.title for view in result.views), *(note.text for note in result.notes)]
    options = set(inspect.signature(entry.function).parameters) - {"window", "data", "level", "period", "by"}
    for words in said:
        assert words[:1] == words[:1].upper(), words
        assert not re.search(r"\w=[\w\['\"{(]", words), words
        assert not {w for w in re.findall(r"[a-z]+_[a-z_]+", words) if w in options}, words
        assert not re.search(r"(?:^|[\s(])-\d", words), words


@each_way
def test_summary_is_short_and_every_column_has_a_term(result, entry):
    assert 0 < result.summary().height <= MOST_SUMMARY_ROWS
    for frame in (result.summary(), *result.tables().values()):
        for column in frame.columns:
            assert result.terms[column].definition.endswith(".")
            assert "_" not in result.terms[column].label


@each_way
def test_no_figure_is_nan(result, entry):
    for name, frame in result.tables().items():
        for column in frame.select(pl.col(pl.Float64, pl.Float32)).columns:
            assert not frame[column].is_nan().any(), f"{name}.{column}"
            assert not frame[column].is_infinite().any(), f"{name}.{column}"


@each_way
def test_bounds_hold_their_figure(result, entry):
    for name, frame in result.tables().items():
        for column in frame.columns:
            if f"{column}_lower" in frame.columns:
                ok = frame.select(
                    (
                        (pl.col(f"{column}_lower") <= pl.col(column) + 1e-9)
                        & (pl.col(column) <= pl.col(f"{column}_upper") + 1e-9)
                    )
                    .fill_null(value=True)
                    .all()
                ).item()
                assert ok, f"{name}.{column}"


@each_way
def test_shares_lie_between_nought_and_one(result, entry):
    for frame in result.tables().values():
        for column in frame.columns:
            if result.terms[column].unit == "share" and column.endswith(("customer_share", "_rate")):
                assert frame[column].drop_nulls().is_between(0, 1).all()


@each_way
def test_round_trips_through_json_and_pickle(result, entry):
    equal(Result.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False))), result)
    equal(pickle.loads(pickle.dumps(result)), result)  # noqa: S301 our own bytes


@each_way
def test_provenance_counts_the_rows_and_says_as_of(result, entry, data):
    provenance = result.provenance
    assert provenance.rows_in == data.height == provenance.rows_kept + provenance.rows_rejected
    assert provenance.as_of == AS_OF
    assert provenance.as_of_given
    assert provenance.library_version == crm.__version__


@each_way
def test_parameters_are_recorded(result, entry):
    options = {
        n for n, p in inspect.signature(entry.function).parameters.items() if p.kind is p.KEYWORD_ONLY
    } - set(TABLES)
    named = options - {"as_of", "start", "thresholds"}  # what thresholds gave stands in the cut-offs
    assert named <= set(result.parameters)


@each_way
def test_the_registry_runs_it_on_a_base(entry, table, bases, result):
    equal(crm.run(entry.name, bases[table], as_of=AS_OF), result)


@each_analysis
def test_it_has_its_chart_module_test_notebook_and_page(entry):
    importlib.import_module(f"crm_analytics.charts.{entry.name}")
    assert list(ROOT.glob(f"tests/**/test_{entry.name}.py"))
    assert any(
        f'"{entry.name}"' in p.read_text() or f"crm.{entry.name}(" in p.read_text()
        for p in ROOT.glob("notebooks/*.py")
    )
    assert f"## {entry.title}" in (ROOT / "docs" / "analyses.md").read_text()
    assert hasattr(crm, entry.name)


def test_names_in_the_registry_are_unique():
    names = [a.name for a in registry.ANALYSES]
    assert len(names) == len(set(names))


def test_one_word_has_one_meaning(results):
    meanings: dict[str, tuple[str, str]] = {}
    for result in results.values():
        for name, term in result.terms.items():
            assert meanings.setdefault(name, (term.unit, term.definition)) == (term.unit, term.definition), (
                name
            )


def test_an_unknown_analysis_is_named_with_a_suggestion(bases):
    with pytest.raises(UnknownNameError, match="Did you mean 'rfm'"):
        crm.run("rfmm", bases["transactions"])


def test_an_unknown_option_is_named_with_a_suggestion(bases):
    with pytest.raises(UnknownNameError, match="Did you mean 'bins'"):
        crm.run("rfm", bases["transactions"], binz=4)
