"""The report: findings first, whole, safe to open, and the same bytes for the same results."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from functools import cache
from html.parser import HTMLParser

import polars as pl
import pytest
from plotly.offline import get_plotlyjs

import crm_analytics as crm
from crm_analytics.errors import OptionError, SourceError
from crm_analytics.reports import html
from crm_analytics.results import Note
from crm_analytics.terms import Term

ANALYSES = ("overview", "rfm", "value_tiers")
HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=1'>"
FORMULA = "=cmd|'/c calc'!A0"
VOID = {"meta", "br", "hr", "col", "img", "link", "input"}


class Element:
    def __init__(self, name, attributes, parent):
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children, self.words = [], []

    def all(self, name):
        """Give every element of this name below, in order."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)

    def one(self, name):
        (found,) = self.all(name)
        return found

    def text(self):
        return "".join(w if isinstance(w, str) else w.text() for w in self.words)


class Tree(HTMLParser):
    """Reads a page as a browser does, and fails where an element is not closed."""

    def __init__(self):
        super().__init__()
        self.root = self.at = Element("document", {}, None)

    def handle_starttag(self, tag, attrs):
        made = Element(tag, dict(attrs), self.at)
        self.at.children.append(made)
        self.at.words.append(made)
        if tag not in VOID:
            self.at = made

    def handle_endtag(self, tag):
        assert self.at.name == tag, f"<{self.at.name}> closed by </{tag}>"
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.words.append(data)


@cache
def parsed(text):
    tree = Tree()
    tree.feed(text)
    tree.close()
    assert tree.at is tree.root, f"<{tree.at.name}> is never closed"
    return tree.root


@pytest.fixture(scope="module")
def results():
    base = crm.sample()
    return [crm.run(name, base) for name in ANALYSES]


@pytest.fixture(scope="module")
def text(results):
    return html.render(results, title="Wren & Marl", subtitle="Customers", is_sample=True)


@pytest.fixture(scope="module")
def page(text):
    return parsed(text)


