from __future__ import annotations

import bz2
import gzip
import lzma
import sqlite3
import zipfile
from datetime import date
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from crm_analytics.errors import OptionError, SourceError
from crm_analytics.extracts.raw import FILE, ROW
from crm_analytics.extracts.sources.any_source import read_raw

JAN = "id,day,amount\n007,2024-01-05,9.50\n"
FEB = "id,day,amount,channel\n008,2024-02-05,12,web\nx,y\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "jan.csv").write_text(JAN, encoding="utf-8")
    (tmp_path / "feb.csv").write_text(FEB, encoding="utf-8")
    (tmp_path / "readme.md").write_text("no table", encoding="utf-8")
    return tmp_path


def test_a_folder_is_read_as_one(folder):
    raw = read_raw(folder)
    frame = raw.frame.collect()
    assert frame.columns == [ROW, FILE, "id", "day", "amount", "channel"]
    assert frame.rows() == [
        (1, "feb.csv", "008", "2024-02-05", "12", "web"),
        (1, "jan.csv", "007", "2024-01-05", "9.50", None),
    ]
    assert raw.unreadable.rows() == [(2, "feb.csv", "x,y", "2 cells where 4 were expected")]
    assert "The column 'channel' is in 1 of 2 files only (feb.csv)." in raw.notes
    assert raw.kind == "csv"
    assert raw.details["files"] == "2"


def test_a_pattern_and_a_list(folder):
    by_pattern = read_raw(str(folder / "*.csv")).frame.collect()
    by_list = read_raw([folder / "feb.csv", str(folder / "jan.csv")]).frame.collect()
    assert by_pattern.equals(by_list)


def test_one_file_in_a_list_is_one_file(folder):
    assert FILE not in read_raw([folder / "jan.csv"]).frame.collect_schema()


def test_numbers_and_text_under_one_heading_become_text(folder):
    pl.DataFrame({"id": [9], "amount": [1.5]}).write_parquet(folder / "mar.parquet")
    raw = read_raw([folder / "jan.csv", folder / "mar.parquet"])
    assert raw.kind == "files"
    assert raw.frame.collect()["id"].to_list() == ["007", "9"]


def test_an_empty_folder(tmp_path):
    with pytest.raises(SourceError, match="holds no table"):
        read_raw(tmp_path)


def test_an_empty_list():
    with pytest.raises(SourceError, match="The list of files is empty"):
        read_raw([])


def test_a_pattern_without_files(tmp_path):
    with pytest.raises(SourceError, match="There is no file or folder"):
        read_raw(tmp_path / "*.csv")


@pytest.mark.parametrize("address", ["https://example.com/x.csv", "mysql://host/shop"])
def test_addresses_of_other_kinds(address):
    with pytest.raises(SourceError, match=r"Addresses that begin with \w+:// are not read"):
        read_raw(address)


def test_something_else():
    with pytest.raises(SourceError, match=r"is of the type .int.\."):
        read_raw(7)


@pytest.mark.parametrize("isolate", [False, True])
def test_parquet_keeps_its_types(tmp_path, isolate):
    path = tmp_path / "orders.dat"  # the name does not matter
    pl.DataFrame({"id": ["007"], "day": [date(2024, 1, 5)], "amount": [Decimal("9.50")]}).write_parquet(path)
    raw = read_raw(path, isolate=isolate)
    assert raw.kind == "parquet"
    assert raw.frame.collect().rows() == [(1, "007", date(2024, 1, 5), 9.5)]


@pytest.mark.parametrize("cut", [4, 20, 200])
def test_a_parquet_file_cut_off(tmp_path, cut):
    path = tmp_path / "orders.parquet"
    pl.DataFrame({"id": ["007"] * 50}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(SourceError, match=r"orders\.parquet begins like a Parquet file"):
        read_raw(path)


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"id": ["007", None], "n": [1, 2]}),
        pl.LazyFrame({"id": ["007", None], "n": [1, 2]}),
        pd.DataFrame({"id": ["007", None], "n": [1, 2]}),
        pd.DataFrame({"id": ["007", None], "n": [1, 2]}, index=[5, 9]),
        pa.table({"id": ["007", None], "n": [1, 2]}),
        duckdb.sql("SELECT * FROM (VALUES ('007', 1), (NULL, 2)) AS t (id, n)"),
    ],
    ids=["polars", "lazy", "pandas", "pandas with index", "pyarrow", "duckdb"],
)
def test_frames_of_every_kind(frame):
    raw = read_raw(frame)
    assert raw.frame.collect().rows() == [(1, "007", 1), (2, None, 2)]
    assert raw.kind == "frame"


