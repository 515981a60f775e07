"""The segments of RFM: eleven names that part the recency x frequency grid, what each means, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

GRID: Final = 5
"""The map has five recency scores by five frequency scores."""


class Segment(StrEnum):
    """A segment by the name people know it by; the order is from the best to those who are gone.

    >>> Segment.CHAMPIONS.meaning
    'Bought recently and buy often.'
    """

    CHAMPIONS = "Champions"
    LOYAL = "Loyal customers"
    POTENTIAL_LOYALISTS = "Potential loyalists"
    NEW = "New customers"
    PROMISING = "Promising"
    NEED_ATTENTION = "Need attention"
    ABOUT_TO_SLEEP = "About to sleep"
    AT_RISK = "At risk"
    CANNOT_LOSE = "Can't lose them"
    HIBERNATING = "Hibernating"
    LOST = "Lost"
    PROSPECT = "Prospect"
    NO_PURCHASE = "No purchase"

    @property
    def meaning(self) -> str:
        """Who is in the segment, in one sentence."""
        return _WORDS[self][0]

    @property
    def what_to_do(self) -> str:
        """What practice advises for the segment, in one sentence."""
        return _WORDS[self][1]


_WORDS: Final[Mapping[Segment, tuple[str, str]]] = MappingProxyType(
    {
        Segment.CHAMPIONS: (
            "Bought recently and buy often.",
            "Keep them: first access to what is new, thanks rather than discounts, and ask for referrals and reviews.",
        ),
        Segment.LOYAL: (
            "Buy often, and the last order is not long ago.",
            "Deepen the relation: offer the next category or a higher tier, and a reason to order again soon.",
        ),
        Segment.POTENTIAL_LOYALISTS: (
            "Bought recently, and more than once or a few times.",
            "Make the habit: recommend what goes with the last order, offer membership or a subscription.",
        ),
        Segment.NEW: (
            "Bought very recently, with the fewest orders.",
            "Welcome them: help with the first purchase, and ask for the second order while they remember the first.",
        ),
        Segment.PROMISING: (
            "Bought fairly recently, with the fewest orders.",
            "Win the second order: a reminder and a modest offer before the first order is forgotten.",
        ),
        Segment.NEED_ATTENTION: (
            "In the middle: neither recent nor long gone, neither rare nor frequent buyers.",
            "Reach out now with what they bought before; a time-limited offer tells who is still interested.",
        ),
        Segment.ABOUT_TO_SLEEP: (
            "Few orders, and the last one is some time ago.",
            "Remind them at low cost: best sellers, what is new; stop where nobody answers.",
        ),
        Segment.AT_RISK: (
            "Used to buy regularly, and have not bought for a long time.",
            "Find out why: ask in person or by survey, settle open complaints, then a personal offer to come back.",
        ),
        Segment.CANNOT_LOSE: (
            "Were among the most frequent buyers, and have not bought for a long time.",
            "Call them: a conversation with someone who can decide, before a competitor has them for good.",
        ),
        Segment.HIBERNATING: (
            "Few orders, and the last one is long ago.",
            "Spend little: a seasonal message or none; try one win-back offer on a part of them and measure it.",
        ),
        Segment.LOST: (
            "Few orders, and the last one is longest ago.",
            "Do nothing by default: leave them out of paid contacts, and keep the budget for those who respond.",
        ),
        Segment.PROSPECT: (
            "In the customers table, without any order.",
            "Win the first order: find out where they come from, and measure any offer against a group without it.",
        ),
        Segment.NO_PURCHASE: (
            "Have rows in the extract, but no order that nets to more than nothing.",
            "Look at the records: full returns, adjustments, free samples, or purchases that lie before the extract.",
        ),
    }
)

SCORED: Final = tuple(s for s in Segment if s not in (Segment.PROSPECT, Segment.NO_PURCHASE))
"""The eleven segments of the grid."""

_BY_RECENCY: Final[Mapping[int, tuple[Segment, ...]]] = MappingProxyType(
    {  # frequency score 1 to 5, from left to right
        5: (Segment.NEW, *(Segment.POTENTIAL_LOYALISTS,) * 2, *(Segment.CHAMPIONS,) * 2),
        4: (Segment.PROMISING, *(Segment.POTENTIAL_LOYALISTS,) * 2, *(Segment.LOYAL,) * 2),
        3: (*(Segment.ABOUT_TO_SLEEP,) * 2, Segment.NEED_ATTENTION, *(Segment.LOYAL,) * 2),
        2: (*(Segment.HIBERNATING,) * 2, *(Segment.AT_RISK,) * 2, Segment.CANNOT_LOSE),
        1: (*(Segment.LOST,) * 2, *(Segment.AT_RISK,) * 2, Segment.CANNOT_LOSE),
    }
)

MAP: Final[Mapping[tuple[int, int], Segment]] = MappingProxyType(
    {(r, f): segment for r, row in _BY_RECENCY.items() for f, segment in enumerate(row, start=1)}
)
"""The segment of each cell, by recency score and frequency score: each cell has one, each of the eleven has a cell."""


def segment_of(r_score: int, f_score: int, *, bins: int = GRID) -> Segment:
    """Give the segment of a pair of scores.

    With another number of bins than five, a score counts as the fifth in which its middle lies: of three bins, the
    lowest is 1, the middle one 3 and the highest 5.

    >>> segment_of(5, 5).value, segment_of(1, 1).value, segment_of(2, 2, bins=3).value
    ('Champions', 'Lost', 'Need attention')
    """
    return MAP[_fifth(r_score, bins), _fifth(f_score, bins)]


def _fifth(score: int, bins: int) -> int:
    return math.ceil(GRID * (2 * score - 1) / (2 * bins))
