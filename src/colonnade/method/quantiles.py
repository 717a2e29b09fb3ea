"""Quantiles of draws."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Draws = npt.NDArray[np.float64]


def sorted_quantiles(draws: Draws, quantiles: Sequence[float]) -> Draws:
    """Quantiles (..., quantiles) of draws (..., n) that rise along the last axis; between two draws on the straight line."""
    places = np.asarray(quantiles) * (draws.shape[-1] - 1)
    below = places.astype(np.int64)
    above = np.minimum(below + 1, draws.shape[-1] - 1)
    result: Draws = draws[..., below] + (draws[..., above] - draws[..., below]) * (places - below)
    return result
