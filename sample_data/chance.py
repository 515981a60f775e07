"""Random streams and small draws that the parts of the generator share."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.truth import Truth

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Recipe:
    """What is to be drawn: the truth, the seed, and which customers.

    A large company is drawn in blocks of customers; `offset` is the number of customers in the blocks
    before.
    """

    truth: Truth
    seed: int
    size: int
    id_width: int = 6
    block: int = 0
    offset: int = 0

    def stream(self, part: str) -> np.random.Generator:
        """Give the random stream of one part, so that a new part leaves the others as they are."""
        key = (zlib.crc32(part.encode()), self.block)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key)))

    def ids(self) -> pl.Series:
        """Give the customer ids, with leading zeros."""
        numbers = pl.Series("customer_id", np.arange(1, self.size + 1) + self.offset)
        return numbers.cast(pl.String).str.zfill(self.id_width)


def pick(rng: np.random.Generator, shares: Mapping[str, float], size: int) -> Ints:
    """Draw positions in `shares` with those probabilities."""
    bounds = np.cumsum(np.fromiter(shares.values(), float))
    return np.searchsorted(bounds[:-1] / bounds[-1], rng.random(size), side="right").astype(np.int64)


def logistic_rank(values: Floats) -> Floats:
    """Give standardised logistic scores of the ranks: a normal-like score without a quantile function."""
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = (np.arange(len(values)) + 0.5) / max(len(values), 1)
    return np.asarray(np.log(rank / (1 - rank)) * np.sqrt(3) / np.pi)


def labels(names: list[str], positions: Ints) -> pl.Series:
    """Give the name at each position."""
    return pl.Series(names, dtype=pl.String).gather(positions)


def days_series(truth: Truth, days: Ints) -> pl.Series:
    """Give the dates that lie this many days after the start of the window."""
    return pl.Series((np.datetime64(truth.start, "D") + days).astype("datetime64[D]"))


def instants_series(truth: Truth, minutes: Ints) -> pl.Series:
    """Give the instants that lie this many minutes after the start of the window."""
    return pl.Series((np.datetime64(truth.start, "m") + minutes).astype("datetime64[us]"))
