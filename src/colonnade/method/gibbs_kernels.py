"""Gibbs sampling of a composition, given bases and their qualities: the slow and simple way to the same posterior.

By turns: which reads show a true base, given the shares; the shares, given those. Kept draws had a correlation of at most 0.08
on 31 of 32 kinds of evidence up to depth 1,000,000, and of 0.2 on the other (150 reads of quality 2 of each base).
"""

import math

import numpy as np

from colonnade.jit import kernel
from colonnade.method.mixture_kernels import find_tilt, solve_scale
from colonnade.method.random_kernels import draw_binomial, draw_dirichlet

THINNED = 8.0  # times that a chain near the mode forgets all but 1/e between kept draws; elsewhere it may be slower
BURN_IN = 10  # kept draws that are thrown away at first; the chain starts near the mode
MOST_STEPS = 1000  # between kept draws, so that no locus takes minutes


@kernel
def draw_by_turns(reads, odds, totals, prior, state, points):
    """Fill ``points`` (draws, 4) from one chain, given the cells of each base; returns the new state of the generator."""
    shapes = np.empty(4)
    shares, steps = start_of_chain(reads, odds, totals, prior)
    for draw in range(-BURN_IN, points.shape[0]):
        for _ in range(steps):
            for o in range(4):
                shapes[o] = prior
                for i in range(odds[o].size):
                    state, true = draw_binomial(state, reads[o][i], shares[o] / (shares[o] + odds[o][i]))
                    shapes[o] += true
            state = draw_dirichlet(state, shapes, shares)
        if draw >= 0:
            points[draw] = shares
    return state


@kernel
def start_of_chain(reads, odds, totals, prior):
    """Shares to start from, and the steps from one kept draw to the next.

    Near the mode a step keeps, of a deviation of one base's share, the fraction that errors hold: of the derivative of the
    expected number of true reads with respect to the share. No direction keeps more than the slowest base does.
    """
    tilt = find_tilt(reads, odds, totals, prior)
    shares = np.empty(4)
    forgotten = 1.0
    for o in range(4):
        scale, slope = solve_scale(reads[o], odds[o], totals[o], prior, tilt)
        shares[o] = 1.0 / scale
        forgotten = min(forgotten, slope * scale / tilt)
    return shares / shares.sum(), min(math.ceil(THINNED / forgotten), MOST_STEPS)
