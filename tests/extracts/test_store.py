"""Tables too large for memory: the same answers, a file that goes away, pickles that stand on their own."""

from __future__ import annotations

import gc
import pickle
import tempfile
from datetime import date

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_analytics import clv
from crm_analytics.extracts import door
from crm_analytics.extracts.plain import lines as plain_lines
from crm_analytics.extracts.readers import read_transactions
from crm_analytics.extracts.store import Store
from crm_analytics.extracts.text import row_scan


@pytest.fixture
def tight(monkeypatch):
    """Make the smallest table too large to be held, or to be looked at as a whole."""
    monkeypatch.setattr(door, "FITS", 0)
    monkeypatch.setattr(door, "_LOOK_AT", 5)


def folder_of(store):
    return store.path


def test_the_file_lives_as_long_as_the_last_frame_made_of_it():
    store = Store(pl.LazyFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}))
    folder = folder_of(store)
    some = store.scan().filter(pl.col("a") > 1).select("b")
    del store
    gc.collect()
    assert folder.exists()
    assert some.collect()["b"].to_list() == ["y", "z"]
    assert some.head(1).collect(engine="streaming")["b"].to_list() == ["y"]
    del some
    gc.collect()
    assert not folder.exists()


def _folders(path):
    return [found for found in path.iterdir() if found.name.startswith("crm_analytics_")]


def _broken():
    yield pl.DataFrame({"a": [1]})
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "frames", [_broken, lambda: pl.LazyFrame({"a": ["x"]}).select(pl.col("a").cast(pl.Int64))]
)
def test_nothing_is_left_of_a_table_that_could_not_be_written(tmp_path, monkeypatch, frames):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises((OSError, pl.exceptions.InvalidOperationError), match=r"space left|conversion"):
        Store(frames())
    assert not _folders(tmp_path)


@pytest.mark.parametrize("odd_from", [60, 160])
def test_nothing_is_left_of_a_file_that_turns_out_to_be_odd(tmp_path, monkeypatch, tight, odd_from):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(row_scan, "_STEP", 256)
    monkeypatch.setattr(plain_lines, "_BLOCKS", 1)
    lines = [f"C{i % 9},2024-01-{1 + i % 28:02},{i % 70}.5" for i in range(odd_from)]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["customer_id,ordered_at,amount", *lines, *["guest,2024-01-05,+5"] * 100]))
    extract = read_transactions(path)
    assert extract.check.rows_kept == odd_from + 100
    assert len(_folders(tmp_path)) == 1
    del extract
    gc.collect()
    assert not _folders(tmp_path)


def test_a_pickle_brings_its_own_rows():
    frame = Store(pl.LazyFrame({"a": [1, 2, 3]})).scan().filter(pl.col("a") > 1)
    pickled = pickle.dumps(frame)
    del frame
    gc.collect()
    assert pickle.loads(pickled).collect()["a"].to_list() == [2, 3]  # noqa: S301 - our own


words = st.sampled_from(["", "NULL", "C1", "C2", " C3 ", "'=C4", "total", "guest", "nan", "x" * 20])
moments = st.sampled_from(["2024-01-01", "2024-02-30", "", "x", "2024-03-05", " 2024-03-06", "2099-01-01"])
amounts = st.sampled_from(["1.50", "-2.25", "x", "", "inf", "nan", "1,000.00", "7", " 8.5"])
orders = st.sampled_from(["1", "2", "C3", "", "1.2E+12"])
rows = st.lists(st.tuples(words, moments, amounts, orders), min_size=1, max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows)
def test_a_sample_and_a_file_give_the_extract_that_memory_gives(monkeypatch, rows):
    frame = pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount", "order_id"], orient="row")
    held = read_transactions(frame)
    with monkeypatch.context() as patch:
        patch.setattr(door, "FITS", 0)
        patch.setattr(door, "_LOOK_AT", 5)
        stored = read_transactions(frame.lazy())
    assert stored.frame.collect().equals(held.frame.collect())
    assert stored.rejected.equals(held.rejected)
    assert stored.check.lines() == held.check.lines()
    assert stored.check == held.check


def test_the_order_of_day_and_month_is_decided_by_all_rows(tight):
    days = [f"0{1 + i % 9}/0{1 + i % 7}/2024" for i in range(40)]
    frame = pl.DataFrame(
        {
            "customer_id": [f"C{i % 7}" for i in range(41)],
            "ordered_at": [*days, "01/25/2024"],
            "amount": ["1.50"] * 41,
        }
    )
    extract = read_transactions(frame)
    assert extract.check.rows_rejected == 0
    assert extract.frame.collect()["ordered_at"][-1].date() == date(2024, 1, 25)
    assert extract.frame.collect()["ordered_at"][1].date() == date(2024, 2, 2)


@pytest.mark.parametrize(
    ("amounts", "last"),
    [
        (["12", "13", "14", "15", "16", "17", "18", "1.234,50"], 1234.5),
        (["12.5", "13.5", "14", "15", "16", "17", "18", "1,234.50"], 1234.5),
        (["12", "13", "14", "15", "1617", "17", "18", "1.234"], 1.234),
        (["€ 12", "13", "14", "15", "16", "17", "18", "€ 1.50"], 1.5),
    ],
)
def test_numbers_are_read_by_all_rows(tight, amounts, last):
    n = len(amounts)
    frame = pl.DataFrame(
        {"customer_id": ["a", "b"] * (n // 2), "ordered_at": ["2024-01-05"] * n, "amount": amounts}
    )
    extract = read_transactions(frame)
    assert extract.frame.collect()["amount"][-1] == last


def test_ids_of_a_float_column_only_where_all_are(tight):
    ids = [f"1785{i}.0" for i in range(8)]
    frame = pl.DataFrame({"customer_id": ids, "ordered_at": ["2024-01-05"] * 8, "amount": ["1.50"] * 8})
    assert read_transactions(frame).frame.collect()["customer_id"][0] == "17850"
    mixed = frame.with_columns(pl.Series("customer_id", [*ids[:7], "A1"]))
    assert read_transactions(mixed).frame.collect()["customer_id"][0] == "17850.0"


def test_histories_from_a_file_are_those_from_memory(tight, monkeypatch):
    frame = pl.DataFrame(
        {
            "customer_id": [f"C{i % 7}" for i in range(60)],
            "ordered_at": [f"2024-01-{1 + (i * 7) % 28:02}" for i in range(60)],
            "amount": [f"{1 + i % 5}.50" for i in range(60)],
        }
    )
    stored = read_transactions(frame)
    monkeypatch.undo()
    assert clv.summarise(stored).equals(clv.summarise(read_transactions(frame)))
