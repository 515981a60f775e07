"""Answers in words: which scale they belong to, and at which point of it each one stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

NOT_APPLICABLE: Final = frozenset(
    {"n a", "na", "not applicable", "does not apply", "dont know", "do not know", "no opinion", "no answer", "not used",
     "never used", "prefer not to say", "cannot say", "cant say"}
)  # fmt: skip
"""Words that are no answer on any scale."""

SCALES: Final[tuple[tuple[str, ...], ...]] = (
    ("no", "yes"),
    ("false", "true"),
    ("dissatisfied", "neutral", "satisfied"),
    ("very dissatisfied", "dissatisfied", "satisfied", "very satisfied"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("very dissatisfied", "somewhat dissatisfied", "neutral", "somewhat satisfied", "very satisfied"),
    ("extremely dissatisfied", "dissatisfied", "neutral", "satisfied", "extremely satisfied"),
    ("extremely dissatisfied", "somewhat dissatisfied", "neutral", "somewhat satisfied", "extremely satisfied"),
    ("completely dissatisfied", "dissatisfied", "neutral", "satisfied", "completely satisfied"),
    ("very dissatisfied", "dissatisfied", "somewhat dissatisfied", "neutral", "somewhat satisfied", "satisfied",
     "very satisfied"),
    ("extremely dissatisfied", "very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied",
     "extremely satisfied"),
    ("very unsatisfied", "unsatisfied", "neutral", "satisfied", "very satisfied"),
    ("very unhappy", "unhappy", "neutral", "happy", "very happy"),
    ("disagree", "neutral", "agree"),
    ("strongly disagree", "disagree", "agree", "strongly agree"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("strongly disagree", "somewhat disagree", "neutral", "somewhat agree", "strongly agree"),
    ("completely disagree", "disagree", "neutral", "agree", "completely agree"),
    ("strongly disagree", "disagree", "somewhat disagree", "neutral", "somewhat agree", "agree", "strongly agree"),
    ("poor", "fair", "good"),
    ("poor", "fair", "good", "excellent"),
    ("poor", "fair", "good", "very good", "excellent"),
    ("poor", "average", "good", "excellent"),
    ("very poor", "poor", "fair", "good", "very good"),
    ("very poor", "poor", "average", "good", "very good"),
    ("very poor", "poor", "neutral", "good", "very good"),
    ("very poor", "poor", "average", "good", "excellent"),
    ("terrible", "poor", "average", "good", "excellent"),
    ("very bad", "bad", "neutral", "good", "very good"),
    ("very bad", "bad", "average", "good", "very good"),
    ("bad", "neutral", "good"),
    ("low", "medium", "high"),
    ("very low", "low", "medium", "high", "very high"),
    ("very difficult", "difficult", "neutral", "easy", "very easy"),
    ("very hard", "hard", "neutral", "easy", "very easy"),
    ("very unlikely", "unlikely", "neutral", "likely", "very likely"),
    ("extremely unlikely", "unlikely", "neutral", "likely", "extremely likely"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("far below expectations", "below expectations", "met expectations", "above expectations",
     "far above expectations"),
    ("sehr unzufrieden", "unzufrieden", "neutral", "zufrieden", "sehr zufrieden"),
    ("sehr unzufrieden", "eher unzufrieden", "neutral", "eher zufrieden", "sehr zufrieden"),
    ("très insatisfait", "insatisfait", "neutre", "satisfait", "très satisfait"),
    ("nein", "ja"),
    ("non", "oui"),
)  # fmt: skip
"""Scales in words, from worst to best; the first that has all words found is taken."""

_NEUTRAL: Final = frozenset(
    {"neither satisfied nor dissatisfied", "neither agree nor disagree", "neither", "undecided", "ok", "okay",
     "neither good nor bad", "neither easy nor difficult", "neither likely nor unlikely", "teils teils"}
)  # fmt: skip


def plain(words: str) -> str:
    """Give an answer in lower case without marks; all words for the middle are one.

    >>> plain("Very  Satisfied!"), plain("Neither agree nor disagree"), plain("N/A")
    ('very satisfied', 'neutral', 'n a')
    """
    kept = "".join(
        c if c.isalnum() else "" if c in "'’" else " "  # noqa: RUF001 the typographic apostrophe
        for c in words.casefold()
    )
    text = " ".join(kept.split())
    return "neutral" if text in _NEUTRAL else text


def scale_of(words: Collection[str]) -> Mapping[str, int] | None:
    """Give the place of each word on its scale, from 1 (worst); 0 and 1 for no and yes; None where no scale has them.

    >>> scale_of({"Very satisfied", "satisfied"})["very satisfied"]
    4
    >>> scale_of({"red", "blue"}) is None
    True
    """
    found = {plain(w) for w in words} - NOT_APPLICABLE
    if not found:
        return None
    for scale in SCALES:
        if found <= set(scale):
            first = 0 if len(scale) == 2 else 1  # noqa: PLR2004 no and yes
            return {word: first + place for place, word in enumerate(scale)}
    return None
