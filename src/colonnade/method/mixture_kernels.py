"""What the posterior of a composition is drawn from: how many of the reads of each base are errors, one table per base.

A read that shows base o with error probability e has likelihood e/3 + (1 - 4e/3) θ_o, which depends on the share of that base
alone. So the likelihood is a product of one polynomial per base, and the posterior a finite mixture of Dirichlet(prior + k),
k_o of the c_o reads of base o being true. Under a common tilt the k_o are independent. Reads are given as cells: for each
base how many there are of one quality, and their odds, (e/3) / (1 - 4e/3).
"""

import math

import numpy as np

from colonnade.jit import kernel

MAX_QUALITY = 45  # qualities are capped here: no platform is better in truth
UNINFORMATIVE = 0.75  # error probability from which on a base says nothing
ALWAYS_WHOLE = 128  # tables of so many bases are never cut
DROPPED = 45.0  # minus the logarithm of the weight, relative to the largest, at which the tables of deep loci may end
SPARE = 10.0  # by how much, in logarithms, the entries of a cut table exceed what is dropped on the way to it
CENTRED = 0.2  # standard deviations by which proposals may miss the top of the correction
UNDERFLOW = -690.0  # logarithm of the smallest number that is safe to compute with

ERRORS = 10.0 ** (-0.1 * np.arange(MAX_QUALITY + 1))
INFORMATIVE = ERRORS < UNINFORMATIVE
ODDS = np.where(INFORMATIVE, ERRORS / 3.0 / np.where(INFORMATIVE, 1.0 - 4.0 * ERRORS / 3.0, 1.0), np.inf)


@kernel
def cells_of(evidence):
    """Reads and odds of each base's cells, and its informative reads, of evidence (4, qualities, 2)."""
    reads_0, odds_0 = _cells_of_base(evidence[0])
    reads_1, odds_1 = _cells_of_base(evidence[1])
    reads_2, odds_2 = _cells_of_base(evidence[2])
    reads_3, odds_3 = _cells_of_base(evidence[3])
    totals = np.array([reads_0.sum(), reads_1.sum(), reads_2.sum(), reads_3.sum()])
    return (reads_0, reads_1, reads_2, reads_3), (odds_0, odds_1, odds_2, odds_3), totals


@kernel
def _cells_of_base(evidence):
    reads = np.zeros(MAX_QUALITY + 1, np.int64)
    for quality in range(evidence.shape[0]):
        reads[min(quality, MAX_QUALITY)] += evidence[quality, 0] + evidence[quality, 1]
    odds = np.empty(MAX_QUALITY + 1)
    n = 0
    for quality in range(MAX_QUALITY + 1):
        if reads[quality] > 0 and INFORMATIVE[quality]:
            reads[n] = reads[quality]
            odds[n] = ODDS[quality]
            n += 1
    return reads[:n], odds[:n]


@kernel
def solve_scale(reads, odds, total, prior, tilt):
    """The scale x at which tilt / x true reads of a base are expected (prior included): where its table's weights peak.

    By Newton's method on a concave rising function, from below. Also returns the slope of that function.
    """
    scale = tilt / (prior + total)
    slope = prior + total
    for _ in range(100):
        value = prior * scale - tilt
        slope = prior
        for i in range(odds.size):
            part = 1.0 / (1.0 + odds[i] * scale)
            value += reads[i] * scale * part
            slope += reads[i] * part * part
        step = value / slope
        scale -= step
        if abs(step) < 1e-7 * scale:
            break
    return scale, slope


@kernel
def _errors_at(reads, odds, scale):
    errors = 0.0
    for i in range(odds.size):
        errors += reads[i] * odds[i] * scale / (1.0 + odds[i] * scale)
    return errors


@kernel
def _scale_at(reads, odds, errors):
    """The scale at which so many errors are expected, by bisection of its logarithm."""
    low, high = -100.0, 100.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        if _errors_at(reads, odds, math.exp(middle)) < errors:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))


@kernel
def _log_weight(reads, odds, scale, end_scale, end_errors):
    """Logarithm of the weight, about, of ``end_errors`` under ``scale``, relative to the largest.

    ``end_scale`` is the scale under which so many are expected.
    """
    result = -end_errors * math.log(end_scale / scale)
    for i in range(odds.size):
        result += reads[i] * math.log((1.0 + odds[i] * end_scale) / (1.0 + odds[i] * scale))
    return result


