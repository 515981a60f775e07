import streamlit as st

import crm_analytics as crm
from shared import cache, check_report, mapping, tables, uploads
from shared.guard import explain, guarded
from shared.words import plain

st.session_state.setdefault("n_uploads", 0)

extracts: dict[str, crm.Extract] = {}
with guarded():
    opened = cache.opened()
    extracts, faults = check_report.readable(opened.base)
    for fault in faults:
        explain(fault)
    tables.show(
        check_report.freshness(extracts),
        check_report.TERMS,
        None,
        alt="Tables in use",
        key="freshness",
        height="content",
    )
    if opened.private:
        st.caption("Your own files, kept for this visit only. Nobody else can see them.")
        with st.container(horizontal=True):
            st.button("Remove my files", icon=":material/delete:", on_click=uploads.forget)
            st.download_button(
                "Settings for these files (crm.toml)", uploads.settings(), "crm.toml", "application/toml",
                icon=":material/download:", on_click="ignore",
                help="Put it beside your files: the command line and the notebooks then open them as they are used here.",
            )  # fmt: skip

st.header("Open your own files", anchor=False)
brought = st.file_uploader(
    "Orders, and if you have them customers, cases, surveys and more, as CSV, Excel or Parquet",
    type=["csv", "tsv", "txt", "gz", "xlsx", "xlsm", "xls", "ods", "parquet"], accept_multiple_files=True,
    key=f"files_{st.session_state['n_uploads']}",
)  # fmt: skip
if brought:
    with guarded(), st.spinner("Reading and checking …"):
        uploads.receive(brought)
        st.session_state["n_uploads"] += 1  # a fresh uploader: what was read is listed below
        st.rerun()
for name, error in uploads.refused():
    st.markdown(f"**{plain(name)}** was not read.")
    explain(error)
for token, file in uploads.kept().items():
    if file.error is not None:
        with st.container(border=True):
            st.markdown(f"**{plain(file.name)}** needs your help.")
            explain(file.error, "Choose what the file holds and the headings of its columns here.")
            mapping.correct(token, file)

if extracts:
    st.header("Check report", anchor=False)
    chosen = st.pills(
        "Table", list(extracts), default=next(iter(extracts)), required=True, key="table", bind="query-params",
        format_func=str.capitalize, label_visibility="collapsed",
    )  # fmt: skip
    with guarded():
        extract = extracts[chosen]
        check_report.show(extract, f"report_{chosen}")
        st.subheader("Columns", anchor=False)
        check_report.recognised(extract, f"report_{chosen}")
        for token, file in uploads.kept().items():
            if file.extract is extract:
                with st.expander("Correct the columns", icon=":material/edit:"):
                    mapping.correct(token, file)
