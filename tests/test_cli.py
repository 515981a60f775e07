"""The command line: every command, every kind of mistake, and what stays true when it is piped."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

import crm_analytics as crm
from crm_analytics import registry
from crm_analytics.cli import app, commands, options, serving, terminal
from crm_analytics.cli.bases import located
from crm_analytics.errors import CrmError, OptionError, UnknownNameError

ORDERS = """Kunde;Bestellung;Datum;Umsatz;Notiz
0001;A1;03.01.2026;120,50;x
0001;A2;17.02.2026;80,00;=1+1
0002;A3;20.01.2026;15,25;y
;A4;21.01.2026;9,99;z
0003;A5;28.02.2026;1.200,00;
0003;A6;13.02.2026;-100,00;back
0004;A7;02.01.2026;40,00;
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a small file of orders in it, to work in."""
    (tmp_path / "orders.csv").write_text(ORDERS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cli(*arguments, width=80):
    return CliRunner(env={"COLUMNS": str(width), "NO_COLOR": "1"}).invoke(app, [str(a) for a in arguments])


def process(*arguments, **options_):
    return subprocess.run(
        [sys.executable, "-m", "crm_analytics", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False, **options_,
    )  # fmt: skip


def many_orders(n_customers=90, n_days=700):
    """Enough orders, of customers of every habit, for an analysis that fits a model."""
    lines = [
        f"K{who:03},{date(2024, 1, 1) + timedelta(days=day)},{20 + who % 7 + day % 5}.50"
        for who in range(n_customers)
        for day in range(who * 3, n_days - 7 * (who % 40), 15 + 11 * (who % 13))
    ]
    return "\n".join(["customer_id,ordered_at,amount", *lines])


def many_tables(folder):
    """Make a folder of orders, answers and complaints, so that every analysis has its table."""
    folder.mkdir()
    (folder / "transactions.csv").write_text(many_orders())
    answers = [
        f"{date(2024, 1, 1) + timedelta(days=5 * i)},K{i % 90:03},{i % 11},{1 + i % 5},{1 + (i + i // 7) % 5},{1 + i // 3 % 5},{1 + i % 3},{5 - i % 2}"
        for i in range(140)
    ]
    (folder / "surveys.csv").write_text(
        "\n".join(
            ["answered_at,customer_id,nps,csat,quality,service,app functional,app dysfunctional", *answers]
        )
    )
    cases = [
        f"{i},{date(2024, 1, 1) + timedelta(days=6 * i)},{date(2024, 1, 2) + timedelta(days=6 * i + i % 9)},K{i % 90:03},{'late' if i % 3 else 'broken'}"
        for i in range(110)
    ]
    (folder / "cases.csv").write_text("\n".join(["case_id,opened_at,closed_at,customer_id,category", *cases]))
    return folder


def one_line(text):
    return " ".join(text.split())


# --- analyses, version, help


def test_analyses_lists_the_registry():
    found = cli("analyses", width=300)
    assert found.exit_code == 0
    for entry in registry.ANALYSES:
        assert entry.name in found.stdout
        assert one_line(entry.question) in one_line(found.stdout)


def test_analyses_as_json():
    found = json.loads(cli("analyses", "--format", "json").stdout)
    assert [a["name"] for a in found] == [a.name for a in registry.ANALYSES]
    assert found[1]["also"] == ["customers"]


def test_the_options_of_an_analysis_are_listed_with_what_they_do():
    found = cli("analyses", "cohort_retention", width=200)
    assert found.exit_code == 0, found.stderr
    assert re.search(r"^criterion +on +Who counts as active at age k", found.stdout, re.MULTILINE)
    assert re.search(r"^shrink +False +Whether to add rates", found.stdout, re.MULTILINE)
    assert "rfm" not in found.stdout


def test_every_option_of_every_analysis_is_explained():
    for entry in registry.ANALYSES:
        found = json.loads(cli("analyses", entry.name, "--format", "json").stdout)[0]
        assert [o["name"] for o in found["options"]] == options.names(entry)
        assert not [o["name"] for o in found["options"] if len(o["text"]) < 10]


def test_an_unknown_analysis_has_no_options():
    found = cli("analyses", "cohort_retentio")
    assert found.exit_code != 0
    assert "cohort_retention" in found.stderr


def test_version():
    assert cli("--version").stdout == f"crm-analytics {crm.__version__}\n"


@pytest.mark.parametrize("command", ["init", "check", "run", "report", "analyses", "dashboard", "demo"])
def test_every_command_explains_itself(command):
    found = cli(command, "--help")
    assert found.exit_code == 0
    assert f"{command} [OPTIONS]" in found.stdout
    assert max(map(len, found.stdout.splitlines())) <= 80


def test_without_a_command_the_help_is_shown():
    assert "Commands:" in process().stderr + process().stdout


# --- init


def test_init_shows_what_it_believes_and_writes_it(here):
    found = cli("init", "orders.csv")
    assert found.exit_code == 0, found.stderr
    assert "Taken for transactions" in found.stdout
    assert re.search(r"customer_id +Kunde +0001; 0002 +(sure|fairly sure|likely)", found.stdout)
    assert "Not used: Notiz." in found.stdout
    assert "Wrote crm.toml" in found.stdout
    assert 'customer_id = "Kunde"' in (here / "crm.toml").read_text()
    assert crm.open("crm.toml").table("transactions").check.rows_in == 7


def test_init_does_not_overwrite_unless_forced(here):
    (here / "crm.toml").write_text("mine")
    found = cli("init", "orders.csv")
    assert found.exit_code == 1
    assert "'crm.toml' is already there" in found.stderr
    assert "--force" in found.stderr
    assert (here / "crm.toml").read_text() == "mine"
    assert cli("init", "orders.csv", "--force").exit_code == 0
    assert "[sources.transactions]" in (here / "crm.toml").read_text()


def test_init_takes_files_of_one_kind_for_one_source(here):
    (here / "more").mkdir()
    for year in (2025, 2026):
        (here / "more" / f"orders_{year}.csv").write_text(ORDERS.replace("2026", str(year)))
    (here / "more" / "notes.txt").write_text("hello\n")
    found = cli("init", "more", "--out", "more/crm.toml")
    assert found.exit_code == 0, found.stderr
    assert "notes.txt left out" in found.stderr
    assert crm.open("more/crm.toml").table("transactions").check.rows_in == 14


def test_init_says_what_is_still_missing(here):
    (here / "short.csv").write_text("Kunde;Umsatz\n1;12,50\n2;7,00\n")
    found = cli("init", "short.csv", "--table", "transactions", "--out", "short.toml")
    assert found.exit_code == 0
    assert "(missing)" in found.stdout
    assert "Not ready yet" in found.stdout
    assert '# ordered_at = ""' in (here / "short.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.csv",), "no file or folder at 'nothing.csv'"),
        (("orders.csv", "--table", "transaction"), "Did you mean 'transactions'?"),
        (("words",), "No file in 'words' was recognised as a table"),
    ],
)
def test_init_explains_what_it_cannot_do(here, arguments, said):
    (here / "words").mkdir()
    (here / "words" / "letter.txt").write_text("")
    found = cli("init", *arguments)
    assert found.exit_code == 1
    assert said in one_line(found.stderr)
    assert not (here / "crm.toml").exists()


# --- check


def test_check_ties_rows_and_money(here):
    found = cli("check", "orders.csv")
    assert found.exit_code == 0, found.stderr
    assert "Rows: 7 read = 6 kept + 1 set aside (14.3%)" in found.stdout
    assert "Amount: 1,365.74 = 1,355.75 kept + 9.99 set aside" in found.stdout
    assert re.search(r"customer_id is missing +1 +9\.99 +4", found.stdout)
    assert "day before month" in found.stdout


def test_check_as_json(here):
    found = json.loads(cli("check", "orders.csv", "--format", "json").stdout)
    check = found["tables"]["transactions"]
    assert (check["rows_in"], check["rows_kept"], check["rows_rejected"]) == (7, 6, 1)
    assert check["by_reason"] == {"customer_id is missing": 1}


def test_check_writes_the_rows_set_aside(here):
    found = cli("check", "orders.csv", "--rejected", "aside.csv")
    assert found.exit_code == 0
    assert "Wrote aside.csv (1 row)" in found.stderr
    aside = pl.read_csv("aside.csv")
    assert aside["reason"].to_list() == ["customer_id is missing"]
    assert aside["Umsatz"].to_list() == ["9,99"]


def test_check_writes_a_file_for_each_table_with_rows_set_aside(here):
    (here / "customers.csv").write_text("customer_id,name\n0001,Ann\n0002,Ben\n")
    assert cli("check", here, "--rejected", "aside.csv").exit_code == 0
    assert sorted(p.name for p in here.glob("aside*")) == ["aside_transactions.csv"]


def test_the_base_is_crm_toml_unless_named(here):
    assert cli("init", "orders.csv").exit_code == 0
    assert cli("check").stdout == cli("check", "crm.toml").stdout


def test_without_a_base_the_way_on_is_shown(here):
    found = cli("check")
    assert found.exit_code == 1
    assert "There is no crm.toml in this folder. Make one with: crm-analytics init" in one_line(found.stderr)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = = 1", "line 1 is not TOML"),
        ("[bse]\nname = 'x'", "Did you mean 'base'?"),
        ("[base]\ncurrency = 'euro'", "line 2"),
    ],
)
def test_a_wrong_crm_toml_is_pointed_at(here, text, said):
    (here / "crm.toml").write_text(text)
    found = cli("check")
    assert found.exit_code == 1
    assert said in one_line(found.stderr)
    assert "Traceback" not in found.stderr


# --- run


def test_run_prints_the_finding(here):
    found = cli("run", "rfm", "orders.csv")
    result = crm.run("rfm", crm.open("orders.csv"))
    assert found.exit_code == 0, found.stderr
    assert one_line(result.headline()) in one_line(found.stdout)
    for note in result.notes:
        assert one_line(note.text) in one_line(found.stdout)
    assert "From orders.csv · 7 read, 6 kept, 1 set aside · as of 1 Mar 2026" in one_line(found.stdout)
    assert "Share of customers" in cli("run", "rfm", "orders.csv", width=200).stdout


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", [a.name for a in registry.ANALYSES])
def test_run_fits_the_terminal_and_uses_no_colour_when_piped(here, width, name):
    found = cli("run", name, many_tables(Path("many")), width=width)
    assert found.exit_code == 0, found.stderr
    assert max(map(len, found.stdout.splitlines())) <= width
    assert "\x1b" not in found.stdout


def test_run_as_json_is_the_whole_result(here):
    found = cli("run", "rfm", "orders.csv", "--format", "json")
    result = crm.run("rfm", crm.open("orders.csv"))
    assert json.loads(found.stdout) == result.to_dict()
    assert crm.Result.from_dict(json.loads(found.stdout)).headline() == result.headline()


def test_run_writes_every_table_as_csv(here):
    found = cli("run", "rfm", "orders.csv", "--out", "out")
    result = crm.run("rfm", crm.open("orders.csv"))
    names = {f"rfm_{name}.csv" for name in ["summary", *result.tables()]}
    assert {p.name for p in Path("out").iterdir()} == names
    assert f"rfm_customers.csv ({result.tables()['customers'].height} rows)" in found.stdout
    back = pl.read_csv("out/rfm_customers.csv", schema_overrides={"customer_id": pl.String})
    assert back["customer_id"].to_list() == result.tables()["customers"]["customer_id"].to_list()
    assert back["spend"].sum() == pytest.approx(1355.75)


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("--out", "out", "--sheet"), "out/rfm.xlsx"),
        (("--out", "mine.xlsx"), "mine.xlsx"),
        (("--sheet",), "rfm.xlsx"),
    ],
)
def test_run_writes_one_workbook(here, arguments, path):
    assert cli("run", "rfm", "orders.csv", *arguments).exit_code == 0
    book = openpyxl.load_workbook(path)
    assert {"Summary", "Customers", "Segments", "Definitions", "About"} <= set(book.sheetnames)
    about = dict(book["About"].iter_rows(values_only=True))
    assert about["Rows"] == "7 read, 6 kept, 1 set aside"
    assert about["Finding"] == crm.run("rfm", crm.open("orders.csv")).headline()


def test_run_takes_dates_and_options(here):
    arguments = ("--as-of", "2026-02-15", "--start", "2026-01-10", "--option", "bins=3", "--option", "seed=7")
    found = json.loads(cli("run", "rfm", "orders.csv", "--format", "json", *arguments).stdout)
    assert found["provenance"]["as_of"] == "2026-02-15"
    assert found["parameters"]["bins"] == 3
    assert found["parameters"]["seed"] == 7
    assert found["parameters"]["start"] == "2026-01-10"


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (("rmf", "orders.csv"), "There is no analysis 'rmf'.", 1),
        (("rmf", "orders.csv"), "Did you mean 'rfm'?", 1),
        (("rfm", "nothing.csv"), "no file or folder at 'nothing.csv'", 1),
        (("rfm", "orders.csv", "--option", "bin=3"), "Did you mean 'bins'?", 1),
        (("rfm", "orders.csv", "--option", "bins"), "written name=value", 1),
        (("rfm", "orders.csv", "--option", "bins=many"), "bins=many cannot be read", 1),
        (
            ("cohort_retention", "orders.csv", "--option", "criterion=foo"),
            "takes: on, on_or_after, on_or_before, bracket or streak",
            1,
        ),
        (("rfm", "orders.csv", "--option", "bins=99"), "out of range", 1),
        (("rfm", "orders.csv", "--as-of", "2026-13-01"), "is not a day such as 2026-03-01", 2),
        (("rfm", "orders.csv", "--format", "yaml"), "'yaml'", 2),
        (("rfm", "orders.csv", "--wrong"), "No such option", 2),
        (("rfm", "orders.csv", "--bins", "3"), "bins is an option of rfm. Write: --option bins=3", 2),
        (("cohort_retention", "orders.csv", "--week-start=sunday"), "Write: --option week_start=sunday", 2),
        (("cohort_retention", "--shrink"), "Write: --option shrink=…", 2),
        (("cohort_retention", "orders.csv", "--perid", "week"), "Did you mean: --option period=…", 2),
        (("rfm", "orders.csv", "--formt", "json"), "Possible options: --format", 2),
        ((), "Missing argument", 2),
        (("rfm", "orders.csv", "--as-of", "1999-01-01"), "Expected a day after 2026-01-02", 1),
    ],
)
def test_run_explains_mistakes(here, arguments, said, code):
    found = cli("run", *arguments, width=200)
    assert found.exit_code == code
    assert said in one_line(found.stderr)
    assert "Traceback" not in found.stderr
    assert found.stdout == ""


# --- options as text


def _entry(function):
    class Entry:
        name = "toy"

    Entry.function = staticmethod(function)
    return Entry


def _toy(
    tx,
    *,
    n: int = 1,
    share: float = 0.5,
    flag: bool = False,
    shares: tuple[float, ...] = (),
    cuts: dict[str, float] | None = None,
    customers=None,
    frame: pl.DataFrame | None = None,
): ...


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n=3", ("n", 3)),
        ("share=0.25", ("share", 0.25)),
        ("flag=yes", ("flag", True)),
        ("shares=0.5,0.8", ("shares", (0.5, 0.8))),
        ("shares=[0.5, 0.8]", ("shares", (0.5, 0.8))),
        ("shares=0.5", ("shares", (0.5,))),
        ('cuts={"a": 1}', ("cuts", {"a": 1.0})),
        ("cuts=none", ("cuts", None)),
    ],
)
def test_options_are_read_by_the_signature(text, value):
    assert options.parse(_entry(_toy), [text]) == dict([value])


def test_tables_are_no_options():
    with pytest.raises(UnknownNameError, match="no option of toy 'customers'"):
        options.parse(_entry(_toy), ["customers=x.csv"])


def test_objects_are_left_to_python():
    with pytest.raises(OptionError, match=r"Set it in Python: crm\.toy"):
        options.parse(_entry(_toy), ["frame=x"])


# --- errors


def test_debug_shows_where_from_any_place(here):
    for arguments in (("--debug", "run", "rfm", "nothing.csv"), ("run", "rfm", "nothing.csv", "--debug")):
        found = cli(*arguments)
        assert found.exit_code == 1
        assert "Traceback" in found.stderr
        assert "Error: There is no file" in found.stderr


def test_the_unforeseen_is_one_sentence_and_its_own_code(here, monkeypatch):
    def broken(*_a, **_k):
        message = "boom\nsecond line"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(registry, "run", broken)
    found = cli("run", "rfm", "orders.csv")
    assert found.exit_code == 3
    expected = "Error: unexpected ZeroDivisionError: boom; run again with --debug to see where."
    assert one_line(found.stderr) == expected
    assert "Traceback" in cli("run", "rfm", "orders.csv", "--debug").stderr


def test_an_interruption_is_130(here, monkeypatch):
    def interrupted(*_a, **_k):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "run", interrupted)
    assert cli("run", "rfm", "orders.csv").exit_code == 130


def test_markup_in_data_is_shown_as_it_stands(capsys):
    terminal.show_error(CrmError("Found '[bold]x[/bold] :smile:'."), debug=False)
    assert capsys.readouterr().err == "Error: Found '[bold]x[/bold] :smile:'.\n"


def test_an_old_code_page_gets_hyphens_for_minuses(monkeypatch):
    """Neither a question mark nor an error: code page 1252 has no minus."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", file)
    terminal.say("\N{MINUS SIGN}5 points")
    terminal.show_point("from \N{MINUS SIGN}3")
    terminal.show_table(["Change"], [["\N{MINUS SIGN}2"]], [True])
    file.flush()
    shown = file.buffer.getvalue().decode("cp1252")
    assert [shown.count(words) for words in ("-5 points", "from -3", "-2")] == [1, 1, 1]


