"""Satisfaction drivers in words: headline, titles, summary, notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl

from crm_analytics import formats
from crm_analytics.results import MOST_SUMMARY_ROWS, Note, View
from crm_analytics.satisfaction.driver_findings import Findings
from crm_analytics.satisfaction.driver_tables import MOSTLY_MISSING, WAY_WORDS
from crm_analytics.satisfaction.ratings import label

_SURE: Final = 0.05
_MOST_NAMED: Final = 3
_LITTLE: Final = 0.05
_HIGH_INFLATION: Final = 10.0
_FEW_PER_COLUMN: Final = 10
_EQUAL_ENOUGH: Final = 0.02
_NARROW: Final = 0.5  # of the usual spread of a rating on its scale


class Told:
    """The tables, and what they say together."""

    def __init__(self, found: Findings, drivers: pl.DataFrame, differences: pl.DataFrame) -> None:
        self.found, self.differences = found, differences
        self.drivers = drivers.filter(pl.col("lmg").is_not_null())
        self.rows = self.drivers.to_dicts()

    @property
    def leaders(self) -> list[str]:
        """Drivers that may be the first: all whose difference from the first can be none."""
        first = self.rows[0]["driver"]
        behind = self.differences.filter((pl.col("driver") == first) & pl.col("is_ahead"))[
            "other_driver"
        ].to_list()
        return [r["driver"] for r in self.rows if r["driver"] not in behind]

    @property
    def measure(self) -> str:
        """Name what is shared out."""
        return "R2" if self.found.design.outcome.kind == "numeric" else "McFadden's R2"

    @property
    def of(self) -> str:
        """Say what the shares are shares of."""
        return (
            "what the ratings explain"
            if all(d.kind == "rating" for d in self.found.design.drivers)
            else "what the drivers explain"
        )

    def base(self) -> str:
        """Give the fit and the number of answers."""
        return f"{self.measure} {self.found.shares.r2:.2f}, n {self.found.rows.n:,}"


def lower(text: str) -> str:
    """Begin a label in the middle of a sentence; words in capitals stay.

    >>> lower("Quality of food"), lower("NPS"), lower("A")
    ('quality of food', 'NPS', 'A')
    """
    return text if text[:2].isupper() or len(text) < 2 else text[:1].lower() + text[1:]  # noqa: PLR2004


def listed(names: Sequence[str]) -> str:
    """List names in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def percent(value: float) -> str:
    """Write a share in whole percent, small ones with a digit more.

    >>> percent(0.384), percent(0.004)
    ('38%', '0.4%')
    """
    return f"{100 * value:.0f}%" if value >= 0.0095 or value == 0 else f"{100 * value:.1f}%"  # noqa: PLR2004


def _with_interval(row: dict[str, float]) -> str:
    return f"{percent(row['importance'])} (95% interval {percent(row['importance_lower'])} to {percent(row['importance_upper'])})"


def outcome_words(told: Told) -> str:
    """Name the outcome in a sentence."""
    outcome = told.found.design.outcome
    names = {"csat": "satisfaction", "nps": "recommendation", "ces": "effort"}
    return names.get(outcome.name, lower(outcome.label))


def headline(told: Told) -> str:
    """Say in one sentence what matters most, without a winner where none can be told."""
    what, leaders = outcome_words(told), told.leaders
    rows = {r["driver"]: r for r in told.rows}
    if _nothing(told):
        return f"The drivers say little of {what}: together they explain {formats.share(max(told.found.shares.r2, 0.0))} of it ({told.base()})."
    if len(told.rows) == 1:
        only = told.rows[0]
        return f"{_capital(lower(only['driver_label']))} explains {formats.share(only['lmg'])} of the variation of {what} ({told.base()})."
    if len(leaders) == 1:
        return f"{_alone(told, rows[leaders[0]], what)} ({told.base()})."
    if len(leaders) <= _MOST_NAMED:
        names = listed([lower(rows[d]["driver_label"]) for d in leaders])
        parts = (
            ", ".join(_with_interval(rows[d]) for d in leaders[:-1])
            + f" and {_with_interval(rows[leaders[-1]])}"
        )
        return f"{_capital(names)} matter most for {what}: {parts} of {told.of}, and which is first cannot be told ({told.base()})."
    names = listed([lower(rows[d]["driver_label"]) for d in leaders[:_MOST_NAMED]])
    first = rows[leaders[0]]
    return (
        f"No driver of {what} stands out: {names} lead, {lower(first['driver_label'])} with {_with_interval(first)} of {told.of}, but {len(leaders)} of {len(told.rows)} drivers "
        f"could be the first ({told.base()})."
    )  # fmt: skip