@kernel
def _frame(reads, odds, total, prior, tilt, scale):
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
    scale_fewest = _scale_at(reads, odds, fewest)
    scale_most = _scale_at(reads, odds, most)
    best_scale, best = scale, -np.inf
    for part in (0.5, 0.37):  # of the way in true reads: right for a window of normal and of Poisson shape
        centre = _scale_at(reads, odds, most - part * (most - fewest))
        lowest = min(
            _log_weight(reads, odds, centre, scale_fewest, fewest), _log_weight(reads, odds, centre, scale_most, most)
        )
        if lowest > best:
            best_scale, best = centre, lowest
    return best_scale, math.exp(max(best - SPARE, UNDERFLOW))


@kernel
def _multiply(table, offset, n, ratio, cut):
    """Multiply a polynomial (coefficients ``table`` of powers from ``offset`` on) by (1 + ratio x)^n, largest 1.

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
    product = np.zeros(table.size + last - first)
    for i in range(table.size):
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
def _error_table(reads, odds, total, prior, tilt):
    """Cumulative weights of the number of errors among one base's reads, and the number that the first entry stands for."""
    if total == 0:
        return np.ones(1), 0
    scale = solve_scale(reads, odds, total, prior, tilt)[0]
    scale, cut = _frame(reads, odds, total, prior, tilt, scale)
    table = np.ones(1)
    offset = 0
    for i in range(odds.size):
        table, offset = _multiply(table, offset, reads[i], odds[i] * scale, cut)
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
def find_tilt(reads, odds, totals, prior):
    """A tilt under which the shares of the bases, which are about the reciprocals of their scales, add up to 1.

    It is then the number of true reads and prior counts. Shares fall as the tilt rises: Newton's method on logarithms, within a
    shrinking bracket, which is halved when a step gains too little (Newton's method alone can swing between two values).
    """
    low = math.log(4.0 * prior)
    high = math.log(4.0 * prior + totals.sum())
    log_tilt = high
    before = np.inf
    for _ in range(100):
        tilt = math.exp(log_tilt)
        shares = 0.0
        fall = 0.0
        for o in range(4):
            scale, slope = solve_scale(reads[o], odds[o], totals[o], prior, tilt)
            shares += 1.0 / scale
            fall += tilt / (scale * scale * slope)
        if abs(shares - 1.0) < 1e-4:
            break
        if shares > 1.0:
            low = log_tilt
        else:
            high = log_tilt
        log_shares = math.log(shares)
        log_tilt += log_shares * shares / fall
        if not low < log_tilt < high or abs(log_shares) > 0.5 * before:
            log_tilt = 0.5 * (low + high)
        before = abs(log_shares)
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
def propose(reads, odds, totals, prior):
    """The tilt, and under it the table of errors of each base with the number that its first entry stands for.

    The correction peaks where true bases and prior add up to the tilt; their mean falls as the tilt rises. Where the tables
    have two modes (poor qualities), the first guess can miss by so much that no point would be accepted: Newton's method mends it.
    """
    tilt = find_tilt(reads, odds, totals, prior)
    low = -np.inf
    high = np.inf
    while True:
        table_0, first_0 = _error_table(reads[0], odds[0], totals[0], prior, tilt)
        table_1, first_1 = _error_table(reads[1], odds[1], totals[1], prior, tilt)
        table_2, first_2 = _error_table(reads[2], odds[2], totals[2], prior, tilt)
        table_3, first_3 = _error_table(reads[3], odds[3], totals[3], prior, tilt)
        tables = (table_0, table_1, table_2, table_3)
        firsts = (first_0, first_1, first_2, first_3)
        true = 4.0 * prior
        spread = tilt
        for o in range(4):
            mean, variance = _moments(tables[o])
            true += totals[o] - firsts[o] - mean
            spread += variance
        excess = true - tilt
        if abs(excess) <= CENTRED * math.sqrt(spread) or high - low < 1e-6:
            return tilt, tables, firsts
        log_tilt = math.log(tilt)
        if excess > 0.0:
            low = log_tilt
        else:
            high = log_tilt
        log_tilt += min(max(excess / spread, -1.0), 1.0)
        if not low < log_tilt < high:
            log_tilt = 0.5 * (low + high)
        tilt = math.exp(log_tilt)
