"""What a reader of a driver analysis must know: what was left out, what to doubt, what may not be concluded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from crm_analytics import formats
from crm_analytics.results import Note
from crm_analytics.satisfaction.drivers.findings import Findings
from crm_analytics.satisfaction.drivers.tables import MOSTLY_MISSING, WAY_WORDS, common_part
from crm_analytics.satisfaction.drivers.words import MOST_NAMED, SURE, Told, capital, listed, lower
from crm_analytics.satisfaction.ratings import label
from crm_analytics.satisfaction.regression.categories import MOST_LEVELS
from crm_analytics.satisfaction.regression.design import SAME_ANSWERS
from crm_analytics.satisfaction.regression.shares import independent

_HIGH_INFLATION: Final = 10.0
_FEW_PER_COLUMN: Final = 10
_FEW_CLUSTERS: Final = 30
_NARROW: Final = 0.5  # of the usual spread of a rating on its scale
_HIDDEN: Final = 2.0  # so much more beside the others than alone

Row = dict[str, Any]


def notes(told: Told) -> Iterator[Note]:
    """Say what a reader must know."""
    found = told.found
    yield Note("outcome", _outcome_note(told))
    yield Note("not_cause", _cause(found))
    yield from _codes(found)
    yield from _categories(found)
    yield from _gaps(told)
    yield from _left_out(found)
    yield from _collinear(told)
    yield from _signs(told)
    yield from _scales(told)
    yield from _range(told)
    yield from _model_notes(told)
    if found.shares.errors.any():
        yield Note("many_drivers", _many(found))
    yield from _parts(found)
    yield Note("intervals", _intervals(found))


def _cause(found: Findings) -> str:
    common = common_part(found)
    how_much = (
        ""
        if common is None
        else f"; one common factor carries {formats.share(common)} of the ratings' variation"
    )
    return (
        "Importance tells which ratings go with the outcome, not what would happen if one were improved: a good mood lifts all ratings at once "
        f"(halo{how_much}), and what nobody rates differently cannot show how much it matters."
    )


def _outcome_note(told: Told) -> str:
    design = told.found.design
    weights = (
        f"weighted by {design.weight_column!r} (as good as {design.effective_n:,.0f} answers that count alike)"
        if design.weight_column
        else "each answer counting alike"
    )
    clusters = "; answers of one respondent are drawn together" if design.clusters is not None else ""
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
            f"{label(column)}: {some} lies outside the run of its scale and was left out as no answer.",
            "caution",
            f"not_applicable={{{column!r}: [{', '.join(f'{v:g}' for v in codes)}]}} if it means so, {{{column!r}: []}} if it is an answer",
        )
    for column, texts in found.design.unreadable.items():
        n = sum(texts.values())
        yield Note(
            "text",
            f"{label(column)}: {n:,} {'answer is' if n == 1 else 'answers are'} no number ({next(iter(texts))!r}) and left out.",
            "caution",
        )
    for column, n in found.design.not_applicable.items():
        if n:
            yield Note(
                "not_applicable",
                f"{label(column)}: {n:,} answers mean not applicable; whether it applies is always in the model.",
            )
        else:
            yield Note(
                "not_applicable",
                f"{label(column)}: none of the codes named as not applicable occurs.",
                "caution",
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
        how = "gaps are filled with what the other ratings lead one to expect, and intervals hold how unsure that is"
    firsts = {s.way: int(np.argmax(s.lmg)) for s in found.sensitivity if s.lmg is not None}
    own = firsts.get(found.missing)
    other = [WAY_WORDS[w] for w, first in firsts.items() if first != own]
    depends = (
        f" Another driver would be first with: {'; '.join(lower(o) for o in other)}."
        if other
        else " The first driver is the same however gaps are taken."
    )
    return f"{complete:,} of {found.design.n:,} answer sheets are complete; {how}.{depends}"


def _left_out(found: Findings) -> Iterator[Note]:
    for name, why in sorted(found.design.left_out.items()):
        yield Note("left_out", f"{label(name)} cannot be judged: {why}.", "caution")


def _categories(found: Findings) -> Iterator[Note]:
    """Say which drivers are words without an order, since a scale in words that nobody knows looks like that."""
    for driver in found.design.drivers:
        if driver.kind == "category":
            more = (
                f"; the {driver.n_levels - MOST_LEVELS} rarest are taken together"
                if driver.n_levels > MOST_LEVELS
                else ""
            )
            yield Note(
                "category",
                f"{driver.label} is taken as a category of {driver.n_levels} answers without an order{more}: it has a share, but no direction. "
                "If it is a scale, put numbers in the place of its words.",
            )


def _parts(found: Findings) -> Iterator[Note]:
    for why, names in found.parts_left.items():
        some = listed(
            [*names[:MOST_NAMED], *([f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else [])]
        )
        yield Note(
            "part_left",
            f"Not compared with the rest by {lower(label(str(found.by)))}: {some} ({why}).",
            "caution",
        )
    if found.design.outcome.kind != "numeric" and not found.segments.is_empty():
        yield Note(
            "parts_linear", "Parts are compared by the shares of a linear model, not of McFadden's R²."
        )


def _collinear(told: Told) -> Iterator[Note]:
    twins: list[set[str]] = []
    for row in told.rows:
        if (row["trouble"] or "").startswith(SAME_ANSWERS):
            pair = {row["driver_label"], row["trouble"].removeprefix(f"{SAME_ANSWERS} as ")}
            near = next((t for t in twins if t & pair), None)
            twins.append(pair) if near is None else near.update(pair)
    for names in twins:
        yield Note(
            "duplicate",
            f"{listed(sorted(names))} hold {SAME_ANSWERS}: they share what they explain evenly, and none has a coefficient of its own.",
            "caution",
        )
    aliased = [r["driver_label"] for r in told.rows if (r["trouble"] or "").startswith("follows")]
    if aliased:
        yield Note(
            "aliased",
            f"{listed(aliased)} {'follows' if len(aliased) == 1 else 'follow'} from the other drivers and what is always in: nothing of "
            f"{'its' if len(aliased) == 1 else 'their'} own to add, and no coefficient to tell.",
            "caution",
        )
    high = [r for r in told.rows if r["variance_inflation"] and r["variance_inflation"] >= _HIGH_INFLATION]
    if high:
        some = listed([lower(r["driver_label"]) for r in high[:MOST_NAMED]])
        yield Note(
            "collinear",
            f"{capital(some)} can hardly be told apart from the other drivers (variance inflation of 10 or more); shares stand, signs and coefficients do not.",
            "caution",
        )


def _signs(told: Told) -> Iterator[Note]:
    """Say where a share does not mean that better ratings go with a better outcome."""
    slight = 2 / np.sqrt(independent(told.found.design, told.found.rows))  # such a correlation may be chance
    for row in told.rows:
        if row["sign_conflict"]:
            yield Note("sign_conflict", _conflict(row, slight), "caution")
    against = [r for r in told.rows if _surely_negative(r, slight)]
    if against:
        names = listed([lower(r["driver_label"]) for r in against[:MOST_NAMED]])
        yield Note(
            "against",
            f"Better ratings of {names} go with a lower outcome: is the scale the other way round?",
            "caution",
        )
    hidden = [lower(r["driver_label"]) for r in told.rows if _matters_beside(r)]
    if hidden:
        yield Note(
            "suppressor",
            f"{capital(listed(hidden))} {'explains' if len(hidden) == 1 else 'explain'} far more beside the other drivers than alone (suppression): "
            "what counts is the difference between ratings that go together.",
            "caution",
        )


def _conflict(row: Row, slight: float) -> str:
    r = row["driver_correlation"]
    way = ("higher", "lower") if r > 0 else ("lower", "higher")
    alone = (
        f"hardly goes with the outcome (r = {r:.2f})"
        if abs(r) < slight
        else f"goes with a {way[0]} outcome (r = {r:.2f})"
    )
    return f"{row['driver_label']}: alone it {alone}, beside the other drivers with a {way[1]} one; its share says nothing about direction."


def _surely_negative(row: Row, slight: float) -> bool:
    upper = row["coefficient_upper"]
    return upper is not None and upper < 0 and row["driver_correlation"] < -slight


def _matters_beside(row: Row) -> bool:
    return bool(row["unique_p_holm"] < SURE and row["unique_r2"] > _HIDDEN * row["alone_r2"])


def _scales(told: Told) -> Iterator[Note]:
    if told.scales_differ:
        several: dict[str, str] = {}
        for d in told.found.design.drivers:
            if d.rating is not None and d.kind == "rating":
                several.setdefault(f"{d.rating.low:g} to {d.rating.high:g}", lower(d.label))
        some = listed([f"{name} {ends}" for ends, name in list(several.items())[:MOST_NAMED]])
        yield Note(
            "scales",
            f"Ratings are on scales of different length ({some}): a point is not the same on all, so coefficients and changes for a point "
            "cannot be set side by side; shares can.",
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
            f"{capital(listed(narrow))} {'is' if len(narrow) == 1 else 'are'} rated almost alike by all, which bounds the importance shown; it may still be a must.",
        )


def _model_notes(told: Told) -> Iterator[Note]:
    found = told.found
    columns = found.rows.z.shape[1] - 1
    if independent(found.design, found.rows) < _FEW_PER_COLUMN * columns:
        yield Note(
            "few",
            f"{_counted(found)} for {_columns(columns)} are few: shares are uncertain, and R² is too high by chance.",
            "caution",
        )
    clusters = found.rows.clusters
    if clusters is not None and (n := len(np.unique(clusters))) < _FEW_CLUSTERS:
        yield Note(
            "few_clusters",
            f"Only {n:,} are drawn from (see clusters): with fewer than {_FEW_CLUSTERS}, intervals are too narrow.",
            "caution",
        )
    if found.separated:
        yield Note(
            "separated",
            "Some combination of drivers tells the outcome for certain: is one of them the outcome in disguise? Coefficients have no end.",
            "caution",
        )
    elif found.shares.r2 > 0.98 and found.together_p < SURE:  # noqa: PLR2004 too good
        who = "What is always in explains" if found.shares.base > 0.98 else "The drivers explain"  # noqa: PLR2004
        yield Note("too_good", f"{who} nearly everything: is it the outcome in disguise?", "caution")
    if found.odds is not None and found.odds.p_value < SURE:
        yield Note(
            "odds",
            f"Drivers do not act alike on low and on high answers (Brant's test, p {formats.p_value(found.odds.p_value)}); one coefficient for both is an average.",
            "caution",
        )


def _counted(found: Findings) -> str:
    """Say how many answers there are, and how many they are worth where that is less."""
    worth = independent(found.design, found.rows)
    answers = f"{found.rows.n:,} answers"
    return answers if worth > 0.9 * found.rows.n else f"{answers} that say as much as {worth:,.0f}"


def _columns(n: int) -> str:
    return "one column" if n == 1 else f"{n} columns"


def _many(found: Findings) -> str:
    return f"With {len(found.labels)} drivers, orders of entry are sampled; shares are exact to a standard error of {found.shares.errors.max():.4f}."


def _intervals(found: Findings) -> str:
    test = found.unique_test
    return (
        f"Intervals are 95%, from {found.n_draws:,} bootstrap draws. A share above 0 is no evidence of an effect, since drivers that go together share what they explain; "
        f"whether a driver adds something of its own is told by the unique contribution ({test}, p-values after Holm for {len(found.labels)} drivers)."
    )
