import polars as pl
import streamlit as st

from shared import blocks, filters, kpi
from shared.guard import guarded

seen = filters.seen()
with st.spinner("Working out what customers will still bring …"):
    result = seen.result("lifetime_value")
total = result.tables()["total"].row(0, named=True)
customers = result.tables()["customers"]
slipping = result.tables()["slipping"]

blocks.headline(result)
kpi.spanned(
    total,
    result,
    ["lifetime_value", "expected_alive", "expected_purchases", "value_per_customer", "value_to_cost"],
)
left, right = st.columns(2, gap="medium")
with left:
    blocks.picture(seen.opened, result, "curve")
with right:
    blocks.picture(seen.opened, result, "deciles")

st.header("Who brings it, and who is slipping", anchor=False)
lists = {
    "Slipping": slipping,
    "Most valuable": customers.filter(pl.col("value_decile") == 1),
    "Everyone": customers,
}
there = [name for name, frame in lists.items() if frame.height]
chosen = st.segmented_control(
    "List",
    there,
    default=there[0],
    required=True,
    key="ltv_list",
    bind="query-params",
    label_visibility="collapsed",
)
if chosen == "Slipping":
    st.markdown(
        "Good customers so far who are much less likely to be customers still than some months ago. "
        ":material/task_alt: Speak to them now, the most at stake first."
    )
    blocks.picture(seen.opened, result, "slipping")
else:
    blocks.picture(seen.opened, result, "alive")
blocks.people(
    seen.opened, lists[chosen], result, name=chosen, key=f"ltv_{chosen.casefold().replace(' ', '_')}",
    shown=(
        "customer_id", "name", "value_at_stake", "lifetime_value", "lifetime_value_lower", "lifetime_value_upper",
        "p_alive", "p_alive_before", "expected_next_on", "spend", "last_ordered_on", "days_silent", "usual_gap_days",
    ) if chosen == "Slipping" else (
        "customer_id", "name", "value_rank", "lifetime_value", "lifetime_value_lower", "lifetime_value_upper", "p_alive",
        "expected_purchases", "expected_spend_per_purchase", "expected_next_on", "spend", "last_ordered_on",
    ),
)  # fmt: skip
blocks.picture(seen.opened, result, "groups")
blocks.summary(result, alt="Lifetime value in short, with intervals", key="ltv_summary")

st.header("What it is worth to keep them", anchor=False)
with st.spinner("Working out what better retention is worth …"):
    economics = seen.result("retention_economics")
blocks.headline(economics)
left, right = st.columns(2, gap="medium")
with left:
    blocks.picture(seen.opened, economics, "levers")
with right:
    blocks.picture(seen.opened, economics, "keep_or_replace")
blocks.summary(
    economics,
    alt="What each change is worth, and keeping against replacing",
    key="economics_summary",
)

blocks.notes(economics, "what keeping customers is worth")

st.header("Can I trust it?", anchor=False)
with st.spinner("Holding forecasts against what customers then did …"), guarded():
    check = seen.result("clv_validation")
    blocks.headline(check)
    if seen.filters.segments:
        st.caption("Judged on customers of all segments: today's segments depend on what is to be forecast.")
    left, right = st.columns(2, gap="medium")
    with left:
        blocks.picture(seen.opened, check, "tracking")
    with right:
        blocks.picture(seen.opened, check, "models")
    left, right = st.columns(
        2, gap="medium"
    )  # a second row, so that pictures of other heights stay side by side
    with left:
        blocks.picture(seen.opened, check, "frequency")
    with right:
        blocks.picture(seen.opened, check, "deciles")
    blocks.summary(check, alt="How far the forecast was off", key="clv_validation_summary")
    blocks.notes(check, "the check of the forecast")

st.header("What the model says of how customers buy", anchor=False)
with st.spinner("Laying the model open …"), guarded():
    patterns = seen.result("buying_patterns")
    blocks.headline(patterns)
    if seen.filters.segments:
        st.caption("Customers of all segments: those of one were chosen by how they buy.")
    left, right = st.columns(2, gap="medium")
    with left:
        blocks.picture(seen.opened, patterns, "purchases")
    with right:
        blocks.picture(seen.opened, patterns, "gaps")
    more = {
        "Who is still a customer": ("alive_map", "ahead_map"),
        "Rates and leaving": ("rates", "leaving"),
        "Spend and first years": ("spend", "newcomers"),
        "Rhythm": ("regularity", "timing"),
        "Histories": ("histories",),
    }
    part = st.segmented_control(
        "Part of the model",
        list(more),
        default=next(iter(more)),
        required=True,
        key="ltv_model_part",
        bind="query-params",
        label_visibility="collapsed",
    )
    for place, view in zip(st.columns(len(more[part]), gap="medium"), more[part], strict=True):
        with place:
            blocks.picture(seen.opened, patterns, view)
    blocks.summary(patterns, alt="How customers buy, in short", key="buying_patterns_summary")
    blocks.notes(patterns, "how customers buy")

with st.expander("The models", icon=":material/function:"):
    blocks.table(
        result.tables()["model"].drop("diagnosis"),
        result,
        alt="Parameters of the models with their errors",
        key="ltv_model",
    )
blocks.footer(result, "customers", "groups")