def _alone(told: Told, first: dict[str, float | str], what: str) -> str:
    second = told.rows[1]
    name = _capital(lower(str(first["driver_label"])))
    return (
        f"{name} matters most for {what}: {_with_interval(first)} of {told.of}, surely ahead of "  # type: ignore[arg-type]
        f"{lower(second['driver_label'])} with {percent(second['importance'])}"
    )


def _nothing(told: Told) -> bool:
    return (
        told.found.shares.r2 < _LITTLE
        and not (np.array([r["unique_p_holm"] for r in told.rows]) < _SURE).any()
    )


def views(told: Told, shape: pl.DataFrame, missing: pl.DataFrame, segments: pl.DataFrame) -> Iterator[View]:
    """Give the pictures there are data for."""
    what = outcome_words(told)
    yield View("drivers", _main_title(told, what), "drivers")
    if len(told.rows) > 1:
        yield View("ranks", _rank_title(told), "ranks")
    if any(r["leverage"] is not None for r in told.rows):
        yield View("leverage", _leverage_title(told, what), "drivers")
    if not shape.is_empty():
        yield View("shape", _shape_title(told), "shape")
    if not segments.is_empty():
        yield View("segments", _segment_title(told, segments), "segments")
    if missing["gaps_taken"].n_unique() > 1:
        yield View("missing", _missing_title(missing), "missing")


def _main_title(told: Told, what: str) -> str:
    rows, leaders = {r["driver"]: r for r in told.rows}, told.leaders
    if _nothing(told):
        return f"The drivers say little of {what}"
    if len(told.rows) == 1:
        return f"What {lower(told.rows[0]['driver_label'])} explains of {what}"
    names = listed([lower(rows[d]["driver_label"]) for d in leaders[:_MOST_NAMED]])
    if len(leaders) == 1:
        return f"{_capital(names)} matters most for {what}"
    if len(leaders) <= _MOST_NAMED:
        return f"{_capital(names)} matter most for {what}"
    return f"No driver of {what} stands out"


def _rank_title(told: Told) -> str:
    first = told.rows[0]
    name = _capital(lower(first["driver_label"]))
    p = first["first_probability"]
    if len(told.leaders) == 1:
        return f"{name} is first in {percent(p)} of draws"
    return f"Which driver is first is not sure: {lower(first['driver_label'])} in {percent(p)} of draws"


def _leverage_title(told: Told, what: str) -> str:
    sure = [r for r in told.rows if r["leverage"] is not None and r["leverage_lower"] > 0]
    if not sure:
        return f"No driver surely goes with higher {what} if rated a point better"
    best = max(sure, key=lambda r: r["leverage"])
    return f"A point better on {lower(best['driver_label'])} goes with {amount(told.found, best['leverage'])} more {what}"


def amount(found: Findings, value: float) -> str:
    """Write a change of the outcome in its unit."""
    unit = found.design.outcome.unit
    if unit == "share":
        return f"{100 * value:.1f} percentage points"
    return f"{value:.1f} NPS points" if unit == "NPS points" else f"{value:.2f} points"


def _shape_title(told: Told) -> str:
    bent = sorted(
        (r for r in told.rows if (r["straight_p_value"] or 1) < _SURE / len(told.rows)),
        key=lambda r: r["straight_p_value"],
    )
    if not bent:
        return "Ratings act in straight lines, as far as can be told"
    names = listed([lower(r["driver_label"]) for r in bent[:_MOST_NAMED]])
    return f"{_capital(names)} {'does' if len(bent) == 1 else 'do'} not act in a straight line"


def _segment_title(told: Told, segments: pl.DataFrame) -> str:
    by = lower(label(str(told.found.by)))
    if (segments["equal_p_holm"] < _SURE).any():
        part = segments.sort("equal_p_holm", "answers_of")["answers_of"][0]
        return f"Drivers matter differently by {by}, most surely for {part}"
    return f"No sure difference by {by} in what matters"


def _missing_title(missing: pl.DataFrame) -> str:
    first = missing.filter(pl.col("place") == 1)["driver_label"].unique(maintain_order=True).to_list()
    if len(first) > 1:
        return f"Which driver is first depends on how gaps are taken: {' or '.join(lower(f) for f in first[:_MOST_NAMED])}"
    moved = missing.group_by("driver").agg(n=pl.col("place").n_unique()).filter(pl.col("n") > 1).height
    if moved:
        return f"{_capital(lower(first[0]))} is first however gaps are taken; {moved} drivers change places"
    return "How gaps are taken changes no driver's place"


