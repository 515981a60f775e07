"""lifetimes' ten plots under their names, as plotly figures in the look of this library.

Arguments are those of lifetimes; `theme` ("light" or "dark") is new. There are no matplotlib axes: `ax` and keywords meant
for matplotlib are set aside with a warning. Recency runs upwards, so that the best customers are at the top right.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from crm_analytics.clv.forecasts.counts import shares_by_age
from crm_analytics.clv.models.beta_geo_beta_binomial import BetaGeoBetaBinomial
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.compat.lifetimes.borders import Floats, outside, pandas
from crm_analytics.compat.lifetimes.bridge import predictor
from crm_analytics.compat.lifetimes.periods import as_times, unit_of
from crm_analytics.compat.lifetimes.utils import calculate_alive_path, expected_cumulative_transactions
from crm_analytics.errors import CrmWarning, MissingPackageError, OptionError, UnknownNameError

__all__ = [
    "plot_calibration_purchases_vs_holdout_purchases",
    "plot_cumulative_transactions",
    "plot_dropout_rate_heterogeneity",
    "plot_expected_repeat_purchases",
    "plot_frequency_recency_matrix",
    "plot_history_alive",
    "plot_incremental_transactions",
    "plot_period_transactions",
    "plot_probability_alive_matrix",
    "plot_transaction_rate_heterogeneity",
]

Model = Any
"""A fitted fitter of this package or of lifetimes."""

Frame = Any
"""A pandas DataFrame."""

Figure = Any
"""A plotly figure."""

_HOLDOUT = {
    "frequency_cal": "Purchases in calibration period",
    "recency_cal": "Age of customer at last purchase",
    "T_cal": "Age of customer at the end of calibration period",
    "time_since_last_purchase": "Time since user made last purchase",
}


def plot_period_transactions(
    model: Model,
    max_frequency: int = 7,
    title: str = "Frequency of Repeat Transactions",
    xlabel: str = "Number of Calibration Period Transactions",
    ylabel: str = "Customers",
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw how many customers bought 0, 1, 2 … times again, and how many the model expects.

    The model's bars are its exact expectation over the customers' ages (and their weights), where lifetimes draws one
    simulation.
    """
    label = kwargs.pop("label", ["Actual", "Model"])
    data = model.data
    weights = data["weights"].to_numpy(dtype=float)
    actual = np.bincount(data["frequency"].to_numpy().astype(int), weights, max_frequency)[:max_frequency]
    groups = [(str(label[0]), actual.tolist()), (str(label[1]), _expected(model, max_frequency).tolist())]
    alt = "Paired bars of customers by number of repeat purchases."
    charts, look = _charts(theme, kwargs)
    words = charts.Words(title, xlabel, ylabel, alt)
    return charts.bars([str(i) for i in range(max_frequency)], groups, words, look)


