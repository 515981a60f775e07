"""What a fitted model is: frozen parameters with errors, the true log-likelihood, and a certificate of the maximum."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np

from crm_analytics.clv.bridge import bridge
from crm_analytics.clv.likelihoods.newton import Objective, Optimum, maximise
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.errors import OptionError

Z95: Final = 1.959963984540054
BOUND: Final = 11.0
"""|log parameter| (dimensionless) at which a search is stopped: a factor of 60,000 either way."""

FAR: Final = 8.0
"""From here on (a factor of 3,000) a dimensionless parameter is named as run away rather than estimated."""

FLAT: Final = 0.01
"""Curvature below which the data say nothing: a standard error of more than 10 in logs."""

ROUGHLY: Final = 0.01  # of log-likelihood: far less than a sample errs
_NIL: Final = 1e-12  # of a parameter: a slope this small is none
_WIDEST: Final = 600.0  # e^600 is still a number


@dataclass(frozen=True)
class Certificate:
    """How the maximum was reached and what it looks like there.

    Attributes
    ----------
    converged
        The predicted gain of a further step is nil.
    gradient_norm
        Largest absolute slope per customer in the scale of the search.
    hessian_eigenvalues
        Of the negative Hessian in the scale of the search; all positive at a proper maximum.
    """

    converged: bool
    gradient_norm: float
    hessian_eigenvalues: tuple[float, ...]
    n_starts: int
    n_evaluations: int


@dataclass(frozen=True)
class Diagnosis:
    """What is not identified, in plain words, and what to do."""

    code: str
    text: str


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model. Subclasses state their parameters and predictions; an unfitted model does not exist.

    Attributes
    ----------
    params
        Estimates in the unit of the summary.
    standard_errors
        By the delta method from the Hessian; None where the data do not identify the parameter, whose value is then
        merely where the search stopped.
    lower, upper
        95 % interval on the scale on which the estimate is nearest normal (log or logit), so never outside its range.
    log_likelihood
        True log-likelihood of the data in the unit of the summary, without any penalty.
    n_customers
        Sum of the weights.
    certificate, diagnosis
        How the maximum was reached, and what the data do not identify.
    covariance
        Of the estimates on the scale of the search.
    time_unit
        "day", "week", …, if the summary said so.
    penalty
        Strength of the ridge the estimates were found with, in pseudo-observations.
    fingerprint
        Digest of the data the fit was made from: the same data in any order give the same.
    """

    params: Mapping[str, float]
    standard_errors: Mapping[str, float | None]
    lower: Mapping[str, float | None]
    upper: Mapping[str, float | None]
    log_likelihood: float
    n_customers: float
    certificate: Certificate
    diagnosis: tuple[Diagnosis, ...]
    covariance: tuple[tuple[float, ...], ...]
    time_unit: str | None = None
    penalty: float = 0.0
    fingerprint: str = ""

    names: ClassVar[tuple[str, ...]] = ()

    @property
    def aic(self) -> float:
        """Akaike's information criterion: 2k - 2 LL."""
        return 2 * len(self.names) - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's information criterion: k ln(n) - 2 LL, n the number of customers."""
        return len(self.names) * math.log(self.n_customers) - 2 * self.log_likelihood

    @property
    def is_identified(self) -> bool:
        """Whether the maximum is proper: converged, inside the range, curved in every direction."""
        return self.certificate.converged and not self.diagnosis

    def values(self) -> tuple[float, ...]:
        """Give the parameters in the order of `names`."""
        return tuple(self.params[n] for n in self.names)

    @classmethod
    def _theta(cls, params: Floats) -> Floats:
        """Give the scale of the search: logs, unless a model says otherwise."""
        return np.log(params)

    @classmethod
    def _params(cls, theta: Floats) -> Floats:
        """Take the scale of the search back to parameters."""
        return np.exp(theta)

    @classmethod
    def _jacobian(cls, theta: Floats) -> Floats:
        """Give d params / d theta."""
        return np.diag(np.exp(theta))

    @classmethod
    def _curvature(cls, theta: Floats, gradient: Floats) -> Floats:
        """Give the sum over parameters of gradient x second derivative of the parameter by theta."""
        return np.diag(gradient * np.exp(theta))

    @classmethod
    def _climb(
        cls,
        likelihood: Objective,
        starts: Sequence[Sequence[float] | Floats],
        n: float,
        penalty: float = 0.0,
        *,
        rough: bool = False,
    ) -> Optimum:
        """Maximise a likelihood given in parameters, on the scale of the search, with the penalty on that scale.

        `rough` stops where the log-likelihood has a hundredth to gain: for a sample that only finds a start.
        """

        def objective(theta: Floats) -> tuple[float, Floats, Floats]:
            value, gradient, hessian = likelihood(cls._params(theta))
            jacobian = cls._jacobian(theta)
            full = jacobian.T @ hessian @ jacobian + cls._curvature(theta, gradient)
            return (
                value - 0.5 * penalty * float(theta @ theta),
                jacobian.T @ gradient - penalty * theta,
                full - penalty * np.eye(len(theta)),
            )

        points = [cls._theta(np.asarray(s, float)) for s in starts]
        return maximise(objective, points, bound=BOUND, far=FAR, n=n, enough=ROUGHLY if rough else 0.0)

    @classmethod
    def _from_optimum(
        cls,
        best: Optimum,
        *,
        units: Sequence[float],
        n: float,
        log_likelihood: float,
        diagnosis: tuple[Diagnosis, ...] = (),
        time_unit: str | None = None,
        penalty: float = 0.0,
        fingerprint: str = "",
    ) -> Self:
        """Make the fit: parameters in the caller's units, errors by the delta method, the certificate."""
        theta = best.theta
        params = cls._params(theta) * np.asarray(units)
        covariance, known = _invert(best)
        jacobian = cls._jacobian(theta) * np.asarray(units)[:, None]
        errors = np.sqrt(np.maximum(np.diag(jacobian @ covariance @ jacobian.T), 0.0))
        solid = [bool((np.abs(jacobian[i])[~known] < _NIL * params[i]).all()) for i in range(len(params))]
        spread = np.exp(np.minimum(Z95 * errors / params, _WIDEST))

        def pick(figures: Floats) -> dict[str, float | None]:
            return {k: float(v) if ok else None for k, v, ok in zip(cls.names, figures, solid, strict=True)}

        return cls(
            params={k: float(v) for k, v in zip(cls.names, params, strict=True)},
            standard_errors=pick(errors),
            lower=pick(params / spread),
            upper=pick(params * spread),
            log_likelihood=log_likelihood,
            n_customers=n,
            certificate=Certificate(
                best.converged, best.gradient_norm, best.eigenvalues, best.n_starts, best.n_evaluations
            ),
            diagnosis=diagnosis or _flat(cls.names, solid),
            covariance=tuple(tuple(float(c) for c in row) for row in covariance),
            time_unit=time_unit,
            penalty=penalty,
            fingerprint=fingerprint,
        )

    def with_time_unit(self, unit: str) -> Self:
        """Give the same fit with its unit of time stated, e.g. "week"."""
        return type(self)(**{**vars(self), "time_unit": unit})

    def to_lifetimes(self) -> Any:  # noqa: ANN401 a fitter with lifetimes' names
        """Give the fit as a fitter with the names of lifetimes, ready to predict; see `clv.to_lifetimes`."""
        return bridge().to_lifetimes(self)

    def draws(self, n: int, *, seed: int = 0) -> Floats:
        """Draw parameters from the normal approximation on the scale of the search; (n, parameters), caller's units."""
        if n < 1:
            raise OptionError.out_of_range("n", n, "at least 1 draw")
        theta = self._theta(np.array(self.values()))
        values, vectors = np.linalg.eigh(np.array(self.covariance))
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        noise = np.random.default_rng(seed).standard_normal((n, len(theta))) @ root.T
        return np.array([self._params(t) for t in theta + noise])


def _flat(names: Sequence[str], solid: Sequence[bool]) -> tuple[Diagnosis, ...]:
    """Name the parameters that the data say nothing of, where nothing else explains it."""
    unknown = [name for name, ok in zip(names, solid, strict=True) if not ok]
    if not unknown:
        return ()
    text = f"The data say next to nothing of {', '.join(unknown)}: other values would fit as well."
    return (Diagnosis("flat", text),)


def _invert(best: Optimum) -> tuple[Floats, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Invert the negative Hessian over the directions that the data know; the others get no variance and no error."""
    curvature = -best.hessian
    inside = (np.abs(best.theta) <= FAR) & ~np.array(best.at_bound)
    known = inside & (np.diag(curvature) > FLAT)
    covariance = np.zeros_like(curvature)
    if known.any():
        inner = curvature[np.ix_(known, known)]
        values, vectors = np.linalg.eigh(inner)
        inverse = np.where(values > 0, 1.0 / np.maximum(values, 1e-300), 0.0)
        covariance[np.ix_(known, known)] = (vectors * inverse) @ vectors.T
    return covariance, known
