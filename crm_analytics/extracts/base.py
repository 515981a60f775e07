"""A customer base: the checked tables of one firm, its currency, calendar and window. What every face opens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from threading import RLock
from typing import Any, Final, Protocol

import polars as pl

from crm_analytics import locations, tables
from crm_analytics.errors import ColumnError, CrmError, OptionError, SourceError, UnknownNameError
from crm_analytics.extracts import readers, settings
from crm_analytics.extracts.extract import Extract, WeekStart
from crm_analytics.extracts.recognising import which_table
from crm_analytics.extracts.sources.any_source import read_raw

_MOST_NAMED: Final = 6
_OTHER_NAMES: Final = {
    "transactions": (
        "orders",
        "order",
        "sales",
        "invoices",
        "purchases",
        "order_lines",
        "bestellungen",
        "umsaetze",
        "rechnungen",
    ),
    "customers": ("customer", "clients", "accounts", "kunden", "members"),
    "surveys": (
        "survey",
        "nps",
        "feedback",
        "responses",
        "answers",
        "umfrage",
        "umfragen",
        "befragung",
        "befragungen",
    ),
    "cases": (
        "case",
        "tickets",
        "ticket",
        "complaints",
        "beschwerden",
        "reklamationen",
        "anfragen",
        "requests",
    ),
    "contacts": ("contact", "campaigns", "campaign_contacts", "mailings", "kampagnen"),
    "subscriptions": ("subscription", "contracts", "abos", "vertraege"),
    "products": ("product", "articles", "items", "artikel", "produkte"),
}


_HAPPENED: Final = ("transactions", "surveys", "cases", "contacts", "subscriptions")
"""Tables whose date says when something happened."""

_MOST_BYTES: Final = 100_000_000
"""Larger files of unknown name are transactions; looking first would read them twice."""

_CLEARLY: Final = 1.3

_PLANNED_SHARE: Final = 0.01
_PLANNED_AHEAD: Final = timedelta(days=31)


class _Loader(Protocol):
    def __call__(self) -> Extract: ...


class LazyTables(Mapping[str, Extract]):
    """Tables that are read when they are first used, and then held."""

    def __init__(self, loaders: Mapping[str, _Loader]) -> None:
        self._loaders = dict(loaders)
        self._read: dict[str, Extract] = {}
        self._lock = RLock()

    def __getitem__(self, name: str) -> Extract:
        with self._lock:
            if name not in self._read:
                self._read[name] = self._loaders[name]()
            return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)

    def __contains__(self, name: object) -> bool:
        return name in self._loaders

    def __getstate__(self) -> dict[str, Any]:
        return {"_loaders": self._loaders, "_read": self._read}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=RLock())


@dataclass(frozen=True)
class _Narrowing:
    """What `CustomerBase.where` asks for, row by row; `who` says the choice of customers to people."""

    channels: tuple[str, ...] | None
    countries: tuple[str, ...] | None
    customer_ids: tuple[str, ...] | None
    who: str | None

    @property
    def words(self) -> tuple[str, ...]:
        """All that is asked for."""
        said = (_values_in_words(name, getattr(self, of)) for name, of in _BY.items())
        return tuple(word for word in (*said, self._who()) if word)

    def rows(self, name: str, of: Mapping[str, Extract]) -> Extract:
        """Give one table narrowed down, its report unchanged, with the filters that could be put to it in words."""
        extract = of[name]
        frame, said = extract.frame, list(extract.filters)
        for column, option in _BY.items():
            values = getattr(self, option)
            if values is None or (column == "channel" and name != "transactions"):
                continue
            narrowed = _narrowed(frame, column, values, name, of)
            said += [] if narrowed is None else [_values_in_words(column, values)]
            frame = frame if narrowed is None else narrowed
        if self.customer_ids is not None and "customer_id" in _columns(extract):
            wanted = pl.Series("customer_id", self.customer_ids, dtype=pl.String)
            frame = frame.filter(pl.col("customer_id").is_in(wanted.implode()))
            said.append(self._who())
        return replace(extract, frame=frame, filters=tuple(said))

    def _who(self) -> str:
        if self.customer_ids is None:
            return ""
        return self.who or f"{len(self.customer_ids):,} chosen customers"


_BY: Final = {"channel": "channels", "country": "countries"}
"""The columns rows are narrowed by, and the options of `CustomerBase.where` that do so."""


def _without_planned(contracts: Extract, others: date) -> date:
    """Give the day on which the last contract began, but for a rare one that lies more than a month after all else."""
    began = contracts.frame.select("started_on").collect()["started_on"]
    seen = began.filter(began <= others + _PLANNED_AHEAD)
    last: date = (seen if began.len() - seen.len() <= _PLANNED_SHARE * began.len() else began).max()  # type: ignore[assignment]
    return last


def _columns(extract: Extract) -> list[str]:
    return extract.frame.collect_schema().names()


def _narrowed(
    frame: pl.LazyFrame, column: str, values: tuple[str, ...], name: str, of: Mapping[str, Extract]
) -> pl.LazyFrame | None:
    """Keep the rows of these values; where the table lacks the column, the rows of customers who have them.

    None where a table other than transactions cannot be narrowed so.
    """
    if column in _columns(of[name]):
        return frame.filter(pl.col(column).is_in(values))
    if "customer_id" not in _columns(of[name]):
        return None
    if "customers" in of and column in _columns(of["customers"]):
        ids = of["customers"].frame.filter(pl.col(column).is_in(values)).select("customer_id")
        return frame.join(ids, on="customer_id", how="semi", maintain_order="left")
    if name != "transactions":
        return None
    raise ColumnError(
        f"Neither the transactions nor a customers table has a column {column!r}.",
        f"It is needed to filter by {column}.",
        f"Take the filter off, or name the column: columns={{{column!r}: '<heading>'}}.",
    )


@dataclass(frozen=True, eq=False)
class CustomerBase:
    """The tables of one firm, checked, with what applies to all of them.

    Attributes
    ----------
    name, currency, time_zone, week_start
        The firm's name; ISO code; IANA zone; first day of a week.
    as_of, start
        The window: rows at or after `as_of` are not seen; spend and orders count from `start` on. None: all there is, up
        to the `last_row` of any table.
    is_sample
        It is the sample company, and a face should say so.
    filters
        What `where` left in, in words.
    tables
        Extract by table name; read when first used.
    whole
        The base without its filters, where `where` left rows out.
    """

    name: str
    currency: str | None = None
    time_zone: str | None = None
    week_start: WeekStart = "monday"
    as_of: date | None = None
    start: date | None = None
    is_sample: bool = False
    filters: tuple[str, ...] = ()
    tables: Mapping[str, Extract] = field(default_factory=dict)
    whole: CustomerBase | None = field(default=None, repr=False)
    left_out: tuple[str, ...] = ()
    """Files of the folder that are named after no table and were not read."""

    def has(self, name: str) -> bool:
        """Say whether the base has a table, without reading it."""
        return name in self.tables

    def table(self, name: str) -> Extract:
        """Give a table, reading it on first use.

        Raises
        ------
        UnknownNameError
            If there is no such kind of table.
        SourceError
            If the base does not have it; the error says how to add it.
        """
        if name in self.tables:
            return self.tables[name]
        if name not in tables.TABLES:
            raise UnknownNameError.of("table", name, tables.TABLES)
        raise SourceError(
            f"{self.name} has no {name} table; it has {', '.join(self.tables) or 'none'}.{self._not_read()}",
            f"A table of {name} ({tables.TABLES[name].row_is} per row) is needed.",
            f"Add it to crm.toml under [sources.{name}], or put a {name}.csv into the folder.",
        )

    def _not_read(self) -> str:
        named = f" Named after no table and not read: {_listed(self.left_out)}."
        return named if self.left_out else ""

    @property
    def customers_frame(self) -> pl.LazyFrame | None:
        """The customers table's rows, or None where there is none."""
        return self.tables["customers"].frame if self.has("customers") else None

    def last_row(self) -> tuple[date, str] | None:
        """Give the day of the last row of any table, and the table it is in; None where no table says what happened when.

        Every analysis of the base sees up to that day where no `as_of` is said, so that June is over for all or for none.
        What is dated counts (orders, answers, cases, contacts, begun contracts), whatever filters leave; ends of contracts
        do not, for they may be planned, nor does a rare contract that is to begin more than a month
        after everything else. A table that cannot be read is passed over: whoever asks for it is told why.
        """
        return self._last if self.whole is None else self.whole.last_row()

    @cached_property
    def _last(self) -> tuple[date, str] | None:
        """What `last_row` gives; looked for once, so that a table that cannot be read is not tried again and again."""
        last = {name: day for name in _HAPPENED if (day := self._last_day(name)) is not None}
        others = max((day for name, day in last.items() if name != "subscriptions"), default=None)
        if "subscriptions" in last and others is not None:
            last["subscriptions"] = _without_planned(self.table("subscriptions"), others)
        return max(((day, name) for name, day in last.items()), default=None)

    def _last_day(self, name: str) -> date | None:
        try:
            last = self.tables[name].check.window_end if name in self.tables else None
        except CrmError:
            return None
        return None if last is None else last.date()

    def where(
        self,
        *,
        start: date | str | None = None,
        end: date | str | None = None,
        channels: Iterable[str] | None = None,
        countries: Iterable[str] | None = None,
        customer_ids: Iterable[str] | None = None,
        words: str | None = None,
    ) -> CustomerBase:
        """Give the base narrowed down; nothing is read again and the check reports stay those of the whole.

        Parameters
        ----------
        start, end
            The window: first day that counts, and the day from which on nothing is seen (exclusive), as dates or text
            such as "2026-01-31". Earlier orders still decide who is new.
        channels
            Channels of orders to keep.
        countries
            Countries to keep, in every table that has the column; by the customers table where a table has not.
        customer_ids
            Customers to keep in every table that knows them.
        words
            How to say the choice of customers to people ("segment Champions").

        Raises
        ------
        OptionError
            If the window is empty, or a day cannot be read.
        """
        kept = replace(self, start=_day("start", start) or self.start, as_of=_day("end", end) or self.as_of)
        if kept.start and kept.as_of and kept.start >= kept.as_of:
            raise OptionError.out_of_range(
                "start", kept.start.isoformat(), f"a day before the end, {kept.as_of}"
            )
        narrowing = _Narrowing(_values(channels), _values(countries), _values(customer_ids), words)
        if not narrowing.words:
            return kept
        loaders = {name: partial(narrowing.rows, name, self.tables) for name in self.tables}
        filters = (*self.filters, *narrowing.words)
        return replace(kept, filters=filters, tables=LazyTables(loaders), whole=self.whole or self)