def summary(told: Told) -> pl.DataFrame:
    """Give the drivers, the most important first, as a manager reads them."""
    columns = [
        "driver_label",
        "n_answers",
        "driver_mean",
        "importance",
        "importance_lower",
        "importance_upper",
        "first_probability",
        "unique_p_holm",
        "leverage",
    ]
    return told.drivers.select(columns).head(MOST_SUMMARY_ROWS)


def notes(told: Told) -> Iterator[Note]:
    """Say what a reader must know."""
    found = told.found
    yield Note("outcome", _outcome_note(told))
    yield Note("not_cause", _CAUSE)
    yield from _codes(found)
    yield from _gaps(told)
    yield from _left_out(found)
    yield from _collinear(told)
    yield from _signs(told)
    yield from _range(told)
    yield from _model_notes(told)
    if found.scaled_shares or found.shares.errors.any():
        yield Note("many_drivers", _many(found))
    for part in found.small_parts:
        yield Note("small_part", f"{part} has too few answers to be compared with the rest.")
    yield Note("intervals", _intervals(found))


_CAUSE: Final = (
    "Importance tells which ratings go with the outcome, not what would happen if one were improved: a good mood lifts all ratings at once "
    "(halo), and what nobody rates differently cannot show how much it matters."
)


def _outcome_note(told: Told) -> str:
    design = told.found.design
    weights = (
        f"weighted by {design.weight_column!r} (as good as {design.effective_n:,.0f} answers that count alike)"
        if design.weight_column
        else "each answer counting alike"
    )
    clusters = "; answers of one customer are drawn together" if design.clusters is not None else ""
    always = (
        f" Always in the model: {listed([lower(label(c)) for c in design.covariates])}."
        if design.covariates
        else ""
    )
    return f"{design.outcome.label} is taken by {design.outcome.said}, {weights}{clusters}.{always}"


def _codes(found: Findings) -> Iterator[Note]:
    for column, codes in found.design.set_aside.items():
        some = listed([f"{v:g} ({n:,} times)" for v, n in codes.items()])
        yield Note(
            "codes",
            f"{label(column)}: {some} lies outside the run of its scale and was left out as no answer. Does it mean not applicable? Say so with "
            f"not_applicable={{{column!r}: [{', '.join(f'{v:g}' for v in codes)}]}}, or {{{column!r}: []}} if it is an answer.",
            "caution",
        )
    for column, texts in found.design.unreadable.items():
        n = sum(texts.values())
        yield Note(
            "text",
            f"{label(column)}: {n:,} {'answer is' if n == 1 else 'answers are'} no number ({next(iter(texts))!r}) and left out.",
            "caution",
        )
    for column, n in found.design.not_applicable.items():
        yield Note(
            "not_applicable",
            f"{label(column)}: {n:,} answers mean not applicable; whether it applies is always in the model.",
        )


def _gaps(told: Told) -> Iterator[Note]:
    found = told.found
    if found.design.n_no_outcome:
        yield Note(
            "no_outcome",
            f"{found.design.n_no_outcome:,} answer sheets without {found.design.outcome.label} are left out.",
        )
    if found.design.n_no_weight:
        yield Note(
            "no_weight", f"{found.design.n_no_weight:,} answer sheets without a weight above 0 are left out."
        )
    if not found.design.has_gaps:
        return
    yield Note("gaps", _gap_words(told))
    heavy = [r for r in told.rows if r["trouble"] == MOSTLY_MISSING]
    if heavy:
        names = listed([lower(r["driver_label"]) for r in heavy])
        yield Note(
            "mostly_missing",
            f"More than half did not answer {names}: the place of such a driver hangs on what a gap means (see the table of gaps).",
            "caution",
        )


def _gap_words(told: Told) -> str:
    found = told.found
    complete = int((~np.isnan(found.design.x).any(axis=1)).sum())
    how = {
        "em": "all of them count with what they hold, by maximum likelihood (EM), which supposes that gaps depend on the other answers alone",
        "complete": "only they count",
        "pairwise": "each pair of columns counts by itself",
        "not_applicable": "a gap is taken as not applicable, and whether it applies is always in the model",
    }[found.missing]
    if found.missing == "em" and found.design.outcome.kind != "numeric":
        how = "gaps are filled with what the other ratings lead one to expect"
    firsts = {s.way: int(np.argmax(s.lmg)) for s in found.sensitivity if s.lmg is not None}
    own = firsts.get(found.missing)
    other = [WAY_WORDS[w] for w, first in firsts.items() if first != own]  # type: ignore[index]
    depends = (
        f" Another driver would be first with: {'; '.join(lower(o) for o in other)}."
        if other
        else " The first driver is the same however gaps are taken."
    )
    return f"{complete:,} of {found.design.n:,} answer sheets are complete; {how}.{depends}"


