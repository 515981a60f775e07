"""Every page on every kind of base: it shows the library's numbers, or says what is missing. Never an exception."""

from __future__ import annotations

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

import crm_analytics as crm
from crm_analytics import registry
from shared.words import plain

PAGES = ["overview", "segments", "value", "lifetime_value", "retention", "customers", "data", "definitions"]
ANALYSES = {
    "overview": "overview",
    "segments": "rfm",
    "value": "value_tiers",
    "lifetime_value": "lifetime_value",
    "retention": "cohort_retention",
}


@pytest.fixture
def visit(apps, monkeypatch):
    """Open a page as a fresh visitor of a server that was started on `base`."""

    def open_page(page="overview", base="", **query):
        monkeypatch.setenv("CRM_BASE", str(base))
        at = AppTest.from_file(apps / "streamlit_app.py", default_timeout=120)
        for name, value in query.items():
            at.query_params["from" if name == "from_" else name] = value
        if page != "overview":
            at.switch_page(f"app_pages/{page}.py")
        return at.run()

    return open_page


@pytest.fixture(scope="module")
def sample():
    return crm.sample()


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(
        "customer_id,order_id,ordered_at,amount\nA,1,2026-01-05,10\nB,2,2026-02-07,20\nA,3,2026-02-09,5\n"
    )
    return path


