"""What stands behind a result, in words: sources, rows, dates, options, version. Every face says it the same way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from crm_analytics import formats
from crm_analytics.results import Provenance, Result

_DECIMALS: Final = 6  # of an option that an analysis worked out itself


def about(result: Result) -> list[tuple[str, str]]:
    """Give what a reader needs to trace a figure, as pairs of a label and a text.

    Parameters
    ----------
    result
        The result of any analysis.

    Returns
    -------
    list of (label, text)
        In the order in which a person asks: what was read, up to when, with which options, by which version.
    """
    found = result.provenance
    pairs = [
        ("Source", ", ".join(found.sources)),
        ("Rows", rows(found)),
        ("Set aside", reasons(found.reasons)),
        ("Days", window(found)),
        ("As of", as_of(found)),
        ("Filters", "; ".join(found.filters)),
        ("Options", options(result.parameters)),
        ("Currency", result.currency or ""),
        ("Made with", f"crm-analytics {found.library_version}"),
    ]
    return [(label, text) for label, text in pairs if text]


def line(result: Result) -> str:
    """Say in one line where the figures come from."""
    found = result.provenance
    parts = [
        ", ".join(found.sources),
        rows(found),
        f"as of {formats.value(found.as_of, 'day')}",
        *found.filters,
    ]
    return " · ".join([*parts, f"crm-analytics {found.library_version}"])


def rows(found: Provenance) -> str:
    """Say how many rows were read, kept and set aside."""
    return f"{found.rows_in:,} read, {found.rows_kept:,} kept, {found.rows_rejected:,} set aside"


def reasons(counts: Mapping[str, int]) -> str:
    """Say why rows were set aside, the most frequent reason first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return "; ".join(f"{n:,} because {reason.replace('_', ' ')}" for reason, n in ordered)


def window(found: Provenance) -> str:
    """Say from which day to which day the rows used reach."""
    if found.window_start is None or found.window_end is None:
        return ""
    return f"{formats.value(found.window_start, 'day')} to {formats.value(found.window_end, 'day')}"


def as_of(found: Provenance) -> str:
    """Say up to when rows were seen, and who decided it."""
    if found.as_of is None:
        return ""
    chosen = "as asked" if found.as_of_given else found.as_of_rule
    return f"{formats.value(found.as_of, 'day')} ({chosen}; rows of that day and later are not seen)"


def options(parameters: Mapping[str, Any]) -> str:
    """Say which options the analysis ran with."""
    return ", ".join(f"{name} = {_plain(value)}" for name, value in parameters.items() if _is_set(value))


def _is_set(value: object) -> bool:
    return value is not None and not (isinstance(value, Mapping | list | tuple) and not value)


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_plain(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_plain(v) for v in value) + ")"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(round(value, _DECIMALS))
    return str(value)
