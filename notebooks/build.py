"""Run every notebook of this folder and write it as .ipynb and as one HTML page that needs no network.

    python notebooks/build.py [--out out/notebooks] [--set name=value ...] [notebook ...]

Notebooks are percent-format Python files. A cell tagged "parameters" holds what a run may change; `--set` adds a cell
after it. Cell ids are fixed, so that equal runs give equal files.
"""

from __future__ import annotations

import argparse
import copy
import html
import json
import os
import re
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbclient
import nbformat
import plotly.io as pio
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from plotly.offline import get_plotlyjs
from pygments.formatters import HtmlFormatter

from crm_analytics.charts import THEMES
from crm_analytics.reports.files import write_bytes
from crm_analytics.reports.html import POLICY
from crm_analytics.reports.page import style

FOLDER = Path(__file__).resolve().parent
PLOTLY = "application/vnd.plotly.v1+json"
SECONDS_PER_CELL = 300

LOOK = """
main { padding-top: 32px; padding-bottom: 64px; }
h1 { margin-bottom: 12px; } h2 { margin-top: 48px; } h3 { margin-top: 24px; }
main p, main li { max-width: 44em; }
.cell { margin: 0 0 16px; }
.text_cell ul, .text_cell ol { margin: 0 0 12px; padding-left: 22px; }
.rendered_html > table, .dataframe { width: auto; margin: 4px 0 16px; border: 0; }
.rendered_html > table th, .rendered_html > table td { text-align: left; border-left: 0; border-right: 0; }
.output_area { overflow-x: auto; margin-top: 8px; }
.output_area h3:first-child { margin-top: 0; }
.output_area > .output_markdown > ul { color: var(--muted); font-size: 15px; padding-left: 20px; margin: 4px 0 12px; }
.output_area figure { margin: 16px 0 8px; }
.output_area .scroll { margin-bottom: 8px; }
.highlight { background: var(--wash); border-radius: 6px; }
.highlight pre, .output_area pre { margin: 0; padding: 10px 14px; overflow-x: auto; white-space: pre-wrap; }
.highlight pre, .output_area pre, code { font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.output_area pre { padding: 2px 0; }
"""


def notebooks() -> list[Path]:
    """List the notebooks: every percent-format file of this folder but this one."""
    return sorted(path for path in FOLDER.glob("*.py") if path.name != Path(__file__).name)


def prepared(source: Path, parameters: Mapping[str, Any]) -> NotebookNode:
    """Read a notebook, put the given parameters after its own, and fix the ids of its cells."""
    book = jupytext.read(source)
    if parameters:
        place = next(i for i, cell in enumerate(book.cells) if "parameters" in cell.metadata.get("tags", []))
        lines = [f"{name} = {value!r}" for name, value in parameters.items()]
        cell = nbformat.v4.new_code_cell("\n".join(lines), metadata={"tags": ["injected-parameters"]})
        book.cells.insert(place + 1, cell)
    for i, cell in enumerate(book.cells):
        cell.id = f"cell-{i:03d}"
    book.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    book.nbformat, book.nbformat_minor = 4, 5
    return book


def executed(book: NotebookNode) -> NotebookNode:
    """Run a notebook in this environment's kernel; an error in a cell ends the build with the cell's traceback."""
    os.environ["PLOTLY_RENDERER"] = "plotly_mimetype"  # figures stay data; the page draws them
    client = nbclient.NotebookClient(
        book,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(FOLDER)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    done: NotebookNode = client.execute()
    return done


def page(book: NotebookNode) -> str:
    """Write a run notebook as one page: figures live, plotly.js inside once, nothing loaded from anywhere."""
    drawn = copy.deepcopy(book)
    for cell in drawn.cells:
        for i, output in enumerate(cell.get("outputs", [])):
            if "text/markdown" in output.get("data", {}):  # text from the data must not become a tag
                output.data["text/markdown"] = output.data["text/markdown"].replace("<", "&lt;")
            if PLOTLY in output.get("data", {}):
                output.data = {"text/html": _figure(output.data[PLOTLY], f"{cell.id}-{i}")}
    exporter = HTMLExporter(
        template_name="basic",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(drawn)
    light = THEMES["light"]
    rules = style(light, light) + HtmlFormatter().get_style_defs(".highlight") + LOOK
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title(book))}</title><style>{rules}</style><script>{get_plotlyjs()}</script>"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'
    )


def title(book: NotebookNode) -> str:
    """Give the first heading of a notebook."""
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].strip() if found else "Notebook"


def _figure(figure: Mapping[str, Any], name: str) -> str:
    """Draw a figure under its title, which as text wraps where the figure would cut it."""
    layout = dict(figure["layout"])
    heading = re.sub(r"<[^>]+>", " ", (layout.pop("title", None) or {}).get("text") or "")
    layout["margin"] = {**layout.get("margin", {}), "t": 24} if heading else layout.get("margin")
    drawing = pio.to_html(
        {"data": figure["data"], "layout": layout},
        include_plotlyjs=False,
        full_html=False,
        div_id=name,
        validate=False,
        config={"displaylogo": False, "displayModeBar": False, "responsive": True},
    )
    alt = html.escape(str((layout.get("meta") or {}).get("alt", "")), quote=True)
    return f'<figure><figcaption><h3>{heading}</h3></figcaption><div role="img" aria-label="{alt}">{drawing}</div></figure>'


def build(source: Path, out: Path, parameters: Mapping[str, Any]) -> tuple[Path, Path]:
    """Run one notebook and write both of its files."""
    book = executed(prepared(source, parameters))
    text = nbformat.writes(book) + "\n"
    return (
        write_bytes(out / f"{source.stem}.ipynb", text.encode()),
        write_bytes(out / f"{source.stem}.html", page(book).encode()),
    )


def _parameter(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def main() -> int:
    """Build the notebooks named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every one in this folder")
    parser.add_argument("--out", type=Path, default=FOLDER.parent / "out" / "notebooks")
    parser.add_argument("--set", action="append", default=[], type=_parameter, metavar="NAME=VALUE")
    asked = parser.parse_args()
    for source in asked.notebooks or notebooks():
        try:
            written = build(source, asked.out, dict(asked.set))
        except nbclient.exceptions.CellExecutionError as error:
            sys.stderr.write(f"{source.name} failed:\n{error}\n")
            return 1
        print(*(f"Wrote {os.path.relpath(path)}" for path in written), sep="\n")
    return 0


if __name__ == "__main__":
    warnings.simplefilter("default")
    raise SystemExit(main())
