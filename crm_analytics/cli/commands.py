"""The commands. Each says what it does to a base; how it looks and what it writes is said elsewhere."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from typer.core import TyperCommand, TyperGroup

import crm_analytics as crm
from crm_analytics import registry
from crm_analytics.cli import bases, checking, options, serving, starting, terminal, writing
from crm_analytics.errors import CrmError, CrmWarning, NotEnoughDataError
from crm_analytics.extracts.readers import ReadOptions

if TYPE_CHECKING:
    from crm_analytics.extracts.base import CustomerBase
    from crm_analytics.results import Result

MENDABLE: Final = 1
UNFORESEEN: Final = 3
"""Exit codes: something the user can mend, and something nobody foresaw. Wrong usage is 2, Ctrl-C 130."""


class _Commands(TyperGroup):
    """The group of commands: takes --debug anywhere, and turns every error into one clear message."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 typer keeps its context private
        ctx.obj = {"debug": "--debug" in args}
        if "--debug" in args:
            args = ["--debug", *(a for a in args if a != "--debug")]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 as its base class
        debug = bool(ctx.obj["debug"])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CrmWarning)  # the same words stand in the notes
                return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except CrmError as error:
            terminal.show_error(error, debug=debug)
            raise typer.Exit(MENDABLE) from None
        except Exception as error:  # noqa: BLE001 the last resort: a sentence instead of a traceback
            terminal.show_accident(error, debug=debug)
            raise typer.Exit(UNFORESEEN) from None


class _Analysis(TyperCommand):
    """The command that runs an analysis: says how options of the analysis are written."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 as above
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            hint = options.written_out(getattr(error, "option_name", None) or "", given)
            if hint is not None and hasattr(error, "possibilities"):
                error.possibilities = None
                error.message = f"{error.message}. {hint}"
            raise


app = typer.Typer(
    name="crm-analytics",
    cls=_Commands,
    help="Customer analytics from a messy extract to a finding.",
    epilog="Begin with: crm-analytics demo, or: crm-analytics init orders.csv",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Base = Annotated[
    str | None,
    typer.Argument(
        metavar="BASE",
        help="A crm.toml, folder, data file or database address.  [default: ./crm.toml]",
        show_default=False,
    ),
]
Format = Annotated[Literal["text", "json"], typer.Option("--format", help="For people, or for programs.")]
Port = Annotated[int | None, typer.Option(help="Port on this machine.  [default: the first free from 8501]")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Only print the address.")]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a day such as 2026-03-01."
        raise typer.BadParameter(message) from None


Day = Annotated[date | None, typer.Option(parser=_day, metavar="DATE")]


def _version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"crm-analytics {crm.__version__}")
        raise typer.Exit


@app.callback()
def _globally(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version.", is_eager=True, callback=lambda v: _version(asked=v)
        ),
    ] = False,
) -> None:
    pass


@app.command()
def init(
    *,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A data file, a folder of them, or a database address.")
    ],
    out: Annotated[Path, typer.Option(help="Where to write the settings.")] = Path("crm.toml"),
    table: Annotated[
        str | None, typer.Option(help="What the source holds, e.g. transactions.", show_default=False)
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="Sheet of a workbook, by name or number.", show_default=False)
    ] = None,
    query: Annotated[str | None, typer.Option(help="One SELECT, for a database.", show_default=False)] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Look at a source and write a crm.toml to correct."""
    read: ReadOptions = {}
    if sheet is not None:
        read["sheet"] = int(sheet) if sheet.isdigit() else sheet
    if query is not None:
        read["query"] = query
    starting.init(source, out, table=table, options=read, force=force)


@app.command()
def check(
    *,
    base: Base = None,
    form: Format = "text",
    rejected: Annotated[
        Path | None, typer.Option(help="Write the rows that were set aside to this CSV.", show_default=False)
    ] = None,
) -> None:
    """Say what was read, kept and set aside, and why."""
    opened = bases.opened(base)
    if form == "json":
        _print_json(checking.as_json(opened))
    else:
        checking.show(opened)
    if rejected is not None:
        checking.write_rejected(opened, rejected)