def test_wide_tables_are_parted_with_the_first_column_in_each(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    heads = ["Name", "First", "Second", "Third"]
    terminal.show_table(heads, [["ann", "1,000,000", "2,000,000", "3,000,000"]], [False, True, True, True])
    shown = capsys.readouterr().out
    assert shown.count("ann") == 2
    assert max(map(len, shown.splitlines())) <= 30


# --- report, dashboard, demo


def test_report_writes_the_findings(here):
    found = cli("report", "orders.csv", "--out", "f.html", "--analyses", "rfm,overview")
    assert found.exit_code == 0, found.stderr
    page = Path("f.html").read_text()
    headlines = [crm.run(name, crm.open("orders.csv")).headline() for name in ("rfm", "overview")]
    assert one_line(headlines[0])[:30] in one_line(found.stdout)
    assert page.index("RFM segments") < page.index("The customer base")


def test_report_refuses_an_unknown_analysis(here):
    found = cli("report", "orders.csv", "--analyses", "rfm,overvieww")
    assert found.exit_code == 1
    assert "Did you mean 'overview'?" in one_line(found.stderr)


def test_dashboard_gives_an_address_that_holds_from_any_folder(here, monkeypatch):
    seen = []

    def serve(base, *, port, browser, ready):
        seen.append((base, port, browser))
        ready("http://localhost:9")
        return 5

    monkeypatch.setattr(serving, "serve", serve)
    found = cli("dashboard", "orders.csv", "--port", 9, "--no-browser")
    assert seen == [(str(here / "orders.csv"), 9, False)]
    assert found.stdout == "Dashboards: http://localhost:9\nCtrl-C ends them.\n"
    assert found.exit_code == 5, "the exit code of the dashboards is passed on"


def test_a_database_address_is_left_as_it_is():
    assert located("sqlite:///x.db") == "sqlite:///x.db"


def test_a_port_in_use_is_refused():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=f"Port {port} is in use"):
            serving.serve(None, port=port, browser=False, ready=print)


