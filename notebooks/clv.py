# %% [markdown]
# # What customers are worth: lifetime value and what keeping them brings
#
# What a customer brought is known; what the customer will bring is not, nor whether they are still one: in a shop nobody
# gives notice. This notebook answers with the orders alone:
#
# 1. **What will the customers there are still bring**, from whom, and how sure is that?
# 2. **Who of the good ones is slipping away**, while something can still be done?
# 3. **What is it worth to keep customers longer**, beside winning them more cheaply or selling them more?
# 4. **Can the forecast be trusted**: how far would it have been off, had it been made before?
# 5. **How do customers buy**, and does the model tell it as it was?
#
# Each part goes the same way: the question, the method in a few words, the finding, and what it does *not* say.
# The figures are those of the dashboards, the command line and the report, because all of them ask the same library.

# %% [markdown]
# ## Parameters
# `base_path` is a `crm.toml`, a folder, a single file or a database address; left empty, it is the sample company.
# `as_of` is the first day that is no longer seen; `None` takes the day after the last order. `margin` is the part of spend
# that is margin; `None` takes it from the costs in the orders where they are known.

# %% tags=["parameters"]
base_path = ""
as_of = None
horizon_days = 365
annual_discount_rate = 0.10
margin = None

# %%
import math

import polars as pl
from IPython.display import Markdown

import crm_analytics as crm
from crm_analytics import clv, formats
from crm_analytics.reports.html import table

base = crm.open(base_path) if base_path else crm.sample()
orders = base.table("transactions")
options = {"as_of": as_of or base.as_of, "annual_discount_rate": annual_discount_rate, "margin": margin}
Markdown(f"**{base.name}**" + (": invented customers, for trying things out." if base.is_sample else ""))

# %% [markdown]
# ## 1. The histories
#
# **Question.** What do the orders say of each customer's rhythm?
#
# **Method.** Purchases of one day count as one. Of each customer three numbers remain: `frequency` (days with a repeat
# purchase), `recency` (first to last purchase) and `T` (first purchase to the end of what was observed). A customer who
# bought every two weeks and then not for half a year has most likely left; one who buys once a year may well be back.

# %%
histories = clv.summarise(orders, as_of=options["as_of"])
again = histories.filter(pl.col("frequency") > 0)
Markdown(
    f"{histories.height:,} customers, {formats.share(again.height / histories.height)} of whom bought again; "
    f"{histories['frequency'].sum():,} repeat purchases at "
    f"{formats.money((again['frequency'] * again['monetary_value']).sum() / again['frequency'].sum(), base.currency)} each."
)

# %%
histories.sort("frequency", "customer_id", descending=[True, False]).head(5)

# %% [markdown]
# ## 2. A model by hand
#
# **Question.** How often do customers buy while they are customers, and when do they leave?
#
# **Method.** BG/NBD (Fader, Hardie and Lee 2005): each customer buys at a rate of their own and may leave after any repeat
# purchase; rates and tendencies to leave are spread over customers. Four parameters, by maximum likelihood, with errors.

# %%
fit = clv.BetaGeo.fit(histories)
pl.DataFrame(
    {
        "parameter": list(fit.params),
        "estimate": list(fit.params.values()),
        "standard_error": [fit.standard_errors[name] for name in fit.params],
    }
)

# %%
rate = fit.params["r"] / fit.params["alpha"] * 365.25
leaving = fit.params["a"] / (fit.params["a"] + fit.params["b"])
Markdown(
    f"While they are customers they buy **{rate:.1f} times a year** on average; after a repeat purchase "
    f"**{formats.share(leaving)}** leave. Log-likelihood {fit.log_likelihood:,.1f}; identified: {fit.is_identified}."
)

# %%
fit.predict(histories, horizon=horizon_days, intervals=True).head(5)

# %% [markdown]
# **Caveat.** BG/NBD counts everybody with a single purchase as a customer still, since in it nobody leaves before a second
# one. Other models do not; the analysis below compares three and says which fits best.

# %% [markdown]
# ## 3. Lifetime value
#
# **Question.** What will the customers there are still bring within the horizon, and who brings it?
#
# **Method.** Probability of being still a customer x purchases x spend per purchase x margin, discounted. Spend is from the
# Gamma-Gamma model: a customer's own mean, drawn towards that of all the more, the fewer purchases there are.

# %%
value = crm.run("lifetime_value", base, horizon_days=horizon_days, **options)
Markdown(f"**Finding.** {value.headline()}")

# %%
value

# %%
value.plot("curve")

# %%
value.plot("deciles")

# %%
value.plot("groups")

# %% [markdown]
# **Caveat.** There are two intervals. That of the estimate says how far the expectation may be off; that of the outcome
# adds what customers will happen to do. Neither covers a change in how they behave: a season, a rival, a new price. For a
# single customer both are wide, and the expectation is a mean over many such customers, not a promise.

# %% [markdown]
# ## 4. Who is slipping
#
# **Question.** Which good customers are much less likely to be customers still than three months ago?
#
# **Method.** The probability is worked out twice with the same parameters, from the history up to now and from that up to
# then. At stake is what the fall costs within the horizon.