@app.command(cls=_Analysis)
def run(
    *,
    analysis: Annotated[
        str, typer.Argument(metavar="ANALYSIS", help="Its name; see: crm-analytics analyses")
    ],
    base: Base = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for every table as CSV, or a file .xlsx.", show_default=False)
    ] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="Write one .xlsx instead of CSVs.")] = False,
    form: Format = "text",
    as_of: Annotated[
        date | None,
        typer.Option(parser=_day, metavar="DATE", help="See only rows before this day.", show_default=False),
    ] = None,
    start: Annotated[
        date | None,
        typer.Option(parser=_day, metavar="DATE", help="Count orders from this day on.", show_default=False),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="An option of the analysis; may be repeated. Which there are says: crm-analytics analyses ANALYSIS",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run one analysis: the finding, its table, its notes."""
    entry = registry.analysis(analysis)
    given = options.parse(entry, option or [])
    days = {"as_of": as_of, "start": start}
    opened = bases.opened(base)
    with terminal.working(entry.title):
        result = registry.run(analysis, opened, **given, **{k: v for k, v in days.items() if v is not None})
    wanted = out is not None or sheet
    written = writing.write_tables(result, out or Path(), sheet=sheet) if wanted else []
    if form == "json":
        _print_json(result.to_dict())
    else:
        terminal.show_result(result)
    writing.say_written(written, quietly=form == "json")


@app.command()
def report(
    *,
    base: Base = None,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("findings.html"),
    analyses: Annotated[
        str | None, typer.Option(help="Names with commas between.  [default: all]", show_default=False)
    ] = None,
) -> None:
    """Write the findings as one HTML page that needs no network."""
    names = [name.strip() for name in analyses.split(",") if name.strip()] if analyses else None
    for name in names or ():
        registry.analysis(name)
    opened = bases.opened(base)
    results = _all_results(opened, names)
    with terminal.working("Writing the report"):
        writing.write_report(out, opened, results)
    for result in results:
        terminal.show_point(result.headline())
    writing.say_written([(out, f"{len(results)} findings")])


@app.command()
def analyses(
    analysis: Annotated[
        str | None,
        typer.Argument(metavar="ANALYSIS", help="Its name, to see its options too.", show_default=False),
    ] = None,
    *,
    form: Format = "text",
) -> None:
    """List the analyses: their questions, and the tables they read; of one, its options too."""
    found = registry.ANALYSES if analysis is None else (registry.analysis(analysis),)
    if form == "json":
        _print_json([_entry(a, with_options=analysis is not None) for a in found])
        return
    terminal.show_table(
        ["Name", "Question", "Tables"], [[a.name, a.question, _tables_of(a)] for a in found], [False] * 3
    )
    if analysis is not None:
        terminal.say("Options, as in: --option NAME=VALUE", "bold")
        rows = [[name, default, text] for name, default, text in options.described(found[0])]
        terminal.show_table(["Option", "Unless said", "What it does"], rows, [False] * 3)


def _tables_of(entry: registry.Analysis) -> str:
    return ", ".join([" or ".join([entry.table, *entry.instead]), *(f"{t} (if there)" for t in entry.also)])


def _entry(entry: registry.Analysis, *, with_options: bool) -> dict[str, Any]:
    """Give an analysis for programs."""
    found: dict[str, Any] = {
        "name": entry.name,
        "title": entry.title,
        "question": entry.question,
        "table": entry.table,
        "instead": list(entry.instead),
        "also": list(entry.also),
    }
    if with_options:
        keys = ("name", "default", "text")
        found["options"] = [dict(zip(keys, option, strict=True)) for option in options.described(entry)]
    return found


@app.command()
def dashboard(*, base: Base = None, port: Port = None, no_browser: NoBrowser = False) -> None:
    """Open the dashboards in the browser; Ctrl-C ends them."""
    place = bases.located(base)
    bases.opened(base)  # what is wrong with it is better said here than in the browser
    _serve(place, port, browser=not no_browser)


@app.command()
def demo(
    *,
    port: Port = None,
    no_browser: NoBrowser = False,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path(),
    no_dashboard: Annotated[bool, typer.Option("--no-dashboard", help="End before the dashboards.")] = False,
) -> None:
    """Show everything on a sample company."""
    with terminal.working("Reading the sample company"):
        base = crm.sample()
    terminal.heading("The sample company")
    for name in base.tables:
        terminal.show_point(checking.in_one_line(base.table(name).check, base.currency))
    terminal.say()
    results = _all_results(base, None)
    for result in results:
        terminal.heading(result.title)
        terminal.say(f"{result.headline()}\n")
    path = out / "crm-analytics-report.html"
    with terminal.working("Writing the report"):
        writing.write_report(path, base, results)
    writing.say_written([(path, f"{len(results)} findings")])
    if not no_dashboard:
        _serve(None, port, browser=not no_browser)


def _all_results(base: CustomerBase, names: Sequence[str] | None) -> list[Result]:
    """Run analyses; one that the data cannot answer is left out with its reason, unless it was asked for by name."""
    if names is not None:
        return [_one_result(base, registry.analysis(name)) for name in names]
    results = []
    for entry in registry.ANALYSES:
        if entry.driver(base):
            try:
                results.append(_one_result(base, entry))
            except NotEnoughDataError as error:
                terminal.show_left_out(entry.title, error)
    return results


def _one_result(base: CustomerBase, entry: registry.Analysis) -> Result:
    with terminal.working(entry.title):
        return registry.run(entry.name, base)


def _serve(place: str | None, port: int | None, *, browser: bool) -> None:
    def ready(address: str) -> None:
        terminal.say(f"Dashboards: {address}", "bold")
        terminal.say("Ctrl-C ends them.")

    raise typer.Exit(serving.serve(place, port=port, browser=browser, ready=ready))


def _print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()
