from __future__ import annotations

import os
import resource
import threading

import polars as pl
import pytest

from crm_analytics.errors import SourceError, TooLargeError
from crm_analytics.extracts.raw import ROW
from crm_analytics.extracts.sources import limits
from crm_analytics.extracts.sources.any_source import read_raw
from crm_analytics.extracts.sources.limits import Limits, read_in_child

CSV = "id,name\n1,a\n2,b\n3,c,surplus\n"


@pytest.fixture
def orders(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def test_the_child_gives_the_same_table(orders):
    here, there = read_raw(orders), read_raw(orders, isolate=True)
    assert there.frame.collect().equals(here.frame.collect())
    assert there.unreadable.equals(here.unreadable)
    assert (there.source, there.kind, there.details, there.notes) == (
        here.source,
        here.kind,
        here.details,
        here.notes,
    )


def test_typed_errors_come_back_typed(tmp_path):
    path = tmp_path / "empty.csv"
    path.write_bytes(b"\n")
    with pytest.raises(SourceError, match=r"empty\.csv holds no rows\. A heading row"):
        read_raw(path, isolate=True)


def test_nothing_is_left_behind(orders, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(limits.tempfile, "tempdir", None)
    (tmp_path / "scratch").mkdir()
    raw = read_raw(orders, isolate=True)
    assert not list((tmp_path / "scratch").iterdir())
    assert raw.frame.collect().height == 2


def test_the_child_does_not_see_our_secrets(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    assert "hunter2" not in str(limits._environment())


def test_it_works_from_a_thread(orders):
    found = []
    thread = threading.Thread(target=lambda: found.append(read_raw(orders, isolate=True)))
    thread.start()
    thread.join()
    assert found[0].frame.collect().height == 2


def test_time_by_the_clock_is_bounded(orders):
    with pytest.raises(TooLargeError, match=r"orders\.csv could not be read within 0\.01 seconds"):
        read_in_child(orders, {}, Limits(wall_seconds=0.01))


def test_memory_is_bounded(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("id,name\n" + "1234567890,abcdefghijklmnopqrstuvwxyz\n" * 2_000_000, encoding="utf-8")
    with pytest.raises(
        TooLargeError, match=r"wide\.csv could not be read within 600 MB of memory|asks for more memory"
    ):
        read_in_child(path, {"separator": ";"}, Limits(memory_mb=600))


def test_the_sparse_workbook_is_refused_and_we_live(tmp_path, bombs):
    path = bombs.sparse(tmp_path / "sparse.xlsx")
    assert path.stat().st_size < 1_500
    before = memory()
    with pytest.raises(TooLargeError, match=r"sparse\.xlsx claims 17,179,869,184 cells"):
        read_raw(path)
    assert memory() - before < 200


def test_a_workbook_that_lies_about_its_extent_takes_only_the_child_down(tmp_path, bombs):
    padding = "".join(bombs.cell(i, f"A{i}", i) for i in range(2, 6_000))
    path = bombs.sparse(tmp_path / "liar.xlsx", dimension='<dimension ref="A1:B2"/>', padding=padding)
    before = memory()
    with pytest.raises(TooLargeError, match=r"liar\.xlsx could not be read within 4,096 MB"):
        read_raw(path)
    assert memory() - before < 200


def test_a_workbook_that_unfolds_is_refused(tmp_path, bombs):
    path = bombs.workbook(tmp_path / "unfolds.xlsx", "<sheetData>" + "<!-- -->" * 10_000_000 + "</sheetData>")
    with pytest.raises(TooLargeError, match="times its size"):
        read_raw(path)


def test_an_open_document_bomb_takes_only_the_child_down(tmp_path, bombs):
    cell = (
        '<table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>'
    )
    row = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    path = bombs.open_document(tmp_path / "bomb.ods", row)
    before = memory()
    with pytest.raises(TooLargeError, match=r"bomb\.ods claims more cells"):
        read_raw(path)
    assert memory() - before < 200


def test_a_gzip_bomb_is_refused(tmp_path, bombs):
    path = bombs.zeros(tmp_path / "zeros.csv.gz", 40)
    with pytest.raises(TooLargeError, match="unfolds to more than 16 MB"):
        read_raw(path, isolate=True)


def test_a_parquet_bomb_is_refused(tmp_path):
    path = tmp_path / "zeros.parquet"
    pl.LazyFrame({"x": [0]}).select(pl.col("x").repeat_by(40_000_000).explode()).select(
        *(pl.col("x").alias(f"x{i}") for i in range(6))
    ).sink_parquet(path)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(TooLargeError, match="promises 40,000,000 rows of 6 columns"):
        read_raw(path, isolate=True)
    assert read_raw(path).frame.select(pl.len()).collect().item() == 40_000_000  # lazily it does no harm


def test_the_answer_stays_after_the_folder_has_gone(orders):
    frame = read_raw(orders, isolate=True).frame
    assert frame.select(pl.col(ROW).sum()).collect().item() == 3


def test_a_crash_is_a_typed_error(orders, monkeypatch):
    monkeypatch.setattr(limits, "_run", lambda *_: -os.WTERMSIG(6))
    with pytest.raises(TooLargeError, match="could not be read within"):
        read_in_child(orders, {})
