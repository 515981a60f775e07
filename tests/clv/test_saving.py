"""A fit survives the file; a changed file does not pass for one."""

from __future__ import annotations

import json

import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.errors import SourceError

SOME = pl.DataFrame(
    {
        "frequency": [0, 1, 4, 2],
        "recency": [0.0, 5.0, 20.0, 9.0],
        "T": [30.0, 30.0, 25.0, 30.0],
        "monetary_value": [0.0, 5.0, 9.0, 7.0],
        "time_unit": ["week"] * 4,
    }
)
FITS = {
    "BG/NBD": clv.BetaGeo.fit(SOME, penalty=1.0),
    "MBG/NBD": clv.ModifiedBetaGeo.fit(SOME, penalty=1.0),
    "Pareto/NBD": clv.ParetoNBD.fit(SOME, penalty=1.0),
    "Gamma-Gamma": clv.GammaGamma.fit(SOME, penalty=1.0),
    "sBG": clv.ShiftedBetaGeometric.fit((131, 126, 90), 653),
    "BG/BB": clv.BetaGeoBetaBinomial.fit(
        pl.DataFrame({"frequency": [0, 1, 2], "recency": [0, 1, 3], "n_periods": [3, 3, 3]}), penalty=1.0
    ),
    "Erlang-2": clv.BetaGeoErlang.fit(SOME.with_columns(log_interval_sum=pl.lit(1.0)), k=2, penalty=1.0),
    "with a boundary": clv.BetaGeo.fit(pl.DataFrame({"frequency": [3], "recency": [20.0], "T": [30.0]})),
}


@pytest.mark.parametrize("name", FITS)
def test_a_fit_survives_the_file(name, tmp_path):
    fit = FITS[name]
    path = clv.save(fit, tmp_path / "fit.json")
    assert [p.name for p in tmp_path.iterdir()] == ["fit.json"]
    again = clv.load(path)
    assert type(again) is type(fit)
    assert vars(again) == vars(fit)


def test_predictions_are_the_same_after_the_file(tmp_path):
    fit = FITS["BG/NBD"]
    again = clv.load(clv.save(fit, tmp_path / "fit.json"))
    assert again.predict(SOME, horizon=9.0, intervals=True).equals(
        fit.predict(SOME, horizon=9.0, intervals=True)
    )


def test_the_file_says_where_it_comes_from():
    body = json.loads(clv.to_json(FITS["BG/NBD"]))
    assert (body["format"], body["version"], body["model"]) == ("crm_analytics.clv.fit", 1, "BetaGeo")
    assert body["fit"]["time_unit"] == "week"
    assert len(body["fit"]["fingerprint"]) == 16
    other = clv.BetaGeo.fit(SOME[:3], penalty=1.0)
    assert other.fingerprint != FITS["BG/NBD"].fingerprint


def changed(text, **changes):
    return json.dumps({**json.loads(text), **changes})


def test_a_changed_estimate_is_noticed():
    text = clv.to_json(FITS["BG/NBD"])
    body = json.loads(text)
    body["fit"]["params"]["r"] *= 1.01
    with pytest.raises(SourceError, match="changed after the fit was saved"):
        clv.from_json(json.dumps(body))


def test_another_model_over_the_same_figures_is_noticed():
    with pytest.raises(SourceError, match="changed after the fit was saved"):
        clv.from_json(changed(clv.to_json(FITS["BG/NBD"]), model="ModifiedBetaGeo"))


def test_a_later_version_is_not_guessed_at():
    with pytest.raises(SourceError, match="version 2"):
        clv.from_json(changed(clv.to_json(FITS["BG/NBD"]), version=2))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '"fit"', "{}", '{"format": "crm_analytics.clv.fit"}'])
def test_what_is_no_fit(text):
    with pytest.raises(SourceError, match="not a saved fit"):
        clv.from_json(text)


def test_a_fit_cut_short(tmp_path):
    path = tmp_path / "fit.json"
    path.write_text(clv.to_json(FITS["BG/NBD"])[:-40])
    with pytest.raises(SourceError, match=r"fit\.json' is not a saved fit"):
        clv.load(path)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "fit.json"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(SourceError, match="not a saved fit"):
        clv.load(path)


def test_no_file(tmp_path):
    with pytest.raises(SourceError, match="no file"):
        clv.load(tmp_path / "none.json")


def test_no_place_to_write(tmp_path):
    with pytest.raises(SourceError, match="could not be written"):
        clv.save(FITS["sBG"], tmp_path / "nowhere" / "fit.json")