def _values(given: Iterable[object] | None) -> tuple[str, ...] | None:
    """Take one text for one value, not for its letters; ids are text."""
    if given is None:
        return None
    return (given,) if isinstance(given, str) else tuple(str(value) for value in given)


def _day(option: str, given: date | str | None) -> date | None:
    if isinstance(given, datetime):
        return given.date()
    if given is None or isinstance(given, date):
        return given
    try:
        return date.fromisoformat(given)
    except (TypeError, ValueError):
        raise OptionError.out_of_range(option, given, 'a day: a date or text such as "2026-01-31"') from None


def _values_in_words(name: str, values: tuple[str, ...] | None) -> str:
    return "" if values is None else f"{name}: {_listed(values)}"


def _listed(values: tuple[str, ...]) -> str:
    shown = ", ".join(values[:_MOST_NAMED])
    return f"{shown} and {len(values) - _MOST_NAMED} more" if len(values) > _MOST_NAMED else shown or "none"


def open(path: str | Path) -> CustomerBase:  # noqa: A001 crm.open is the public name
    """Open a customer base.

    Parameters
    ----------
    path
        A crm.toml; a folder with a crm.toml in it, or with files named after the tables (transactions.csv or
        orders.xlsx, customers.csv …); or a single data file, taken as the table it is named after (surveys.csv,
        cases.xlsx …), else as transactions unless its columns clearly speak for another table; or a database URL, taken
        as transactions.

    Raises
    ------
    SourceError
        If there is nothing there, or nothing in it that is known.
    ConfigError
        If crm.toml says something that cannot be; the error names the line.
    """
    if isinstance(path, str) and "://" in path:
        return CustomerBase(
            "transactions", tables=LazyTables({"transactions": partial(readers.read, "transactions", path)})
        )
    place = Path(path).expanduser()
    if place.is_dir():
        config = place / settings.FILE_NAME
        return _from_settings(config) if config.is_file() else _from_folder(place)
    if not place.exists():
        raise SourceError.not_found(path)
    return _from_settings(place) if place.suffix.lower() == ".toml" else _from_file(place)