def _left_out(found: Findings) -> Iterator[Note]:
    for name, why in sorted(found.design.left_out.items()):
        yield Note("left_out", f"{label(name)} cannot be judged: {why}.", "caution")


def _collinear(told: Told) -> Iterator[Note]:
    for row in told.rows:
        if row["trouble"] and row["trouble"].startswith("the same"):
            yield Note(
                "duplicate",
                f"{row['driver_label']} holds {row['trouble']}; each is given half of what they explain.",
                "caution",
            )
        elif row["trouble"] and row["trouble"].startswith("follows"):
            yield Note(
                "aliased",
                f"{row['driver_label']} follows from the other drivers; its unique contribution is 0 and its coefficient is one of many.",
                "caution",
            )
    high = [r for r in told.rows if r["variance_inflation"] and r["variance_inflation"] >= _HIGH_INFLATION]
    if high:
        names = listed([lower(r["driver_label"]) for r in high[:_MOST_NAMED]])
        yield Note(
            "collinear",
            f"{_capital(names)} can hardly be told apart from the other drivers (variance inflation of 10 or more); shares stand, signs and coefficients do not.",
            "caution",
        )


def _signs(told: Told) -> Iterator[Note]:
    for row in told.rows:
        if row["sign_conflict"]:
            way = ("higher", "lower") if row["driver_correlation"] > 0 else ("lower", "higher")
            yield Note(
                "sign_conflict",
                f"{row['driver_label']}: alone it goes with a {way[0]} outcome, beside the other drivers with a {way[1]} one; its share says nothing about direction.",
                "caution",
            )


def _range(told: Told) -> Iterator[Note]:
    """Name ratings that hardly vary: their importance is bounded by that."""
    spreads = {}
    for driver in told.found.design.drivers:
        if driver.kind == "rating" and driver.rating is not None:
            x = told.found.design.x[:, driver.columns[0]]
            spreads[driver.label] = float(np.nanstd(x)) / max(driver.rating.high - driver.rating.low, 1e-12)
    if len(spreads) < 2:  # noqa: PLR2004 nothing to compare
        return
    middle = float(np.median(list(spreads.values())))
    narrow = [lower(name) for name, s in spreads.items() if s < _NARROW * middle]
    if narrow:
        yield Note(
            "narrow_range",
            f"{_capital(listed(narrow))} {'is' if len(narrow) == 1 else 'are'} rated almost alike by all, which bounds the importance shown; it may still be a must.",
        )


def _model_notes(told: Told) -> Iterator[Note]:
    found = told.found
    if found.rows.n < _FEW_PER_COLUMN * (found.rows.z.shape[1] - 1):
        yield Note(
            "few",
            f"{found.rows.n:,} answers for {found.rows.z.shape[1] - 1} columns are few: shares are uncertain, and R2 is too high by chance.",
            "caution",
        )
    if found.separated:
        yield Note(
            "separated",
            "Some combination of drivers tells the outcome for certain: is one of them the outcome in disguise? Coefficients have no end.",
            "caution",
        )
    elif found.shares.r2 > 0.98:  # noqa: PLR2004 too good
        yield Note(
            "too_good",
            "The drivers explain nearly everything: is one of them the outcome in disguise?",
            "caution",
        )
    if found.odds is not None and found.odds.p_value < _SURE:
        yield Note(
            "odds",
            f"Drivers do not act alike on low and on high answers (Brant's test, p {p_words(found.odds.p_value)}); one coefficient for both is an average.",
            "caution",
        )


def p_words(p: float) -> str:
    """Write a p-value.

    >>> p_words(0.0653), p_words(0.00001)
    ('= 0.065', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"  # noqa: PLR2004 as journals write it


def _many(found: Findings) -> str:
    if found.scaled_shares:
        return "With so many drivers not every subset can be fitted to such an outcome: shares are those of the linear model, brought to the sum of McFadden's R2."
    return f"With {len(found.labels)} drivers, orders of entry are sampled; shares are exact to a standard error of {found.shares.errors.max():.4f}."


def _intervals(found: Findings) -> str:
    test = found.unique_test
    return (
        f"Intervals are 95%, from {found.n_draws:,} bootstrap draws. A share above 0 is no evidence of an effect, since drivers that go together share what they explain; "
        f"whether a driver adds something of its own is told by the unique contribution ({test}, p-values after Holm for {len(found.labels)} drivers)."
    )
