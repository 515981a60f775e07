"""Random streams and small draws that several parts of the generator share."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def stream(seed: int, part: str, block: int = 0) -> np.random.Generator:
    """Give the random stream of one part, so that a new part leaves the others as they are."""
    key = (zlib.crc32(part.encode()), block)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


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
