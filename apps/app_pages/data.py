import streamlit as st

from shared import cache, check_report, mapping, tables, uploads
from shared.guard import explain, guarded
from shared.words import plain

st.session_state.setdefault("n_uploads", 0)

with guarded():
    opened = cache.opened()
    base = opened.base
    tables.show(
        check_report.freshness(base),
        check_report.TERMS,
        None,
        alt="Tables in use",
        key="freshness",
        height="content",
    )
    if opened.private:
        st.caption("Your own files, kept for this visit only. Nobody else can see them.")
        st.button("Remove my files", icon=":material/delete:", on_click=uploads.forget)

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
            explain(file.error)
            mapping.correct(token, file)

with guarded():
    st.header("Check report", anchor=False)
    names = list(base.tables)
    chosen = names[0] if len(names) == 1 else st.segmented_control(
        "Table", names, default=names[0], required=True, key="table", bind="query-params", format_func=str.capitalize
    )  # fmt: skip
    extract = base.table(chosen)
    check_report.show(extract, "report")
    st.subheader("Columns", anchor=False)
    mine = [(token, file) for token, file in uploads.kept().items() if file.extract is extract]
    check_report.recognised(extract, "report")
    for token, file in mine:
        with st.expander("Correct the columns", icon=":material/edit:"):
            mapping.correct(token, file)
