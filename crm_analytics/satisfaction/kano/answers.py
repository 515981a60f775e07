"""Answers to a Kano questionnaire: which columns belong together, and what each answer means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

import crm_analytics
from crm_analytics.aggregates import window as windows
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.extracts.cells.answer_words import NOT_APPLICABLE, plain
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.raw import FILE, ROW
from crm_analytics.extracts.recognising.headings import LIKELY, heading_score
from crm_analytics.extracts.recognising.question_pairs import question_pairs
from crm_analytics.extracts.sources.any_source import read_raw
from crm_analytics.results import Provenance
from crm_analytics.satisfaction import ratings

MEANINGS: Final = ("like", "must-be", "neutral", "live with", "dislike")
"""The five answers, in the order of the codes 1 to 5."""

CATEGORIES: Final = ("M", "O", "A", "I", "R", "Q")
"""Must-be, one-dimensional, attractive, indifferent, reverse, questionable: in the order in which ties are decided."""

TABLE: Final = np.array(
    [[CATEGORIES.index(c) for c in row] for row in ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")]
)
"""Berger's evaluation table: functional answers down, dysfunctional answers across."""

_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "like": ("like", "i like it", "i like it that way", "i would like it", "i like this", "i enjoy it", "delighted", "das wurde mich sehr freuen",
             "das würde mich sehr freuen"),
    "must-be": ("must be", "must be that way", "it must be that way", "i expect it", "i expect it to be that way", "expect", "expect it",
                "it must be", "it has to be that way", "das setze ich voraus"),
    "neutral": ("neutral", "i am neutral", "im neutral", "i dont care", "indifferent", "das ist mir egal"),
    "live with": ("live with", "live with it", "i can live with it", "i can live with it that way", "i can tolerate it", "tolerate",
                  "tolerate it", "i could live with it", "acceptable", "das könnte ich eventuell in kauf nehmen"),
    "dislike": ("dislike", "i dislike it", "i dislike it that way", "i do not like it", "i dont like it", "i cant accept it",
                "unacceptable", "das würde mich sehr stören"),
}  # fmt: skip

Pairs = Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class Sheets:
    """The answer sheets that count, what their columns are called, and the record of where they come from."""

    frame: pl.DataFrame
    extract: Extract | None
    window: windows.Window | None
    source: str

    def column(self, name: str) -> str:
        """Give the column that a heading was taken for."""
        return name if self.extract is None else ratings.column_of(self.extract, name)

    def provenance(self, answered: NDArray[np.bool_]) -> Provenance:
        """Record the rows: of a dated table those of its check, of others those with a pair of answers."""
        if self.extract is not None and self.window is not None:
            return windows.provenance(self.extract, self.window)
        n, kept = len(answered), int(answered.sum())
        return Provenance(
            sources=(self.source,),
            rows_in=n,
            rows_kept=kept,
            rows_rejected=n - kept,
            reasons={"no pair of answers": n - kept} if n > kept else {},
            window_start=None,
            window_end=None,
            as_of=None,
            as_of_given=False,
            library_version=crm_analytics.__version__,
        )


def sheets_of(
    answers: Any,  # noqa: ANN401 anything the readers take
    as_of: windows.Day | None,
    start: windows.Day | None,
) -> Sheets:
    """Read answer sheets: dated ones as the surveys they are, others as they come, where no day is asked for.

    Raises
    ------
    ColumnError
        If a day is asked for and the sheets have none.
    """
    if not isinstance(answers, Extract) and as_of is None and start is None:
        raw = read_raw(answers)
        if not any(heading_score(h, "answered_at", "surveys")[0] >= LIKELY for h in raw.headings):
            frame = raw.frame.collect()
            return Sheets(frame.drop(c for c in (ROW, FILE) if c in frame.columns), None, None, raw.source)
    extract, window, frame = ratings.answers(answers, as_of=as_of, start=start)
    return Sheets(frame, extract, window, extract.source)


def pairs_of(frame: pl.DataFrame, pairs: Pairs | None) -> dict[str, tuple[str, str]]:
    """Give the two columns of each feature: those named, or those whose names end in functional and dysfunctional.

    Raises
    ------
    NotEnoughDataError
        If none are named and none found.
    OptionError
        If what is named are no pairs.
    UnknownNameError
        If there is no such column.
    """
    if pairs is None:
        found = question_pairs(frame.columns)
        if not found:
            raise NotEnoughDataError.of(
                "pairs of columns such as 'app functional' and 'app dysfunctional'",
                0,
                1,
                "Name them: pairs={'app': ('<column if there>', '<column if not there>')}; found were "
                f"{', '.join(frame.columns[:12])}.",
            )
        return found
    made = {}
    for feature, columns in pairs.items():
        if isinstance(columns, str) or len(columns) != 2 or columns[0] == columns[1]:  # noqa: PLR2004 a pair
            raise OptionError.out_of_range(
                "pairs", {feature: columns}, "two columns for each feature: if it is there, if it is not"
            )
        for column in columns:
            if column not in frame.columns:
                raise UnknownNameError.of("column", column, frame.columns)
        made[str(feature)] = (columns[0], columns[1])
    if not made:
        raise OptionError.out_of_range("pairs", {}, "one feature or more")
    return made


def meanings(
    frame: pl.DataFrame, column: str, codes: Mapping[float | str, str] | None
) -> tuple[NDArray[np.int64], int]:
    """Give the place of each answer in `MEANINGS`, -1 where there is none, and how many answers could not be read.

    Raises
    ------
    OptionError
        If most answers of the column are none of the five.
    """
    known = _known(codes)
    series = frame[column].cast(pl.String)
    places = np.array([-1 if v is None else known.get(_key(v), -1) for v in series], np.int64)
    silent = np.array([v is None or _key(v) in NOT_APPLICABLE | {""} for v in series], bool)
    lost = (places < 0) & ~silent
    shifted = codes is None and bool((series.filter(pl.Series(lost)).str.strip_chars() == "0").any())
    if shifted or lost.sum() * 2 > max((~silent).sum(), 1):
        some = ", ".join(repr(v) for v in series.filter(pl.Series(lost)).unique().sort().head(3))
        raise OptionError(
            f"The column {column!r} holds {some}.",
            f"The codes 1 to 5 or words for {', '.join(MEANINGS)} were expected.",
            "Say what they mean: codes={'<answer>': 'like', …}.",
        )
    return places, int(lost.sum())


def _known(codes: Mapping[float | str, str] | None) -> dict[str, int]:
    if codes is None:
        words = {plain(w): MEANINGS.index(m) for m, all_ in _WORDS.items() for w in all_}
        return {**words, **{str(k + 1): k for k in range(len(MEANINGS))}}
    known = {}
    for answer, meaning in codes.items():
        if meaning not in MEANINGS:
            raise UnknownNameError.of("meaning of an answer", str(meaning), MEANINGS)
        known[_key(str(answer))] = MEANINGS.index(meaning)
    if not known:
        raise OptionError.out_of_range("codes", {}, "answers with their meanings")
    return known


def _key(value: str) -> str:
    """Give an answer in the form in which it is looked up; "1.0", "1 - I like it" and "1" are the same."""
    text = value.strip()
    head = text.split(" ", 1)[0].rstrip(".-:)=")
    try:
        return f"{float(head):g}"
    except ValueError:
        return plain(text) or text
