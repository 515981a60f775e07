# %% [markdown]
# # Complaints: how many, how fast, and what they cost
#
# A complaint is a failure that the customer still tells the firm about. This notebook asks
#
# 1. **How many** are there, and is that more than usual?
# 2. **How fast** are they resolved, counting those that are still open?
# 3. **What are they about**, and what is growing?
# 4. **How satisfied** are customers with the handling, by how long it took?
# 5. **Who complains**: again, or as one of the best customers?
# 6. **What follows** a complaint, beside similar customers who did not complain?
#
# Each part goes the same way: the question, the method in a few words, the finding, and what it does *not* say.
# The figures are those of the dashboards, the command line and the report, because all of them ask the same library.

# %% [markdown]
# ## Parameters
# `base_path` is a `crm.toml`, a folder, a single file or a database address; left empty, it is the sample company.
# `as_of` is the first day that is no longer seen; `None` takes the day after the last case was opened. `target_hours` is the
# time within which a case should be resolved, `recontact_days` how soon another case on the same topic means that the first
# contact was not enough, `horizon_days` how long later orders are counted.

# %% tags=["parameters"]
base_path = ""
as_of = None
period = "month"
target_hours = 168.0
recontact_days = 30
horizon_days = 180

# %%
import polars as pl
from IPython.display import Markdown

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.reports.html import table

base = crm.open(base_path) if base_path else crm.sample()
Markdown(f"**{base.name}**" + (": invented customers, for trying things out." if base.is_sample else ""))

# %% [markdown]
# ## 1. How many
#
# **Question.** How many complaints are there, and is that more than usual?
#
# **Method.** Cases by period with Poisson's interval, per 100 orders where orders are known. Limits are three standard
# errors around the rate of all whole periods, widened where periods scatter more than chance (Laney's u'): within them an up
# or down needs no explanation.

# %%
found = crm.run(
    "complaints",
    base,
    as_of=as_of or base.as_of,
    period=period,
    target_hours=target_hours,
    recontact_days=recontact_days,
    horizon_days=horizon_days,
)
tables, pictures = found.tables(), [view.name for view in found.views]
Markdown(f"**Finding.** {found.headline()}")

# %%
found

# %%
found.plot("volume")

# %% [markdown]
# **Caveat.** Fewer complaints may mean fewer failures, or that customers have given up complaining: see the silent ones below.

# %% [markdown]
# ## 2. How fast
#
# **Question.** How long does it take until a case is resolved?
#
# **Method.** Kaplan and Meier's estimate: an open case counts as long as it has been open. The average of the closed ones alone
# is too short whenever there is a backlog.

# %%
found.plot("resolution")

# %%
speed = [
    "case_group_kind",
    "case_group",
    "n_cases",
    "n_open_cases",
    "median_hours",
    "within_target_rate",
    "speed_p_value",
    "first_contact_rate",
    "flagged_rate",
]
table(found, tables["resolution"].select(speed), "By category, channel and product")

# %%
found.plot("backlog") if "backlog" in pictures else Markdown("No case is open.")

# %% [markdown]
# **Caveat.** Hours are those of the clock, nights and weekends included. The flag of the first contact is set by those who are
# measured by it; the count of contacts beside it is not.

# %% [markdown]
# ## 3. What about
#
# **Question.** Which categories make up most cases, and which grow beyond their normal variation?
#
# **Method.** Shares with Wilson's interval. Each category's last whole period is tested against its own periods before, at equal
# exposure, with a correction for the number of categories, so that a false warning is rare.

# %%
found.plot("categories")

# %%
found.plot("warnings") if "warnings" in pictures else Markdown("Too few whole periods to judge.")

# %% [markdown]
# ## 4. Satisfaction with the handling
#
# **Question.** How does satisfaction fall with the time a case takes?
#
# **Method.** Mean answers by time taken, with Student's intervals; the dotted line is the same drawn together so that it never
# rises.

# %%
found.plot("satisfaction") if "satisfaction" in pictures else Markdown("Nobody was asked.")

# %%
table(found, tables["silent"], "The dissatisfied who raised no case")

# %% [markdown]
# **Caveat.** Only some answer. The last table counts the dissatisfied who raised no case at all: failures that complaints never
# show.

# %% [markdown]
# ## 5. Who complains
#
# **Question.** Who complains again, and which of the good customers wait for an answer?
#
# **Method.** Good is who had spent, up to the complaint, as much as the best fifth of all customers.

# %%
table(found, tables["repeat"], "How often customers complain")

# %%
whom = [
    "customer_id",
    "n_open_cases",
    "open_days",
    "last_case_category",
    "spend_before_case",
    "orders_before_case",
    "ordered_since",
]
table(found, tables["customers"].select(whom).head(12), "Whom to call first")

# %% [markdown]
# ## 6. What follows
#
# **Question.** Do complainers buy less afterwards, and those who waited long in particular?
#
# **Method.** Each customer's first complaint is matched with customers who had not complained by that day and were alike on it in
# recency, orders, spend and time as a customer. Orders are counted from the moment the target has passed, when it is known who was
# handled slowly. The second table shows how alike they are: within 0.1 standard deviations is well balanced.

# %%
found.plot("cost") if "cost" in pictures else Markdown("Too few to compare.")

# %%
after = [
    "complainer_group",
    "n_matched",
    "orders_ratio",
    "orders_ratio_lower",
    "orders_ratio_upper",
    "spend_difference",
]
table(found, tables["cost"].select(after), "Later orders and spend beside similar customers")

# %%
table(found, tables["balance"], "How alike they are")

# %% [markdown]
# **Caveat.** How bad the matter was is not in the orders, and a bad matter takes longer *and* drives customers away. Read it as
# what goes with complaints; whether quicker handling keeps customers is for a trial by lot to show.

# %% [markdown]
# ## 7. What was made of what

# %%
seen = found.provenance
Markdown(
    f"{', '.join(seen.sources)}: {seen.rows_kept:,} of {seen.rows_in:,} rows used, as of "
    f"{formats.value(seen.as_of, 'day')}, with crm-analytics {seen.library_version}."
)

# %%
Markdown("\n".join(f"- {note}" for note in found.notes))

# %% [markdown]
# Two figures worked out a second time, straight from the rows. If they ever differ, this notebook fails.

# %%
rows = base.table("cases").frame.filter(pl.col("opened_at") < pl.lit(seen.as_of)).collect()
assert tables["volume"]["n_cases"].sum() == rows.height == tables["categories"]["n_cases"].sum()
late = rows.filter((pl.col("closed_at") >= pl.lit(seen.as_of)) | pl.col("closed_at").is_null())
assert tables["resolution"]["n_open_cases"][0] == late.height
