"""Results as one self-contained HTML page: findings first, pictures, short tables, and all that stands behind them.

The page needs no network and cannot use it: plotly.js is inside, once, and a content security policy forbids the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import plotly.graph_objects as go
import polars as pl
from plotly.offline import get_plotlyjs

from crm_analytics import formats
from crm_analytics.charts import THEMES, draw
from crm_analytics.charts.parts import HEIGHT
from crm_analytics.errors import OptionError
from crm_analytics.reports import about, page
from crm_analytics.reports.files import write_bytes
from crm_analytics.reports.markup import Markup, as_json, joined, raw, tag
from crm_analytics.results import Note, Result, View

POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""What the page may load: nothing from anywhere but itself."""

_TOP: Final = 8  # room above a figure without a title
_MOST_NOTES: Final = 2  # stand open beside what needs caution
_WORDY: Final = 40  # text longer than this needs a wide column
_LEFT: Final = frozenset({"text", "id", "flag"})
_BOUNDS: Final = ("_lower", "_upper")


def write(
    path: str | Path,
    results: Sequence[Result],
    *,
    title: str,
    subtitle: str | None = None,
    is_sample: bool = False,
    generated_at: str | None = None,
) -> Path:
    """Write the report in one step: the file is whole or not there. Parameters as for `render`.

    Raises
    ------
    SourceError
        If the file cannot be written; an older file is then untouched.
    OptionError
        If there is no result to report.
    """
    text = render(results, title=title, subtitle=subtitle, is_sample=is_sample, generated_at=generated_at)
    return write_bytes(path, text.encode())


def render(
    results: Sequence[Result],
    *,
    title: str,
    subtitle: str | None = None,
    is_sample: bool = False,
    generated_at: str | None = None,
) -> str:
    """Make the report of some results.

    Parameters
    ----------
    results
        In the order in which they are to be read.
    title, subtitle
        Of the whole, for example the company and the period.
    is_sample
        Say at the top that the figures are those of the sample company.
    generated_at
        When it was made, in words; left out, the page bears no time and equal results give equal bytes.

    Returns
    -------
    str
        The page: key findings, then per result headline, pictures, table and notes, then definitions and the
        making of the figures.

    Raises
    ------
    OptionError
        If there is no result to report.
    """
    if not results:
        raise OptionError.out_of_range("results", [], "at least one result")
    ids = _ids(results)
    body = joined(
        _masthead(results, title, subtitle, is_sample=is_sample),
        tag(
            "main",
            _key_findings(results, ids),
            *(_finding(result, ids[i]) for i, result in enumerate(results)),
            _definitions(results),
            _making(results, ids),
        ),
        _footer(results, generated_at),
    )
    return _page(title, body)


def _page(title: str, body: Markup) -> str:
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", raw(page.style(THEMES["light"], THEMES["dark"]))),
    )
    scripts = joined(tag("script", raw(get_plotlyjs())), tag("script", raw(page.SCRIPT)))
    return "<!DOCTYPE html>\n" + tag("html", head, tag("body", body, scripts), lang="en") + "\n"


def _ids(results: Sequence[Result]) -> list[str]:
    names = [r.analysis.replace("_", "-") for r in results]
    return [n if names.count(n) == 1 else f"{n}-{i + 1}" for i, n in enumerate(names)]


def _masthead(results: Sequence[Result], title: str, subtitle: str | None, *, is_sample: bool) -> Markup:
    sample = "Sample data: these customers are invented." if is_sample else ""
    return tag(
        "header",
        *([tag("p", sample, class_="banner", role="note")] if sample else []),
        tag("h1", title),
        *([tag("p", subtitle, class_="subtitle")] if subtitle else []),
        tag("p", " · ".join(_standing(results)), class_="standing"),
    )


def _standing(results: Sequence[Result]) -> list[str]:
    """Say what holds for all results: up to when, in which currency, from which source, under which filters."""
    found = [r.provenance for r in results]
    days = _distinct(formats.value(p.as_of, "day") for p in found if p.as_of)
    currencies = _distinct(r.currency for r in results if r.currency)
    sources = _distinct(s for p in found for s in p.sources)
    filters = _distinct(f for p in found for f in p.filters)
    parts = [
        f"As of {', '.join(days)}" if days else "",
        f"amounts in {', '.join(currencies)}" if currencies else "",
        f"from {', '.join(sources)}" if sources else "",
        f"only {'; '.join(filters)}" if filters else "",
    ]
    return [p for p in parts if p]


