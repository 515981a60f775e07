# %% [markdown]
# # How to keep customers: retention
#
# Winning a customer is paid for once; whether it was worth it is decided by how long the customer stays. This notebook asks
# how many stay, when they are lost, and who leaves sooner, with orders or contracts alone.
#
# Each part goes the same way: the question, the method in a few words, the finding, and what it does *not* say.
# The figures are those of the dashboards, the command line and the report, because all of them ask the same library.

# %% [markdown]
# ## Parameters
# `base_path` is a `crm.toml`, a folder, a single file or a database address; left empty, it is the sample company.
# `as_of` is the first day that is no longer seen; `None` takes the day after the last row of any table, the same for every part.

# %% tags=["parameters"]
base_path = ""
as_of = None

# %%
import math

import polars as pl
from IPython.display import Markdown, display

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.reports.html import table

base = crm.open(base_path) if base_path else crm.sample()
options = {"as_of": as_of or base.as_of}
Markdown(f"**{base.name}**" + (": invented customers, for trying things out." if base.is_sample else ""))

# %% [markdown]
# ## How many stay: cohorts
#
# **Question.** Of those who came in the same month, how many are active again a month, three months, a year later? Is it
# getting better, and where are they lost?
#
# **Method.** A customer belongs to the month of the first order ever. A cell counts who ordered in that calendar month again;
# cells that not everybody has lived through yet are hatched and counted in no average. The average pools customers, the band
# is its 95% interval.

# %%
cohorts = crm.run("cohort_retention", base, **options)
Markdown(f"**{cohorts.headline()}**")

# %%
cohorts.plot("heatmap")

# %%
cohorts.plot("curves")

# %% [markdown]
# **Is it getting better?** Retention at a few ages from cohort to cohort, with a line fitted to it: dotted where the trend may
# be chance.

# %%
cohorts.plot("trend")

# %% [markdown]
# **Who pays today's sales?** Spend of each month by when its customers came.

# %%
cohorts.plot("layers")

# %% [markdown]
# **Do they pay for being won?** Where the customers table knows what winning them cost: how much of it each cohort has brought
# back so far, the youngest having had the least time.

# %%
if "payback" in {view.name for view in cohorts.views}:
    display(cohorts.plot("payback"))
else:
    display(
        Markdown(
            "What winning a customer cost is not known here (column `acquisition_cost` of the customers)."
        )
    )

# %% [markdown]
# **It depends on what is asked.** Month-by-month retention of a shop that people visit twice a year looks poor; what counts may
# be whether they came back at all. And products count differently: the same customers, as others would report them.

# %%
ever = crm.run("cohort_retention", base, **options, criterion="on_or_before", compare_definitions=True)
Markdown(f"**{ever.headline()}**")

# %%
table(
    ever,
    ever.tables()["definitions"]
    .filter(pl.col("period") == 1)
    .select("vendor", "definition", "retention_rate", "n_customers", "why"),
    "Month 1 by other products' definitions",
)

# %% [markdown]
# The customers behind a cell, to write to them: here who came in the last finished cohort and has not been back.

# %%
done = cohorts.tables()["cells"].filter(pl.col("is_complete") & (pl.col("period") == 1))
cell = done.sort("cohort_on").row(-1, named=True)
away = crm.customers_in_cell(cohorts, cohort_on=cell["cohort_on"], period=1, state="away")
assert away.height == cell["n_customers"] - cell["n_active"]
most = away.sort("spend", "customer_id", descending=[True, False]).head(10)
table(
    cohorts,
    most.select("customer_id", "entered_on", "n_orders", "spend"),
    "Not back yet, largest spend first",
)

# %% [markdown]
# **Caveat.** A cohort's rate says what its customers did, not why: a season, a campaign or another mix of channels moves it too.

# %%
Markdown("\n".join(f"- {note}" for note in cohorts.notes))

# %% [markdown]
# ## How long they stay: survival
#
# **Question.** How long do customers stay, and when is the loss highest? (Where there are no contracts: how long until they
# order again?)
#
# **Method.** Who is still there has not stayed for so many days, but for *at least* so many. The Kaplan-Meier curve counts
# everybody as long as they were seen, and then no more; so neither the young contracts nor the old ones bias it. The band is
# the 95% interval of each day.

# %%
stay = crm.run("survival", base, **options)
Markdown(f"**{stay.headline()}**")

# %%
stay.plot("curve")

# %%
stay.plot("hazard")