def test_demo_shows_everything_on_sample_data(here):
    found = cli("demo", "--no-dashboard", "--out", "out")
    assert found.exit_code == 0, found.stderr
    for entry in registry.ANALYSES:
        if entry.driver(crm.sample()):
            assert one_line(crm.run(entry.name, crm.sample()).headline()) in one_line(found.stdout)
    assert "Kano" not in found.stdout + found.stderr, "nobody was asked in pairs"
    assert "transactions: " in found.stdout
    assert Path("out/crm-analytics-report.html").stat().st_size > 1_000_000


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_dashboards_end_with_the_command(here, number):
    code = (
        "import signal; from crm_analytics.__main__ import main; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); main()"
    )
    command = [sys.executable, "-c", code, "dashboard", str(here / "orders.csv"), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        address = running.stdout.readline().strip().removeprefix("Dashboards: http://localhost:")
        assert serving._is_healthy(int(address))
        running.send_signal(number)
        assert running.wait(30) == 0
    assert not serving._is_healthy(int(address))


# --- as a process of its own


def test_as_a_process(here):
    found = process("run", "rfm", "orders.csv", "--format", "json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["analysis"] == "rfm"
    assert found.stderr == "", "progress is shown to terminals alone"
    assert process("run", "rfm", "nothing.csv").returncode == 1
    assert process("rnu").returncode == 2


def test_a_reader_that_goes_away_is_no_error(here):
    with subprocess.Popen(
        [sys.executable, "-m", "crm_analytics", "run", "rfm", "orders.csv", "--format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        running.stdout.close()
        assert "Traceback" not in running.stderr.read()


def test_without_typer_the_extra_is_named():
    code = "import sys; sys.modules['typer'] = None; from crm_analytics.__main__ import main; main()"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("typer is not installed.")
    assert 'pip install "crm-analytics[cli]"' in found.stderr


def test_a_terminal_without_the_letters_is_no_error(here):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    found = process("run", "value_tiers", "orders.csv", env=environment)
    assert found.returncode == 0, found.stderr
    assert "Value tiers\n-----------" in found.stdout


def test_exit_codes_are_different():
    assert len({0, commands.MENDABLE, 2, commands.UNFORESEEN, 130}) == 5