def plot_calibration_purchases_vs_holdout_purchases(
    model: Model,
    calibration_holdout_matrix: Frame,
    kind: str = "frequency_cal",
    n: int = 7,
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw the mean purchases in the holdout, as they were and as predicted, by what was known before.

    Parameters
    ----------
    model
        A fitted fitter of purchases.
    calibration_holdout_matrix
        As `calibration_and_holdout_data` makes it.
    kind
        "frequency_cal", "recency_cal", "T_cal" or "time_since_last_purchase".
    n
        Groups that are shown.
    theme
        "light" or "dark".
    """
    if kind not in _HOLDOUT:
        raise UnknownNameError.of("kind", kind, _HOLDOUT)
    matrix = calibration_holdout_matrix
    predicted = model.conditional_expected_number_of_purchases_up_to_time(
        matrix["duration_holdout"].iloc[0], matrix["frequency_cal"], matrix["recency_cal"], matrix["T_cal"]
    )
    by = matrix["T_cal"] - matrix["recency_cal"] if kind == "time_since_last_purchase" else matrix[kind]
    columns = {"by": by, "frequency_holdout": matrix["frequency_holdout"], "model_predictions": predicted}
    means = pandas().DataFrame(columns).groupby("by").mean().iloc[:n]
    title = "Actual Purchases in Holdout Period vs Predicted Purchases"
    charts, look = _charts(theme, kwargs)
    words = charts.Words(
        title,
        _HOLDOUT[kind],
        "Average of Purchases in Holdout Period",
        "Two lines of mean purchases in the holdout, actual and predicted.",
    )
    x = [float(v) for v in means.index]
    lines = [
        charts.Curve(c, x, means[c].tolist(), leads=c == "model_predictions") for c in columns if c != "by"
    ]
    return charts.curves(lines, words, look)


def plot_frequency_recency_matrix(
    model: Model,
    T: float = 1,
    max_frequency: float | None = None,
    max_recency: float | None = None,
    title: str | None = None,
    xlabel: str = "Customer's Historical Frequency",
    ylabel: str = "Customer's Recency",
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw the expected purchases in the next T units of time by frequency and recency, at age `max_recency`."""
    frequency, recency, age = _grid(model, max_frequency, max_recency)
    z = model.conditional_expected_number_of_purchases_up_to_time(T, frequency, recency, age)
    unit = "Unit" if T == 1 else "Units"
    named = (
        title
        or f"Expected Number of Future Purchases for {T} {unit} of Time, by Frequency and Recency of a Customer"
    )
    charts, look = _charts(theme, kwargs)
    words = charts.Words(named, xlabel, ylabel, "Map of expected purchases by frequency and recency.")
    return charts.heat(np.asarray(z).tolist(), words, look, unit="Expected purchases")


def plot_probability_alive_matrix(
    model: Model,
    max_frequency: float | None = None,
    max_recency: float | None = None,
    title: str = "Probability Customer is Alive, by Frequency and Recency of a Customer",
    xlabel: str = "Customer's Historical Frequency",
    ylabel: str = "Customer's Recency",
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw the probability of being a customer still by frequency and recency, at age `max_recency`."""
    z = model.conditional_probability_alive_matrix(max_frequency, max_recency)
    charts, look = _charts(theme, kwargs)
    words = charts.Words(
        title, xlabel, ylabel, "Map of the probability of being alive by frequency and recency."
    )
    return charts.heat(np.asarray(z).tolist(), words, look, unit="P(alive)")


def plot_expected_repeat_purchases(
    model: Model,
    title: str = "Expected Number of Repeat Purchases per Customer",
    xlabel: str = "Time Since First Purchase",
    ax: object = None,
    label: str | None = None,
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw the repeat purchases expected of a new customer; dashed beyond the greatest age of the data."""
    most = float(model.data["T"].max())
    seen, ahead = np.linspace(0, most, 100), np.linspace(most, 1.5 * most, 50)
    values = [np.asarray(model.expected_number_of_purchases_up_to_time(t)).tolist() for t in (seen, ahead)]
    charts, look = _charts(theme, kwargs, ax)
    words = charts.Words(title, xlabel, "Expected repeat purchases", "A rising line.")
    within = charts.Curve(label or "Within the ages observed", seen.tolist(), values[0])
    beyond = charts.Curve("Beyond them", ahead.tolist(), values[1], dash="dash")
    return charts.curves([within, beyond], words, look)


def plot_history_alive(
    model: Model,
    t: int,
    transactions: Frame,
    datetime_col: str,
    freq: str = "D",
    start_date: Any = None,
    ax: object = None,
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw one customer's P(alive) over time, with a mark at each purchase.

    Parameters
    ----------
    model
        A fitted fitter of purchases.
    t
        Units of time since the first purchase that are drawn.
    transactions
        Those of the customer.
    datetime_col
        Their dates.
    freq
        Unit of time.
    start_date
        Where the picture begins; at the first purchase unless said.
    ax
        Not used.
    theme
        "light" or "dark".
    """
    path = calculate_alive_path(model, transactions, datetime_col, t, freq)
    unit = unit_of(freq)
    numbers = np.unique(unit.number(as_times(transactions[datetime_col], None)))
    days = [_written(d) for d in unit.begin(numbers[0] + np.arange(len(path)))]
    begin = days[0] if start_date is None else str(as_times(start_date, None))
    charts, look = _charts(theme, kwargs, ax)
    words = charts.Words(
        "History of P_alive",
        "Date",
        "P_alive",
        f"The probability over time, with {len(numbers)} purchases marked.",
        y_kind="share",
    )
    return charts.curves(
        [charts.Curve("P_alive", days, path.tolist())],
        words,
        look,
        marks=[_written(d) for d in unit.begin(numbers)],
        mark_name="purchases",
        x_range=(begin, days[-1]),
    )


def plot_cumulative_transactions(
    model: Model,
    transactions: Frame,
    datetime_col: str,
    customer_id_col: str,
    t: int,
    t_cal: float,
    datetime_format: str | None = None,
    freq: str = "D",
    set_index_date: bool = False,
    title: str = "Tracking Cumulative Transactions",
    xlabel: str = "day",
    ylabel: str = "Cumulative Transactions",
    ax: object = None,
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw repeat purchases added up over time, as they were and as expected, with a mark where calibration ends."""
    frame = expected_cumulative_transactions(
        model,
        transactions,
        datetime_col,
        customer_id_col,
        t,
        datetime_format=datetime_format,
        freq=freq,
        set_index_date=set_index_date,
    )
    return _tracking(frame, t_cal, (title, xlabel, ylabel), theme, kwargs, ax, dated=set_index_date)


def plot_incremental_transactions(
    model: Model,
    transactions: Frame,
    datetime_col: str,
    customer_id_col: str,
    t: int,
    t_cal: float,
    datetime_format: str | None = None,
    freq: str = "D",
    set_index_date: bool = False,
    title: str = "Tracking Daily Transactions",
    xlabel: str = "day",
    ylabel: str = "Transactions",
    ax: object = None,
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw the repeat purchases of each period, as they were and as expected, with a mark where calibration ends."""
    frame = expected_cumulative_transactions(
        model,
        transactions,
        datetime_col,
        customer_id_col,
        t,
        datetime_format=datetime_format,
        freq=freq,
        set_index_date=set_index_date,
    )
    words = (title, xlabel, ylabel)
    return _tracking(frame, t_cal, words, theme, kwargs, ax, dated=set_index_date, each=True)


def plot_transaction_rate_heterogeneity(
    model: Model,
    suptitle: str = "Heterogeneity in Transaction Rate",
    xlabel: str = "Transaction Rate",
    ylabel: str = "Density",
    suptitle_fontsize: int = 14,
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw how the customers' rates of buying are spread: gamma(r, rate alpha)."""
    r, alpha = (float(model.params_[k]) for k in ("r", "alpha"))
    spread = stats.gamma(r, scale=1 / alpha)
    return _density(spread, "rates of buying", (suptitle, xlabel, ylabel), suptitle_fontsize, theme, kwargs)


def plot_dropout_rate_heterogeneity(
    model: Model,
    suptitle: str = "Heterogeneity in Dropout Probability",
    xlabel: str = "Dropout Probability p",
    ylabel: str = "Density",
    suptitle_fontsize: int = 14,
    theme: str = "light",
    **kwargs: Any,
) -> Figure:
    """Draw how the customers' probabilities of leaving after a purchase are spread: beta(a, b)."""
    a, b = (float(model.params_[k]) for k in ("a", "b"))
    spread = stats.beta(a, b)
    return _density(
        spread, "probabilities of leaving", (suptitle, xlabel, ylabel), suptitle_fontsize, theme, kwargs
    )


def _density(
    spread: Any, what: str, words: tuple[str, str, str], size: int, theme: str, kwargs: dict[str, Any]
) -> Figure:
    x = np.linspace(0, float(spread.ppf(0.99)), 201)
    x = x[np.isfinite(spread.pdf(x))]  # a density without bound at an end is drawn from just inside it
    note = f"mean: {spread.mean():.3f}, var: {spread.var():.3f}"
    charts, look = _charts(theme, kwargs)
    wording = charts.Words(*words, alt=f"Density of the customers' {what}; {note}.", note=note)
    line = charts.Curve("Density", x.tolist(), spread.pdf(x).tolist(), filled=True)
    return charts.curves([line], wording, look).update_layout(title_font_size=size)


def _tracking(
    frame: Frame,
    t_cal: float,
    words: tuple[str, str, str],
    theme: str,
    kwargs: dict[str, Any],
    ax: object,
    *,
    dated: bool,
    each: bool = False,
) -> Figure:
    title, x_words, y_words = words
    places = frame.index.to_timestamp() if dated else frame.index
    x: list[object] = [_written(p) if dated else float(p) for p in places]
    mark = x[min(int(t_cal), len(x) - 1)] if dated else float(t_cal)
    if each:  # the first period has nothing before it to be taken off, and is left out as in lifetimes
        frame, x = frame.diff().iloc[1:], x[1:]
    charts, look = _charts(theme, kwargs, ax)
    lines = [
        charts.Curve("actual", x, frame["actual"].tolist(), leads=False),
        charts.Curve("predicted", x, frame["predicted"].tolist(), dash="dash"),
    ]
    wording = charts.Words(
        title, "date" if dated else x_words, y_words, "Two lines over time, actual and predicted."
    )
    return charts.curves(lines, wording, look, marks=[mark], mark_name="end of calibration")


def _expected(model: Model, most: int) -> Floats:
    """Give how many customers are expected to have bought 0, 1, … times again at their ages."""
    fit = predictor(model)
    weights = model.data["weights"].to_numpy(dtype=float)
    total = np.zeros(most)
    if isinstance(fit, BetaGeoBetaBinomial):
        for n in np.unique(model.data["n_periods"].to_numpy()):
            mine = model.data["n_periods"].to_numpy() == n
            counts = fit.expected_counts(int(n), float(weights[mine].sum()))[:most]
            total[: len(counts)] += counts
        return total
    if not isinstance(fit, PurchaseFit):
        raise OptionError(
            f"{type(model).__name__} does not count purchases.", "Expected a fitter of purchases."
        )
    found: Floats = weights @ shares_by_age(fit, model.data["T"].to_numpy(dtype=float), range(most))
    return found


def _grid(
    model: Model, max_frequency: float | None, max_recency: float | None
) -> tuple[Floats, Floats, float]:
    most = int(model.data["frequency"].max() if max_frequency is None else max_frequency)
    last = int(model.data["T"].max() if max_recency is None else max_recency)
    recency, frequency = np.meshgrid(np.arange(last + 1.0), np.arange(most + 1.0), indexing="ij")
    return frequency, recency, float(last)


def _written(instant: Any) -> str:
    written = str(np.datetime64(instant, "s"))
    return written.removesuffix("T00:00:00").replace("T", " ")


def _charts(theme: str, kwargs: dict[str, Any], ax: object = None) -> tuple[Any, Any]:
    """Give the drawing module and the look; say what is not used."""
    unused: Sequence[str] = [*kwargs, *(["ax"] if ax is not None else [])]
    if unused:
        warnings.warn(
            f"{', '.join(unused)} {'are' if len(unused) > 1 else 'is'} for matplotlib and not used: the figure is plotly's. "
            "Change it with figure.update_layout and figure.update_traces.",
            CrmWarning,
            stacklevel=outside(),
        )
    try:
        from crm_analytics.charts import plain  # noqa: PLC0415 plotly is not there for everyone
        from crm_analytics.charts.theme import theme as look  # noqa: PLC0415
    except ImportError as error:
        raise MissingPackageError.of("plotly", "charts", "draw a picture") from error
    return plain, look(theme)
