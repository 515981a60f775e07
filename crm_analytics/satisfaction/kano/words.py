"""Kano's categories in words: headline, titles, summary, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from crm_analytics.results import MOST_SUMMARY_ROWS, Note, View

Row = Mapping[str, Any]

NAMES: Final = ("Must-be", "One-dimensional", "Attractive", "Indifferent", "Reverse", "Questionable")
"""The categories, in the order of `answers.CATEGORIES`."""

_MOST_NAMED: Final = 3
_MANY_QUESTIONABLE: Final = 0.1
_FEW: Final = 30


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found, for those who put it into words."""

    features: pl.DataFrame
    n_rows: int
    n_answered: int
    empty: tuple[str, ...]
    n_unread: int
    weights: str | None

    def of_category(self, name: str) -> list[str]:
        """Name the features of a category, by the rule for ties; must-bes by how much their absence annoys."""
        own = self.features.filter(pl.col("category_by_rule") == name)
        return (own.sort("dissatisfaction_coefficient", "feature") if name == NAMES[0] else own)[
            "feature"
        ].to_list()


def headline(found: Findings) -> str:
    """Say in one sentence what must be there and what would delight."""
    told = [
        f"{_named(features)} {'is' if len(features) == 1 else 'are'} {word}"
        for name, word in ((NAMES[0], "must-be"), (NAMES[1], "one-dimensional"), (NAMES[2], "attractive"))
        if (features := found.of_category(name))
    ]
    n = f"{found.n_answered:,} respondents" if found.n_answered != 1 else "1 respondent"
    if not told:
        return f"None of {found.features.height} features is must-be, one-dimensional or attractive ({n})."
    unclear = found.features.height - int(found.features["is_clear"].sum())
    return f"{'; '.join(told)}{_doubt(unclear, found.features.height)} ({n})."


def _doubt(unclear: int, n: int) -> str:
    """Say how many categories are those of the rule for ties alone."""
    if not unclear:
        return ""
    return "; the category is not clear" if n == 1 else f"; the category is not clear for {unclear} of {n}"


def _named(features: list[str]) -> str:
    shown = features[:_MOST_NAMED]
    if len(features) > _MOST_NAMED:
        return f"{', '.join(shown)} and {len(features) - _MOST_NAMED} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def views(found: Findings) -> Iterator[View]:
    """Give the pictures."""
    if found.features["satisfaction_coefficient"].is_not_null().any():
        top = found.features.row(0, named=True)["feature"]
        yield View("map", f"{top} would please most", "features")
    clear = int(found.features["is_clear"].sum())
    yield View("shares", f"The category is clear for {clear} of {found.features.height} features", "shares")


def summary(found: Findings) -> pl.DataFrame:
    """Give the features by category, must-bes first."""
    rows = sorted(
        found.features.iter_rows(named=True),
        key=lambda r: (NAMES.index(r["category_by_rule"]), -r["total_strength"], r["feature"]),
    )
    kept = [
        (
            r["feature"],
            r["category_by_rule"],
            r["is_clear"],
            _spanned(r, "satisfaction_coefficient"),
            _spanned(r, "dissatisfaction_coefficient"),
            r["n_answers"],
        )
        for r in rows[:MOST_SUMMARY_ROWS]
    ]
    schema = {
        "feature": pl.String(), "category_by_rule": pl.String(), "is_clear": pl.Boolean(), "pleases_text": pl.String(),
        "annoys_text": pl.String(), "n_answers": pl.Int64(),
    }  # fmt: skip
    return pl.DataFrame(kept, schema=schema, orient="row")


def _spanned(row: Row, column: str) -> str:
    at, low, high = (row[f"{column}{end}"] for end in ("", "_lower", "_upper"))
    return "not known" if at is None else f"{at:.2f} ({low:.2f} to {high:.2f})"


def notes(found: Findings) -> Iterator[Note]:
    """Say what a reader must know: how categories are decided, and which answers are doubtful."""
    yield Note(
        "definition",
        "Each respondent's pair of answers has a category by Berger's table; a feature has the most frequent one. Where the two "
        "most frequent do not differ by Fong's rule, the first of must-be, one-dimensional, attractive, indifferent is taken, "
        "since to leave out what must be there costs most.",
    )
    yield from _doubtful(found)
    if found.n_rows > found.n_answered:
        yield Note(
            "not_counted",
            f"{found.n_rows - found.n_answered:,} of {found.n_rows:,} rows have no pair of answers.",
        )
    if found.n_unread:
        yield Note(
            "unreadable",
            f"{found.n_unread:,} {'answer is' if found.n_unread == 1 else 'answers are'} none of the five: counted as no answer.",
            "caution",
        )
    if found.empty:
        yield Note("empty", f"Nobody answered both questions on {_named(list(found.empty))}.", "caution")
    if found.weights:
        yield Note(
            "weights",
            f"Respondents count with their weight ({found.weights}); intervals take their effective number.",
        )
    yield Note(
        "caution",
        "The categories are those of the question as it was put, and of an average: groups may want opposite things, and what "
        "attracts today is expected tomorrow.",
        "caution",
    )


def _doubtful(found: Findings) -> Iterator[Note]:
    total = pl.sum_horizontal(
        pl.col("^n_(must_be|one_dimensional|attractive|indifferent|reverse|questionable)$")
    )
    doubtful = found.features.filter(pl.col("n_questionable") > _MANY_QUESTIONABLE * total)[
        "feature"
    ].to_list()
    if doubtful:
        yield Note(
            "questionable",
            f"More than {_MANY_QUESTIONABLE:.0%} contradict themselves on {_named(doubtful)}: was the question understood?",
            "caution",
        )
    reverse = found.of_category(NAMES[4])
    if reverse:
        yield Note(
            "reverse",
            f"More would do without {_named(reverse)} than anything else; or do the codes run the other way? Then say so with codes.",
            "caution",
        )
    few = found.features.filter(pl.col("n_answers") < _FEW)["feature"].to_list()
    if few:
        yield Note(
            "few", f"Fewer than {_FEW} respondents on {_named(few)}; the intervals are wide.", "caution"
        )
