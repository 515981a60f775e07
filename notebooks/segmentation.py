# %% [markdown]
# # Whom to select: segments and value
#
# A budget for customers is always too small for all of them. This notebook answers two questions with the orders alone:
#
# 1. **Who is where in the relation?** RFM segments: how recently, how often and for how much each customer bought.
# 2. **Who brings the money, and who of them is leaving?** Value tiers, concentration, and lists to act on.
#
# Each part goes the same way: the question, the method in a few words, the finding, and what it does *not* say.
# The figures are those of the dashboards, the command line and the report, because all of them ask the same library.

# %% [markdown]
# ## Parameters
# `base_path` is a `crm.toml`, a folder, a single file or a database address; left empty, it is the sample company.
# `as_of` is the first day that is no longer seen; `None` takes the day after the last order. `days_back` is how far part 4
# looks back, `compare_months` how long the periods are that part 6 compares.

# %% tags=["parameters"]
base_path = ""
as_of = None
days_back = 182
compare_months = 12
n_bootstrap = 1000

# %%
from dataclasses import replace
from datetime import timedelta

import polars as pl
from IPython.display import Markdown

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.reports.html import table

base = crm.open(base_path) if base_path else crm.sample()
orders = base.table("transactions")
Markdown(f"**{base.name}**" + (": invented customers, for trying things out." if base.is_sample else ""))

# %% [markdown]
# ## 1. What was read
#
# **Question.** Can these rows carry a finding?
#
# **Method.** Every row is either kept or set aside with one reason; rows and money add up to the file. Nothing is
# repaired in silence: look at what was set aside before believing any figure below.

# %%
check = orders.check
rows = f"{check.rows_in:,} rows read = {check.rows_kept:,} kept + {check.rows_rejected:,} set aside"
money = f"{check.amount_in:,.2f} = {check.amount_kept:,.2f} kept + {check.amount_rejected:,.2f} set aside"
Markdown(f"- {rows}\n- Amount: {money}\n- {check.n_customers:,} customers")

# %%
Markdown(
    "\n".join(f"- {finding.severity}, {finding.n_rows:,} rows: {finding.text}" for finding in check.findings)
)

# %% [markdown]
# **Caveat.** Rows without a customer id are missing from everything that follows. Where they are many, they are seldom
# a random part: guests and cash customers differ from those who give their name.

# %% [markdown]
# ## 2. The base as a whole
#
# **Question.** Is the customer base growing or shrinking, and is last month's change more than noise?
#
# **Method.** The last *complete* month is compared with the month before and with the same month a year ago. Customers
# are drawn again at random many times (bootstrap); a change inside the range that this gives is called normal variation.

# %%
overview = crm.run("overview", base, as_of=as_of or base.as_of)
Markdown(f"**Finding.** {overview.headline()}")

# %%
overview.plot("trend")

# %%
overview.plot("customers_by_kind")

# %% [markdown]
# **Caveat.** One month against another mixes growth with season and with the number of weekends; the comparison with
# the year before is the fairer of the two.

# %% [markdown]
# ## 3. RFM segments
#
# **Question.** Which customers are recent and frequent, and which of the good ones are slipping away?
#
# **Method.** Each customer is scored from 1 to 5 on *recency* (days since the last order), *frequency* (orders) and
# *money* (spend, net of refunds). Customers with equal values always get equal scores, so the order of the rows does not
# matter, and bins need not be equal. The 25 cells of recency and frequency are parted into eleven named segments; each
# cell belongs to exactly one. Money does not decide the segment, it says what is at stake in it.

# %%
rfm = crm.run("rfm", base, as_of=as_of or base.as_of, n_bootstrap=n_bootstrap)
Markdown(f"**Finding.** {rfm.headline()}")

# %%
rfm.plot("segments")

# %% [markdown]
# Compare the two bars of a segment. Where the share of spend is far above the share of customers, each customer counts:
# a personal approach pays. Where it is far below, only cheap measures do.

# %%
rfm.plot("grid")

# %% [markdown]
# Read the grid from the right (recent) to the left: the upper left corner holds those who used to buy often and have not
# come for long. They are the dearest losses, and the reason to look at the grid rather than at a single score.

# %%
segments = rfm.tables()["segments"]
brief = segments.select(pl.selectors.starts_with("segment", "n_customers", "spend_share"), "what_to_do")
table(rfm, brief, "Segments, and what practice advises")

# %% [markdown]
# The cut-offs behind the scores belong in every report of segments, or nobody can repeat it:

# %%
table(rfm, rfm.tables()["thresholds"], "Cut-offs of the scores")

# %%
Markdown("**Notes.**\n" + "\n".join(f"- {note}" for note in rfm.notes))

# %% [markdown]
# **Caveat.** Segments describe where customers stand. They do not forecast what a customer will do, and they do not say
# that a measure works: for that, leave a random part of a segment out of the measure and compare.

