import polars as pl
import streamlit as st

from shared import blocks, controls, filters, kpi

PERIODS = {"month": "Month", "week": "Week", "quarter": "Quarter", "year": "Year"}
LISTS = {"good": "Good customers", "open": "With an open case", "all": "Everyone"}
SHOWN = (
    "customer_id", "name", "n_open_cases", "open_days", "n_cases", "last_case_on",
    "last_case_category", "slowest_hours", "is_good_customer", "spend_before_case", "last_ordered_on", "ordered_since",
)  # fmt: skip

seen = filters.seen()
if not seen.opened.base.has("cases"):
    st.info("This base has no complaints or requests. Put an extract of them beside the others.", icon=":material/support_agent:")  # fmt: skip
    st.stop()

with (
    st.expander("Options", icon=":material/tune:", key="complaints_options"),
    st.grid(4, min_column_width=200, gap="small"),
):
    period = controls.choice("Volume by", PERIODS, "period")
    target = controls.number(
        "Target, hours", "target_hours", 1, 10_000, "In which a case should be resolved.", 168
    )
    again = controls.number("Back within, days", "recontact_days", 1, 365, "A new case on the topic in so many days: the first contact was not enough.", 30)  # fmt: skip
    later = controls.number("Follow for, days", "horizon_days", 30, 1_095, "How long orders after a complaint are counted.", 180)  # fmt: skip
usual = {"period": "month", "target_hours": 168, "recontact_days": 30, "horizon_days": 180}
said = {"period": period, "target_hours": target, "recontact_days": again, "horizon_days": later}
options = {name: value for name, value in said.items() if value not in (None, usual[name])}
with st.spinner("Following cases …"):
    result = seen.result("complaints", **options)
tables = result.tables()
if seen.filters.segments:
    st.caption(
        "Figures and pictures are of all segments: whoever left after a complaint is in another segment than who stayed. "
        "The list of customers shows the segment alone."
    )

blocks.headline(result)
everyone = tables["resolution"].row(0, named=True)
kpi.spanned(
    everyone,
    result,
    ["median_hours", "within_target_rate", "first_contact_rate", "reopened_rate", "n_open_cases"],
)
st.caption(f"n = {everyone['n_cases']:,} cases. Open cases count as long as they have been open.")
controls.pictures(seen.before_segments, result, ("volume", "resolution"))

st.header("What complaints go with", anchor=False)
controls.pictures(seen.before_segments, result, ("cost", "satisfaction"))
controls.shown_table(result, "cost", "Against similar customers", ":material/compare_arrows:")
controls.shown_table(result, "balance", "How similar they are", ":material/balance:")

st.header("What they are about", anchor=False)
controls.pictures(seen.before_segments, result, ("categories", "warnings"))
controls.shown_table(result, "resolution", "By category, channel and product", ":material/category:")

st.header("Who complained", anchor=False)
controls.pictures(seen.before_segments, result, ("backlog",))
which = controls.segmented("Who", LISTS, "complainers")
people = tables["customers"]
kept = {
    "good": people.filter(pl.col("is_good_customer")),
    "open": people.filter(pl.col("n_open_cases") > 0),
    "all": people,
}[which]
controls.listing(seen, kept, result, f"Complaints {LISTS[which]}", "complaints_people", SHOWN)
controls.summary(result, "complaints_summary")
blocks.footer(result, "resolution", "cost")
