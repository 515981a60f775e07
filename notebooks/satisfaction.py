# %% [markdown]
# # What makes customers satisfied: scores, what moves them, what to fix first
#
# Scores are read every month, and most of what is read into them is chance. This notebook asks
#
# 1. **How satisfied are customers**, and how sure is that?
# 2. **Did it change** by more than chance, and why: did groups move, or did other groups answer?
# 3. **Which groups differ** from all others, and which would be best if more had answered?
# 4. **What goes with satisfaction**, how surely, and does the same matter to everyone?
# 5. **What to fix first**: important and rated low?
# 6. **Which drivers only hurt** when poor, and which only please when good?
# 7. **Which features** that do not exist yet must be there, and which would delight?
#
# Each part goes the same way: the question, the method in a few words, the finding, and what it does *not* say.
# The figures are those of the dashboards, the command line and the report, because all of them ask the same library.

# %% [markdown]
# ## Parameters
# `base_path` is a `crm.toml`, a folder, a single file or a database address; left empty, it is the sample company.
# `as_of` is the first day that is no longer seen; `None` takes the day after the last answer. `by` is the column by which
# answers are compared; `None` takes the channel of the answers where there is one.

# %% tags=["parameters"]
base_path = ""
as_of = None
by = None
period = "quarter"
min_answers = 10

# %%
import math

import polars as pl
from IPython.display import Markdown

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.reports.html import table

base = crm.open(base_path) if base_path else crm.sample()
surveys = base.table("surveys")
options = {"as_of": as_of or base.as_of}
Markdown(f"**{base.name}**" + (": invented customers, for trying things out." if base.is_sample else ""))

# %% [markdown]
# ## 1. Scores
#
# **Question.** How satisfied are those who answered?
#
# **Method.** The net promoter score is the share of answers 9 and 10 less that of 0 to 6; its interval is the adjusted Wald
# interval, which holds its level from ten answers on. Satisfied and easy answers are shares with Wilson's interval. Weights
# and people who answer more than once make answers worth less than their number: intervals go by the effective number.

# %%
scores = crm.run("satisfaction_scores", base, by=by, period=period, min_answers=min_answers, **options)
Markdown(f"**Finding.** {scores.headline()}")

# %%
scores

# %%
told = (
    "metric_name",
    "score",
    "score_lower",
    "score_upper",
    "n",
    "n_effective",
    "mean_answer",
    "answer_scale",
)
table(scores, scores.tables()["scores"].select(told), "The scores with their intervals")

# %%
scores.plot("distribution")

# %% [markdown]
# **Caveat.** A score describes those who answered. Without an assumption on the others, everybody's score lies between the
# bounds below; where few answer, they are far apart.

# %%
heard = ("metric_name", "respondents", "n", "score", "heard_rate", "worst_case_score", "best_case_score")
names = scores.tables()["scores"].select("metric", "metric_name")
bounds = scores.tables()["response"].join(names, on="metric", maintain_order="left").select(heard)
table(scores, bounds, "Who was heard, and what the others could change")

# %% [markdown]
# ## 2. Over time
#
# **Question.** Did it change by more than chance, and why?
#
# **Method.** Control limits instead of arrows: three standard errors either side of all periods together, widened where
# periods scatter more than chance alone (Laney's p'). The change on the period before has an interval of its own, and is
# split into rate (groups moved) and mix (other groups answered), which add up to it with nothing left over.

# %%
scores.plot("periods")

# %%
if "change" in {v.name for v in scores.views}:
    scores.plot("change").show()

# %% [markdown]
# **Caveat.** One period in a few hundred lies outside its limits by chance. A change within them is not proof that nothing
# happened; it is too small to be told from nothing with so many answers.

# %% [markdown]
# ## 3. Groups
#
# **Question.** Which groups differ from all others, and which would come first if more had answered?
#
# **Method.** Each group against the *rest*, never against a total that contains it; p-values after Holm. Small groups are
# hidden, and with them any from which a hidden one could be worked out. For the ranking, scores are drawn towards that of
# all groups, the more, the fewer answers a group has.

# %%
for view in ("segments", "ranking"):
    if view in {v.name for v in scores.views}:
        scores.plot(view).show()

# %% [markdown]
# **Caveat.** Groups differ in who answers in them. That a group scores lower does not say that the group makes customers
# less satisfied.

# %% [markdown]
# ## What the scores were made of

# %%
found = scores.provenance
Markdown(
    f"{', '.join(found.sources)}: {found.rows_kept:,} of {found.rows_in:,} rows used, as of "
    f"{formats.value(found.as_of, 'day')}, with crm-analytics {found.library_version}."
)

# %%
Markdown("\n".join(f"- {note}" for note in scores.notes))

# %% [markdown]
# The scores, worked out a second time from the answer sheets. If the two ever differ, this notebook fails.

# %%
sheets = surveys.frame.filter(pl.col("answered_at") < pl.lit(found.as_of)).collect()
row = scores.tables()["scores"].filter(pl.col("metric") == "nps")
if row.height and row["score"][0] is not None and row["n_off_scale"][0] == 0:
    answered = sheets.drop_nulls("nps").with_columns(
        weight=pl.col("weight") if "weight" in sheets.columns else pl.lit(1.0)
    )
    answered = answered.filter(pl.col("weight") > 0)
    promoters = answered.filter(pl.col("nps").cast(pl.Int64).is_in([9, 10]))["weight"].sum()
    detractors = answered.filter(pl.col("nps").cast(pl.Int64).is_in(range(7)))["weight"].sum()
    again = 100 * (promoters - detractors) / answered["weight"].sum()
    assert math.isclose(row["score"][0], again, rel_tol=1e-9, abs_tol=1e-9)