@pytest.fixture(scope="module")
def hostile():
    """Results of a base in which every name tries to become markup, script or formula."""
    days = ("2023-12-10", "2024-05-10", "2024-11-10", "2025-05-12")
    rows = [
        (who, datetime.fromisoformat(day), spend / (i + 1))
        for who, spend in ((HOSTILE, 900.0), (FORMULA, 600.0), ("cy", 30.0))
        for i, day in enumerate(days)
    ]
    tx = pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row").with_columns(
        channel=pl.lit(HOSTILE), order_id=pl.int_range(pl.len()).cast(pl.String)
    )
    made = [
        crm.overview(tx, n_bootstrap=100),
        crm.rfm(tx, n_bootstrap=0, names={"Loyal customers": HOSTILE, "Champions": FORMULA}),
        crm.value_tiers(tx, n_bootstrap=100, good_share=0.7),
    ]
    sources = {"sources": (f"{HOSTILE}.csv",), "reasons": {HOSTILE: 2}, "filters": (f"channel is {HOSTILE}",)}
    return [
        replace(
            r, provenance=replace(r.provenance, **sources), notes=(*r.notes, Note("x", HOSTILE)), title=f"{r.title} {HOSTILE}"
        )
        for r in made
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------ what is there


def test_the_headlines_come_first_and_lead_each_finding(page, results):
    main = page.one("main")
    first, *rest = [s for s in main.children if s.name == "section"]
    assert first.attributes["id"] == "key-findings"
    assert [p.text() for p in first.all("p") if p.attributes.get("class") != "topic"] == [
        r.headline() for r in results
    ]
    assert [a.attributes["href"] for a in first.all("a")] == ["#overview", "#rfm", "#value-tiers"]
    for section, result in zip(rest, results, strict=False):
        title, headline = section.children[:2]
        assert (title.name, title.text()) == ("h2", result.title)
        assert headline.text() == result.headline()


def test_links_lead_to_places_that_are_there(page):
    ids = [
        e.attributes["id"]
        for name in ("section", "div", "h3")
        for e in page.all(name)
        if "id" in e.attributes
    ]
    assert len(ids) == len(set(ids))
    assert {a.attributes["href"].removeprefix("#") for a in page.all("a")} <= set(ids)


def test_every_view_is_a_figure_with_caption_and_description(page, results):
    figures = list(page.all("figure"))
    views = [(r, v) for r in results for v in r.views]
    assert len(figures) == len(views) == 9
    for figure, (result, view) in zip(figures, views, strict=True):
        alt = result.plot(view.name).layout.meta["alt"]
        chart = next(d for d in figure.all("div") if d.attributes.get("class") == "chart")
        assert figure.one("h3").text() == view.title
        assert chart.attributes["role"] == "img"
        assert chart.attributes["aria-label"] == alt == figure.one("details").one("p").text()


def test_figures_come_in_both_looks_with_the_data_of_the_result(page, results):
    for figure, (result, view) in zip(
        page.all("figure"), [(r, v) for r in results for v in r.views], strict=True
    ):
        looks = json.loads(figure.one("script").text())
        assert set(looks) == {"light", "dark"}
        for look, drawn in looks.items():
            assert drawn["data"] == json.loads(result.plot(view.name, theme=look).to_json())["data"]
            assert not drawn["layout"].get("title"), "it stands above, as text"


def test_summaries_are_tables_with_caption_and_scopes(page, results):
    tables = list(page.all("table"))
    assert len(tables) == len(results)
    for table, result in zip(tables, results, strict=True):
        summary = result.summary()
        assert table.one("caption").text() == f"{result.title} in figures"
        assert {th.attributes["scope"] for th in table.one("thead").all("th")} == {"col"}
        assert {th.attributes["scope"] for th in table.one("tbody").all("th")} == {"row"}
        assert len(list(table.one("tbody").all("tr"))) == summary.height
        assert [th.text() for th in table.one("tbody").all("th")] == summary[:, 0].to_list()


def test_figures_are_written_as_people_read_them(page):
    rfm = list(page.all("table"))[1]
    assert [th.text() for th in rfm.one("thead").all("th")][:5] == [
        "Segment", "Customers", "Share of customers", "Spend (£)", "Share of spend",
    ]  # fmt: skip
    champions = next(iter(rfm.one("tbody").all("tr")))
    assert [td.text() for td in champions.all("td")][:4] == ["537", "11.1%", "£209,936", "26.5%"]
    assert [td.attributes["data-label"] for td in champions.all("td")][:2] == [
        "Customers",
        "Share of customers",
    ]


def test_no_raw_names_and_no_needless_decimals(page, results):
    body = page.one("main")
    making = next(s for s in body.all("section") if s.attributes.get("id") == "making")
    said = body.text().replace(making.text(), "")
    said = said.replace("".join(s.text() for s in body.all("script")), "")
    for script in body.all("script"):
        said = said.replace(script.text(), "")
    columns = {c for r in results for f in (r.summary(), *r.tables().values()) for c in f.columns if "_" in c}
    assert not {c for c in columns if re.search(rf"\b{c}\b", said)}
    assert not re.search(r"\d\.\d{5,}", said)
    assert not re.search(r"\d\.\d{7,}", making.text())


def test_intervals_stand_beneath_their_figure(results):
    rfm = results[1]
    frame = (
        rfm.tables()["segments"]
        .select("segment", "spend_share", "spend_share_lower", "spend_share_upper")
        .head(1)
    )
    table = parsed(html.table(rfm, frame, "Shares"))
    assert [th.text() for th in table.one("thead").all("th")] == ["Segment", "Share of spend"]
    low, high = frame.row(0)[2:]
    assert table.one("small").text() == f"{low:.1%} to {high:.1%}"


def test_notes_are_there_and_cautions_come_first(results):
    notes = (Note("a", "Mild & mannered."), Note("b", "Take care.", "caution"))
    page = parsed(html.render([replace(results[1], notes=notes)], title="T"))
    box = next(d for d in page.all("div") if d.attributes.get("class") == "notes")
    assert [li.text() for li in box.all("li")] == ["Caution: Take care.", "Mild & mannered."]


def test_a_sentence_beside_a_long_one_is_not_squeezed_and_a_name_is_not_stretched(results):
    frame = pl.DataFrame(
        {
            "segment": ["Good customers who fell silent"],
            "what_to_do": ["s" * 60],
            "meaning": ["m" * 30],
            "tier": ["A"],
        }
    )
    terms = {c: Term(c, c, "text", "") for c in frame.columns}
    cells = parsed(html.table(replace(results[1], terms=terms), frame, "T"))
    kinds = [cell.attributes.get("class") for cell in (cells.one("tbody").one("th"), *cells.all("td"))]
    assert kinds == ["left", "left words", "left words", "left"]


def test_many_notes_are_folded_and_cautions_are_not(results):
    notes = (*(Note(f"n{i}", f"Told {i}.") for i in range(4)), Note("b", "Take care.", "caution"))
    page = parsed(html.render([replace(results[1], notes=notes)], title="T"))
    box = next(d for d in page.all("div") if d.attributes.get("class") == "notes")
    fold = box.one("details")
    assert fold.one("summary").text() == "4 more notes"
    assert [li.text() for li in fold.all("li")] == [f"Told {i}." for i in range(4)]
    assert "Take care." not in fold.text()


def test_all_notes_of_all_results_are_told(page, results):
    said = page.one("main").text()
    for note in (n for r in results for n in r.notes):
        assert note.text in said


def test_definitions_explain_what_is_shown_once(page, results):
    terms = next(s for s in page.all("section") if s.attributes.get("id") == "definitions").one("dl")
    labels = [dt.text() for dt in terms.all("dt")]
    assert len(labels) == len(set(labels))
    assert labels == sorted(labels, key=str.casefold)
    meanings = [dd.text() for dd in terms.all("dd")]
    for result in results:
        for column in result.summary().columns:
            term = result.terms[column]
            if term.unit in ("money", "share", "count", "days", "number"):
                assert any(m.endswith(term.definition) for m in meanings), term.label
    assert {"Gini coefficient", "Champions", "Refund rate", "Good customers who fell silent"} <= set(labels)


def test_a_word_with_two_meanings_says_whose_is_whose(results):
    one, other = results[1:]
    term = other.terms["n_customers"]
    other = replace(other, terms={**other.terms, "n_customers": replace(term, definition="Something else.")})
    page = parsed(html.render([one, other], title="T"))
    kids = next(s for s in page.all("section") if s.attributes.get("id") == "definitions").one("dl").children
    at = next(i for i, e in enumerate(kids) if e.text() == "Customers")
    assert [e.text() for e in kids[at + 1 : at + 3]] == [
        f"RFM segments: {term.definition}",
        "Value tiers: Something else.",
    ]


def test_the_making_tells_rows_reasons_window_options_and_version(page, results):
    making = next(s for s in page.all("section") if s.attributes.get("id") == "making")
    said = dict(zip((e.text() for e in making.all("dt")), (e.text() for e in making.all("dd")), strict=True))
    found = results[0].provenance
    assert said["Source"] == "transactions.csv"
    assert said["Rows"] == (
        f"{found.rows_in:,} read, {found.rows_kept:,} kept, {found.rows_rejected:,} set aside"
    )
    assert said["Set aside"] == "120 because customer id is missing; 12 because ordered at is not a date"
    assert said["Days"] == "1 Jul 2023 to 30 Jun 2026"
    assert said["As of"].startswith("1 Jul 2026 (the day after the last row")
    assert said["Currency"] == "GBP"
    assert said["Made with"] == f"crm-analytics {crm.__version__}"
    options = [
        dd.text() for dt, dd in zip(making.all("dt"), making.all("dd"), strict=True) if dt.text() == "Options"
    ]
    assert len(options) == len(results)
    assert options[0] == "period = month, n_bootstrap = 500, seed = 0"


def test_what_holds_for_one_result_only_stands_with_it(results):
    other = replace(results[1], provenance=replace(results[1].provenance, filters=("channel is web",)))
    page = parsed(html.render([results[0], other], title="T"))
    making = next(s for s in page.all("section") if s.attributes.get("id") == "making")
    _, first, second = making.all("section")
    assert "channel is web" not in first.text()
    assert "channel is web" in second.text()
    assert "only channel is web" in page.one("header").text()


def test_one_result_twice_gets_two_places(results):
    page = parsed(html.render([results[1], results[1]], title="T"))
    ids = [s.attributes.get("id") for s in page.all("section")]
    assert {"rfm-1", "rfm-2"} <= set(ids)


def test_the_masthead_says_what_it_is_about(page):
    header = page.one("header")
    assert header.one("h1").text() == "Wren & Marl"
    said = [p.text() for p in header.all("p")]
    assert said == [
        "Sample data: these customers are invented.",
        "Customers",
        "As of 1 Jul 2026 · amounts in GBP · from transactions.csv",
    ]


# ------------------------------------------------------------------------------------------------ safe and whole


def test_it_is_a_whole_page_in_a_named_language(text, page):
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert page.one("title").text() == "Wren & Marl"
    assert page.one("head").children[0].attributes == {"charset": "utf-8"}
    viewport = next(m for m in page.all("meta") if m.attributes.get("name") == "viewport")
    assert viewport.attributes["content"] == "width=device-width, initial-scale=1"


def test_a_policy_forbids_the_network(page):
    (policy,) = (m for m in page.all("meta") if m.attributes.get("http-equiv"))
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    rules = dict(rule.strip().split(" ", 1) for rule in policy.attributes["content"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert "http" not in policy.attributes["content"]
    assert "'unsafe-eval'" not in policy.attributes["content"]


def test_plotly_is_inside_once(text, page):
    assert text.count(get_plotlyjs()) == 1
    assert [s.attributes for s in page.one("body").children if s.name == "script"] == [{}, {}]


def test_nothing_refers_to_anything_outside(text, page):
    every = [e for name in ("script", "img", "link", "iframe", "a", "form", "object") for e in page.all(name)]
    for element in every:
        for name in ("src", "href", "action", "data", "srcset"):
            assert element.attributes.get(name, "#").startswith("#")
    assert not list(page.all("link"))
    style = page.one("style").text()
    assert "url(" not in style
    assert "@import" not in style
    assert "http" not in text.replace(get_plotlyjs(), "").replace("http-equiv", "")


def test_equal_results_give_equal_bytes(results, text):
    assert html.render(results, title="Wren & Marl", subtitle="Customers", is_sample=True) == text


def test_the_time_is_told_only_when_given(results, page):
    assert page.one("footer").text().startswith("Made with crm-analytics")
    timed = parsed(html.render(results[:1], title="T", generated_at="3 Mar 2026"))
    assert timed.one("footer").text().startswith("Made 3 Mar 2026 with crm-analytics")


def test_everything_from_the_data_is_text(hostile):
    text = html.render(hostile, title=HOSTILE, subtitle=HOSTILE, generated_at=HOSTILE)
    bare = text.replace(get_plotlyjs(), "")
    assert "<script>window.pwned" not in bare
    assert "<img" not in bare
    page = parsed(text)
    assert not list(page.all("img"))
    assert page.one("h1").text() == page.one("title").text() == HOSTILE
    plain = {
        json.dumps(dict(sorted(s.attributes.items())))
        for s in page.all("script")
        if "type" not in s.attributes
    }
    assert plain == {"{}"}, "no script but our own"
    assert Counter(e.name for e in page.one("body").children) == Counter(header=1, main=1, footer=1, script=2)
    said = page.one("main").text()
    assert HOSTILE in said
    assert FORMULA in said
    for element in (e for name in ("p", "td", "th", "div", "a", "dd", "li") for e in page.all(name)):
        assert not [a for a in element.attributes if a.startswith("on")]


def test_json_of_the_figures_cannot_end_its_script(hostile):
    text = html.render(hostile, title="T")
    figures = [s for s in parsed(text).all("script") if s.attributes.get("type") == "application/json"]
    assert len(figures) == sum(len(r.views) for r in hostile)
    for script in figures:
        assert not set("<>&") & set(script.text())
        for look in json.loads(script.text()).values():
            drawn = json.dumps(look["data"]) + json.dumps(look["layout"].get("yaxis", {}))
            assert "<script" not in drawn
            assert "<img" not in drawn


def test_direction_marks_cannot_turn_the_page(results):
    turned = replace(results[1], sentence="Spent \u202e09£ by \u2066x\x00.")
    page = html.render([turned], title="T")
    assert "Spent 09£ by x." in page


def test_a_report_of_nothing_is_a_typed_error():
    with pytest.raises(OptionError, match=r"results=\[\] is out of range. Expected at least one result"):
        html.render([], title="T")


# ----------------------------------------------------------------------------------------------------- the file


def test_the_file_is_the_page(tmp_path, results, text):
    path = tmp_path / "new" / "findings.html"
    assert html.write(path, results, title="Wren & Marl", subtitle="Customers", is_sample=True) == path
    assert path.read_bytes().decode() == text
    assert [p.name for p in path.parent.iterdir()] == ["findings.html"]


def test_a_report_that_fails_leaves_the_old_file(tmp_path, results, monkeypatch):
    path = tmp_path / "findings.html"
    path.write_text("old")
    with pytest.raises(OptionError, match="at least one result"):
        html.write(path, [], title="T")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(SourceError, match="could not be written: no space left"):
        html.write(path, results[:1], title="T")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["findings.html"]


def test_a_folder_in_its_place_is_a_typed_error(tmp_path, results):
    with pytest.raises(SourceError, match="could not be written"):
        html.write(tmp_path, results[:1], title="T")


# ------------------------------------------------------------------------------------------------- in a browser


class Reader:
    """Opens a report and notes everything it asks for and complains about."""

    def __init__(self, browser, path, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("console", lambda m: self.complaints.append(m.text))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("dialog", lambda d: (self.complaints.append(d.message), d.dismiss()))
        self.page.goto(path.as_uri())
        self.page.wait_for_function(
            "[...document.querySelectorAll('.chart')].every(c => c.querySelector('.main-svg'))"
        )

    def widths(self):
        return self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")


@pytest.fixture(scope="module")
def file(tmp_path_factory, results):
    return html.write(tmp_path_factory.mktemp("report") / "findings.html", results, title="Wren & Marl")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_draws_every_figure_and_asks_for_nothing(browser, file, width, scheme):
    reader = Reader(browser, file, viewport={"width": width, "height": 844}, color_scheme=scheme)
    charts = reader.page.locator(".chart")
    assert charts.count() == 9
    for i in range(charts.count()):
        chart = charts.nth(i)
        assert chart.locator("path, rect.fill, image").count() > 3
        box, drawn = chart.bounding_box(), chart.locator(".main-svg").first.bounding_box()
        assert drawn["width"] <= box["width"] + 1, "no figure is wider than its place"
        assert box["width"] <= width
        assert drawn["height"] > 150
    scroll, window = reader.widths()
    assert scroll == window, "nothing has to be scrolled sideways"
    assert reader.requests == [file.as_uri()]
    assert reader.complaints == []
    paper = reader.page.evaluate("getComputedStyle(document.body).backgroundColor")
    figure = reader.page.evaluate(
        "getComputedStyle(document.querySelector('.chart .main-svg')).backgroundColor"
    )
    assert paper == figure == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 28)"}[scheme]
    reader.context.close()


@pytest.mark.browser
def test_a_hostile_base_does_nothing_in_a_browser(browser, hostile, tmp_path):
    path = html.write(tmp_path / "hostile.html", hostile, title=HOSTILE)
    reader = Reader(browser, path)
    for chart in reader.page.locator(".chart").all():
        chart.hover()
    reader.page.wait_for_timeout(300)
    assert reader.page.evaluate("window.pwned") is None
    assert reader.page.locator("img:not(.chart *)").count() == 0
    assert reader.requests == [path.as_uri()]
    assert reader.complaints == []
    assert reader.page.locator("h1").inner_text() == HOSTILE
    reader.context.close()


@pytest.mark.browser
def test_on_paper_figures_fit_and_are_not_cut(browser, file):
    reader = Reader(browser, file, color_scheme="dark")
    reader.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    reader.page.emulate_media(media="print", color_scheme="dark")
    reader.page.wait_for_function(
        "[...document.querySelectorAll('.chart .main-svg')].every(s => s.clientWidth <= 672)"
    )
    assert reader.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert reader.page.evaluate(
        "[...document.querySelectorAll('figure')].every(f => getComputedStyle(f).breakInside === 'avoid')"
    )
    assert reader.page.evaluate(
        "[...document.querySelectorAll('.finding')].every(f => getComputedStyle(f).breakBefore === 'page')"
    )
    assert reader.page.locator("details:not(.kept) >> visible=true").count() == 0
    reader.context.close()


@pytest.mark.browser
def test_what_is_folded_on_the_screen_is_open_on_paper(browser, file):
    reader = Reader(browser, file, viewport={"width": 390, "height": 844})
    terms = reader.page.locator("#definitions dl")
    assert not terms.is_visible()
    reader.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    reader.page.emulate_media(media="print")
    assert terms.is_visible()
    assert all(ul.is_visible() for ul in reader.page.locator(".notes ul").all())
    assert reader.page.locator(".kept > summary >> visible=true").count() == 0
    reader.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    reader.page.emulate_media(media="screen")
    assert not terms.is_visible()
    reader.context.close()