def sample() -> CustomerBase:
    """Open the sample company: made up, with a truth that is written down beside it.

    >>> sample().is_sample
    True
    """
    return replace(open(locations.shipped("sample_data")), is_sample=True)


def _from_settings(config: Path) -> CustomerBase:
    said = settings.load(config)
    if not said.sources:
        raise SourceError(
            f"{config.name} names no source.",
            remedy='Add one, for instance [sources.transactions] with path = "orders.csv".',
        )
    folder = config.resolve().parent
    loaders = {
        name: partial(
            readers.read, name, said.sources[name].source(folder), **said.sources[name].options(said.base)
        )
        for name in tables.TABLES
        if name in said.sources
    }
    base = said.base
    return CustomerBase(
        name=base.name or folder.name,
        currency=base.currency,
        time_zone=base.time_zone,
        week_start=base.week_start,
        as_of=base.as_of,
        start=base.start,
        tables=LazyTables(loaders),
    )


def _from_file(path: Path) -> CustomerBase:
    table = _table_named(path.stem) or _table_like(path)
    extract = readers.read(table, path)
    return CustomerBase(path.stem, currency=extract.currency, tables={table: extract})


def _table_named(stem: str) -> str | None:
    """Say which table a single file holds by its name, where that says it: of answers, cases and the like.

    >>> _table_named("Cases"), _table_named("orders 2026"), _table_named("export")
    ('cases', 'transactions', None)
    """
    named = table_named(stem)
    return named if named in _HAPPENED else None


