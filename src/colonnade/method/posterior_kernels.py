"""Exact draws of a composition, given bases and their qualities, and what is made of them.

The posterior is a finite mixture of Dirichlets (``mixture_kernels``): the number of errors among the reads of each base is drawn
from a table of its own under a common tilt, the tilt is corrected by rejection, and the Dirichlet is drawn.
"""

import math

import numpy as np

from colonnade.jit import kernel
from colonnade.method.gibbs_kernels import draw_by_turns
from colonnade.method.mixture_kernels import cells_of, propose
from colonnade.method.random_kernels import draw_dirichlet, draw_index, guide_to, next_uniform, stream

MOST_PROPOSALS = 1000  # per draw; 1 in 50 is accepted in the worst case known, 1 in 2 as a rule


@kernel
def acceptance(most_true, n, prior, tilt):
    """Probabilities of accepting ``most_true``, one less, and so on for ``n`` totals of true reads; the largest is 1.

    Proportional to tilt^k / Γ(4 prior + k), which rises with k up to about tilt - 4 prior, and falls from there.
    """
    chances = np.empty(n)
    top = min(max(int(most_true - math.floor(tilt - 4.0 * prior)) - 1, 0), n - 1)
    chances[top] = 1.0
    for i in range(top + 1, n):
        chances[i] = chances[i - 1] * (4.0 * prior + most_true - i) / tilt
    for i in range(top - 1, -1, -1):
        chances[i] = chances[i + 1] * tilt / (4.0 * prior + most_true - i - 1)
    return chances


@kernel
def draw_composition(evidence, prior, most_proposals, state, points):
    """Fill ``points`` (draws, 4) with draws of the composition of one sample at one locus.

    They are independent, unless fewer than the draws wanted are accepted of ``most_proposals`` for each: then all of them
    come from a chain (``gibbs_kernels``), which no evidence is known to need.

    Parameters
    ----------
    evidence
        Integers (4, qualities, 2): how often each base was seen with each quality on each strand.
    prior
        Dirichlet prior count of each base.
    most_proposals
        Per draw.
    state
        Of the random generator.

    Returns
    -------
    The new state of the generator.
    """
    reads, odds, totals = cells_of(evidence)
    tilt, tables, firsts = propose(reads, odds, totals, prior)
    most_true = totals.sum()
    n = 1
    for o in range(4):
        most_true -= firsts[o]
        n += tables[o].size - 1
    guides = (guide_to(tables[0]), guide_to(tables[1]), guide_to(tables[2]), guide_to(tables[3]))
    chances = acceptance(most_true, n, prior, tilt)

    left = most_proposals * points.shape[0]
    shapes = np.empty(4)
    for draw in range(points.shape[0]):
        while True:
            if left == 0:
                return draw_by_turns(reads, odds, totals, prior, state, points)
            left -= 1
            errors = 0
            for o in range(4):
                index = 0
                if tables[o].size > 1:
                    state, index = draw_index(state, tables[o], guides[o])
                errors += index
                shapes[o] = prior + (totals[o] - firsts[o] - index)
            state, u = next_uniform(state)
            if u <= chances[errors]:
                break
        state = draw_dirichlet(state, shapes, points[draw])
    return state


@kernel
def draw_compositions(evidence, loci, depths, prior, key, points):
    """``draw_composition`` for each locus with depth: ``evidence`` (loci, 4, qualities, 2), ``points`` (loci, draws, 4)."""
    for i in range(loci.size):
        if depths[i] > 0:
            draw_composition(evidence[i], prior, MOST_PROPOSALS, stream(key, loci[i]), points[i])


@kernel
def draw_categories(counts, prior, state, points):
    """Fill ``points`` (draws, categories) with draws of Dirichlet(counts + prior); returns the new state."""
    shapes = counts + prior
    for draw in range(points.shape[0]):
        state = draw_dirichlet(state, shapes, points[draw])
    return state


@kernel
def draw_events(counts, position, prior, key, points):
    """Draws (draws, events) of the shares of indel events after one position."""
    draw_categories(counts, prior, stream(key, position), points)


@kernel
def draw_pure(counts, loci, prior, key, points):
    """Draws for counts (loci, 4) without errors; loci without counts are left alone."""
    for i in range(loci.size):
        if counts[i].sum() > 0:
            draw_categories(counts[i], prior, stream(key, loci[i]), points[i])


@kernel
def distances(points_1, points_2, result):
    """Fill ``result`` (loci, draws) with the distances of paired draws (loci, draws, categories), 0 to 1."""
    for i in range(result.shape[0]):
        for draw in range(result.shape[1]):
            total = 0.0
            for o in range(points_1.shape[2]):
                difference = points_1[i, draw, o] - points_2[i, draw, o]
                total += difference * difference
            result[i, draw] = math.sqrt(0.5 * total)