parts = scores.tables()["change"].filter(pl.col("respondents") != "All answers")
for metric, total in (
    scores.tables()["change"]
    .filter(pl.col("respondents") == "All answers")
    .select("metric", "total_effect")
    .iter_rows()
):
    assert math.isclose(parts.filter(pl.col("metric") == metric)["total_effect"].sum(), total, abs_tol=1e-9)

# %% [markdown]
# ## 4. Drivers
#
# **Question.** Which ratings go with overall satisfaction, and what would a point more bring?
#
# **Method.** Four figures, since one cannot answer it all: the share of the variation that a driver explains (LMG, its mean
# gain over all orders in which drivers can enter), whether it adds anything of its own, the direction, and the mean change of
# satisfaction if it were rated a point higher. Answers are drawn again 1,000 times to say how sure each is. Where answers can
# be divided, each part is set against all others, with one test of equal importance a part.

# %%
groups = by or ("channel" if "channel" in surveys.frame.collect_schema().names() else None)
drivers = crm.run("satisfaction_drivers", base, by=groups, **options)
Markdown(f"**Finding.** {drivers.headline()}")

# %%
drivers

# %%
for view in drivers.views:
    drivers.plot(view.name).show()

# %% [markdown]
# **Caveat.** A driver with a share need not have an effect: a good mood lifts all ratings at once, and drivers that go together
# share what they explain. That a driver goes with satisfaction does not say that a better one would raise it: a trial tells that.
# Those that surely add something of their own (p after Holm below 0.05), with direction and leverage:

# %%
sure = drivers.tables()["drivers"].filter(pl.col("unique_p_holm") < 0.05)  # noqa: PLR2004 the usual level
of_driver = ("driver_label", "importance", "unique_r2", "unique_p_holm", "coefficient", "leverage")
table(drivers, sure.select(of_driver), "Drivers that surely add something of their own")

# %% [markdown]
# The shares, added up: together they are what all drivers explain, to the last digit.

# %%
figures = dict(drivers.tables()["model"].select("model_check", "model_figure").iter_rows())
explained = figures.get("R²") or figures["McFadden's R²"]
assert math.isclose(
    drivers.tables()["drivers"]["lmg"].sum() + figures.get("R² of what is always in", 0.0),
    explained,
    abs_tol=1e-9,
)

# %% [markdown]
# ## 5. What to fix first
#
# **Question.** Which drivers are important and rated low?
#
# **Method.** Importance (LMG) against performance (mean rating, 0 to 100). Both are drawn again together 1,000 times, so that each
# driver has a probability of each quadrant: near the lines, the quadrant is chance.

# %%
priorities = crm.run("importance_performance", base, **options)
Markdown(f"**Finding.** {priorities.headline()}")

# %%
priorities.plot("map")

# %%
priorities.plot("probabilities")

# %% [markdown]
# **It depends on the lines.** The same drivers with the three usual choices of cut lines.

# %%
priorities.plot("cuts")

# %% [markdown]
# **Caveat.** Importance says what goes together. A driver that everybody rates alike shows none, and may be expected by all.

# %%
Markdown("\n".join(f"- {note}" for note in priorities.notes))

# %%
at = priorities.tables()["drivers"]
assert math.isclose(at["importance_share"].sum(), 1.0, abs_tol=1e-9)
assert all(
    math.isclose(sum(row), 1.0, abs_tol=1e-9)
    for row in at.select("p_concentrate", "p_keep_up", "p_low_priority", "p_overkill").iter_rows()
)

# %% [markdown]
# ## 6. Must-bes and delighters
#
# **Question.** Which drivers only hurt when poor, and which only please when good?
#
# **Method.** Low and high ratings of each driver against those between, all drivers in one regression. A class needs an asymmetry
# that is large and sure, and 20 low, middle and high ratings each.

# %%
contrasts = crm.run("penalty_reward", base, **options)
Markdown(f"**Finding.** {contrasts.headline()}")

# %%
contrasts.plot("asymmetry")

# %%
contrasts.plot("classes")

# %% [markdown]
# **What follows.** A must-be is raised to decent and then left alone; a delighter is worth money at the top of its scale.
# What low ratings go with and high ones, driver by driver, in points of satisfaction:

# %%
contrast = ("driver_label", "penalty", "reward", "impact_asymmetry", "same_size_p_value", "driver_class")
table(contrasts, contrasts.tables()["drivers"].select(contrast), "Low and high ratings against those between")

# %%
Markdown("\n".join(f"- {note}" for note in contrasts.notes))

# %% [markdown]
# ## 7. Features that do not exist yet: a Kano questionnaire
#
# Ratings exist only for what customers have. For features still to be built, two questions are asked of each: how would you feel
# if it were there, and if it were not? Where the surveys have such pairs of columns, their names ending in "functional" and
# "dysfunctional", they are sorted here; where they have none, six invented respondents show the form.

# %%
invented = pl.DataFrame(
    {
        "parcel tracking functional": [2, 2, 3, 2, 3, 2],
        "parcel tracking dysfunctional": [5, 5, 5, 5, 5, 4],
        "gift wrap functional": [1, 1, 1, 3, 1, 1],
        "gift wrap dysfunctional": [3, 4, 3, 3, 3, 2],
    }
)
asked = any(c.endswith("dysfunctional") for c in surveys.frame.collect_schema().names())
features = crm.run("kano", base, **options) if asked else crm.kano(invented)
Markdown(f"**{features.headline()}**")

# %%
features

# %%
counted = features.tables()["answers"].group_by("feature").agg(pl.col("n_respondents").sum())
told = features.tables()["features"].select("feature", "n_answers")
assert told.join(counted, on="feature").select((pl.col("n_answers") == pl.col("n_respondents")).all()).item()