def _table_like(path: Path) -> str:
    """Say which table a file of any name holds: transactions, unless its columns clearly speak for another."""
    if path.stat().st_size > _MOST_BYTES:
        return "transactions"
    try:
        raw = read_raw(path)
        scores = which_table.table_scores(raw.headings, which_table.looked_at(raw), among=_HAPPENED)
    except CrmError:  # reading it says what is wrong
        return "transactions"
    best = which_table.best_of(scores)
    return best if scores[best] > _CLEARLY * scores["transactions"] else "transactions"


def _from_folder(folder: Path) -> CustomerBase:
    found: dict[str, list[Path]] = {}
    left_out: list[str] = []
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~"))):
        table = table_named(path.stem)
        if table:
            found.setdefault(table, []).append(path)
        else:
            left_out.append(path.name)
    if not found:
        raise SourceError(
            f"No file in {folder.name!r} is named after a table.",
            f"A crm.toml was expected, or files such as {', '.join(f'{t}.csv' for t in list(tables.TABLES)[:3])}.",
            "Write one with: crm-analytics init <file>",
        )
    loaders = {
        t: partial(readers.read, t, found[t][0] if len(found[t]) == 1 else found[t])
        for t in tables.TABLES
        if t in found
    }
    return CustomerBase(folder.resolve().name, tables=LazyTables(loaders), left_out=tuple(left_out))


def table_named(stem: str, *, loosely: bool = False) -> str | None:
    """Give the table that a file is named after, or None.

    Parameters
    ----------
    loosely
        Be content with one word of the name; the last that says something counts.

    >>> table_named("Orders-2024"), table_named("old customers"), table_named("old customers", loosely=True)
    ('transactions', None, 'customers')
    """
    word = re.sub(r"[\W_]+", "_", stem.casefold()).strip("_0123456789")
    names = {name: table for table, others in _OTHER_NAMES.items() for name in (table, *others)}
    if not loosely or word in names:
        return names.get(word)
    return next((names[w] for w in reversed(word.split("_")) if w in names), None)
