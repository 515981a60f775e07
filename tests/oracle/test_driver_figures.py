"""Published and independently computed shares of explained variance, LMG to 1e-9.

LMG, first, last, Pratt and CAR were computed with R's relaimpo 2.2-7; relative weights by Genizi's formula (the same as
the package rwa prints); conditional and complete dominance agree with the README of R's dominanceanalysis.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from crm_analytics.stats import dominance
from crm_analytics.stats.subset_fits import subset_r2
from crm_analytics.stats.subset_logit import categories, ordinal_fit, subset_likelihoods

DATA = Path(__file__).parent / "data"
SWISS = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"]
ATTITUDE = ["complaints", "privileges", "learning", "raises", "critical", "advance"]
CARS = ["cyl", "disp", "hp", "drat", "wt", "qsec", "vs", "am", "gear", "carb"]
LONGLEY = ["GNP.deflator", "GNP", "Unemployed", "Armed.Forces", "Population", "Year"]


def covariance(name: str, outcome: str, drivers: list[str], weights: np.ndarray | None = None) -> np.ndarray:
    frame = pl.read_csv(DATA / f"{name}.csv").select(*drivers, outcome).drop_nulls().cast(pl.Float64)
    return np.cov(frame.to_numpy().T, aweights=weights)


def shares(c: np.ndarray, **options) -> np.ndarray:
    return dominance.shapley(subset_r2(c, **options))


LMG = [
    ("swiss", "Fertility", SWISS, 0.706735001592726,
     [0.057091220768, 0.171173028900, 0.260134678624, 0.105570150373, 0.112765922927]),
    ("attitude", "rating", ATTITUDE, 0.732601992531149,
     [0.370816194319, 0.050903792972, 0.155765990169, 0.120345079404, 0.006588722546, 0.028182213122]),
    ("mtcars", "mpg", CARS, 0.869015764477765,
     [0.121345154642, 0.120238702128, 0.106986271931, 0.073270143066, 0.158288796250, 0.038270729380,
      0.065880519000, 0.073376226649, 0.044093316399, 0.067265905033]),
    ("mtcars", "mpg", ["cyl", "disp", "hp", "gear"], 0.7791896,
     [0.24705203324, 0.24349959480, 0.21091289954, 0.07772511141]),
    ("mtcars", "mpg", ["am", "vs", "cyl"], 0.7619773, [0.1774892, 0.2027032, 0.3817849]),
    ("longley", "Employed", LONGLEY, 0.995479004577295,
     [0.213818429911, 0.230219350836, 0.069602792970, 0.050803830963, 0.211606822581, 0.219427777317]),
    ("airquality", "Ozone", ["Solar.R", "Wind", "Temp"], 0.605894600006623,
     [0.06473588633, 0.22717155973, 0.31398715395]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "outcome", "drivers", "r2", "figures"), LMG)
def test_lmg(name, outcome, drivers, r2, figures):
    printed = max(len(str(f)) for f in figures) - 2
    found = shares(covariance(name, outcome, drivers))
    assert found == pytest.approx(figures, abs=max(1e-9, 0.51 * 10.0**-printed))
    assert found.sum() == pytest.approx(r2, abs=1e-7)


RELATIVE = [
    ("swiss", "Fertility", SWISS,
     [0.048416895812, 0.154708249806, 0.271964104646, 0.114680029948, 0.116965721381]),
    ("attitude", "rating", ATTITUDE,
     [0.362760199658, 0.056002278779, 0.163610910751, 0.121780399688, 0.008255466496, 0.020192737159]),
    ("mtcars", "mpg", CARS,
     [0.091246510841, 0.102631480551, 0.099559080251, 0.081072730596, 0.144520665174, 0.051977279608,
      0.065335863870, 0.088993828570, 0.060334754595, 0.083343570422]),
    ("mtcars", "mpg", ["cyl", "disp", "hp", "gear"],
     [0.2284797259282, 0.2221468705400, 0.2321744392994, 0.0963886032154]),
    ("longley", "Employed", LONGLEY,
     [0.219303268901, 0.226676723173, 0.063552104026, 0.047860096016, 0.217076576792, 0.221010235670]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "outcome", "drivers", "figures"), RELATIVE)
def test_relative_weights(name, outcome, drivers, figures):
    tolerance = 1e-8 if name == "longley" else 1e-10  # variance inflation of 1,800 costs digits
    assert dominance.weights(covariance(name, outcome, drivers)).relative == pytest.approx(
        figures, abs=tolerance
    )


def test_the_other_indices_of_swiss():
    c = covariance("swiss", "Fertility", SWISS)
    worth, plain = subset_r2(c), dominance.weights(c)
    assert dominance.first(worth) == pytest.approx(
        [0.1246649099, 0.4171644705, 0.4406156467, 0.2150035016, 0.1735189273], abs=1e-9
    )
    assert dominance.last(worth) == pytest.approx(
        [0.042869607125, 0.007387418515, 0.161962693077, 0.062372625827, 0.056945258732], abs=1e-11
    )
    assert plain.pratt == pytest.approx(
        [-0.1104859910, 0.1064274043, 0.4450045676, 0.1611768150, 0.1046122056], abs=1e-9
    )
    assert plain.car == pytest.approx(
        [0.0005674741853, 0.1511339908481, 0.3232680709767, 0.1150731841790, 0.1166922814036], abs=1e-11
    )
    assert plain.standardised == pytest.approx(
        [-0.312921282, -0.164778223, -0.670400780, 0.347600028, 0.251135976], abs=1e-8
    )


def test_unique_contributions_of_attitude():
    worth = subset_r2(covariance("attitude", "rating", ATTITUDE))
    assert dominance.last(worth) == pytest.approx(
        [
            0.1686772130500,
            0.0033678656208,
            0.0420074920543,
            0.0015832740059,
            0.0007926204751,
            0.0172470604916,
        ],
        abs=1e-12,
    )


def test_dominance_of_swiss():
    worth = subset_r2(covariance("swiss", "Fertility", SWISS))
    by_size = dominance.conditional(worth)
    assert by_size[2] == pytest.approx(
        [0.4406156467, 0.2909170655, 0.2210104780, 0.1861675098, 0.1619626931], abs=1e-9
    )
    assert by_size[1] == pytest.approx(
        [0.4171644705, 0.2377086690, 0.1321004039, 0.0615041826, 0.0073874185], abs=1e-9
    )
    assert by_size[0] == pytest.approx(
        [0.1246649099, 0.0502723262, 0.0324454736, 0.0352037869, 0.0428696071], abs=1e-9
    )
    agriculture, examination, education, catholic, infant = range(5)
    wins = dominance.complete(worth)
    assert wins[education].tolist() == [1, 1, 0, 1, 0.875]
    assert wins[infant, agriculture] == 1
    assert (wins[catholic, agriculture], wins[examination, agriculture]) == (0.875, 0.75)


def test_dominance_of_attitude():
    wins = dominance.complete(subset_r2(covariance("attitude", "rating", ATTITUDE)))
    complaints, privileges, learning, raises, critical, advance = range(6)
    assert (np.delete(wins[complaints], complaints) == 1).all()
    assert (wins[learning, [privileges, raises, critical, advance]] == 1).all()
    assert wins[privileges, critical] == wins[raises, critical] == 1
    assert wins[raises, privileges] == 0.75


def test_conditional_dominance_of_three_car_drivers():
    by_size = dominance.conditional(subset_r2(covariance("mtcars", "mpg", ["am", "vs", "cyl"])))
    assert by_size[0] == pytest.approx([0.3597989, 0.1389842, 0.033684441], abs=1e-7)
    assert by_size[2] == pytest.approx([0.7261800, 0.3432799, 0.075894823], abs=1e-7)


def test_a_doubled_driver_shares_and_the_sum_stays():
    c = covariance("swiss", "Fertility", SWISS)
    twice = c[np.ix_([0, 1, 2, 3, 4, 2, 5], [0, 1, 2, 3, 4, 2, 5])]
    found = shares(twice)
    assert found == pytest.approx(
        [0.0543707698, 0.1332648208, 0.1521358547, 0.1089495689, 0.1058781326, 0.1521358547], abs=1e-9
    )
    assert found.sum() == pytest.approx(0.706735001592726, abs=1e-12)


def test_a_group_enters_together():
    c = covariance("swiss", "Fertility", SWISS)
    found = shares(c, groups=[[1, 2], [0], [3], [4]])
    assert found == pytest.approx(
        [0.3981789887709, 0.0738468088833, 0.1157375396403, 0.1189716642982], abs=1e-11
    )


def test_what_is_always_in_is_not_shared_out():
    found = shares(covariance("swiss", "Fertility", SWISS), always=[3])
    assert found == pytest.approx(
        [0.0402101327693, 0.1036508562923, 0.2562230713957, 0.0916474395169], abs=1e-11
    )
    assert found.sum() == pytest.approx(0.491731499974, abs=1e-11)


def test_weights():
    found = shares(covariance("swiss", "Fertility", SWISS, np.resize([1.0, 2.0, 3.0], 47)))
    assert found == pytest.approx(
        [0.061020217076, 0.184166933406, 0.260268398148, 0.101992805197, 0.116256759722], abs=1e-11
    )
    assert found.sum() == pytest.approx(0.72370511354909, abs=1e-12)


def test_pairwise_covariance():
    frame = pl.read_csv(DATA / "airquality.csv").select("Solar.R", "Wind", "Temp", "Ozone").cast(pl.Float64)
    pairwise = frame.to_pandas().cov().to_numpy()
    found = shares(pairwise)
    assert found == pytest.approx([0.07776099162, 0.23885474693, 0.31945476397], abs=1e-10)
    assert found.sum() == pytest.approx(0.636070502524, abs=1e-10)


def test_factors():
    frame = pl.read_csv(DATA / "warpbreaks.csv").to_dummies(["wool", "tension"])
    wool, tension = ["wool_B"], ["tension_M", "tension_H"]
    x = frame.select(*wool, *tension, "breaks").cast(pl.Float64).to_numpy()
    found = shares(np.cov(x.T), groups=[[0], [1, 2]])
    assert found == pytest.approx([0.0488114053737, 0.2203292603676], abs=1e-11)
    both = np.column_stack([x[:, :3], x[:, [0]] * x[:, 1:3], x[:, 3]])
    whole = subset_r2(np.cov(both.T))[-1]
    assert whole == pytest.approx(0.37775085644601, abs=1e-12)
    assert whole - found.sum() == pytest.approx(0.1086101907047, abs=1e-11)


BIRTHWT = ["age", "lwt", "smoke", "ptl", "ht", "ui"]


def test_shares_of_a_yes_no_outcome():
    """MASS::birthwt: domir, dominanceanalysis and dominance-analysis agree to nine digits or more."""
    frame = pl.read_csv(DATA / "birthwt.csv").cast(pl.Float64)
    x, (_, counts) = frame.select(BIRTHWT).to_numpy(), categories(frame["low"].to_numpy())
    whole = ordinal_fit(x, counts)
    assert -2 * whole.null == pytest.approx(234.671996193, abs=1e-8)
    assert -2 * whole.log_likelihood == pytest.approx(208.771056219, abs=1e-8)
    worth = 1 - subset_likelihoods(x, counts).log_likelihoods / whole.null
    assert worth[-1] == pytest.approx(0.110370817118, abs=1e-11)
    assert dominance.shapley(worth) == pytest.approx(
        [0.00928973425796, 0.0235308286757, 0.01532186542464, 0.02056443115473, 0.02595876250778, 0.01570519509704],
        abs=1e-10,
    )  # fmt: skip


def test_shares_of_an_ordered_outcome():
    """MASS::housing: domir with ordinal::clm; coefficients from the polr example of the MASS book."""
    frame = pl.read_csv(DATA / "housing.csv")
    levels = {"Infl": ["Medium", "High"], "Type": ["Apartment", "Atrium", "Terrace"], "Cont": ["High"]}
    x = frame.select(
        (pl.col(column) == level).cast(pl.Float64).alias(f"{column} {level}")
        for column, named in levels.items()
        for level in named
    ).to_numpy()
    place = frame["Sat"].replace_strict({"Low": 0, "Medium": 1, "High": 2}).to_numpy()
    _, counts = categories(place, frame["Freq"].to_numpy())
    whole = ordinal_fit(x, counts)
    assert whole.null == pytest.approx(-1824.43881052, abs=1e-7)
    assert whole.thresholds == pytest.approx([-0.4961351382, 0.6907082593], abs=2e-7)
    assert whole.coefficients == pytest.approx(
        [0.5663937379, 1.2888191104, -0.5723500020, -0.3661863707, -1.0910146590, 0.3602840046], abs=2e-6
    )
    worth = 1 - subset_likelihoods(x, counts, groups=[[0, 1], [2, 3, 4], [5]]).log_likelihoods / whole.null
    assert worth[-1] == pytest.approx(0.0465152136119, abs=1e-11)
    assert dominance.shapley(worth) == pytest.approx(
        [0.02920068732421, 0.01498862888227, 0.00232589740545], abs=1e-11
    )
