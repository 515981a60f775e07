"""crm.toml: what it may say, and that every mistake points to its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from crm_analytics.errors import ConfigError, SourceError
from crm_analytics.extracts import settings

GOOD = """
[base]
name = "Bäckerei Süß"
currency = "EUR"
time_zone = "Europe/Berlin"
as_of = 2026-07-01
start = 2024-01-01
week_start = "sunday"

[sources.transactions]
path = "orders.csv"
duplicates = "reject"

[sources.transactions.columns]
customer_id = "Kd-Nr."

[sources.customers]
url = "sqlite:///crm.db"
table = "kunden"
currency = "CHF"
"""


def write(folder, text):
    path = folder / "crm.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_file(tmp_path):
    said = settings.load(write(tmp_path, GOOD))
    assert (said.base.name, said.base.as_of, said.base.week_start) == (
        "Bäckerei Süß",
        date(2026, 7, 1),
        "sunday",
    )
    orders = said.sources["transactions"]
    assert orders.source(Path("/data")) == Path("/data/orders.csv")
    assert orders.options(said.base) == {
        "columns": {"customer_id": "Kd-Nr."}, "currency": "EUR", "time_zone": "Europe/Berlin", "week_start": "sunday",
        "duplicates": "reject", "timeout_seconds": 60.0,
    }  # fmt: skip
    customers = said.sources["customers"]
    assert customers.source(Path("/data")) == "sqlite:////data/crm.db"
    assert customers.options(said.base)["currency"] == "CHF"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[base]\nname = "x"\ncurency = "EUR"\n',
            r"crm.toml, line 3: there is no key 'curency' in \[base\].*Did you mean 'currency'\?",
        ),
        ('[base]\ncurrency = "euro"\n', r"line 2: base.currency = 'euro' cannot be. Expected an ISO code"),
        (
            '[base]\n\ntime_zone = "Berlin"\n',
            r"line 3: base.time_zone = 'Berlin' cannot be. Expected an IANA name",
        ),
        (
            '[base]\nas_of = "soon"\n',
            r"line 2: base.as_of = 'soon' cannot be\. Expected a day such as 2026-01-31",
        ),
        (
            "[base]\nstart = 2026-01-01\nas_of = 2025-01-01\n",
            r"line 1: base = .* cannot be. Expected start before as_of",
        ),
        (
            '[base]\nweek_start = "friday"\n',
            r"line 2: base.week_start = 'friday' cannot be. Expected 'monday', 'sunday' or 'saturday'",
        ),
        (
            '[sources.orders]\npath = "x"\n',
            r"line 1: there is no key 'orders' in \[sources\].*Known: 'transactions'",
        ),
        ('[sources.transaction]\npath = "x"\n', r"Did you mean 'transactions'\?"),
        (
            '[sources.transactions]\npth = "x"\n',
            r"line 2: there is no key 'pth' in \[sources.transactions\].*Did you mean 'path'\?",
        ),
        (
            '[sources.transactions]\nsheet = "x"\n',
            r"line 1: sources.transactions = .* Expected exactly one of path, paths and url",
        ),
        ('[sources.transactions]\npath = "x"\npaths = ["y"]\n', r"exactly one of path, paths and url"),
        (
            '[sources.transactions]\npath = "x"\nduplicates = "drop"\n',
            r"line 3: .*duplicates = 'drop' cannot be. Expected 'keep' or 'reject'",
        ),
        (
            '[sources.transactions]\npath = "x"\ncolumns = {customer_id = 5}\n',
            r"line 3: .*customer_id = 5 cannot be. Expected string",
        ),
        ('[sources.transactions]\npath = "x"\n[sources.transactions.columns]\n\namount = 7\n', r"line 5"),
        ('[base]\nname = "x\n', r"crm.toml, line 2 is not TOML"),
        ('[base]\nname = "x"\nname = "y"\n', r"line 3 is not TOML: cannot overwrite a value"),
        ("base = 3\n", r"line 1: base = 3 cannot be"),
        ("sources = 3\n", r"line 1: sources = 3 cannot be"),
        ("[bsae]\n", r"line 1: there is no key 'bsae' in the file.*Did you mean 'base'"),
    ],
)
def test_mistakes_point_to_their_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        settings.load(write(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="no file or folder"):
        settings.load(tmp_path / "crm.toml")


def test_a_file_in_another_encoding(tmp_path):
    (tmp_path / "crm.toml").write_bytes("[base]\nname = 'Süß'".encode("cp1252"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        settings.load(tmp_path / "crm.toml")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "crm.toml").write_text("[base]\nname = 'x'\n", encoding="utf-8-sig")
    assert settings.load(tmp_path / "crm.toml").base.name == "x"


def test_the_line_of_a_key():
    assert settings.line_of(GOOD, ("base", "as_of")) == 6
    assert settings.line_of(GOOD, ("sources", "transactions", "columns", "customer_id")) == 15
    assert settings.line_of(GOOD, ("sources", "customers", "nonsense")) == 17
    assert settings.line_of(GOOD, ("nothing",)) is None


def test_urls_keep_their_place():
    source = settings.SourceSettings(url="postgresql://db.example/shop", query="select 1")
    assert source.source(Path("/data")) == "postgresql://db.example/shop"
    assert settings.SourceSettings(url="duckdb:////var/x.db").source(Path("/data")) == "duckdb:////var/x.db"
    assert settings.SourceSettings(paths=["a.csv", "b.csv"]).source(Path("/data")) == [
        Path("/data/a.csv"),
        Path("/data/b.csv"),
    ]
