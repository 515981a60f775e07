"""Text for figures: escaped for plotly's pseudo-HTML, wrapped, shortened.

Plotly reads `<b>`, `<a href>`, entities, `%{…}` and (where MathJax is loaded, as in notebooks) `$…$` in every text it
draws. Names from the data must not be able to speak that language, nor two amounts in dollars become a formula.
"""

from __future__ import annotations

import textwrap
import unicodedata
from typing import Final

_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # controls, direction marks, separators
_KEPT: Final = "\N{ZERO WIDTH JOINER}"  # joins letters and emoji; harmless and needed


def plain(text: object) -> str:
    r"""Write text on one line without control and direction characters, which can turn or hide a label.

    >>> plain("Ann\n Lee\u202e"), plain(None)
    ('Ann Lee', '')
    """
    kept = (
        " " if c.isspace() else "" if unicodedata.category(c) in _UNSEEN and c != _KEPT else c
        for c in str("" if text is None else text)
    )
    return " ".join("".join(kept).split())


def safe(text: object) -> str:
    """Escape text for plotly, so that it is drawn as it is written.

    >>> safe("<b>R&D</b> costs $5"), safe("%{meta}")
    ('&lt;b&gt;R&amp;D&lt;/b&gt; costs &#36;5', '&#37;{meta}')
    """
    return plain(text).translate(_ESCAPES).replace("%{", "&#37;{")


def shortened(text: object, width: int = 24) -> str:
    """Cut text to a width in characters, with an ellipsis where something is missing; not escaped.

    >>> shortened("Amalgamated Consolidated Holdings of the North", 24)
    'Amalgamated Consolidate…'
    """
    whole = plain(text)
    return whole if len(whole) <= width else whole[: width - 1].rstrip() + "…"


def wrapped(text: object, width: int = 36) -> str:
    """Break text into lines of at most `width` characters and escape each.

    >>> wrapped("Share of customers and share of spend", 20)
    'Share of customers<br>and share of spend'
    """
    return "<br>".join(safe(line) for line in textwrap.wrap(plain(text), width)) or ""


def lines(*parts: object, head: object = None) -> str:
    """Put escaped lines under an optional bold head: the text of a hover label.

    >>> lines("12 customers", "spent £30", head="A & B")
    '<b>A &amp; B</b><br>12 customers<br>spent £30'
    """
    top = [] if head is None else [f"<b>{safe(head)}</b>"]
    return "<br>".join([*top, *(safe(p) for p in parts if p not in (None, ""))])
