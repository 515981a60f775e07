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
# `as_of` is the first day that is no longer seen; `None` takes the day after the last row.

# %% tags=["parameters"]
base_path = ""
as_of = None

# %%
import math

import polars as pl
from IPython.display import Markdown

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.reports.html import table

base = crm.open(base_path) if base_path else crm.sample()
options = {"as_of": as_of or base.as_of}
Markdown(f"**{base.name}**" + (": invented customers, for trying things out." if base.is_sample else ""))

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
column = "plan" if base.has("subscriptions") else "channel"
by_group = crm.run("survival", base, **options, by=column, covariates=[column])
table(by_group, by_group.summary(), f"By {column}")

# %%
by_group.plot("groups")

# %%
table(
    by_group,
    by_group.tables()["comparisons"].select(
        "comparison", "log_rank_p_holm", "mean_difference_days", "mean_difference_p_holm"
    ),
    "Pairs",
)

# %% [markdown]
# **Caveat.** The groups differ in more than the one thing they are compared by, and the curve says what was, not what a
# measure would change. With orders it tells how soon customers come back; it does not tell who is lost.

# %%
Markdown("\n".join(f"- {note.text}" for note in by_group.notes))

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
