"""Read an extract: one function per table, all of one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypedDict, Unpack, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm_analytics import tables
from crm_analytics.errors import OptionError
from crm_analytics.extracts.checking.marks import Duplicates
from crm_analytics.extracts.door import Options, check_in
from crm_analytics.extracts.extract import Extract, WeekStart
from crm_analytics.extracts.raw import RawTable
from crm_analytics.extracts.recognising.which_table import looked_at, nearest
from crm_analytics.extracts.sources.any_source import read_raw


class ReadOptions(TypedDict, total=False):
    """The options of every reader; `read_transactions` says what they mean."""

    columns: Mapping[str, str] | None
    query: str | None
    table: str | None
    sheet: str | int | None
    encoding: str | None
    separator: str | None
    currency: str | None
    time_zone: str | None
    week_start: WeekStart
    not_after: date | None
    duplicates: Duplicates
    day_first: bool | None
    timeout_seconds: float
    isolate: bool
    label: str | None


_WHERE: Final = ("query", "table", "sheet", "encoding", "separator", "timeout_seconds", "isolate", "label")


def read_transactions(
    source: Any,  # noqa: ANN401 whatever `read_raw` takes
    *,
    columns: Mapping[str, str] | None = None,
    query: str | None = None,
    table: str | None = None,
    sheet: str | int | None = None,
    encoding: str | None = None,
    separator: str | None = None,
    currency: str | None = None,
    time_zone: str | None = None,
    week_start: WeekStart = "monday",
    not_after: date | None = None,
    duplicates: Duplicates = "keep",
    day_first: bool | None = None,
    timeout_seconds: float = 60.0,
    isolate: bool = False,
    label: str | None = None,
) -> Extract:
    """Read orders or order lines, and say what was found.

    Columns are recognised by their headings (in the usual languages) and by their values; dates and numbers are read
    in one way per column, decided from the whole of it. Rows without a customer, a date or an amount are set aside
    with their reason; everything else is kept, and the check says what to look at. Where there is no column of
    amounts, amount is quantity x unit_price.

    Parameters
    ----------
    source
        Path of a file (CSV, Excel, Parquet …); a folder, pattern or list of files of one kind; a polars frame or lazy
        frame, or anything with the Arrow stream interface (pandas, pyarrow, DuckDB); or a database URL
        sqlite:///…, duckdb:///…, postgresql://….
    columns
        Canonical name -> heading, where recognition should not decide: `{"customer_id": "Cust No"}`. Any other name keeps
        the heading as an attribute to divide customers by: `{"payment_method": "Payment Method"}`.
    query, table
        For a database: one SELECT, or the name of a table.
    sheet
        For a workbook: name or number (first = 1) of the sheet.
    encoding, separator
        For a text file, where they are known; found out otherwise.
    currency
        ISO code of the amounts, for labels. Where the extract holds several currencies it chooses one, and rows in
        others are set aside. Taken from the extract (a currency column, signs beside amounts, the heading) if None.
    time_zone
        Where the firm is (IANA name such as "Europe/Berlin"). Instants that carry a zone are converted to it; others
        are taken as local time there.
    week_start
        First day of a week in weekly figures.
    not_after
        Last day on which a row can have happened; later rows are set aside as implausible. Without it, only a tail of at
        most 1 % of the rows that lies more than a year after everything else is.
    duplicates
        "keep" (the default: two equal lines may be two purchases; the check says what they carry) or "reject" exact
        repeats of a row. Tables with a key (customers, cases, products) always hold each row once.
    day_first
        Whether 03/04 is 3 April, where nothing in the file decides it: True as in Europe, False as in America. None
        takes 3 April and says so in the check.
    timeout_seconds
        Longest time a database query may take.
    isolate
        Read files in a child process with bounds on memory and time, as every upload must be.
    label
        What to call the source in reports; its file name if None.

    Returns
    -------
    Extract
        `.frame` (good rows), `.rejected` (rows as they came, with a reason), `.check` (the report).

    Raises
    ------
    SourceError
        The source is missing, empty, or not what it claims to be.
    ColumnError
        A required column is neither named nor recognised, or the amounts are in several currencies.
    OptionError
        An option is out of its range.

    Examples
    --------
    >>> import polars as pl
    >>> tx = read_transactions(pl.DataFrame({
    ...     "Cust No": ["007", "007", ""], "Order date": ["03.01.2026", "17.01.2026", "18.01.2026"],
    ...     "Total": ["1.234,50", "12,00", "5,00"]}))
    >>> tx.frame.collect().rows()
    [('007', datetime.datetime(2026, 1, 3, 0, 0), 1234.5), ('007', datetime.datetime(2026, 1, 17, 0, 0), 12.0)]
    >>> tx.check.by_reason
    {'customer_id is missing': 1}
    """
    options = ReadOptions(
        columns=columns, query=query, table=table, sheet=sheet, encoding=encoding, separator=separator,
        currency=currency, time_zone=time_zone, week_start=week_start, not_after=not_after, duplicates=duplicates,
        day_first=day_first, timeout_seconds=timeout_seconds, isolate=isolate, label=label,
    )  # fmt: skip
    return read("transactions", source, **options)


def read_customers(source: Any, **options: Unpack[ReadOptions]) -> Extract:  # noqa: ANN401
    """Read customers, one row each, with any attributes; source and options as in `read_transactions`."""
    return read("customers", source, **options)


def read_surveys(source: Any, **options: Unpack[ReadOptions]) -> Extract:  # noqa: ANN401
    """Read answer sheets with their ratings; source and options as in `read_transactions`."""
    return read("surveys", source, **options)


def read_cases(source: Any, **options: Unpack[ReadOptions]) -> Extract:  # noqa: ANN401
    """Read complaints and requests; source and options as in `read_transactions`."""
    return read("cases", source, **options)


def read_contacts(source: Any, **options: Unpack[ReadOptions]) -> Extract:  # noqa: ANN401
    """Read campaign contacts, one customer reached by one campaign each; source and options as in `read_transactions`."""
    return read("contacts", source, **options)


def read_subscriptions(source: Any, **options: Unpack[ReadOptions]) -> Extract:  # noqa: ANN401
    """Read contract periods; source and options as in `read_transactions`."""
    return read("subscriptions", source, **options)


def read_products(source: Any, **options: Unpack[ReadOptions]) -> Extract:  # noqa: ANN401
    """Read products; source and options as in `read_transactions`."""
    return read("products", source, **options)


def read(table_name: str, source: Any, **options: Unpack[ReadOptions]) -> Extract:  # noqa: ANN401
    """Read a table by its name in `tables.TABLES`; source and options as in `read_transactions`."""
    tables.table(table_name)
    raw = raw_from(source, options)
    said = {k: v for k, v in options.items() if k not in _WHERE}
    return check_in(raw, table_name, Options(**said))  # type: ignore[arg-type]  # keys checked in raw_from


def raw_from(source: Any, options: ReadOptions) -> RawTable:  # noqa: ANN401
    """Read a source as it came, by those of the options that say where and how it lies."""
    _check_options(options)
    where: dict[str, Any] = {k: v for k, v in options.items() if k in _WHERE}
    return read_raw(source, **where)


def as_extract(data: Any, table: str = "transactions", *, keep: Sequence[str | None] = ()) -> Extract:  # noqa: ANN401
    """Give an extract as it is, and take anything else through the door.

    Parameters
    ----------
    data
        An `Extract`, or whatever `read_transactions` takes as its source.
    table
        The table the data is, in `tables.TABLES`.
    keep
        Headings to keep as attributes where they are no columns of the table; of an extract what it has kept counts.

    Raises
    ------
    OptionError
        If the extract is another table.
    """
    if not isinstance(data, Extract):
        found = read(table, data)
        unused = found.details["unused"].split(", ")
        kept = {name: name for name in keep if name is not None and name in unused}
        return read(table, data, columns=kept) if kept else found
    if data.table != table:
        raise OptionError(
            f"An extract of {data.table} was given.",
            f"An extract of {table} was expected.",
            f"Read it with crm.read_{table}(…), or pass the right table.",
        )
    return data


def as_one_of(data: Any, tables_: Sequence[str]) -> Extract:  # noqa: ANN401 whatever `read_raw` takes
    """Give an extract of one of several tables as it is, and take anything else through the door as the one it fits.

    Parameters
    ----------
    data
        An `Extract`, or whatever `read_transactions` takes as its source.
    tables_
        Names of tables; where the data fits two equally well, the first of them is meant.

    Raises
    ------
    OptionError
        If the extract is none of these tables.

    Examples
    --------
    >>> import polars as pl
    >>> contracts = pl.DataFrame({"customer_id": ["A"], "started_on": ["2026-01-01"], "plan": ["basic"]})
    >>> as_one_of(contracts, ("transactions", "subscriptions")).table
    'subscriptions'
    """
    if isinstance(data, Extract):
        return as_extract(data, data.table if data.table in tables_ else tables_[0])
    raw = raw_from(data, {})
    return check_in(raw, nearest(raw.headings, looked_at(raw), tables_), Options())


def check_time_zone(name: str | None) -> None:
    """Refuse a time zone that does not exist."""
    if name is None:
        return
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OptionError.out_of_range(
            "time_zone", name, "an IANA name such as 'Europe/Berlin' or 'UTC'"
        ) from None


def _check_options(options: ReadOptions) -> None:
    unknown = sorted(set(options) - set(ReadOptions.__annotations__))
    if unknown:
        known = ", ".join(sorted(ReadOptions.__annotations__))
        raise OptionError(f"There is no option {unknown[0]!r}.", f"Known: {known}.")
    check_time_zone(options.get("time_zone"))
    for name, allowed in (("duplicates", get_args(Duplicates)), ("week_start", get_args(WeekStart))):
        value = options.get(name, allowed[0])
        if value not in allowed:
            raise OptionError.out_of_range(name, value, f"one of {', '.join(repr(a) for a in allowed)}")
    not_after = options.get("not_after")
    if not_after is not None and (not isinstance(not_after, date) or isinstance(not_after, datetime)):
        raise OptionError.out_of_range("not_after", not_after, "a date such as date(2026, 1, 31)")
    currency = options.get("currency")
    if currency is not None and not (len(currency) == 3 and currency.isalpha() and currency.isupper()):  # noqa: PLR2004
        raise OptionError.out_of_range(
            "currency", currency, "an ISO code of three capital letters such as 'EUR'"
        )