# %% [markdown]
# ## 4. Who moved
#
# **Question.** Do customers climb or slide?
#
# **Method.** Score them as they stood some months ago, then score today *with the cut-offs of that time*
# (`thresholds=`). With fresh fifths each score would hold a fifth of the customers in good times and in bad, and a
# slide of everybody would not show.

# %%
today = rfm.provenance.as_of
before = crm.rfm(orders, as_of=today - timedelta(days=days_back), n_bootstrap=0)
now = crm.rfm(orders, as_of=today, thresholds=before, n_bootstrap=0)
names = before.tables()["segments"]["segment"].to_list()

# %%
then = before.tables()["customers"].select("customer_id", then="segment")
moved = then.join(now.tables()["customers"].select("customer_id", now="segment"), on="customer_id")
counts = moved.group_by("then", "now").len("customers").sort("customers", descending=True)
best = counts.filter(pl.col("then") == names[0])

# %%
now_in = ", ".join(f"{n:,} {segment}" for segment, n in best.select("now", "customers").iter_rows())
Markdown(
    f"**Finding.** Of the {best['customers'].sum():,} customers who were “{names[0]}” {days_back} days earlier, "
    f"these are now: {now_in}."
)

# %% [markdown]
# **Caveat.** Part of the movement is chance: somebody at the top of any ranking tends to stand lower in the next one.
# Compare with the movement between two earlier dates before calling it a trend.

# %% [markdown]
# ## 5. Value tiers
#
# **Question.** How many customers bring most of the money, how firmly do we know it, and whom are we losing?
#
# **Method.** Customers are ordered by spend, net of refunds. Tier A are the best customers who together bring 80 % of
# it, tier B those up to 95 %, tier C the rest. The Lorenz curve shows the whole distribution and the Gini coefficient
# sums it up in one figure, with an interval from drawing the customers again.

# %%
options = {"n_bootstrap": n_bootstrap, "compare_months": compare_months}
value = crm.run("value_tiers", base, as_of=as_of or base.as_of, **options)
Markdown(f"**Finding.** {value.headline()}")

# %%
value.plot("lorenz")

# %%
measures = value.tables()["concentration"].select("measure_label", "measure_text", "measure_definition")
table(value, measures, "Concentration in figures, with 95 % intervals")

# %%
value.plot("deciles")

# %% [markdown]
# Spend is not profit. Where the cost of the goods is known, the whale curve adds up the *margin* from the best customer
# on: where it turns down, the customers to the right cost more than they bring.

# %%
value.plot("whale")

# %%
Markdown("**Notes.**\n" + "\n".join(f"- {note}" for note in value.notes))

# %% [markdown]
# ## 6. Good customers in decline: a list to act on
#
# **Question.** Which good customers buy much less than in the period before, or have fallen silent?
#
# **Method.** Only complete periods of equal length are compared.

# %%
comparable = "decline" in {view.name for view in value.views}
no_comparison = Markdown("The extract is too short for two complete periods; the notes above say so.")
value.plot("decline") if comparable else no_comparison

# %%
lists = value.tables()["lists"].select("list_label", "n_customers", "money_at_stake", "list_definition")
table(value, lists, "Lists to work with")

# %% [markdown]
# Both views together give the order of the calls: the customers on the lists, with their segment, most money first.

# %%
listed = value.tables()["listed"].filter((pl.col("list") != "most_valuable") | pl.lit(not comparable))
standing = rfm.tables()["customers"].select("customer_id", "segment")
calls = listed.join(standing, on="customer_id").sort(
    "money_at_stake", "customer_id", descending=[True, False]
)
calls = calls.select("customer_id", "money_at_stake", "reason", "segment").head(12)
table(replace(value, terms={**rfm.terms, **value.terms}), calls, "Whom to call first")

# %% [markdown]
# **Caveat.** Whoever is picked for a good stretch spends less in the next one on average, without any cause. The notes
# above say how many falls of this size there would be in quiet times: only what goes beyond that is a reason for alarm.

# %% [markdown]
# ## 7. What was made of what

# %%
found = rfm.provenance
Markdown(
    f"{', '.join(found.sources)}: {found.rows_kept:,} of {found.rows_in:,} rows used, as of "
    f"{formats.value(found.as_of, 'day')}, with crm-analytics {found.library_version}."
)

# %% [markdown]
# The headline figure, worked out a second time straight from the rows. If the two ever differ, this notebook fails.

# %%
seen = orders.frame.filter(pl.col("ordered_at") < rfm.provenance.as_of)
spent = seen.select(pl.col("amount").sum()).collect().item()
tiers = value.tables()["tiers"]
assert round(tiers["spend"].sum() - spent, 2) == 0, (tiers["spend"].sum(), spent)
assert tiers["n_customers"].sum() == seen.select(pl.col("customer_id").n_unique()).collect().item()
assert f"{tiers['n_customers'].sum():,} customers" in value.headline()
