"""Fits as JSON files: saved with their version and a checksum, loaded only if nothing was changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from crm_analytics.clv.models.beta_geo import BetaGeo
from crm_analytics.clv.models.beta_geo_beta_binomial import BetaGeoBetaBinomial
from crm_analytics.clv.models.erlang import BetaGeoErlang, ModifiedBetaGeoErlang
from crm_analytics.clv.models.fit import Certificate, Diagnosis, Fit
from crm_analytics.clv.models.gamma_gamma import GammaGamma
from crm_analytics.clv.models.modified_beta_geo import ModifiedBetaGeo
from crm_analytics.clv.models.pareto_nbd import ParetoNBD
from crm_analytics.clv.models.shifted_beta_geometric import ShiftedBetaGeometric
from crm_analytics.errors import SourceError

FORMAT: Final = "crm_analytics.clv.fit"
VERSION: Final = 1
"""Raised when what a file holds changes its meaning."""

_MODELS: Final[Mapping[str, type[Fit]]] = {
    model.__name__: model
    for model in (
        BetaGeo,
        BetaGeoBetaBinomial,
        BetaGeoErlang,
        GammaGamma,
        ModifiedBetaGeo,
        ModifiedBetaGeoErlang,
        ParetoNBD,
        ShiftedBetaGeometric,
    )
}
_REMEDY: Final = "Fit the model again and save it with clv.save(fit, path)."


def to_json(fit: Fit) -> str:
    """Give a fit as JSON text: model, estimates, certificate, fingerprint of the data, version and checksum.

    Examples
    --------
    >>> fit = ShiftedBetaGeometric.fit([131, 126, 90], 653)
    >>> from_json(to_json(fit)).params == fit.params
    True
    """
    content = {f.name: getattr(fit, f.name) for f in fields(fit)}
    content["certificate"] = vars(fit.certificate)
    content["diagnosis"] = [vars(d) for d in fit.diagnosis]
    body = {"format": FORMAT, "version": VERSION, "model": type(fit).__name__, "fit": content}
    return json.dumps({**body, "checksum": _checksum(body)}, indent=1)


def from_json(text: str, *, source: str = "The text") -> Fit:
    """Give the fit that JSON text holds.

    Parameters
    ----------
    text
        As `to_json` made it.
    source
        What to call it in an error.

    Raises
    ------
    SourceError
        If it is not a saved fit, was changed after saving, or is of a version this library does not know.
    """
    body = _body(text, source)
    if body["version"] != VERSION:
        raise SourceError(
            f"{source} holds a fit of version {body['version']!r}.",
            f"This library reads version {VERSION}.",
            _REMEDY,
        )
    if body.pop("checksum", None) != _checksum(body):
        raise SourceError(
            f"{source} was changed after the fit was saved: its checksum does not match.", remedy=_REMEDY
        )
    return _made(_MODELS[body["model"]], body["fit"])


def save(fit: Fit, path: str | os.PathLike[str]) -> Path:
    """Write a fit to a JSON file, whole or not at all.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    to = Path(path)
    try:
        with NamedTemporaryFile("w", dir=to.parent, suffix=".part", delete=False, encoding="utf-8") as part:
            part.write(to_json(fit))
        Path(part.name).replace(to)
    except OSError as error:
        raise SourceError.not_written(path, error.strerror or str(error)) from error
    return to


def load(path: str | os.PathLike[str]) -> Fit:
    """Read a fit from a JSON file that `save` wrote.

    Raises
    ------
    SourceError
        If there is no such file, or it is not a fit as it was saved.
    """
    if not Path(path).is_file():
        raise SourceError.not_found(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _not_a_fit(repr(str(path))) from error
    return from_json(text, source=repr(str(path)))


def _body(text: str, source: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise _not_a_fit(source) from error
    if not (isinstance(body, dict) and body.get("format") == FORMAT and body.get("model") in _MODELS):
        raise _not_a_fit(source)
    return {"version": None, "fit": None, **body}


def _made(model: type[Fit], content: dict[str, Any]) -> Fit:
    reached = content["certificate"]
    eigenvalues = tuple(reached["hessian_eigenvalues"])
    return model(
        **{
            **content,
            "certificate": Certificate(**{**reached, "hessian_eigenvalues": eigenvalues}),
            "diagnosis": tuple(Diagnosis(**found) for found in content["diagnosis"]),
            "covariance": tuple(tuple(row) for row in content["covariance"]),
        }
    )


def _checksum(body: Mapping[str, Any]) -> str:
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _not_a_fit(source: str) -> SourceError:
    return SourceError(f"{source} is not a saved fit.", "Expected JSON that clv.save wrote.", _REMEDY)
