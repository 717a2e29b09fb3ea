"""Exact draws of a composition, given bases and their qualities.

A read that shows base o with error probability e has likelihood e/3 + (1 - 4e/3) θ_o, which depends on the share of that base
alone. So the likelihood is a product of one polynomial per base, and the posterior a finite mixture of
Dirichlet(prior + k), k_o of the c_o bases o being true. Each k_o is drawn from a table of its own under a common
tilt, the tilt is corrected by rejection, and the Dirichlet is drawn.
"""

import math

import numpy as np

from colonnade.jit import kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MAX_QUALITY = 45  # qualities are capped here: no platform is better in truth
UNINFORMATIVE = 0.75  # error probability from which on a base says nothing
ALWAYS_WHOLE = 128  # tables of so many bases are never cut
DROPPED = 45.0  # minus the logarithm of the weight, relative to the largest, at which the tables of deep loci may end
SPARE = 10.0  # by how much, in logarithms, the entries of a cut table exceed what is dropped on the way to it
CENTRED = 0.2  # standard deviations by which proposals may miss the top of the correction
TINY = 1e-280  # sums of gamma draws below this are drawn again as logarithms: priors of 0.01 and less get there
UNDERFLOW = -690.0  # logarithm of the smallest number that is safe to compute with


@kernel
def next_uniform(state):
    """One step of SplitMix64 (Steele, Lea, Flood 2014): (new state, uniform in (0, 1))."""
    state = np.uint64(state + GOLDEN)
    z = state
    z = np.uint64((z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
    z = np.uint64((z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
    z = z ^ (z >> np.uint64(31))
    return state, (np.float64(z >> np.uint64(12)) + 0.5) * 2.0**-52


@kernel
def stream(key, position):
    """State of the generator for one position of a keyed stream."""
    return next_uniform(np.uint64(key) ^ np.uint64(np.uint64(position) * np.uint64(0xD1342543DE82EF95)))[0]


@kernel
def _normal(state):
    while True:
        state, u = next_uniform(state)
        state, v = next_uniform(state)
        x = 2.0 * u - 1.0
        y = 2.0 * v - 1.0
        s = x * x + y * y
        if 0.0 < s < 1.0:
            return state, x * math.sqrt(-2.0 * math.log(s) / s)


@kernel
def draw_gamma(state, shape):
    """A gamma draw of scale 1 (Marsaglia and Tsang 2000)."""
    boost = 1.0
    if shape < 1.0:
        state, u = next_uniform(state)
        boost = u ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        state, x = _normal(state)
        v = 1.0 + c * x
        if v <= 0.0:
            continue
        v = v * v * v
        state, u = next_uniform(state)
        if math.log(u) < 0.5 * x * x + d - d * v + d * math.log(v):
            return state, d * v * boost


@kernel
def _draw_log_gamma(state, shape):
    """The logarithm of what ``draw_gamma`` draws from the same state, where that may be too small for a float."""
    log_boost = 0.0
    if shape < 1.0:
        state, u = next_uniform(state)
        log_boost = math.log(u) / shape
        shape += 1.0
    state, value = draw_gamma(state, shape)
    return state, math.log(value) + log_boost


@kernel
def draw_dirichlet(state, shapes, point):
    """Fill ``point`` with a Dirichlet draw; returns the new state."""
    start = state
    total = 0.0
    for o in range(shapes.size):
        state, point[o] = draw_gamma(state, shapes[o])
        total += point[o]
    if total < TINY:
        state = start
        largest = -np.inf
        for o in range(shapes.size):
            state, point[o] = _draw_log_gamma(state, shapes[o])
            largest = max(largest, point[o])
        total = 0.0
        for o in range(shapes.size):
            point[o] = math.exp(point[o] - largest)
            total += point[o]
    for o in range(shapes.size):
        point[o] /= total
    return state


@kernel
def _odds(quality):
    """(e/3) / (1 - 4e/3) of a quality, or -1 where the base says nothing."""
    error = 10.0 ** (-0.1 * quality)
    if error >= UNINFORMATIVE:
        return -1.0
    return error / 3.0 / (1.0 - 4.0 * error / 3.0)


@kernel
def _solve_scale(counts, odds, total, prior, tilt):
    """The scale x at which tilt / x true reads of a base are expected (prior included): where its table's weights peak.

    By Newton's method on a concave rising function, from below. Also returns the slope of that function.
    """
    scale = tilt / (prior + total)
    slope = prior + total
    for _ in range(100):
        value = prior * scale - tilt
        slope = prior
        for q in range(odds.size):
            if counts[q] > 0:
                part = 1.0 / (1.0 + odds[q] * scale)
                value += counts[q] * scale * part
                slope += counts[q] * part * part
        step = value / slope
        scale -= step
        if abs(step) < 1e-7 * scale:
            break
    return scale, slope


@kernel
def _errors_at(counts, odds, scale):
    errors = 0.0
    for q in range(odds.size):
        if counts[q] > 0:
            errors += counts[q] * odds[q] * scale / (1.0 + odds[q] * scale)
    return errors


@kernel
def _scale_at(counts, odds, errors):
    """The scale at which so many errors are expected, by bisection of its logarithm."""
    low, high = -100.0, 100.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        if _errors_at(counts, odds, math.exp(middle)) < errors:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))


@kernel
def _log_weight(counts, odds, scale, end_scale, end_errors):
    """Logarithm of the weight, about, of ``end_errors`` under ``scale``, relative to the largest.

    ``end_scale`` is the scale under which so many are expected.
    """
    result = -end_errors * math.log(end_scale / scale)
    for q in range(odds.size):
        if counts[q] > 0:
            result += counts[q] * math.log((1.0 + odds[q] * end_scale) / (1.0 + odds[q] * scale))
    return result


@kernel
def _frame(counts, odds, total, prior, tilt, scale):
    """The scale to compute a table under, and the relative weight at which it may be cut.

    The number of errors varies no more than a Poisson variable of its most probable value does: the logarithm of its weight
    curves at least as much. Outside the window that Bernstein's inequality gives, no weight exceeds exp(-DROPPED) of
    the largest. Under one scale the coefficients within that window can span far more (of 50,000 reads at quality 5, all
    but some of those of a minor base may be errors), so the cut goes by the smallest of them: what
    is lost is then smallest within, and worst at the ends of, the window.
    """
    errors = max(total - (tilt / scale - prior), 0.0)
    if total <= ALWAYS_WHOLE:
        return tilt / (tilt / scale + math.sqrt(errors)), 0.0
    width = DROPPED / 3.0 + math.sqrt(DROPPED * DROPPED / 9.0 + 2.0 * DROPPED * errors)
    fewest = max(errors - width, min(0.5, 0.5 * errors))
    most = min(errors + width, total - 0.01)
    scale_fewest = _scale_at(counts, odds, fewest)
    scale_most = _scale_at(counts, odds, most)
    best_scale, best = scale, -np.inf
    for part in (0.5, 0.37):  # of the way in true reads: right for a window of normal and of Poisson shape
        centre = _scale_at(counts, odds, most - part * (most - fewest))
        lowest = min(
            _log_weight(counts, odds, centre, scale_fewest, fewest), _log_weight(counts, odds, centre, scale_most, most)
        )
        if lowest > best:
            best_scale, best = centre, lowest
    return best_scale, math.exp(max(best - SPARE, UNDERFLOW))


@kernel
def _multiply(table, size, offset, n, ratio, cut):
    """Multiply a polynomial (coefficients ``table[:size]`` of powers from ``offset`` on) by (1 + ratio x)^n, largest 1.

    Coefficients at the ends that are below ``cut`` are dropped. Returns the product and the power of its first coefficient.
    """
    mode = int(ratio / (1.0 + ratio) * (n + 1))
    mode = min(max(mode, 0), n)
    factor = np.empty(n + 1)
    factor[mode] = 1.0
    first = mode
    while first > 0:
        value = factor[first] * first / ((n - first + 1) * ratio)
        if value < cut:
            break
        first -= 1
        factor[first] = value
    last = mode
    while last < n:
        value = factor[last] * (n - last) * ratio / (last + 1)
        if value < cut:
            break
        last += 1
        factor[last] = value
    product = np.zeros(size + last - first)
    for i in range(size):
        for j in range(first, last + 1):
            product[i + j - first] += table[i] * factor[j]
    largest = product.max()
    start = 0
    end = product.size
    while product[start] < cut * largest:
        start += 1
    while product[end - 1] < cut * largest:
        end -= 1
    return product[start:end] / largest, offset + first + start


@kernel
def _error_table(counts, odds, total, prior, tilt, scale):
    """Cumulative weights of the number of errors among one base's reads, and the number that the first entry stands for."""
    scale, cut = _frame(counts, odds, total, prior, tilt, scale)
    table = np.ones(1)
    offset = 0
    for q in range(odds.size):
        if counts[q] > 0:
            table, offset = _multiply(table, table.size, offset, counts[q], odds[q] * scale, cut)
    weights = np.empty(table.size)
    log_scale = math.log(scale)
    log_tilt = math.log(tilt)
    largest = -np.inf
    for i in range(table.size):
        errors = offset + i
        weights[i] = -np.inf
        if table[i] > 0.0:
            weights[i] = math.log(table[i]) + errors * (log_tilt - log_scale) + math.lgamma(prior + total - errors)
        largest = max(largest, weights[i])
    running = 0.0
    for i in range(table.size):
        running += math.exp(weights[i] - largest)
        weights[i] = running
    return weights / running, offset


@kernel
def _find_tilt(counts, odds, totals, prior):
    """A tilt under which the shares of the bases, which are about the reciprocals of their scales, add up to 1.

    They fall as the tilt rises: Newton's method on logarithms, within a shrinking bracket. (Plain iteration can swing between two
    values for ever.)
    """
    low = math.log(prior) - 50.0
    high = math.log(8.0 * prior + 2.0 * totals.sum())
    log_tilt = math.log(4.0 * prior + totals.sum())
    for _ in range(100):
        tilt = math.exp(log_tilt)
        shares = 0.0
        fall = 0.0
        for o in range(4):
            scale, slope = _solve_scale(counts[o], odds, totals[o], prior, tilt)
            shares += 1.0 / scale
            fall += tilt / (scale * scale * slope)
        if abs(shares - 1.0) < 1e-4:
            break
        if shares > 1.0:
            low = log_tilt
        else:
            high = log_tilt
        log_tilt += math.log(shares) * shares / fall
        if not low < log_tilt < high:
            log_tilt = 0.5 * (low + high)
    return math.exp(log_tilt)


@kernel
def _moments(table):
    """Mean and variance of the index drawn from cumulative weights."""
    mean = 0.0
    square = 0.0
    for i in range(table.size - 1):
        above = 1.0 - table[i]
        mean += above
        square += (2 * i + 1) * above
    return mean, square - mean * mean


@kernel
def _propose(counts, odds, totals, prior):
    """The tilt, and under it the table of errors of each base with the number that its first entry stands for.

    The correction peaks where true bases and prior add up to the tilt; their mean falls as the tilt rises. Where the tables
    have two modes (poor qualities), the first guess can miss by so much that no point would be accepted: Newton's method mends it.
    """
    tilt = _find_tilt(counts, odds, totals, prior)
    low = -np.inf
    high = np.inf
    while True:
        scales = [_solve_scale(counts[o], odds, totals[o], prior, tilt)[0] for o in range(4)]
        table_0, first_0 = _error_table(counts[0], odds, totals[0], prior, tilt, scales[0])
        table_1, first_1 = _error_table(counts[1], odds, totals[1], prior, tilt, scales[1])
        table_2, first_2 = _error_table(counts[2], odds, totals[2], prior, tilt, scales[2])
        table_3, first_3 = _error_table(counts[3], odds, totals[3], prior, tilt, scales[3])
        mean_0, variance_0 = _moments(table_0)
        mean_1, variance_1 = _moments(table_1)
        mean_2, variance_2 = _moments(table_2)
        mean_3, variance_3 = _moments(table_3)
        errors = first_0 + first_1 + first_2 + first_3 + mean_0 + mean_1 + mean_2 + mean_3
        spread = tilt + variance_0 + variance_1 + variance_2 + variance_3
        excess = 4.0 * prior + totals.sum() - errors - tilt
        if abs(excess) <= CENTRED * math.sqrt(spread) or high - low < 1e-6:
            break
        log_tilt = math.log(tilt)
        if excess > 0.0:
            low = log_tilt
        else:
            high = log_tilt
        log_tilt += min(max(excess / spread, -1.0), 1.0)
        if not low < log_tilt < high:
            log_tilt = 0.5 * (low + high)
        tilt = math.exp(log_tilt)
    return tilt, table_0, first_0, table_1, first_1, table_2, first_2, table_3, first_3


@kernel
def _log_common(true_bases, prior, log_tilt):
    return true_bases * log_tilt - math.lgamma(4.0 * prior + true_bases)


@kernel
def draw_composition(evidence, prior, state, points):
    """Fill ``points`` (draws, 4) with independent draws of the composition of one sample at one locus.

    Parameters
    ----------
    evidence
        Integers (4, qualities, 2): how often each base was seen with each quality on each strand.
    prior
        Dirichlet prior count of each base.
    state
        Of the random generator.

    Returns
    -------
    The new state of the generator.
    """
    counts = np.zeros((4, MAX_QUALITY + 1), np.int64)
    odds = np.empty(MAX_QUALITY + 1)
    totals = np.zeros(4, np.int64)
    for q in range(odds.size):
        odds[q] = _odds(q)
    for o in range(4):
        for q in range(evidence.shape[1]):
            capped = min(q, MAX_QUALITY)
            if odds[capped] > 0.0:
                seen = evidence[o, q, 0] + evidence[o, q, 1]
                counts[o, capped] += seen
                totals[o] += seen

    tilt, table_0, first_0, table_1, first_1, table_2, first_2, table_3, first_3 = _propose(counts, odds, totals, prior)

    # The correction is concave in the number of true bases: climb to its top.
    log_tilt = math.log(tilt)
    top = max(0.0, math.floor(tilt - 4.0 * prior))
    while _log_common(top + 1.0, prior, log_tilt) > _log_common(top, prior, log_tilt):
        top += 1.0
    while top > 0.0 and _log_common(top - 1.0, prior, log_tilt) > _log_common(top, prior, log_tilt):
        top -= 1.0
    best = _log_common(top, prior, log_tilt)

    shapes = np.empty(4)
    for draw in range(points.shape[0]):
        while True:
            state, u = next_uniform(state)
            shapes[0] = totals[0] - first_0 - np.searchsorted(table_0, u)
            state, u = next_uniform(state)
            shapes[1] = totals[1] - first_1 - np.searchsorted(table_1, u)
            state, u = next_uniform(state)
            shapes[2] = totals[2] - first_2 - np.searchsorted(table_2, u)
            state, u = next_uniform(state)
            shapes[3] = totals[3] - first_3 - np.searchsorted(table_3, u)
            state, u = next_uniform(state)
            if math.log(u) <= _log_common(shapes.sum(), prior, log_tilt) - best:
                break
        for o in range(4):
            shapes[o] += prior
        state = draw_dirichlet(state, shapes, points[draw])
    return state


@kernel
def draw_compositions(evidence, loci, depths, prior, key, points):
    """``draw_composition`` for each locus with depth: ``evidence`` (loci, 4, qualities, 2), ``points`` (loci, draws, 4)."""
    for i in range(loci.size):
        if depths[i] > 0:
            draw_composition(evidence[i], prior, stream(key, loci[i]), points[i])


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
