"""The form in which a visitor corrects what was recognised: which table a file is, which heading is which column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

from crm_analytics.tables import TABLES, Column
from shared import uploads
from shared.uploads import Brought
from shared.words import heading, plain

NOT_THERE: Final = "(not in this file)"


def correct(token: str, file: Brought) -> None:
    """Show the form for a file of the visitor's and apply what is chosen."""
    names = list(TABLES)
    table = st.selectbox(
        "A row of this file is", names, names.index(file.seen.table), key=f"table_{token}",
        format_func=lambda name: f"{TABLES[name].row_is} ({name})",
    )  # fmt: skip
    taken = file.headings if table == file.seen.table else {}
    with st.form(f"columns_{token}", border=False):
        with st.grid(3, min_column_width=220):
            chosen = {c.name: _heading(c, file, taken, f"{token}_{table}") for c in TABLES[table].columns}
        st.caption("Columns marked with \\* are needed. What is not in the file is left open.")
        if st.form_submit_button("Apply", type="primary", icon=":material/check:"):
            uploads.correct(token, table, {name: h for name, h in chosen.items() if h != NOT_THERE})
            st.rerun()


def _heading(column: Column, file: Brought, taken: Mapping[str, str], key: str) -> str:
    options = [NOT_THERE, *file.raw.headings]
    at = options.index(taken[column.name]) if taken.get(column.name) in options else 0
    label = heading(column.name) + (" *" if column.required else "")
    return st.selectbox(plain(label), options, at, key=f"{key}_{column.name}", help=plain(column.meaning))