# %% [markdown]
# **Who leaves sooner?** Groups are compared by the log-rank test and by the mean days within a horizon, with p-values
# corrected for the number of pairs. The group is that of the beginning: a customer who changed plan later stays in the first.

# %%
driving = base.table("subscriptions" if base.has("subscriptions") else "transactions")
known = driving.frame.collect_schema().names()
column = next((c for c in ("plan", "channel", "country") if c in known), None)
by_group = crm.run("survival", base, **options, by=column, covariates=[column] if column else [])
table(
    by_group,
    by_group.summary(),
    f"By {column}" if column else "Everyone: there is no plan, channel or country to compare by",
)

# %%
by_group.plot("groups" if "groups" in {view.name for view in by_group.views} else "curve")

# %%
pairs = by_group.tables()["comparisons"].select(
    "comparison",
    "log_rank_p_holm",
    "mean_difference_days",
    "mean_difference_days_lower",
    "mean_difference_days_upper",
    "mean_difference_p_holm",
)
table(by_group, pairs, "Pairs") if pairs.height else Markdown("There are no two groups to compare.")

# %% [markdown]
# **By how much?** Cox's model puts the same comparison into one figure per value, the hazard ratio: how much readier to leave than
# those of the reference. It assumes that the ratio stays the same over time; the checks test that.

# %%
if by_group.tables()["cox"].height:
    ratios = ["covariate", "level", "reference_level", "n_customers", "n_events", "hazard_ratio"]
    bounds = ["hazard_ratio_lower", "hazard_ratio_upper", "proportionality_p_value"]
    display(table(by_group, by_group.tables()["cox"].select(*ratios, *bounds), "Hazard ratios"))
    display(table(by_group, by_group.tables()["cox_checks"], "Checks of the model"))

# %% [markdown]
# **How does it end?** Of contracts, a pause or a cheaper plan may come before the end; each way is counted for itself, and together
# they are everybody who ended.

# %%
if "incidence" in {view.name for view in by_group.views}:
    display(by_group.plot("incidence"))

# %% [markdown]
# **Caveat.** The groups differ in more than the one thing they are compared by, and the curve says what was, not what a
# measure would change. With orders it tells how soon customers come back; it does not tell who is lost.

# %%
Markdown("\n".join(f"- {note}" for note in by_group.notes))

# %% [markdown]
# The curve, worked out a second time by hand. If the two ever differ, this notebook fails.

# %%
people = stay.tables()["customers"]
left = 1.0
for day in people.filter(pl.col("has_ended"))["tenure_days"].unique().sort():
    here = people.filter((pl.col("tenure_days") >= day) & (pl.col("entry_day") <= day))
    left *= 1 - here.filter(pl.col("has_ended") & (pl.col("tenure_days") == day)).height / here.height
last = stay.tables()["curve"]["survival_rate"][-1]
assert math.isclose(left, last, rel_tol=1e-9, abs_tol=1e-12), (left, last)
Markdown(f"At the end of the curve {formats.share(last)} are left, either way.")

# %% [markdown]
# ## Whether they come back: repeat purchase
#
# **Question.** Do customers order again, how soon, and who is late?
#
# **Method.** Customers are followed from each order to the next; whose next order has not come yet is followed up to today and
# no further (Kaplan-Meier). Late is who is silent for longer than their own rhythm explains: a rhythm read from few gaps is
# drawn towards that of all customers, so one gap makes nobody late with certainty.

# %%
again = crm.run("repeat_purchase", base, **options)
Markdown(f"**{again.headline()}**")

# %%
again.plot("curve")

# %% [markdown]
# **The best moment** is before most of those who return have done so, and while the next order is likeliest.

# %%
again.plot("moments")

# %% [markdown]
# **Who is late**, and what they used to spend. One gap in ten of customers who are still active grows so long by chance, so this
# is a list of whom to look at, not of whom to write off.

# %%
again.plot("late")

# %%
table(
    again,
    again.tables()["customers"]
    .filter(pl.col("is_late") & (pl.col("late_for_days") <= again.parameters["newly_late_days"]))
    .sort("yearly_spend", "customer_id", descending=[True, False])
    .select(
        "customer_id", "typical_gap_days", "days_silent", "lapse_ratio", "silence_probability", "yearly_spend"
    )
    .head(10),
    "Newly late, largest spend first",
)

# %% [markdown]
# **What goes with a second order.** First orders with a product, category, channel or country against those without. With so many
# comparisons some stand out by chance; the p-values are corrected for that. None of them says that selling it would bring
# customers back.

