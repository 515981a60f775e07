"""Made-up customers of the models, under lifetimes' names.

Every function takes `rng`, a numpy Generator, so that a run can be repeated. Without it the numbers hang on numpy's global
seed (`numpy.random.seed`), as they did in lifetimes; they are not the same numbers.

As in lifetimes, purchases within one whole unit of time count as one in `frequency`, and `recency` is the exact time of the
last one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_analytics.compat.lifetimes.borders import Floats, floats, pandas
from crm_analytics.compat.lifetimes.periods import as_times, unit_of
from crm_analytics.errors import OptionError

Frame = Any
"""A pandas DataFrame."""

Flags = NDArray[np.bool_]


def beta_geometric_nbd_model(
    T: Any,
    r: float,
    alpha: float,
    a: float,
    b: float,
    size: int = 1,
    rng: np.random.Generator | None = None,
) -> Frame:
    """Make customers of the BG/NBD model.

    Parameters
    ----------
    T
        Age of all customers, or of each.
    r, alpha, a, b
        Parameters of the model.
    size
        Customers.
    rng
        Where chance comes from.

    Returns
    -------
    pandas.DataFrame
        frequency, recency, T, lambda, p, alive, by customer_id.

    Examples
    --------
    >>> made = beta_geometric_nbd_model(52, 0.243, 4.414, 0.793, 2.426, size=3, rng=np.random.default_rng(1))
    >>> list(made.columns)
    ['frequency', 'recency', 'T', 'lambda', 'p', 'alive']
    """
    return _geometric(T, r, alpha, a, b, size, _generator(rng), may_leave_at_once=False)


def modified_beta_geometric_nbd_model(
    T: Any,
    r: float,
    alpha: float,
    a: float,
    b: float,
    size: int = 1,
    rng: np.random.Generator | None = None,
) -> Frame:
    """Make customers of the MBG/NBD model; as `beta_geometric_nbd_model`, but some leave after the first purchase."""
    return _geometric(T, r, alpha, a, b, size, _generator(rng), may_leave_at_once=True)


def pareto_nbd_model(
    T: Any,
    r: float,
    alpha: float,
    s: float,
    beta: float,
    size: int = 1,
    rng: np.random.Generator | None = None,
) -> Frame:
    """Make customers of the Pareto/NBD model.

    Returns
    -------
    pandas.DataFrame
        frequency, recency, T, lambda, mu, alive, by customer_id.
    """
    chance = _generator(rng)
    age = _ages(T, size)
    rate, leaving = chance.gamma(r, 1 / alpha, size), chance.gamma(s, 1 / beta, size)
    life = chance.exponential(1.0, size) / np.maximum(leaving, np.finfo(float).tiny)
    who, times, _ = _buy(rate, np.minimum(age, life), np.zeros(size), chance, np.ones(size, bool))
    return _frame(who, times, age, {"lambda": rate, "mu": leaving, "alive": (life > age).astype(float)})


def beta_geometric_beta_binom_model(
    N: Any,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
    size: int = 1,
    rng: np.random.Generator | None = None,
) -> Frame:
    """Make customers of the BG/BB model.

    Parameters
    ----------
    N
        Opportunities of all customers, or of each.
    alpha, beta, gamma, delta
        Parameters of the model.
    size
        Customers.
    rng
        Where chance comes from.

    Returns
    -------
    pandas.DataFrame
        frequency, recency, n_periods, p, theta, alive (at the next opportunity), customer_id.
    """
    chance = _generator(rng)
    n = _ages(N, size)
    p, theta = chance.beta(alpha, beta, size), chance.beta(gamma, delta, size)
    life = np.where(theta > 0, chance.geometric(np.clip(theta, 1e-12, 1.0)), np.iinfo(np.int64).max)
    at = np.arange(1, int(n.max(initial=0)) + 1)[None, :]
    bought = (chance.random((size, at.shape[1])) < p[:, None]) & (at < life[:, None]) & (at <= n[:, None])
    columns = {
        "frequency": bought.sum(axis=1).astype(float),
        "recency": (bought * at).max(axis=1, initial=0).astype(float),
        "n_periods": n,
        "p": p,
        "theta": theta,
        "alive": (life > n + 1).astype(float),
        "customer_id": np.arange(float(size)),
    }
    return pandas().DataFrame(columns)


def beta_geometric_nbd_model_transactional_data(
    T: Any,
    r: float,
    alpha: float,
    a: float,
    b: float,
    observation_period_end: Any = "2019-1-1",
    freq: str = "D",
    size: int = 1,
    rng: np.random.Generator | None = None,
) -> Frame:
    """Make the transactions of customers of the BG/NBD model.

    Parameters
    ----------
    T, r, alpha, a, b, size, rng
        As for `beta_geometric_nbd_model`.
    observation_period_end
        The last period observed.
    freq
        Unit of time.

    Returns
    -------
    pandas.DataFrame
        customer_id, date; the first purchase and the repeat ones, customer by customer.
    """
    chance = _generator(rng)
    age = _ages(T, size)
    p, rate = chance.beta(a, b, size), chance.gamma(r, 1 / alpha, size)
    who, times, _ = _buy(rate, age, p, chance, np.ones(size, bool))
    unit = unit_of(freq).length / np.timedelta64(1, "us")
    end = np.datetime64(as_times(observation_period_end, None).to_datetime64(), "us")
    customer = np.concatenate([np.arange(size), who])
    since = np.concatenate(
        [np.full(size, -1.0), times]
    )  # the first purchase lies one unit before time starts to count
    offset = np.round((since - age[customer] + 1) * unit).astype(np.int64).astype("timedelta64[us]")
    order = np.lexsort((since, customer))
    return pandas().DataFrame({"customer_id": customer[order], "date": (end + offset)[order]})


def _geometric(
    ages: Any,
    r: float,
    alpha: float,
    a: float,
    b: float,
    size: int,
    chance: np.random.Generator,
    *,
    may_leave_at_once: bool,
) -> Frame:
    age = _ages(ages, size)
    p, rate = chance.beta(a, b, size), chance.gamma(r, 1 / alpha, size)
    begins = chance.random(size) > p if may_leave_at_once else np.ones(size, bool)
    who, times, alive = _buy(rate, age, p, chance, begins)
    return _frame(who, times, age, {"lambda": rate, "p": p, "alive": alive.astype(float)})


def _buy(
    rate: Floats, until: Floats, p: Floats, chance: np.random.Generator, alive: Flags
) -> tuple[NDArray[np.intp], Floats, Flags]:
    """Give who buys, when, and who is alive at the end: all customers take their next step together."""
    alive = alive.copy()
    who, at = np.flatnonzero(alive), np.zeros(len(rate))
    buyers: list[NDArray[np.intp]] = []
    times: list[Floats] = []
    while len(who):
        at[who] += chance.exponential(1.0, len(who)) / np.maximum(rate[who], np.finfo(float).tiny)
        who = who[at[who] < until[who]]
        buyers.append(who)
        times.append(at[who].copy())
        stays = chance.random(len(who)) > p[who]
        alive[who[~stays]] = False
        who = who[stays]
    nobody = np.empty(0, np.intp)
    return np.concatenate([nobody, *buyers]), np.concatenate([np.empty(0), *times]), alive


def _frame(who: NDArray[np.intp], times: Floats, age: Floats, columns: dict[str, Floats]) -> Frame:
    n = len(age)
    recency = np.zeros(n)
    np.maximum.at(recency, who, times)
    once = np.unique(np.stack([who, np.floor(times).astype(np.intp)]), axis=1)[0] if len(who) else who
    summary = {"frequency": np.bincount(once, minlength=n).astype(float), "recency": recency, "T": age}
    pd = pandas()
    return pd.DataFrame({**summary, **columns}, index=pd.Index(np.arange(float(n)), name="customer_id"))


def _ages(ages: Any, size: int) -> Floats:
    given = floats(ages, "T")
    if given.ndim and len(given) < size:
        raise OptionError(
            f"There are {len(given):,} ages for {size:,} customers.", "Expected one each, or one for all."
        )
    return np.full(size, float(given)) if not given.ndim else np.array(given[:size], float)


def _generator(rng: np.random.Generator | None) -> np.random.Generator:
    if rng is not None:
        return rng
    return np.random.default_rng(np.random.randint(0, 2**31 - 1, size=4))  # noqa: NPY002 old scripts seed that one
