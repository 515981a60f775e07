"""The importance-performance map in words: headline, titles, summary, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.results import MOST_SUMMARY_ROWS, Note, View
from crm_analytics.satisfaction.importance.places import QUADRANTS, Cut, Importance, Measured
from crm_analytics.satisfaction.regression import answer_notes
from crm_analytics.satisfaction.regression.design import Design
from crm_analytics.satisfaction.regression.moments import Missing

Row = Mapping[str, Any]

SURE: Final = 0.8
"""From so many of the draws on, a quadrant is called sure."""

_WEAK_R2: Final = 0.1
_SURE_P: Final = 0.05
_CUT_WORDS: Final[Mapping[str, str]] = {
    "mean": "the means over the drivers",
    "midpoint": "the middle of the scale, and half way between the least and the most important driver",
    "iso": "the line on which importance and performance are equal as standard scores",
}


@dataclass(frozen=True, eq=False)
class Findings:
    """What the analysis made, for those who put it into words."""

    design: Design
    measured: Measured
    way: Missing
    kind: Importance
    cut: Cut
    drivers: pl.DataFrame
    cuts: pl.DataFrame
    stated: pl.DataFrame
    groups: pl.DataFrame
    by: str | None
    small_groups: tuple[str, ...]

    @property
    def column(self) -> str:
        """The column of the chosen importance."""
        return "importance_share" if self.kind == "lmg" else "driver_effect"

    @property
    def alike(self) -> bool:
        """Whether the ratings of the drivers do not surely differ, so that nothing is rated low among them."""
        return self.cut != "midpoint" and self.measured.alike > _SURE_P

    @property
    def by_chance(self) -> bool:
        """Whether chance alone may explain what the drivers explain, so that none is important for certain."""
        return self.measured.together_p >= _SURE_P

    def worst(self) -> Row | None:
        """Give the driver that most surely is important and rated low."""
        rows = self.drivers.filter(pl.col("quadrant") == QUADRANTS[0])
        if rows.is_empty():
            return None
        return rows.sort("p_concentrate", self.column, "driver", descending=[True, True, False]).row(
            0, named=True
        )


def importance_words(found: Findings, row: Row) -> str:
    """Write the importance of a driver."""
    if found.kind == "lmg":
        return f"{formats.share(row['importance_share'])} of what is explained"
    return f"{row['driver_effect']:.2f} points of {found.design.outcome.label} a point"


def headline(found: Findings) -> str:
    """Say in one sentence what to fix first, and how sure that is."""
    row = found.worst()
    if found.by_chance:
        return (
            f"What to fix first cannot be told: chance alone would explain as much of {found.design.outcome.label} as the drivers do "
            f"(p {formats.p_value(found.measured.together_p)}; {found.measured.n_rows:,} answers)."
        )
    if found.alike:
        return _headline_alike(found)
    if row is None:
        top = found.drivers.row(0, named=True)
        return (
            f"No driver is both important and rated low: {top['driver_label']}, the most important "
            f"({importance_words(found, top)}), is rated {top['performance']:.0f} of 100 ({found.measured.n_rows:,} answers)."
        )
    if row["outcome_correlation"] < 0:
        return (
            f"Look at the scale first: {row['driver_label']} is important ({importance_words(found, row)}) and rated low "
            f"({row['performance']:.0f} of 100), but better ratings of it go with a worse outcome ({found.measured.n_rows:,} answers)."
        )
    chance = row["p_concentrate"]
    start = "Fix first" if chance >= SURE else "First to look at, though not surely"
    return (
        f"{start}: {row['driver_label']} is important ({importance_words(found, row)}) and rated low "
        f"({row['performance']:.0f} of 100), in {formats.share(chance)} of bootstrap draws ({found.measured.n_rows:,} answers)."
    )


def _headline_alike(found: Findings) -> str:
    top = found.drivers.row(0, named=True)
    return (
        f"All drivers are rated alike ({_range(found)}), so what counts is importance: {top['driver_label']} comes first "
        f"({importance_words(found, top)}), with {formats.share(top['p_concentrate'] + top['p_keep_up'])} of bootstrap draws "
        f"putting it among the important ones ({found.measured.n_rows:,} answers)."
    )


def _range(found: Findings) -> str:
    low, high = found.measured.performance.min(), found.measured.performance.max()
    return f"{low:.0f} of 100" if round(low) == round(high) else f"{low:.0f} to {high:.0f} of 100"


def views(found: Findings) -> Iterator[View]:
    """Give the pictures there are data for."""
    row = found.worst()
    title = (
        "What is important cannot be told from these answers"
        if found.by_chance
        else f"All drivers are rated alike; {found.drivers['driver_label'][0]} is the most important"
        if found.alike
        else "No driver is both important and rated low"
        if row is None
        else f"{row['driver_label']} is important and rated low"
    )
    yield View("map", title, "drivers")
    yield View("probabilities", _sure_title(found), "drivers")
    yield View("cuts", _cuts_title(found), "cuts")
    if not found.stated.is_empty():
        yield View("stated", _stated_title(found), "stated")


def _sure_title(found: Findings) -> str:
    sure = found.drivers.filter(pl.col("quadrant_probability") >= SURE).height
    whole = found.drivers.height
    if sure == whole:
        return f"All {whole} drivers surely stand where they are drawn"
    return f"{sure} of {whole} drivers surely stand where they are drawn"


def changing(found: Findings) -> list[str]:
    """Name the drivers whose quadrant depends on the choice of lines."""
    several = found.cuts.group_by("driver", "driver_label").agg(pl.col("quadrant").n_unique().alias("k"))
    return several.filter(pl.col("k") > 1).sort("driver")["driver_label"].to_list()


def _cuts_title(found: Findings) -> str:
    n = len(changing(found))
    if not n:
        return "The quadrants are the same whichever lines are taken"
    return (
        f"With other lines, {n} of {found.drivers.height} drivers {'stands' if n == 1 else 'stand'} elsewhere"
    )


def _stated_title(found: Findings) -> str:
    hygiene = found.stated.filter(pl.col("reading") == "Hygiene")
    if hygiene.is_empty():
        return "What customers say matters, and what moves satisfaction"
    return f"{_label(found, hygiene['driver'][0])} is said to matter, yet moves little"


def _label(found: Findings, driver: str) -> str:
    return str(found.drivers.filter(pl.col("driver") == driver)["driver_label"].item())


def summary(found: Findings) -> pl.DataFrame:
    """Give the drivers, what to act on first."""
    order = {name: place for place, name in enumerate(QUADRANTS)}
    rows = sorted(
        found.drivers.iter_rows(named=True),
        key=lambda r: (order[r["quadrant"]], -r[found.column], r["driver"]),
    )
    kept = [
        (
            r["driver_label"],
            _spanned(r, found.column, share=found.kind == "lmg"),
            _spanned(r, "performance"),
            r["quadrant"],
            r["quadrant_probability"],
        )
        for r in rows[:MOST_SUMMARY_ROWS]
    ]
    schema = {
        "driver_label": pl.String(), "importance_text": pl.String(), "performance_text": pl.String(), "quadrant": pl.String(),
        "quadrant_probability": pl.Float64(),
    }  # fmt: skip
    return pl.DataFrame(kept, schema=schema, orient="row")


def _spanned(row: Row, column: str, *, share: bool = False) -> str:
    at, low, high = (row[f"{column}{end}"] for end in ("", "_lower", "_upper"))
    if share:
        return f"{formats.share(at)} ({formats.share(low)} to {formats.share(high)})"
    digits = 0 if column == "performance" else 2
    return f"{at:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def notes(found: Findings) -> Iterator[Note]:
    """Say what a reader must know: what importance is, where the lines are, and what may not be concluded."""
    yield Note("definition", _definition(found))
    yield Note("lines", _lines(found))
    yield from _unsure(found)
    yield from _weak(found)
    yield from answer_notes.about_answers(found.design, found.way, found.measured.n_rows)
    yield from _groups(found)
    yield Note(
        "caution",
        "Importance is how ratings and outcome go together, not what a measure would bring about: a good or bad mood colours all "
        "ratings (halo), and a driver that all rate alike shows no importance and may still be expected by everybody.",
        "caution",
    )


def _definition(found: Findings) -> str:
    what = (
        "Importance is the share of each driver in what all drivers explain of the outcome (LMG)"
        if found.kind == "lmg"
        else "Importance is points of the outcome per point of the driver, both from 0 to 100, the other drivers held; drivers "
        "are not taken to act on each other"
    )
    return (
        f"{what}; together the drivers explain {formats.share(found.measured.r2)} of the variance of "
        f"{found.design.outcome.label}. Performance is the mean rating, from 0 at the worst end of the scale to 100."
    )


def _lines(found: Findings) -> str:
    n = changing(found)
    other = (
        "with either of the other two choices of lines every driver stays where it is"
        if not n
        else f"with another of the three usual choices {', '.join(n[:5])}{' and more' if len(n) > 5 else ''} "  # noqa: PLR2004
        f"{'stands' if len(n) == 1 else 'stand'} elsewhere: see the table of cuts"
    )
    return (
        f"The quadrants meet at {_CUT_WORDS[found.cut]}; {other}. With lines at the means some driver always looks poor, however "
        "good all are."
        if found.cut != "midpoint"
        else f"The quadrants meet at {_CUT_WORDS[found.cut]}; {other}."
    )


def _unsure(found: Findings) -> Iterator[Note]:
    unsure = found.drivers.filter(pl.col("quadrant_probability") < SURE)["driver_label"].to_list()
    if unsure:
        shown = ", ".join(unsure[:5]) + (" and more" if len(unsure) > 5 else "")  # noqa: PLR2004 enough to know
        yield Note(
            "near_the_lines",
            f"Too near the lines to tell (in one quadrant in less than {SURE:.0%} of draws): {shown}.",
            "caution",
        )


def _weak(found: Findings) -> Iterator[Note]:
    if found.by_chance:
        yield Note(
            "chance",
            f"That the drivers explain nothing at all cannot be ruled out (p {formats.p_value(found.measured.together_p)}): the map may be chance.",
            "caution",
        )
    elif found.measured.r2 < _WEAK_R2:
        yield Note(
            "weak",
            f"The drivers explain only {formats.share(found.measured.r2)} of the outcome; their importance says little.",
            "caution",
        )
    if found.alike:
        yield Note(
            "rated_alike",
            f"The drivers' mean ratings ({_range(found)}) do not surely differ (Wald test, p {formats.p_value(found.measured.alike)}): which "
            "of them is rated low is chance, and a map drawn close up hides that.",
            "caution",
        )
    slight = 2 / found.design.effective_n**0.5  # such a correlation may be chance
    against = found.drivers.filter(pl.col("outcome_correlation") < -slight)["driver_label"].to_list()
    if against:
        yield Note(
            "against",
            f"Better ratings of {', '.join(against[:5])} go with a worse outcome; is the scale the other way round?",
            "caution",
        )


def _groups(found: Findings) -> Iterator[Note]:
    if found.by is None:
        return
    yield Note(
        "groups",
        "Each group has cut lines of its own, so quadrants say what is relatively weak in the group.",
    )
    if found.small_groups:
        n = len(found.small_groups)
        yield Note(
            "small_groups",
            f"{n} {'group is' if n == 1 else 'groups are'} not shown (too few answers, or alike, or beyond the six largest): "
            f"{', '.join(found.small_groups[:5])}{' and more' if n > 5 else ''}.",  # noqa: PLR2004
        )
