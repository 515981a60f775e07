"""Penalty-reward contrasts in words: headline, titles, summary, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.results import MOST_SUMMARY_ROWS, Note, View
from crm_analytics.satisfaction.penalty.classes import CLASSES, DELIGHTER, MUST_BE, THIN, Contrasts, Held
from crm_analytics.satisfaction.regression import answer_notes
from crm_analytics.satisfaction.regression.design import Design
from crm_analytics.satisfaction.regression.moments import Missing

Row = Mapping[str, Any]

NO_CLASS: Final = "Too few ratings"
"""What stands for the class of a driver with thin cells."""

SURE: Final = 0.8
_MOST_NAMED: Final = 3


@dataclass(frozen=True, eq=False)
class Findings:
    """What the analysis made, for those who put it into words."""

    design: Design
    contrasts: Contrasts
    way: Missing
    held: Held
    drivers: pl.DataFrame

    def of_class(self, index: int) -> list[Row]:
        """Give the drivers of a class, the surest first."""
        rows = self.drivers.filter(pl.col("driver_class") == CLASSES[index])
        return list(rows.sort("class_probability", "driver", descending=[True, False]).iter_rows(named=True))


def headline(found: Findings) -> str:
    """Say in one sentence which drivers only hurt and which only please."""
    must, delight = found.of_class(MUST_BE), found.of_class(DELIGHTER)
    n = f"{found.contrasts.n_rows:,} answers"
    if not must and not delight:
        return f"No driver is surely a must-be or a delighter: low ratings hurt about as much as high ones please ({n})."
    said = []
    if must:
        row = must[0]
        said.append(
            f"{_named(must)} {'is a must-be' if len(must) == 1 else 'are must-bes'}, where low ratings cost "
            f"{-row['penalty']:.1f} points of {found.design.outcome.label}{_first(must)} and high ones bring "
            f"{max(row['reward'], 0.0):.1f}"
        )
    if delight:
        row = delight[0]
        said.append(
            f"{_named(delight)} {'is a delighter' if len(delight) == 1 else 'are delighters'}, where high ratings bring "
            f"{row['reward']:.1f} points{_first(delight)} and low ones cost {max(-row['penalty'], 0.0):.1f}"
        )
    return f"{'; '.join(said)} ({n})."


def _first(rows: list[Row]) -> str:
    return "" if len(rows) == 1 else f" ({rows[0]['driver_label']})"


def _named(rows: list[Row]) -> str:
    names = [str(r["driver_label"]) for r in rows[:_MOST_NAMED]]
    if len(rows) > _MOST_NAMED:
        return f"{', '.join(names)} and {len(rows) - _MOST_NAMED} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def views(found: Findings) -> Iterator[View]:
    """Give the pictures."""
    must, delight = found.of_class(MUST_BE), found.of_class(DELIGHTER)
    said = [
        *([f"{_named(must)}: low ratings hurt more than high ones please"] if must else []),
        *([f"{_named(delight)}: high ratings please more than low ones hurt"] if delight else []),
    ]
    yield View(
        "asymmetry", "; ".join(said) or "Low ratings hurt about as much as high ones please", "drivers"
    )
    sure = found.drivers.filter(pl.col("class_probability") >= SURE).height
    yield View("classes", f"The class is sure for {sure} of {found.drivers.height} drivers", "drivers")


def summary(found: Findings) -> pl.DataFrame:
    """Give the drivers by class, must-bes first."""
    order = {
        name: place for place, name in enumerate((CLASSES[0], CLASSES[2], CLASSES[1], *CLASSES[3:], NO_CLASS))
    }
    rows = sorted(
        found.drivers.iter_rows(named=True),
        key=lambda r: (order[r["driver_class"]], -r["outcome_range"], r["driver"]),
    )
    kept = [
        (
            r["driver_label"],
            r["driver_class"],
            r["class_probability"],
            _spanned(r, "penalty"),
            _spanned(r, "reward"),
        )
        for r in rows[:MOST_SUMMARY_ROWS]
    ]
    schema = {
        "driver_label": pl.String(), "driver_class": pl.String(), "class_probability": pl.Float64(), "penalty_text": pl.String(),
        "reward_text": pl.String(),
    }  # fmt: skip
    return pl.DataFrame(kept, schema=schema, orient="row")


def _spanned(row: Row, column: str) -> str:
    at, low, high = (row[f"{column}{end}"] for end in ("", "_lower", "_upper"))
    return f"{at:+.2f} ({low:+.2f} to {high:+.2f})"


def notes(found: Findings) -> Iterator[Note]:
    """Say what a reader must know: what low and high are, how classes are decided, what may not be concluded."""
    yield Note("definition", _definition(found))
    yield Note(
        "classes",
        "A driver is a must-be or a delighter only where the asymmetry is beyond 0.2 and penalty and reward surely differ in size "
        "(Wald test, 5%, corrected for the number of drivers); it has no clear effect where the two together may be nothing. An effect that has the wrong sign by "
        f"chance counts as 0; one that surely has it makes the driver reverse or unclear. With fewer than {THIN} low, middle or "
        "high ratings there is no class.",
    )
    if found.held == "classes":
        yield Note(
            "held",
            "Of the other drivers only low, middle and high are held, so a driver without an effect of its own can keep a part of "
            "what belongs to those it goes with.",
        )
    yield from _thin(found)
    yield from _unsure(found)
    yield from answer_notes.about_answers(found.design, found.way, found.contrasts.n_rows)
    yield Note(
        "caution",
        "Where low ratings lie further from the middle than high ones, part of the asymmetry is that distance, "
        "and other cuts between low, middle and high ratings may show less of it. The figures say what goes together, not what a measure would bring about, and a class of today's answers "
        "is no law: delighters become expected.",
        "caution",
    )


def _definition(found: Findings) -> str:
    first = found.drivers.row(0, named=True)
    same = found.drivers.select("low_up_to", "high_from").n_unique() == 1
    example = (
        f"Low is a rating up to {first['low_up_to']:g}, high one from {first['high_from']:g}"
        if same
        else f"Low and high differ by driver; of {first['driver_label']}, low is up to {first['low_up_to']:g}, high from "
        f"{first['high_from']:g}"
    )
    fine = ", where exactly in its class each rating stands held as well," if found.held == "ratings" else ""
    return (
        f"{example}; each is compared with the ratings between, all drivers together in one regression of "
        f"{found.design.outcome.label}{fine} which explains {formats.share(found.contrasts.r2)} of its variance."
    )


def _thin(found: Findings) -> Iterator[Note]:
    thin = found.drivers.filter(pl.col("driver_class") == NO_CLASS)["driver_label"].to_list()
    if thin:
        yield Note(
            "thin_cells",
            f"No class for {', '.join(thin[:5])}{' and more' if len(thin) > 5 else ''}: fewer than {THIN} low, middle or high "  # noqa: PLR2004
            "ratings. Other cuts between low, middle and high may help; more answers surely do.",
            "caution",
        )


def _unsure(found: Findings) -> Iterator[Note]:
    unsure = found.drivers.filter(pl.col("class_probability") < SURE)["driver_label"].to_list()
    if unsure:
        yield Note(
            "unsure_classes",
            f"In less than {SURE:.0%} of bootstrap draws in the same class: {', '.join(unsure[:5])}"
            f"{' and more' if len(unsure) > 5 else ''}.",  # noqa: PLR2004
            "caution",
        )
