"""Text from data as text: nothing in a name may become a link, an icon, a colour, a formula or a heading."""

from __future__ import annotations

import re
from typing import Final

from crm_analytics.charts import text as figures

_JOINER: Final = "\u2060"  # takes no room, and breaks what Streamlit replaces after it has read the markdown
_MARKS: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&\"'=^])")
_LATE: Final = re.compile(r"(:|@|www|(?<!\S)[<>~-](?=[-=>]))", re.IGNORECASE)


def plain(text: object) -> str:
    r"""Make markdown that shows a text just as it stands, on one line.

    Marks are escaped. Web addresses, `:smile:`, `:material/home:` and `->` are replaced by Streamlit only after the
    markdown was read, where an escape no longer helps: an invisible joiner parts them.

    >>> plain("Ann_B")
    'Ann\\_B'
    """
    words = figures.plain(text)
    return _MARKS.sub(r"\\\1", _LATE.sub(rf"\1{_JOINER}", words))


def listed(words: list[str], most: int = 3) -> str:
    """Name a few things and say how many more there are.

    >>> listed(["web", "store"]), listed(["a", "b", "c", "d"])
    ('web and store', 'a, b and 2 more')
    """
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def counted(n: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun.

    >>> counted(1, "customer"), counted(1204, "customer"), counted(2, "country", "countries")
    ('1 customer', '1,204 customers', '2 countries')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def heading(column: str) -> str:
    """Make a heading for people of a column's name.

    >>> heading("first_contact_resolved"), heading("nps")
    ('First contact resolved', 'NPS')
    """
    if column in {"nps", "csat", "ces"}:
        return column.upper()
    return column.replace("_", " ").capitalize()
