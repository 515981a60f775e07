"""Numbers as people write them: decimal comma or point, thousands marks, currencies, brackets for minus.

The way of writing is decided once for a whole column, from its different values, and then every value must fit it:
`1.234` is one thing in the whole column, never two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from crm_analytics.extracts.cells.values import as_text

Mark = Literal[".", ","]

_CODES: Final = (
    "EUR USD GBP CHF JPY CNY RMB INR AUD CAD NZD SGD HKD SEK NOK DKK ISK PLN CZK HUF RON BGN RSD TRY RUB UAH ILS AED SAR "
    "ZAR BRL MXN ARS CLP COP PEN KRW THB MYR IDR PHP VND TWD EGP MAD NGN KES"
)
_SYMBOLS: Final = {
    "€": "EUR", "$": "USD", "US$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY",
    "₴": "UAH", "₪": "ILS", "R$": "BRL", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "A$": "AUD", "C$": "CAD", "Fr.": "CHF",
    "kr": "kr", "kr.": "kr", "lei": "RON",
}  # fmt: skip
_CURRENCY: Final = r"(?:[A-Z]{0,2}\p{Sc}|(?i:" + "|".join(_CODES.split()) + r"|zł|kč|ft|kr\.?|lei|fr\.))"
_SPACES: Final = "'\u2019`\\s"
_SIGNS: Final = ("s1", "s2", "s3", "s4", "s5")  # where a minus may stand
_FEW_POINTS: Final = 11.0  # scales beyond are those of shares
_GROUP_OF_THREE: Final = r"^[^\d]*[1-9]\d{0,2}[.,]\d{3}[^\d]*$"


@dataclass(frozen=True)
class NumberStyle:
    """How a column writes its numbers.

    `plain` numbers need no tidying; `ambiguous` says that the marks could have been read either way.
    """

    decimal: Mark = "."
    plain: bool = True
    ambiguous: bool = False
    currencies: tuple[str, ...] = ()

    def described(self) -> str:
        """Say it in words."""
        mark = "decimal comma" if self.decimal == "," else "decimal point"
        return f"{mark} (could also be a thousands mark)" if self.ambiguous else mark


def decide(values: pl.Series, hint: Mark | None = None) -> NumberStyle:
    """Decide how a column writes numbers.

    Parameters
    ----------
    values
        Its different values, cleaned, without nulls.
    hint
        The decimal mark of the other columns of the file, for a column that could be read either way.

    >>> decide(pl.Series(["1.234,50", "12"])).decimal
    ','
    >>> decide(pl.Series(["1.234", "12.345"])).ambiguous
    True
    """
    if values.is_empty():
        return NumberStyle()
    plain = values.cast(pl.Float64, strict=False).null_count() == 0
    three = bool(values.str.contains(_GROUP_OF_THREE).any())
    if plain and not three:
        return NumberStyle()
    decimal, ambiguous = _decimal_mark(values, hint)
    return NumberStyle(decimal, plain and decimal == ".", ambiguous, () if plain else currencies_in(values))


def _decimal_mark(values: pl.Series, hint: Mark | None) -> tuple[Mark, bool]:
    """Weigh the values that can be read one way only; without any, take the likelier reading and say so."""
    core = values.str.replace_all(r"[^\d.,]", "")
    comma, point = (int(core.str.contains(_proof(mark)).sum()) for mark in (",", "."))
    if comma != point:
        return (",", False) if comma > point else (".", False)
    if not core.str.contains(r"[.,]").any():
        return ".", False
    if core.str.contains(r"^\d{4,}$").any():  # 1234 stands beside 1.234: so the mark does not part thousands
        return (",", False) if core.str.contains(",", literal=True).any() else (".", False)
    return hint or ".", True


def _proof(mark: Mark) -> str:
    """Give the pattern of numbers in which `mark` can only be the decimal mark."""
    d, t = ("\\.", ",") if mark == "." else (",", "\\.")
    return rf"^\d*{d}(?:\d{{1,2}}|\d{{4,}})$|^0?{d}\d+$|\d{t}\d{{3}}{d}\d*$|\d{t}\d{{3}}{t}\d{{3}}$|^\d{{4,}}{d}\d{{3}}$"


def currencies_in(values: pl.Series) -> tuple[str, ...]:
    """Give the ISO codes of the currencies written beside numbers."""
    found = values.str.extract(_CURRENCY, 0).drop_nulls().unique().to_list()
    return tuple(sorted({_SYMBOLS.get(f, f.upper()) for f in found if f}))


def number_expr(
    column: pl.Expr, dtype: pl.DataType, style: NumberStyle, *, percent: float | None = 0.01
) -> pl.Expr:
    """Read a column of numbers (cleaned text or typed); what is not a number in this style is null.

    `percent` is what 1 % counts: a hundredth, 1 for ratings (points of 0 to 100), None where it is no number at all.

    >>> style = NumberStyle(",", plain=False)
    >>> pl.select(number_expr(pl.lit("(1.234,50 €)"), pl.String(), style).alias("x"))["x"].to_list()
    [-1234.5]
    """
    if dtype.is_numeric() or dtype == pl.Boolean():
        return column.cast(pl.Float64)
    text = as_text(column, dtype)
    return text.cast(pl.Float64, strict=False) if style.plain else _tidied(text, style.decimal, percent)


def percent_of_ratings(values: pl.Series) -> float | None:
    """Say what 1 % counts in a column of ratings: a point of 0 to 100, or nothing beside answers on a short scale.

    >>> percent_of_ratings(pl.Series(["88%", "100 %"])), percent_of_ratings(pl.Series(["88%", "4"]))
    (1.0, None)
    """
    bare = values.filter(~values.str.contains("%", literal=True))
    points = bare.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    short = (points > 0) & (points <= _FEW_POINTS)
    return None if len(bare) < len(values) and short.any() else 1.0


def _tidied(text: pl.Expr, decimal: Mark, percent: float | None) -> pl.Expr:
    parts = text.str.extract_groups(_pattern(decimal))
    digits = parts.struct.field("n").str.replace_all(f"[{_SPACES}{',' if decimal == '.' else '.'}]", "")
    whole = digits.str.replace(",", ".", literal=True) + parts.struct.field("e").fill_null("")
    negative = pl.any_horizontal(parts.struct.field(name).fill_null("") != "" for name in _SIGNS)
    scale = (
        pl.when(parts.struct.field("pc").fill_null("") != "").then(pl.lit(percent, pl.Float64)).otherwise(1.0)
    )
    value = whole.cast(pl.Float64, strict=False) * scale
    word = text.str.to_lowercase().str.extract(r"^([+-]?inf(?:inity)?)$", 1).cast(pl.Float64, strict=False)
    return pl.coalesce(pl.when(negative).then(-value).otherwise(value), word)


def _pattern(decimal: Mark) -> str:
    d, t = (r"\.", f"[,{_SPACES}]") if decimal == "." else (",", rf"[.{_SPACES}]")
    number = (
        rf"(?P<n>\d{{1,3}}(?:{t}\d{{2,3}})*{t}\d{{3}}(?:{d}\d+)?|\d+(?:{d}\d+)?|{d}\d+)(?P<e>[eE][+-]?\d+)?"
    )
    minus = "[-\u2212\u2013]"
    before = rf"(?P<s1>\()?\s*(?:(?P<s2>{minus})|\+)?\s*(?:{_CURRENCY})?\s*(?:(?P<s3>{minus})|\+)?\s*"
    after = rf"(?:{_CURRENCY}\s*(?P<s4>{minus})?|(?P<s5>{minus})\s*(?:{_CURRENCY})?)?\s*\)?"
    return rf"^{before}{number}(?:[.,]{minus})?\s*(?P<pc>%)?\s*{after}$"


def currency_expr(column: pl.Expr) -> pl.Expr:
    """Give the ISO code of the currency written beside each number, or null.

    >>> pl.select(currency_expr(pl.lit("12,50 €")).alias("x"))["x"].to_list()
    ['EUR']
    """
    written = column.str.extract(_CURRENCY, 0)
    return written.replace_strict(_SYMBOLS, default=written.str.to_uppercase(), return_dtype=pl.String)


def currency_in_heading(heading: str) -> str | None:
    """Give the ISO code that a heading names, or None.

    >>> currency_in_heading("Betrag (EUR)"), currency_in_heading("Total")
    ('EUR', None)
    """
    for word in (
        heading.replace("(", " ")
        .replace(")", " ")
        .replace("_", " ")
        .replace("[", " ")
        .replace("]", " ")
        .split()
    ):
        if word.upper() in _CODES.split() and (word.isupper() or word.islower()):
            return word.upper()
        if word in _SYMBOLS and not word.isalpha():
            return _SYMBOLS[word]
    return None
