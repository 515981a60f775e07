"""The habits of the house as checks: which way imports point, how long things may get, what must not appear."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_analytics.registry import ANALYSES

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "crm_analytics"

LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "errors",
        "tables terms stats",
        "formats locations",
        "results",
        "extracts",
        "aggregates",
        "key_figures segmentation retention clv satisfaction",
        "registry",
        "charts",
        "reports compat",
        "cli",
        "__main__",
    )
)
"""From the ground up. A module imports from layers below its own and from its own room, never sideways or up."""

LAYERS_OF_EXTRACTS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "cells",
        "text",
        "raw",
        "extract store",
        "recognising",
        "sources checking",
        "plain",
        "door",
        "readers",
        "settings",
        "base",
        "suggest",
    )
)
"""The same within `extracts`: from what is written in a cell up to the tables of a firm."""

ONLY_THERE = {
    "streamlit": {"apps"},
    "plotly": {"charts", "reports"},
    "pandas": {"compat"},
    "lifetimes": {"compat"},
    "sklearn": {"segmentation", "stats"},
    "typer": {"cli"},
    "rich": {"cli"},
}
NEVER = {"pickle", "dill", "joblib", "shelve", "marshal"}
MOST_LINES, MOST_TEST_LINES, MOST_FUNCTION_LINES = 500, 800, 60


def sources(*folders: str) -> list[Path]:
    return sorted(p for f in folders for p in (ROOT / f).rglob("*.py") if "__pycache__" not in p.parts)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layer(name: str, layers: tuple[frozenset[str], ...] = LAYERS) -> int | None:
    return next((i for i, names in enumerate(layers) if name in names), None)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module a file imports, and the line; imports for typing alone do not count."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
            if node.module.split(".")[0] == "crm_analytics":
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_imports_point_one_way():
    wrong = []
    for path in sources("crm_analytics"):
        own = room(path)
        for module, line in imports(path):
            parts = module.split(".")
            if parts[0] != "crm_analytics" or len(parts) == 1 or parts[1] in {own, "__version__"}:
                continue
            ours, theirs = layer(own), layer(parts[1])
            if own != "__init__" and (ours is None or theirs is None or theirs >= ours):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_imports_within_extracts_point_one_way():
    wrong = []
    for path in sources("crm_analytics/extracts"):
        own = path.relative_to(PACKAGE / "extracts").parts[0].removesuffix(".py")
        for module, line in imports(path):
            area, _, inside = module.partition(".extracts.")
            name = inside.split(".")[0]
            if area != "crm_analytics" or name in {"", own}:
                continue
            ours, theirs = layer(own, LAYERS_OF_EXTRACTS), layer(name, LAYERS_OF_EXTRACTS)
            if ours is None or theirs is None or theirs >= ours:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_analyses_of_an_area_do_not_import_each_other():
    """What two of them need stands beside their rooms."""
    wrong = []
    for path in sources("crm_analytics"):
        area, *own = path.relative_to(PACKAGE).parts[:-1] or ("",)
        for module, line in imports(path):
            others = module.removeprefix(f"crm_analytics.{area}.").split(".")
            if own and others[0] not in own and (PACKAGE / area / others[0] / "analysis.py").exists():
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_every_room_has_its_layer():
    rooms = {room(p) for p in sources("crm_analytics")} - {"__init__", "_shipped"}
    assert all(layer(r) is not None for r in rooms), rooms


def test_heavy_packages_stay_in_their_rooms():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources("crm_analytics")
        for module, line in imports(path)
        if room(path) not in ONLY_THERE.get(module.split(".")[0], {room(path)})
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_that_runs_code_from_a_file_is_imported():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources("crm_analytics", "apps")
        for module, line in imports(path)
        if module.split(".")[0] in NEVER
    ]
    assert not wrong, "\n".join(wrong)


def test_importing_the_library_is_light():
    heavy = [
        "plotly",
        "streamlit",
        "pandas",
        "sklearn",
        "scipy",
        "duckdb",
        "sqlalchemy",
        "fastexcel",
        "typer",
        "lifetimes",
        "pydantic",
    ]
    code = f"import sys, crm_analytics; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("folders", "most"),
    [(("crm_analytics", "apps", "notebooks", "sample_data"), MOST_LINES), (("tests",), MOST_TEST_LINES)],
)
def test_files_stay_short(folders, most):
    long = {
        str(p.relative_to(ROOT)): n
        for p in sources(*folders)
        if (n := len(p.read_text().splitlines())) > most
    }
    assert not long


def test_functions_stay_short():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} {length(node)} lines"
        for path in sources("crm_analytics", "apps", "sample_data", "benchmarks")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > MOST_FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def test_no_page_writes_raw_html():
    for path in sources("apps"):
        text = path.read_text()
        assert "unsafe_allow_html" not in text, path
        assert "unsafe_allow_javascript" not in text, path
        assert "components.v1" not in text, path


def test_the_library_neither_prints_nor_reads_the_clock():
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node.func)}"
        for path in sources("crm_analytics")
        if room(path) not in {"cli", "__main__"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"print", "date.today", "datetime.now", "datetime.today", "time.time"}
    ]
    assert not wrong, "\n".join(wrong)


def test_the_lock_pins_versions_and_names_no_host():
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line.strip()]
    assert len(lines) > 50
    assert all(re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==[^ ]+( ;|$)", line) for line in lines)
    assert not any(word in line for line in lines for word in ("://", "--", "@"))


def test_the_versions_agree():
    import crm_analytics

    declared = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert declared
    assert declared[1] == crm_analytics.__version__
    assert f"## {declared[1]}" in (ROOT / "CHANGELOG.md").read_text()


def test_telemetry_is_off_and_nothing_is_fetched():
    config = (ROOT / "apps" / ".streamlit" / "config.toml").read_text()
    assert re.search(r"gatherUsageStats\s*=\s*false", config)
    for path in sources("crm_analytics", "apps"):
        for module, _ in imports(path):
            assert module.split(".")[0] not in {"requests", "httpx", "urllib3", "aiohttp", "posthog"}, path


def test_public_names_are_documented():
    import crm_analytics as crm

    for name in crm.__all__:
        if name != "__version__":
            assert (getattr(crm, name).__doc__ or "").strip(), name


def test_an_analysis_is_had_from_its_room_and_from_its_area():
    """A room is named after its analysis, or else the area offers the analysis under its own name."""
    for entry in ANALYSES:
        home, _, last = entry.module.rpartition(".")
        if last != "analysis":
            continue
        area, _, room = home.rpartition(".")
        assert getattr(importlib.import_module(home), entry.name) is entry.function
        if room != entry.name:
            assert getattr(importlib.import_module(area), entry.name) is entry.function