def _distinct(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _key_findings(results: Sequence[Result], ids: Sequence[str]) -> Markup:
    items = (
        tag("li", tag("p", tag("a", r.title, href=f"#{i}"), class_="topic"), tag("p", r.headline()))
        for r, i in zip(results, ids, strict=True)
    )
    return tag("section", tag("h2", "Key findings"), tag("ol", *items, class_="key"), id="key-findings")


def _finding(result: Result, name: str) -> Markup:
    return tag(
        "section",
        tag("h2", result.title),
        tag("p", result.headline(), class_="headline"),
        *(
            _figure(result, view, f"{name}-{view.name.replace('_', '-')}")
            for view in result.views
            if not view.aside
        ),
        table(result, result.summary(), f"{result.title} in figures"),
        _notes(result.notes),
        id=name,
        class_="finding",
    )


def _figure(result: Result, view: View, name: str) -> Markup:
    drawn = {look: draw(result, view.name, theme=look) for look in THEMES}
    alt = str(drawn["light"].layout.meta["alt"])
    height = max(_untitled(figure) for figure in drawn.values())
    data = ",".join(f'"{look}":{figure.to_json(engine="json")}' for look, figure in drawn.items())
    return tag(
        "figure",
        tag("figcaption", tag("h3", view.title, id=f"{name}-title")),
        tag(
            "div",
            id=name,
            class_="chart",
            role="img",
            aria_label=alt,
            style=f"min-height:{height}px",
        ),
        tag("script", as_json(f"{{{data}}}"), type="application/json", data_for=name),
        tag("details", tag("summary", "The picture in words"), tag("p", alt)),
    )


def _untitled(figure: go.Figure) -> int:
    """Take the title off, which stands above as text, and the room it had; give the height that is left."""
    height = int(figure.layout.height or HEIGHT) - int(figure.layout.margin.t) + _TOP
    figure.update_layout(title=None, height=height, margin_t=_TOP)
    return height


def table(result: Result, frame: pl.DataFrame, caption: str) -> Markup:
    """Write a table of a result as people read it: headings in words, figures in their units, intervals beneath.

    Parameters
    ----------
    result
        Whose terms and currency hold.
    frame
        The rows: the summary, or any selection from the result's tables.
    caption
        What the table shows.
    """
    columns = {c: _class(result, frame, c) for c in frame.columns if not _is_bound(c, frame.columns)}
    heads = (
        tag("th", formats.label(result.terms[c], result.currency), scope="col", class_=kind)
        for c, kind in columns.items()
    )
    rows = (_row(result, row, columns) for row in frame.iter_rows(named=True))
    grid = tag("table", tag("caption", caption), tag("thead", tag("tr", *heads)), tag("tbody", *rows))
    return tag("div", grid, class_="scroll", role="region", aria_label=caption, tabindex="0")


def _row(result: Result, row: dict[str, object], columns: Mapping[str, str | None]) -> Markup:
    (first, side), *rest = columns.items()
    cells = (
        tag("td", _cell(result, row, c), class_=kind, data_label=result.terms[c].label) for c, kind in rest
    )
    return tag("tr", tag("th", _cell(result, row, first), scope="row", class_=side), *cells)


def _cell(result: Result, row: dict[str, object], column: str) -> Markup:
    """Write a value and, small beneath it, its interval where the table has one."""
    unit = result.terms[column].unit
    low, high = (row.get(column + end) for end in _BOUNDS)
    value = joined(formats.value(row[column], unit, result.currency))
    if low is None or high is None or row[column] is None:
        return value
    span = f"{formats.value(low, unit, result.currency)} to {formats.value(high, unit, result.currency)}"
    return joined(value, tag("small", span))


def _is_bound(column: str, columns: Sequence[str]) -> bool:
    return any(column.endswith(end) and column.removesuffix(end) in columns for end in _BOUNDS)


def _class(result: Result, frame: pl.DataFrame, column: str) -> str | None:
    """Say how a column stands: numbers to the right, text to the left, sentences in a wide column."""
    if result.terms[column].unit not in _LEFT:
        return None
    longest = frame[column].cast(pl.String).str.len_chars().max()
    return "left words" if isinstance(longest, int) and longest > _wordy(result, frame, column) else "left"


def _wordy(result: Result, frame: pl.DataFrame, column: str) -> int:
    """Give the length of a sentence: less beside a column of long ones, but for names, so that none stands squeezed."""
    if column == frame.columns[0]:
        return _WORDY
    texts = [c for c in frame.columns[1:] if result.terms[c].unit == "text"]
    lengths = [n for c in texts if isinstance(n := frame[c].cast(pl.String).str.len_chars().max(), int)]
    return _WORDY // 2 if max(lengths, default=0) > _WORDY else _WORDY


def _notes(notes: Sequence[Note]) -> Markup:
    if not notes:
        return joined()
    cautions = [tag("li", tag("strong", "Caution: "), n.text) for n in notes if n.severity == "caution"]
    others = [tag("li", n.text) for n in notes if n.severity != "caution"]
    minded = [tag("ul", *cautions, class_="caution")] if cautions else []
    told = [tag("ul", *others)] if others else []
    if len(others) > _MOST_NOTES:
        told = [_fold(f"{len(others)} {'more ' if cautions else ''}notes", *told)]
    return tag("div", tag("h3", "Notes"), *minded, *told, class_="notes")


def _fold(words: str, *children: Markup) -> Markup:
    """Fold what would fill a phone; on paper it is open."""
    return tag("details", tag("summary", words), *children, class_="kept")


def _definitions(results: Sequence[Result]) -> Markup:
    """Define every word once; where analyses mean different things by it, say which means what."""
    meanings: dict[str, dict[str, list[str]]] = {}
    for result in results:
        for label, words in _defined(result):
            titles = meanings.setdefault(label, {}).setdefault(words, [])
            titles += [result.title] if result.title not in titles else []
    entries = (_entry(label, meanings[label]) for label in sorted(meanings, key=str.casefold))
    terms = _fold(f"{len(meanings)} words", tag("dl", *entries, class_="terms"))
    return tag("section", tag("h2", "Definitions"), terms, id="definitions")


def _entry(label: str, meanings: Mapping[str, Sequence[str]]) -> Markup:
    several = len(meanings) > 1
    texts = (f"{', '.join(who)}: {words}" if several else words for words, who in meanings.items())
    return joined(tag("dt", label), *(tag("dd", words) for words in texts))


def _defined(result: Result) -> Iterator[tuple[str, str]]:
    """Give label and meaning of what the page shows: columns of numbers, and rows that bring a definition along."""
    tables = result.tables()
    frames = [result.summary(), *(tables[v.table] for v in result.views if v.table in tables and not v.aside)]
    shown = dict.fromkeys(c for f in frames for c in f.columns if not _is_bound(c, f.columns))
    for term in (result.terms[c] for c in shown):
        if term.unit not in _LEFT:
            yield term.label, term.definition
    for frame in tables.values():
        yield from _row_definitions(frame)


def _row_definitions(frame: pl.DataFrame) -> Iterator[tuple[str, str]]:
    pairs = [(c, f"{c.removesuffix('_label')}_definition") for c in frame.columns if c.endswith("_label")]
    for label, words in [*pairs, ("segment", "meaning")]:
        if {label, words} <= set(frame.columns):
            yield from ((str(a), str(b)) for a, b in frame.select(label, words).iter_rows() if a and b)


def _making(results: Sequence[Result], ids: Sequence[str]) -> Markup:
    """Say once what holds for all results, then what is each one's own."""
    told = [about.about(r) for r in results]
    common = [pair for pair in told[0] if len(told) > 1 and all(pair in pairs for pairs in told)]
    parts = (
        tag("section", tag("h3", result.title, id=f"{name}-making"), _pairs(own))
        for result, name, pairs in zip(results, ids, told, strict=True)
        if (own := [pair for pair in pairs if pair not in common])
    )
    shared = [tag("section", _pairs(common))] if common else []
    return tag("section", tag("h2", "How the figures were made"), *shared, *parts, id="making")


def _pairs(pairs: Iterable[tuple[str, str]]) -> Markup:
    return tag("dl", *(joined(tag("dt", label), tag("dd", words)) for label, words in pairs))


def _footer(results: Sequence[Result], generated_at: str | None) -> Markup:
    version = results[0].provenance.library_version
    when = f"Made {generated_at} with" if generated_at else "Made with"
    return tag(
        "footer", tag("p", f"{when} crm-analytics {version}. This page loads nothing from the network.")
    )