# %%
slipping = value.tables()["slipping"]
Markdown(
    f"**Finding.** {slipping.height:,} good customers are slipping, with "
    f"{formats.money(slipping['value_at_stake'].sum(), base.currency)} at stake."
)

# %%
value.plot("slipping")

# %%
value.plot("alive")

# %%
names = [
    "customer_id",
    "value_at_stake",
    "p_alive_before",
    "p_alive",
    "spend",
    "last_ordered_on",
    "days_silent",
    "usual_gap_days",
]
table(value, slipping.select(names).head(12), "Whom to speak to first")

# %% [markdown]
# **Caveat.** Who is silent for longer than usual has mostly left already; that a call brings them back is for a test with a
# control group to show.

# %% [markdown]
# ## 5. What keeping customers is worth
#
# **Question.** What would one or five points more of yearly retention bring, beside more spend or cheaper winning?
#
# **Method.** Every customer is made less ready to leave by one common factor, so that retention rises by the points; the
# gain is what the base is then worth, less what it is worth now.

# %%
economics = crm.run("retention_economics", base, **options)
Markdown(f"**Finding.** {economics.headline()}")

# %%
economics.plot("levers")

# %%
economics.plot("curve")

# %%
economics.plot("keep_or_replace")

# %% [markdown]
# **Caveat.** This says what a point is worth, not what it costs or whether it can be had.

# %% [markdown]
# ## 6. Can the forecast be trusted?
#
# **Question.** Had the same been done some months ago, how far would it have been off, and would a rule of thumb have done
# as well?
#
# **Method.** Go back to a day in the past, fit to what was known then, forecast the time since, and compare with what the same
# customers did; then again from earlier days. Beside the models stand four rules that need none: each customer's own rate,
# the rate of the last period, the average of similar customers, and one rate for all.

# %%
Markdown(clv.compare(clv.summarise(orders, as_of=options["as_of"])).words)

# %%
validation = crm.run("clv_validation", base, as_of=options["as_of"])
Markdown(f"**Finding.** {validation.headline()}")

# %%
validation

# %%
validation.plot("tracking")

# %%
validation.plot("models")

# %%
validation.plot("frequency")

# %%
figures = [
    "origin_on",
    "forecast_by",
    "forecast_purchases",
    "actual_purchases",
    "total_error",
    "mae",
    "mae_against_rule",
    "rank_correlation",
    "top_decile_lift",
]
table(
    validation, validation.tables()["purchases"].select(figures), "Models and simple rules, period by period"
)

# %% [markdown]
# **Caveat.** A forecast that held before a change of prices, range or campaigns may not hold after it. That totals are right
# says little of single customers, and the other way round: look at both.

# %% [markdown]
# ## 7. How customers buy, and whether the model tells it
#
# **Question.** How often and how regularly do customers buy, how are their rates and their readiness to leave spread, and does
# the model have them right?
#
# **Method.** The same model, laid open beside what was observed. After how long a silence a customer is as likely gone as not
# follows from it; so does what to expect of every history.

# %%
patterns = crm.run("buying_patterns", base, as_of=options["as_of"])
Markdown(f"**Finding.** {patterns.headline()}")

# %%
patterns

# %%
patterns.plot("purchases")

# %%
patterns.plot("alive_map")

# %%
patterns.plot("gaps")

# %%
patterns.plot("rates")

# %%
patterns.plot("spend")

# %%
patterns.plot("histories")

# %% [markdown]
# **Caveat.** Rates and readiness to leave are spread as the model has them; those of a single customer are never seen. Only
# gaps that have ended are counted, so long ones are rarer here than they will turn out to be.

# %% [markdown]
# ## 8. What was made of what

# %%
found = value.provenance
Markdown(
    f"{', '.join(found.sources)}: {found.rows_kept:,} of {found.rows_in:,} rows used, as of "
    f"{formats.value(found.as_of, 'day')}, with crm-analytics {found.library_version}."
)

# %%
Markdown("\n".join(f"- {note}" for note in (*value.notes, *economics.notes[:2])))

# %% [markdown]
# The headline figure, worked out a second time. If the two ever differ, this notebook fails: the total is the sum over
# customers, and without discount and margin it is expected purchases times expected spend.

# %%
total = value.tables()["total"]["lifetime_value"][0]
people = value.tables()["customers"]
assert math.isclose(total, people["lifetime_value"].sum(), rel_tol=1e-9), (
    total,
    people["lifetime_value"].sum(),
)
assert formats.money(total, base.currency, short=True) in value.headline()
plain = crm.run(
    "lifetime_value",
    base,
    as_of=options["as_of"],
    horizon_days=horizon_days,
    annual_discount_rate=0.0,
    margin=1.0,
)
bought = plain.tables()["customers"]
again = (bought["expected_purchases"] * bought["expected_spend_per_purchase"]).sum()
assert math.isclose(plain.tables()["total"]["lifetime_value"][0], again, rel_tol=1e-9)
