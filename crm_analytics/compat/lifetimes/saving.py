"""Fitters in JSON files: nothing is run when one is read."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from crm_analytics import __version__
from crm_analytics.compat.lifetimes.borders import pandas
from crm_analytics.errors import OptionError, SourceError

if TYPE_CHECKING:
    from crm_analytics.compat.lifetimes.fitters.base_fitter import BaseFitter

FORMAT: Final = "crm_analytics.compat.lifetimes fitter"


def save(fitter: BaseFitter, path: Path, instead_of_data: tuple[object] | None, *, generates: bool) -> None:
    """Write a fitter, whole or not at all."""
    params = getattr(fitter, "params_", None)
    content: dict[str, object] = {
        "format": FORMAT,
        "version": __version__,
        "model": type(fitter).__name__,
        "penalizer_coef": fitter.penalizer_coef,
        "generates": generates,
        "params": None if params is None else {k: float(v) for k, v in params.items()},
        "data": instead_of_data[0] if instead_of_data else _table(getattr(fitter, "data", None)),
    }
    if hasattr(fitter, "_hessian_"):
        content |= {
            "scale": getattr(fitter, "_scale", None),
            "loss": fitter._negative_log_likelihood_,
            "hessian": fitter._hessian_.tolist(),
            "variance": [
                [None if not np.isfinite(v) else v for v in row]
                for row in fitter.variance_matrix_.to_numpy().tolist()
            ],
        }
    try:
        text = json.dumps(content, allow_nan=False, indent=1)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"The fitter cannot be written as JSON: {error}.",
            "Expected row labels and a stand-in for the data that are text or numbers.",
            "Save it with save_data=False, or fit with index=None.",
        ) from error
    _write(path, text)


def load(fitter: BaseFitter, path: Path) -> None:
    """Take over what a file holds."""
    content = _read(path)
    if content.get("model") != type(fitter).__name__:
        raise SourceError(
            f"{path.name!r} holds a {content.get('model')}.",
            f"Expected a {type(fitter).__name__}.",
            f"Load it with {content.get('model')}().load_model(...).",
        )
    pd = pandas()
    fitter.penalizer_coef = content["penalizer_coef"]
    if not content["generates"]:
        setattr(fitter, "generate_new_data", None)  # noqa: B010 a method of most fitters, not of all
    if content["params"] is None:
        return
    fitter.params_ = pd.Series(content["params"])
    fitter.data = _frame(content["data"])
    if "hessian" in content:
        if content["scale"] is not None:
            fitter._scale = content["scale"]  # noqa: SLF001 lifetimes' names
        fitter._negative_log_likelihood_ = content["loss"]
        fitter._hessian_ = np.array(content["hessian"])
        variance = np.array([[np.inf if v is None else v for v in row] for row in content["variance"]], float)
        fitter._set_errors(variance)  # noqa: SLF001


def _table(data: Any) -> object:
    if data is None:
        return None
    return {
        "index": data.index.tolist(),
        "index_name": data.index.name,
        "columns": {str(name): {"dtype": str(c.dtype), "values": c.tolist()} for name, c in data.items()},
    }


def _frame(table: Any) -> Any:
    if not isinstance(table, dict) or "columns" not in table:
        return table
    pd = pandas()
    columns = {name: np.array(c["values"], dtype=c["dtype"]) for name, c in table["columns"].items()}
    return pd.DataFrame(columns, index=pd.Index(table["index"], name=table["index_name"]))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SourceError(
            f"{path.name!r} is not JSON.",
            "Expected a file that save_model has written.",
            "Load a pickle of lifetimes with lifetimes, and hand the fitter to from_lifetimes.",
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SourceError(f"{path.name!r} holds no fitter.", "Expected a file that save_model has written.")
    return content


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
