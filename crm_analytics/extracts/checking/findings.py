"""What the check has to say about the rows it kept: refunds, repeats, outliers, placeholders, and what was unclear."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from crm_analytics.extracts.checking import line_signs, odd_ids
from crm_analytics.extracts.checking.largest import Customers
from crm_analytics.extracts.checking.marks import MONEY, REFUNDED, REPEAT, STATUS, WHY, far, present
from crm_analytics.extracts.checking.order_totals import order_totals, repeated_totals
from crm_analytics.extracts.checking.plan import Plan
from crm_analytics.extracts.extract import Finding
from crm_analytics.extracts.raw import ROW
from crm_analytics.extracts.recognising.which_column import Recognition
from crm_analytics.tables import Table

EXAMPLES: Final = 5
_SURE_ENOUGH: Final = 0.6
_DOUBLED: Final = 0.45
_FEW_ROWS: Final = 50
_MANY: Final = 0.01
_FEW_CUSTOMERS: Final = 20
_SPANS: Final = {
    "cases": ("opened_at", "closed_at"),
    "contacts": ("contacted_at", "responded_at"),
    "subscriptions": ("started_on", "ended_on"),
}


@dataclass(frozen=True)
class Looked:
    """The marked table and what is known of it before the findings are gathered: its good rows are `kept`, others `aside`."""

    marked: pl.LazyFrame
    kept: pl.LazyFrame
    aside: pl.LazyFrame
    table: Table
    plan: Plan
    names: frozenset[str]
    odd: odd_ids.OddIds
    orders_one_in: int = 1  # of how many orders one is looked at, to keep large tables quick

    @property
    def money(self) -> str | None:
        """The column whose sum is accounted for, if the table has it."""
        name = MONEY.get(self.table.name)
        return name if name in self.names else None


def rows(n: int, one: str = "", several: str = "") -> str:
    """Say how many rows, with what they do.

    >>> rows(1, " has", " have"), rows(1200)
    ('1 row has', '1,200 rows')
    """
    return f"1 row{one}" if n == 1 else f"{n:,} rows{several}"


def finite(money: str) -> pl.Expr:
    """Give the amounts that can be summed."""
    return pl.when(pl.col(money).is_finite()).then(pl.col(money))


def from_reader(notes: Sequence[str], cautions: Collection[str]) -> list[Finding]:
    """Say what the reader passed over, filled or found beside the table."""
    return [_note("source", note, "caution" if note in cautions else "info") for note in notes]


def from_recognition(recognition: Recognition, plan: Plan) -> list[Finding]:
    """Say what was guessed about the columns."""
    found = [
        _note(
            "rival_column",
            f"{r.heading!r} was taken for {r.column}; {recognition.rivals[r.column]!r} fits as well. Name the right one if it is not.",
            "caution",
            r.column,
        )
        for r in recognition.columns
        if r.column in recognition.rivals
    ]
    found += [
        _note(
            "weak_column",
            f"{r.heading!r} was taken for {r.column}, but that is no more than likely ({'; '.join(r.reasons)}). Look whether it is right.",
            "caution",
            r.column,
        )
        for r in recognition.columns
        if r.confidence < _SURE_ENOUGH and r.column not in recognition.rivals and not recognition.headless
    ]
    if recognition.headless:
        pairs = ", ".join(f"{r.column} = {r.heading}" for r in recognition.columns)
        text = f"The file has no headings; its columns were recognised by their values alone: {pairs}. Look whether that is right."
        found.insert(0, _note("no_headings", text, "caution"))
    if plan.amount_is_worked_out:
        found.append(
            _note(
                "amount_worked_out",
                "There is no column of amounts; amount is quantity x unit_price.",
                "info",
                "amount",
            )
        )
    found += [
        _note("unclear_values", f"{c.doubt}.", "caution", c.name) for c in plan.columns.values() if c.doubt
    ]
    return found


def _note(code: str, text: str, severity: Literal["caution", "info"], column: str | None = None) -> Finding:
    return Finding(code, text, severity, 0, column)


def queries(looked: Looked) -> dict[str, pl.LazyFrame]:
    """Give the questions to the marked table, to be answered in one pass over it."""
    asked = {
        "reasons": _by_reason(looked),
        "kept": looked.kept.select(*_kept_figures(looked)),
        "all": looked.marked.select(*_all_figures(looked)),
    }
    if looked.table.name == "transactions" and "order_id" in looked.names:
        asked["orders"] = order_totals(looked.kept, looked.orders_one_in)
    return asked


def _by_reason(looked: Looked) -> pl.LazyFrame:
    money = [finite(looked.money).sum().alias("amount")] if looked.money else []
    people = (
        [pl.col("customer_id").drop_nulls().n_unique().alias("n_customers")]
        if "customer_id" in looked.names
        else []
    )
    examples = pl.col(ROW).head(EXAMPLES).alias("examples")
    return looked.aside.group_by(WHY).agg(pl.len().alias("n"), examples, *money, *people)


def examples(looked: Looked, kept: dict[str, Any]) -> dict[str, Any]:
    """Ask for examples and the money of the rows hit, of those hits that there are."""
    figures = []
    for name, hit in _hits(looked).items():
        if kept[f"{name}:n"]:
            figures.append(pl.col(ROW).filter(hit).head(EXAMPLES).implode().alias(f"{name}:rows"))
            if looked.money:
                figures.append(pl.col(looked.money).filter(hit).sum().alias(f"{name}:amount"))
    if looked.money and _stands_out(kept):
        figures.append(pl.col(looked.money).abs().median().alias("typical"))
    if kept.get("cancelled:n"):
        figures.append(pl.col("order_id").str.contains(r"^\d+$").sum().alias("plain_order:n"))
    return looked.kept.select(figures).collect(engine="streaming").row(0, named=True) if figures else {}


def _all_figures(looked: Looked) -> list[pl.Expr]:
    figures = [pl.len().alias("n")]
    if REPEAT in looked.names:
        figures.append(pl.col(REPEAT).sum().alias("repeats"))
    return figures


def _kept_figures(looked: Looked) -> list[pl.Expr]:
    money, dated = looked.money, looked.table.dated_by
    figures = [pl.len().alias("n")]
    if money:
        amount = pl.col(money)
        figures += [
            amount.sum().alias("amount"),
            amount.abs().sum().alias("turned_over"),
            amount.abs().max().alias("largest"),
        ]
    if dated in looked.names:
        at = pl.col(dated).cast(pl.Datetime("us"))
        figures += [at.min().alias("first"), at.max().alias("last")]
    return [*figures, *(hit.sum().alias(f"{name}:n") for name, hit in _hits(looked).items())]


def _hits(looked: Looked) -> dict[str, pl.Expr]:
    """Give the conditions a kept row may meet and a reader should know of; null is no."""
    hits: dict[str, pl.Expr] = {}
    optional = [c.name for c in looked.table.columns if not c.required and present(c.name) in looked.names]
    never = {c: pl.col(far(c)) for c in optional if far(c) in looked.names}
    unread = {c: pl.col(present(c)) & (pl.col(c).is_null() | _not_finite(c, looked)) for c in optional}
    hits |= {f"unread:{c}": hit & ~never[c] if c in never else hit for c, hit in unread.items()}
    hits |= {f"never:{c}": hit for c, hit in never.items()}
    ids = [c.name for c in looked.table.columns if c.kind == "id" and c.name in looked.names]
    ids = [name for name in ids if name != "customer_id" or looked.odd.mangled]
    hits |= {f"mangled:{c}": odd_ids.mangled(pl.col(c)) for c in ids}
    if REPEAT in looked.names:
        hits["repeat"] = pl.col(REPEAT)
    if looked.table.name == "transactions":
        hits |= _line_hits(looked)
    begin, end = _SPANS.get(looked.table.name, ("", ""))
    if {begin, end} <= looked.names:
        hits["backwards"] = pl.col(end) < pl.col(begin)
    if "nps" in looked.names and looked.table.name == "surveys":
        hits["off_scale"] = ~pl.col("nps").is_between(0, 10)
    return hits


def _not_finite(column: str, looked: Looked) -> pl.Expr:
    return ~pl.col(column).is_finite() if looked.table.column(column).dtype.is_float() else pl.lit(False)


def _line_hits(looked: Looked) -> dict[str, pl.Expr]:
    amount = pl.col("amount")
    hits = {"refund": amount < 0, "zero": amount == 0}
    hits |= line_signs.hits(looked.names, STATUS, REFUNDED, looked.odd.totals)
    if "order_id" in looked.names:
        cancelled = odd_ids.cancelled(pl.col("order_id"))
        hits |= {"cancelled": cancelled, "cancelled_positive": cancelled & (amount > 0)}
    if STATUS in looked.names:
        state = pl.col(STATUS).str.to_lowercase().str.strip_prefix("wc-")  # WooCommerce's own prefix
        hits["status"] = state.is_in(list(line_signs.CANCELLED)) & (amount > 0)
    return hits


def amounts(looked: Looked, n_known: int) -> pl.Series | None:
    """Give the amounts of the good rows that have a customer (`n_known` of them), or None where there is no money."""
    if not looked.money:
        return None
    found = looked.kept.select(looked.money).collect().to_series()
    if len(found) == n_known:
        return found
    known = looked.kept.filter(pl.col("customer_id").is_not_null())
    return known.select(looked.money).collect().to_series()


def from_answers(
    looked: Looked, kept: dict[str, Any], answers: Mapping[str, pl.DataFrame], customers: Customers | None
) -> list[Finding]:
    """Word the findings from the answers to `queries`, with the `kept` ones made whole, and the look at the customers."""
    every: dict[str, Any] = answers["all"].row(0, named=True)
    found = [
        *_mangled_ids(looked, kept),
        *_unread(looked, kept),
        *_never(kept),
        *_odd(looked, kept),
        *_repeats(kept, every),
    ]
    if looked.table.name == "transactions":
        found += [*_refunds(kept), *_wrong_way(kept), *_zero(kept), *_outlier(kept), *_status(kept)]
        found += repeated_totals(answers["orders"], looked.plan) if "orders" in answers else []
    if looked.table.name in ("transactions", "cases", "surveys") and customers:
        found += _alike(customers.n_alike) + _customers(customers.largest)
    return found


def _of(
    code: str,
    text: str,
    severity: Literal["caution", "info"],
    kept: dict[str, Any],
    name: str,
    column: str | None = None,
) -> Finding:
    examples = tuple(kept.get(f"{name}:rows") or ())
    return Finding(
        code, text, severity, kept[f"{name}:n"], column, kept.get(f"{name}:amount"), None, examples
    )


def _unread(looked: Looked, kept: dict[str, Any]) -> list[Finding]:
    found = []
    for key, n in kept.items():
        if key.startswith("unread:") and key.endswith(":n") and n:
            column = key.split(":")[1]
            what = {"instant": "a date", "day": "a date", "flag": "yes or no"}.get(
                looked.table.column(column).kind, "a number"
            )
            text = (
                f"In {rows(n)} {column} is not {what}; it counts as missing there, and nothing is set aside."
            )
            found.append(_of("unread_value", text, "caution", kept, f"unread:{column}", column))
    return found


def _mangled_ids(looked: Looked, kept: dict[str, Any]) -> list[Finding]:
    hit = {c.name: c.heading for c in looked.plan.columns.values() if kept.get(f"mangled:{c.name}:n")}
    return [
        _of(
            "unclear_values",
            f"In {rows(kept[f'mangled:{name}:n'])} {heading!r} stands in the form 1.23E+12: a spreadsheet has cut off digits, "
            "and different ids may now look the same.",
            "caution",
            kept,
            f"mangled:{name}",
            name,
        )
        for name, heading in hit.items()
    ]


def _never(kept: dict[str, Any]) -> list[Finding]:
    return [
        _of(
            "never",
            f"In {rows(n)} {key.split(':')[1]} is a day after 2200; it is taken for none.",
            "info",
            kept,
            key[:-2],
            key.split(":")[1],
        )
        for key, n in kept.items()
        if key.startswith("never:") and key.endswith(":n") and n
    ]


def _odd(looked: Looked, kept: dict[str, Any]) -> list[Finding]:
    found = []
    if kept.get("backwards:n"):
        begin, end = _SPANS[looked.table.name]
        text = f"In {rows(kept['backwards:n'])} {end} lies before {begin}; nothing is set aside for it."
        found.append(_of("backwards", text, "caution", kept, "backwards", end))
    if kept.get("off_scale:n"):
        text = f"In {rows(kept['off_scale:n'])} nps lies outside 0 to 10; nothing is set aside for it."
        found.append(_of("off_scale", text, "caution", kept, "off_scale", "nps"))
    return found


def _repeats(kept: dict[str, Any], every: dict[str, Any]) -> list[Finding]:
    n = every.get("repeats") or 0
    still = kept.get("repeat:n") or 0
    if not n or not still:
        return []
    text = f"{rows(n, ' repeats', ' repeat')} another row exactly; {_of_them(n, still)}{_carrying(kept, 'repeat')}."
    found = [_of("exact_repeats", text, "caution", kept, "repeat")]
    if n >= _DOUBLED * every["n"]:
        text = f"{n / every['n']:.0%} of the rows repeat another row: the file seems to hold its rows more than once, and sums count them as often. Use duplicates='reject' if so."
        found.insert(0, _of("file_doubled", text, "caution", kept, "repeat"))
    return found


def _of_them(n: int, still: int) -> str:
    if n == still:
        return "it is kept and counts" if n == 1 else "they are kept and count"
    return f"{still:,} of them {'is kept and counts' if still == 1 else 'are kept and count'}"


def _carrying(kept: dict[str, Any], name: str) -> str:
    amount = kept.get(f"{name}:amount")
    return "" if amount is None else f", with {amount:,.2f} in all"


def _refunds(kept: dict[str, Any]) -> list[Finding]:
    found = []
    if kept["refund:n"]:
        text = f"{rows(kept['refund:n'], ' has a negative amount', ' have negative amounts')} ({kept['refund:amount']:,.2f} in all): refunds, which lower spend."
        found.append(_of("refunds", text, "info", kept, "refund", "amount"))
    n = kept.get("cancelled:n") or 0
    if not n or n > kept["plain_order:n"]:
        return found
    if kept["cancelled_positive:n"] > n / 2:
        text = f"{rows(kept['cancelled_positive:n'])} of cancelled orders ('C…') with positive amounts count as purchases; turn their sign in the extract if they are refunds."
        return [*found, _of("cancelled_positive", text, "caution", kept, "cancelled_positive", "order_id")]
    return [
        *found,
        _of(
            "cancelled",
            f"{rows(n, ' belongs', ' belong')} to cancelled orders ('C…'), counted as refunds.",
            "info",
            kept,
            "cancelled",
            "order_id",
        ),
    ]


def _wrong_way(kept: dict[str, Any]) -> list[Finding]:
    found = []
    for name in line_signs.wordings(0, ""):
        if n := kept.get(f"{name}:n"):
            text, column = line_signs.wordings(n, rows(n))[name]
            found.append(_of(name, text, "caution", kept, name, column))
    return found


def _zero(kept: dict[str, Any]) -> list[Finding]:
    if not kept["zero:n"]:
        return []
    return [
        _of(
            "zero_amounts",
            f"{rows(kept['zero:n'], ' has', ' have')} an amount of zero.",
            "info",
            kept,
            "zero",
            "amount",
        )
    ]


def _stands_out(kept: dict[str, Any]) -> bool:
    """Tell whether one row has much of all money; whether it is unlike the others is asked then alone."""
    total, largest = kept["turned_over"] or 0.0, kept["largest"] or 0.0
    return bool(kept["n"] >= _FEW_ROWS and largest > max(0.05, 20 / kept["n"]) * total)


def _outlier(kept: dict[str, Any]) -> list[Finding]:
    total, largest = kept["turned_over"] or 0.0, kept["largest"] or 0.0
    if not _stands_out(kept) or largest < 100 * (kept["typical"] or 0):
        return []
    text = f"One row has an amount of {largest:,.2f}, {largest / total:.0%} of all money turned over; averages rest on it. It is kept."
    return [Finding("outlier", text, "caution", 1, "amount", largest)]


def _status(kept: dict[str, Any]) -> list[Finding]:
    if not kept.get("status:n"):
        return []
    marked = " with a positive amount, marked as cancelled, refunded or failed,"
    count = rows(kept["status:n"], f"{marked} counts as a purchase", f"{marked} count as purchases")
    text = f"{count}. Leave such rows out of the extract if no money came in."
    return [_of("cancelled_status", text, "caution", kept, "status", "amount")]


def _alike(n: int) -> list[Finding]:
    if not n:
        return []
    ids = "1 customer id differs" if n == 1 else f"{n:,} customer ids differ"
    text = (
        f"{ids} from another only by leading zeros or capitals; they are kept as different customers. "
        "Write ids in one way in the extract if they are the same."
    )
    return [_note("alike_ids", text, "caution", "customer_id")]


def _customers(largest: pl.DataFrame) -> list[Finding]:
    found = []
    for row in largest.iter_rows(named=True):
        many = row["share"] > _MANY and row["customers"] >= _FEW_CUSTOMERS
        huge = (
            many
            and row["share"] > 5 * _MANY
            and row["customers"] >= _FEW_ROWS
            and row["n"] > 20 * row["typical"]
        )
        nobody = row["nobody"] or (many and row["number"] and row["n"] > 5 * row["typical"])
        if huge or nobody:
            what = (
                "looks like a stand-in for unknown customers"
                if nobody
                else "is far more than any customer's share"
            )
            text = f"Customer {row['customer_id']!r} has {rows(row['n'])} ({row['share']:.1%}); it {what}. {'It is' if row['n'] == 1 else 'They are'} kept as one customer."
            found.append(
                Finding(
                    "placeholder_customer" if nobody else "super_customer",
                    text,
                    "caution",
                    row["n"],
                    "customer_id",
                    row.get("amount"),
                    1,
                )
            )
    return found
