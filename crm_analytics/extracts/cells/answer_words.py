"""Answers in words: which scale they belong to, and at which point of it each one stands."""

from __future__ import annotations

import re
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
    ("very low quality", "low quality", "neutral", "high quality", "very high quality"),
    ("very low", "low", "medium", "high", "very high"),
    ("very difficult", "difficult", "neutral", "easy", "very easy"),
    ("very hard", "hard", "neutral", "easy", "very easy"),
    ("very unlikely", "unlikely", "neutral", "likely", "very likely"),
    ("extremely unlikely", "unlikely", "neutral", "likely", "extremely likely"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("far below expectations", "below expectations", "met expectations", "above expectations",
     "far above expectations"),
    ("sehr unzufrieden", "unzufrieden", "neutral", "zufrieden", "sehr zufrieden"),
    ("sehr unzufrieden", "unzufrieden", "zufrieden", "sehr zufrieden"),
    ("sehr unzufrieden", "eher unzufrieden", "neutral", "eher zufrieden", "sehr zufrieden"),
    ("stimme überhaupt nicht zu", "stimme nicht zu", "neutral", "stimme zu", "stimme voll und ganz zu"),
    ("stimme überhaupt nicht zu", "stimme eher nicht zu", "neutral", "stimme eher zu", "stimme voll und ganz zu"),
    ("stimme überhaupt nicht zu", "stimme eher nicht zu", "neutral", "stimme eher zu", "stimme voll zu"),
    ("stimme gar nicht zu", "stimme eher nicht zu", "neutral", "stimme eher zu", "stimme voll zu"),
    ("trifft gar nicht zu", "trifft eher nicht zu", "neutral", "trifft eher zu", "trifft voll zu"),
    ("trifft überhaupt nicht zu", "trifft eher nicht zu", "neutral", "trifft eher zu", "trifft voll und ganz zu"),
    ("trifft nicht zu", "trifft eher nicht zu", "neutral", "trifft eher zu", "trifft zu"),
    ("sehr schlecht", "schlecht", "neutral", "gut", "sehr gut"),
    ("sehr schlecht", "schlecht", "mittelmässig", "gut", "sehr gut"),
    ("schlecht", "neutral", "gut"),
    ("mangelhaft", "ausreichend", "befriedigend", "gut", "sehr gut"),
    ("ungenügend", "mangelhaft", "ausreichend", "befriedigend", "gut", "sehr gut"),
    ("sehr unwahrscheinlich", "unwahrscheinlich", "neutral", "wahrscheinlich", "sehr wahrscheinlich"),
    ("sehr schwierig", "schwierig", "neutral", "einfach", "sehr einfach"),
    ("nie", "selten", "manchmal", "oft", "immer"),
    ("très insatisfait", "insatisfait", "neutral", "satisfait", "très satisfait"),
    ("très insatisfait", "plutôt insatisfait", "neutral", "plutôt satisfait", "très satisfait"),
    ("pas du tout satisfait", "peu satisfait", "neutral", "satisfait", "très satisfait"),
    ("pas du tout satisfait", "plutôt pas satisfait", "neutral", "plutôt satisfait", "très satisfait"),
    ("pas du tout daccord", "plutôt pas daccord", "neutral", "plutôt daccord", "tout à fait daccord"),
    ("très mauvais", "mauvais", "moyen", "bon", "très bon"),
    ("muy insatisfecho", "insatisfecho", "neutral", "satisfecho", "muy satisfecho"),
    ("totalmente en desacuerdo", "en desacuerdo", "neutral", "de acuerdo", "totalmente de acuerdo"),
    ("muy malo", "malo", "regular", "bueno", "muy bueno"),
    ("molto insoddisfatto", "insoddisfatto", "neutral", "soddisfatto", "molto soddisfatto"),
    ("zeer ontevreden", "ontevreden", "neutral", "tevreden", "zeer tevreden"),
    ("helemaal mee oneens", "mee oneens", "neutral", "mee eens", "helemaal mee eens"),
    ("muito insatisfeito", "insatisfeito", "neutral", "satisfeito", "muito satisfeito"),
    ("discordo totalmente", "discordo", "neutral", "concordo", "concordo totalmente"),
    ("bardzo niezadowolony", "niezadowolony", "neutral", "zadowolony", "bardzo zadowolony"),
    ("nein", "ja"),
    ("non", "oui"),
    ("no", "sí"),
    ("no", "si"),
    ("nee", "ja"),
)  # fmt: skip
"""Scales in words, from worst to best; the first that has all words found is taken."""

_DEGREES: Final = (
    ("not at all", "not so", "somewhat", "very", "extremely"),
    ("not at all", "slightly", "moderately", "very", "extremely"),
)
"""Degrees of one word, as survey tools offer them."""

_NEUTRAL: Final = frozenset(
    {"neither satisfied nor dissatisfied", "neither agree nor disagree", "neither", "undecided", "ok", "okay",
     "neither good nor bad", "neither high nor low quality", "neither easy nor difficult", "neither likely nor unlikely", "teils teils", "weder noch",
     "unentschieden", "neutre", "ni satisfait ni insatisfait", "ni daccord ni pas daccord", "neutro", "neutrale", "neutraal",
     "neutralny", "ni de acuerdo ni en desacuerdo", "ni satisfecho ni insatisfecho"}
)  # fmt: skip


_NUMBERED: Final = re.compile(
    r"(?P<number>\d{1,3})(?:\s*[-\u2013\u2014:=.)(]+\s*|\s+|$)(?P<label>[^\W\d].*)?$", re.DOTALL
)


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
    """Give the number of each answer: its place on the scale in words, or the number it begins with; None where it is neither.

    >>> scale_of({"10 - extremely likely", "7"})
    {'7': 7, '10 extremely likely': 10}
    """
    return scale_in_words(words) or numbered(words)


def scale_in_words(words: Collection[str]) -> Mapping[str, int] | None:
    """Give the place of each word on its scale, from 1 (worst); 0 and 1 for no and yes; None where no scale has them.

    >>> scale_in_words({"Very satisfied", "satisfied"})["very satisfied"]
    4
    >>> scale_in_words({"red", "blue"}) is None
    True
    """
    found = {plain(w) for w in words} - NOT_APPLICABLE
    if not found:
        return None
    for scale in (*SCALES, *_graded(found)):
        if found <= set(scale):
            first = 0 if len(scale) == 2 else 1  # noqa: PLR2004 no and yes
            return {word: first + place for place, word in enumerate(scale)}
    return None


def _graded(found: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Give the scales on which one word has degrees: not at all helpful … extremely helpful."""
    words = {answer.rpartition(" ")[2] for answer in found}
    return tuple(
        tuple(f"{degree} {w}" for degree in degrees) for w in words for degrees in _DEGREES if len(words) == 1
    )


def numbered(words: Collection[str]) -> Mapping[str, int] | None:
    """Give the number each answer begins with, where some say in words what their number means: "0 - not at all likely".

    Surveys name the ends of a scale so; without this the ends alone would not be read.

    >>> numbered({"1", "2"}) is None, numbered({"1 apple", "a pear"}) is None
    (True, True)
    """
    asked = {w: _NUMBERED.match(w.strip()) for w in words if plain(w) not in NOT_APPLICABLE}
    if not asked or not any(m and m["label"] for m in asked.values()) or not all(asked.values()):
        return None
    found = {plain(w): int(m["number"]) for w, m in asked.items() if m}
    return dict(sorted(found.items(), key=lambda pair: (pair[1], pair[0])))
