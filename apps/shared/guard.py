"""What a reader sees when something is wrong: what is missing and what to do, never a stack trace."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from crm_analytics.errors import CrmError, NotEnoughDataError
from shared.words import plain

_LOG = logging.getLogger("crm_analytics.dashboard")


@contextmanager
def guarded() -> Iterator[None]:
    """Turn an error into a message: the user's errors in full, ours as a reference to the server's log."""
    try:
        yield
    except CrmError as error:
        explain(error)
    except Exception:  # noqa: BLE001 whatever it is, a reader gets a sentence and the log the rest
        reference = secrets.token_hex(3)
        _LOG.exception("A page failed; reference %s", reference)
        st.error(
            f"Something went wrong while this was worked out. Your data are unchanged. If it happens again, report "
            f"reference **{reference}**: the details are in the server's log.",
            icon=":material/error:",
            title="This part cannot be shown",
        )


def explain(error: CrmError, remedy: str | None = None) -> None:
    """Say what was found, what was expected and what to do; `remedy` where the page has a better one."""
    facts = " ".join(plain(part) for part in (error.found, error.expected) if part)
    advice = error.remedy if remedy is None else remedy
    body = f"{facts}\n\n{plain(advice)}" if advice else facts
    if isinstance(error, NotEnoughDataError):
        st.info(body, icon=":material/hourglass_empty:", title="Not enough data for this")
    else:
        st.warning(body, icon=":material/warning:", title="This needs your attention")
