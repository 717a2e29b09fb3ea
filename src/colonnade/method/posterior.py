"""The quality-aware posterior: draws of compositions and of their distances."""

import hashlib

import numpy as np
import numpy.typing as npt

from colonnade.method import posterior_kernels as kernels

Draws = npt.NDArray[np.float64]


def stream_key(seed: int, contig: str, sample: str, purpose: str) -> int:
    """A 64-bit key of the random stream for one sample on one contig; positions give each locus its own."""
    text = "\0".join((str(seed), contig, sample, purpose)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def composition_draws(
    evidence: npt.NDArray[np.int32], loci: npt.NDArray[np.int64], *, prior: float, draws: int, key: int
) -> Draws:
    """Draws (loci, draws, 4) of the composition of a sample, given (base, quality, strand) counts (loci, 4, qualities, 2).

    Loci without a base get NaN.
    """
    points = np.full((len(loci), draws, 4), np.nan)
    depths = evidence.sum(axis=(1, 2, 3), dtype=np.int64)
    kernels.draw_compositions(evidence, loci, depths, prior, np.uint64(key), points)
    return points


def reference_draws(
    counts: npt.NDArray[np.int32], loci: npt.NDArray[np.int64], *, prior: float, draws: int, key: int
) -> Draws:
    """Draws (loci, draws, 4) of Dirichlet(counts + prior): the pseudo-sample REF, which has no errors; NaN without counts."""
    points = np.full((len(loci), draws, 4), np.nan)
    kernels.draw_pure(counts, loci, prior, np.uint64(key), points)
    return points


def event_draws(counts: npt.NDArray[np.int64], position: int, *, prior: float, draws: int, key: int) -> Draws:
    """Draws (draws, events) of the shares of indel events, given their counts."""
    points = np.empty((draws, len(counts)))
    kernels.draw_events(counts, position, prior, np.uint64(key), points)
    return points


def distance_draws(points_1: Draws, points_2: Draws) -> Draws:
    """Distances (loci, draws) of paired draws (loci, draws, categories): Euclidean, divided by √2, so 0-1."""
    result = np.empty(points_1.shape[:2])
    kernels.distances(points_1, points_2, result)
    return result