def said(at):
    """Give all text of a page."""
    kinds = (at.title, at.header, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def finding(at):
    """Give the headline of the page; the side bar has a subheader of its own."""
    return next(s.value for s in at.subheader if s.value != "Filters")


def alerts(at):
    return [element.value for kind in (at.error, at.warning, at.info) for element in kind]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_the_sample_company(visit, page):
    at = visit(page)
    assert not at.exception
    assert not alerts(at)
    assert at.title[0].value == page.replace("_", " ").capitalize()
    assert "Sample data" in said(at)


@pytest.mark.parametrize(("page", "analysis"), ANALYSES.items())
def test_a_page_opens_with_the_librarys_own_finding(visit, sample, page, analysis):
    assert finding(visit(page)) == plain(crm.run(analysis, sample).headline())


def test_the_tiles_show_the_figures_of_the_overview(visit, sample):
    figures = crm.run("overview", sample).tables()["figures"]
    assert [m.value for m in visit().metric] == [plain(text) for text in figures["value_text"]]


def test_each_figure_says_whether_chance_explains_its_changes(visit):
    page = said(visit())
    assert "within normal variation" in page
    assert "n \\= " in page


def test_the_overview_names_the_findings_of_the_other_analyses(visit, sample):
    page = said(visit())
    for analysis in ("rfm", "value_tiers"):
        assert plain(crm.run(analysis, sample).headline()) in page


def test_as_many_customers_stand_behind_a_segment_as_its_number_says(visit, sample):
    segments = crm.run("rfm", sample).tables()["segments"]
    at = visit("segments", show="At risk")
    n = dict(zip(segments["segment"], segments["n_customers"], strict=True))["At risk"]
    assert at.metric[0].value == f"{n:,}"
    assert len(at.dataframe[-1].value) == n
    assert f"{n:,} customers" in said(at)


def test_each_list_has_as_many_customers_as_it_says(visit, sample):
    lists = crm.run("value_tiers", sample).tables()["lists"]
    for row in lists.iter_rows(named=True):
        at = visit("value", list=row["list_label"])
        assert at.metric[0].value == f"{row['n_customers']:,}"
        assert len(at.dataframe[-1].value) == row["n_customers"]


def test_a_link_restores_the_filters_and_their_numbers(visit, sample):
    at = visit("value", from_="2025-01-01", as_of="2026-01-01", channel="web")
    narrowed = sample.where(start=date(2025, 1, 1), end=date(2026, 1, 1), channels=["web"])
    assert not at.exception
    assert finding(at) == plain(crm.run("value_tiers", narrowed).headline())
    assert "From 1 Jan 2025" in said(at)
    assert "As of 1 Jan 2026" in said(at)
    assert "web" in said(at)


def test_choosing_a_segment_shows_just_the_customers_counted_in_it(visit, sample):
    segments = crm.run("rfm", sample).tables()["segments"]
    n = dict(zip(segments["segment"], segments["n_customers"], strict=True))["Champions"]
    at = visit("segments", segment="Champions")
    assert at.dataframe[0].value["segment"].to_list() == ["Champions"]
    assert at.metric[0].value == f"{n:,}"
    assert len(visit("customers", segment="Champions").dataframe[0].value) == n


def test_reset_takes_every_filter_off(visit, sample):
    at = visit("value", channel="web", as_of="2026-01-01")
    at.button(key="clear_filters").click().run()
    assert not at.exception
    assert finding(at) == plain(crm.run("value_tiers", sample).headline())
    assert not at.query_params


def test_months_without_an_order_leave_the_other_figures_of_the_overview(visit):
    at = visit(segment="Lost", country="Ireland", channel="phone")
    assert not at.error
    assert "Share of spend from returning customers" in said(at)


@pytest.mark.parametrize("page", ["overview", "segments", "value", "retention", "customers"])
def test_filters_that_leave_nothing_are_explained(visit, tmp_path, page):
    path = tmp_path / "orders.csv"
    rows = [f"C{i},{i},2026-0{1 + i % 5}-11,{10 + i},{'web,DE' if i % 2 else 'store,FR'}" for i in range(40)]
    path.write_text("\n".join(["customer_id,order_id,ordered_at,amount,channel,country", *rows]))
    at = visit(page, base=path, channel="web", country="FR")
    assert not at.exception
    assert not at.error
    assert alerts(at)
    assert "web" in said(at)  # the chips still say what is asked for


@pytest.mark.parametrize("page", ["overview", "segments", "value", "retention", "customers"])
def test_dates_that_contradict_each_other_are_explained(visit, page):
    at = visit(page, from_="2026-02-01", as_of="2026-01-01")
    assert not at.exception
    assert "out of range" in at.warning[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_tiny_base_is_shown_or_explained(visit, tiny, page):
    at = visit(page, base=tiny)
    assert not at.exception
    assert not at.error
    assert "Sample data" not in said(at)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n0000", b"one,two\nx,y\n"], ids=["empty", "picture", "no orders"]
)
def test_a_base_that_cannot_be_read_is_explained(visit, tmp_path, page, content):
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    at = visit(page, base=path)
    assert not at.exception
    assert not at.error
    if page != "definitions":
        assert at.warning


@pytest.mark.parametrize("page", ["overview", "data"])
def test_a_base_that_is_not_there_is_explained(visit, tmp_path, page):
    at = visit(page, base=tmp_path / "nowhere.csv")
    assert "There is no file or folder" in at.warning[0].value.replace("\\", "")


def test_a_fault_of_ours_becomes_a_calm_sentence_and_a_line_in_the_log(visit, monkeypatch, caplog, tiny):
    def fail(*_args, **_options):
        message = "row 7: secret@example.org"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(crm, "run", fail)
    at = visit("value", base=tiny)
    assert not at.exception
    assert "secret" not in said(at)
    reference = at.error[0].value.split("**")[1]
    assert any(reference in record.getMessage() and record.exc_info for record in caplog.records)


def test_a_customer_of_a_link_is_shown_with_standing_and_orders(visit, sample):
    best = crm.run("value_tiers", sample).tables()["customers"].row(0, named=True)
    at = visit("customers", customer=best["customer_id"])
    assert not at.exception
    assert not alerts(at)
    assert "No\\. 1 of" in said(at)
    assert plain(f"{best['n_orders']:,}") in [m.value for m in at.metric]
    orders = next(d for d in at.dataframe if "ordered_on" in d.value.columns)
    assert (orders.value["amount"] > 0).sum() == best["n_orders"]


def test_a_customer_who_never_ordered_has_a_page_too(visit, sample):
    customers = crm.run("rfm", sample).tables()["customers"]
    prospect = customers.filter(customers["segment"] == "Prospect")["customer_id"][0]
    at = visit("customers", customer=prospect)
    assert not at.exception
    assert not at.error


def test_an_unknown_customer_is_explained(visit):
    at = visit("customers", customer="<script>nobody</script>")
    assert not at.exception
    assert "There is no customer \\<script\\>" in at.info[0].value


def test_customers_are_found_by_name_and_id(visit, sample):
    everyone = sample.table("customers").frame.collect()
    name = everyone["name"][7]
    found = visit("customers", find=name.upper()).dataframe[0].value
    assert set(found["name"]) == {name}
    assert visit("customers", find="no such name").info


def test_the_glossary_finds_words(visit):
    at = visit("definitions", word="cohort")
    assert not at.exception
    found = [m.value for m in at.markdown if m.value.startswith("- **")]
    assert any("- **Cohort" in words and "Cohort retention" in words for words in found)
    assert visit("definitions", word="no such word").info


def test_the_words_of_an_analysis_stand_with_its_question_folded(visit):
    at = visit("definitions")
    assert len(at.table) == 1  # the segments; a table of all words would be a hundred screens of a phone
    folded = [e for e in at.expander if e.label.endswith("words")]
    assert len(folded) >= len(registry.ANALYSES)
    assert not any(e.proto.expanded for e in folded)


def test_the_data_page_accounts_for_every_row(visit, sample):
    check = sample.table("transactions").check
    at = visit("data")
    assert [m.value for m in at.metric][:3] == [
        f"{n:,}" for n in (check.rows_in, check.rows_kept, check.rows_rejected)
    ]


def test_the_account_of_rows_is_in_words(visit, sample):
    from shared.check_report import _accounted

    account = _accounted(sample.table("transactions").check)
    assert account["what"].to_list()[:3] == ["Read", "Kept", "Set aside: customer id is missing"]
    assert "amount" in account.columns
    assert "amount" not in _accounted(sample.table("surveys").check).columns


def test_an_analysis_without_a_page_of_its_own_is_shown_too(visit, sample, monkeypatch):
    from shared import pages

    monkeypatch.setattr(pages, "OF_ANALYSIS", {"overview": pages.OVERVIEW, "rfm": pages.SEGMENTS})
    assert plain("Value tiers") in [link.value for link in visit().page_link]
    at = visit("more")
    assert not at.exception
    assert finding(at) == plain(crm.run("value_tiers", sample).headline())
    assert at.get("plotly_chart")


def test_a_segment_is_valued_by_models_of_all_customers(visit, sample):
    everyone = sample.table("transactions")
    chosen = crm.run("rfm", sample).tables()["customers"].filter(segment="Champions")["customer_id"].to_list()
    base = sample.where(customer_ids=chosen, words="segment Champions")
    found = crm.run("lifetime_value", base, reference=everyone)
    assert finding(visit("lifetime_value", segment="Champions")) == plain(found.headline())


def test_the_page_of_a_customer_shows_what_is_still_to_come(visit, sample):
    row = crm.run("lifetime_value", sample).tables()["customers"].row(0, named=True)
    at = visit("customers", customer=row["customer_id"])
    shown = {m.label: m.value for m in at.metric}
    assert shown["Lifetime value"] == plain(f"£{row['lifetime_value']:,.2f}")
    assert shown["Still a customer"] == plain(f"{100 * row['p_alive']:.1f}%")
    assert shown["Next order by"] == plain(f"{row['expected_next_on']:%-d %b %Y}")
