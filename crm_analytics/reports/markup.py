"""HTML in which nothing from the data can be anything but text.

An element is made by `tag`: its attributes and every child that is a plain string are escaped; only what `tag` itself
made (`Markup`) goes in as it is.
"""

from __future__ import annotations

import html
import json
import unicodedata
from typing import Final

_VOID: Final = frozenset({"meta", "br", "hr", "col"})
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


class Markup(str):
    """Text that is HTML already. Only `tag`, `joined` and `raw` make it; a notebook shows it as such."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def tag(name: str, /, *children: str, **attributes: str | bool | None) -> Markup:
    """Make an element.

    Parameters
    ----------
    name
        Of the element; `tag` trusts it, so it must not come from the data.
    children
        Strings are escaped, `Markup` is not.
    attributes
        Values are escaped; True writes the bare name, None and False leave it out. A trailing underscore is dropped
        (`class_`), other underscores become hyphens.

    Examples
    --------
    >>> tag("td", "<script>alert(1)</script>", class_="left")
    '<td class="left">&lt;script&gt;alert(1)&lt;/script&gt;</td>'
    """
    words = "".join(_attribute(key, value) for key, value in attributes.items())
    inside = "" if name in _VOID else f"{joined(*children)}</{name}>"
    return Markup(f"<{name}{words}>{inside}")


def joined(*children: str) -> Markup:
    """Put pieces one after another, escaping those that are plain strings."""
    return Markup("".join(c if isinstance(c, Markup) else _text(c) for c in children))


def raw(text: str) -> Markup:
    """Take text of our own (style, script) as it is. Never for anything from the data."""
    return Markup(text)


def as_json(text: str) -> Markup:
    r"""Make JSON safe to stand in a script element: no `<`, `>` or `&` is left in it.

    >>> as_json('{"name": "</script><b>"}')
    '{"name": "\\u003c/script\\u003e\\u003cb\\u003e"}'
    """
    json.loads(text)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _attribute(key: str, value: str | bool | None) -> str:  # noqa: FBT001 a value of an attribute, not a switch
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_text(value)}"'


def _text(text: str) -> str:
    """Escape text and drop control and direction characters, with which a name could turn the words around it."""
    kept = (
        c for c in text if c in "\n\t" or (unicodedata.category(c) not in {"Cc", "Cs"} and c not in _TURNING)
    )
    return html.escape("".join(kept))