def test_frames_are_not_changed():
    frame = pl.DataFrame({"a": [1]})
    read_raw(frame).frame.collect()
    assert frame.columns == ["a"]


def test_rare_types_become_usual_ones():
    frame = pl.DataFrame({"c": pl.Series(["x"], dtype=pl.Categorical), "d": [Decimal("1.5")], "b": [b"ab"]})
    assert read_raw(frame).frame.collect().rows() == [(1, "x", 1.5, "ab")]


def test_a_frame_that_cannot_be_taken():
    class Odd:
        def __arrow_c_stream__(self, requested_schema=None):
            raise RuntimeError("no stream today")

    with pytest.raises(SourceError, match="cannot be taken as a table: no stream today"):
        read_raw(Odd())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("isolate", [False, True])
def test_compressed_text(tmp_path, pack, isolate):
    path = tmp_path / "jan.csv.packed"
    path.write_bytes(pack(JAN.encode()))
    assert read_raw(path, isolate=isolate).frame.collect().rows() == [(1, "007", "2024-01-05", "9.50")]


def test_compressed_text_cut_off(tmp_path):
    path = tmp_path / "jan.csv.gz"
    path.write_bytes(gzip.compress(JAN.encode() * 1000)[:-20])
    with pytest.raises(SourceError, match="cannot be unpacked"):
        read_raw(path)


def test_the_name_is_not_believed(folder):
    liar = folder / "liar.xlsx"
    liar.write_text(JAN, encoding="utf-8")
    assert read_raw(liar).kind == "csv"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"<!DOCTYPE html><html><body>Please log in", "a web page or XML"),
        (b"\n<?xml version='1.0'?><Workbook/>", "a web page or XML"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"7z\xbc\xaf'\x1c", "a 7-Zip archive"),
        (b'{"id": 7}\n{"id": 8}\n', "a JSON file"),
        (b'[{"id": 7}]', "a JSON file"),
    ],
)
def test_what_holds_no_table_is_named(tmp_path, content, what):
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"is {what}"):
        read_raw(path)


def test_a_zip_archive_is_named(folder):
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.write(folder / "jan.csv", "jan.csv")
    with pytest.raises(SourceError, match=r"is a zip archive.*Unpack it first"):
        read_raw(folder / "all.zip")


def test_a_database_file_is_known_by_its_bytes(tmp_path):
    path = tmp_path / "shop"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (id INTEGER)")
    connection.execute("INSERT INTO orders VALUES (7)")
    connection.commit()
    connection.close()
    assert read_raw(path).frame.collect().rows() == [(1, 7)]
    assert read_raw(path, query="SELECT id + 1 AS next FROM orders").frame.collect().rows() == [(1, 8)]


def test_a_query_for_a_file_is_refused(folder):
    with pytest.raises(OptionError, match="query= was given for a source that is no database"):
        read_raw(folder / "jan.csv", query="SELECT 1")


def test_a_label_is_shown_in_place_of_the_name(folder):
    assert read_raw(folder / "jan.csv", label="January").source == "January"


def test_a_named_index_of_pandas_is_a_column_and_mixed_ids_are_text():
    ids = np.array([1, "002", None], dtype=object)
    frame = pd.DataFrame(
        {"customer_id": ids, "amount": [1.0, 2.0, 3.0]}, index=pd.Index([7, 8, 9], name="order_id")
    )
    found = read_raw(frame).frame.collect()
    assert found["order_id"].to_list() == [7, 8, 9]
    assert found["customer_id"].to_list() == ["1", "002", None]
    assert frame.index.name == "order_id"