# %%
first = again.tables()["first_purchase"].filter(pl.col("evidence").str.starts_with("returns"))
shown = first.select(
    "first_by",
    "first_value",
    "n_customers",
    "return_rate",
    "other_return_rate",
    "return_difference",
    "return_difference_lower",
    "return_difference_upper",
    "corrected_p",
)
table(again, shown, "First orders that stand out") if shown.height else Markdown("No first order stands out.")

# %%
Markdown("\n".join(f"- {note}" for note in again.notes))

# %% [markdown]
# ## Who comes, stays and falls silent: the life cycle
#
# **Question.** Does the base grow because more come, or although many leave? Where is it heading?
#
# **Method.** Every customer is in one state at the end of each month. What comes in (new, back after a pause) and what goes
# dormant makes up the difference between two months, to the last customer.

# %%
life = crm.run("lifecycle", base, **options)
Markdown(f"**{life.headline()}**")

# %%
life.plot("flows")

# %%
life.plot("transitions")

# %% [markdown]
# **How often they order**, of those who order in a month: on exactly so many days, and on at least so many.

# %%
life.plot("activity")

# %% [markdown]
# **Where it leads** if customers go on coming and changing state as in the last whole months. No season, no growth: a direction,
# not a forecast.

# %%
life.plot("projection")

# %%
steady = life.tables()["steady"]
if steady.height:
    display(table(life, steady, "Now, and where today's rates settle in the long run"))

# %%
Markdown("\n".join(f"- {note}" for note in life.notes))

# %% [markdown]
# The account must close. If it ever does not, this notebook fails.

# %%
flows = life.tables()["flows"]
books = flows.select(
    gap=pl.col("n_opening")
    + pl.col("n_new")
    + pl.col("n_resurrected")
    - pl.col("n_newly_dormant")
    - pl.col("n_closing")
)
assert books["gap"].abs().sum() == 0
assert flows["n_closing"][:-1].to_list() == flows["n_opening"][1:].to_list()
Markdown(f"{flows.height:,} periods, and the books of each close.")

# %% [markdown]
# ## What is kept of the money: revenue retention
#
# **Question.** How much of recurring revenue is kept, what is lost, what comes on top, and what will today's customers still
# bring? (Where there are no contracts: of what customers spent, how much came again?)
#
# **Method.** Opening revenue plus new, returned and expansion, less contraction and lost, is closing revenue: customer by
# customer, to the cent. Net retention asks what the customers of a year ago bring now; gross retention counts at most what it
# was, so that growth cannot hide a loss.

# %%
money = crm.run("revenue_retention", base, **options)
Markdown(f"**{money.headline()}**")

# %%
money.plot("waterfall")

# %%
money.plot("bridge")

# %%
money.plot("rates")

# %% [markdown]
# **One word, many figures.** Every product works retention and churn out in its own way. Here are the definitions side by side
# for the same months; compare figures of one definition only.

# %%
table(
    money,
    money.tables()["definitions"].select(
        "rate_name",
        "rate_definition",
        "stretch",
        "rate",
        "rate_lower",
        "rate_upper",
        "n_customers",
        "rate_why",
    ),
    "Retention and churn by definition",
)

# %% [markdown]
# **Where it is lost, and by whom.** Groups at the beginning (the plan, where there is one), and cohorts by the month in which
# they began.

# %%
for view in money.views:
    if view.name in {"segments", "cohorts", "outlook"}:
        display(money.plot(view.name))

# %%
Markdown("\n".join(f"- {note}" for note in money.notes))

# %% [markdown]
# The bridge must tie. If it ever does not, this notebook fails.

# %%
bridge = money.tables()["bridge"]
kind = "revenue" if "opening_revenue" in bridge.columns else "customers"
ups = ["opening", "new", "returned", *(["expansion"] if kind == "revenue" else [])]
downs = ["lost", *(["contraction"] if kind == "revenue" else [])]
gap = (
    bridge.select(
        pl.sum_horizontal(f"{c}_{kind}" for c in ups)
        - pl.sum_horizontal(f"{c}_{kind}" for c in downs)
        - pl.col(f"closing_{kind}")
    )
    .to_series()
    .abs()
    .max()
)
assert round(gap, 2) == 0
assert bridge[f"closing_{kind}"][:-1].to_list() == bridge[f"opening_{kind}"][1:].to_list()
Markdown(f"{bridge.height:,} periods, and each bridge ties.")
