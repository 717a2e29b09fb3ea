"""Counter-based random numbers: each draw takes the state of a generator and returns the next one."""

import math

import numpy as np

from colonnade.jit import kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
UNIT = 2.0**-52
TINY = 1e-280  # sums of gamma draws below this are drawn again as logarithms: priors of 0.01 and less get there
FEW = 20.0  # successes expected up to which a binomial draw counts them one by one

LAYERS = 256
BASE_EDGE = 3.6541528853610088  # of the ziggurat of so many layers, and the area of each (Marsaglia and Tsang 2000)
LAYER_AREA = 4.92867323399e-3


def _ziggurat():
    """Right edges of the layers under exp(-x²/2), from the base upwards, and the part of each that lies within the next."""
    edges = [LAYER_AREA / math.exp(-0.5 * BASE_EDGE**2), BASE_EDGE]
    while len(edges) < LAYERS:
        height = LAYER_AREA / edges[-1] + math.exp(-0.5 * edges[-1] ** 2)
        edges.append(math.sqrt(-2.0 * math.log(height)))
    edges = np.array([*edges, 0.0])
    return edges, edges[1:] / edges[:-1]


EDGES, WITHIN = _ziggurat()


@kernel
def mix(z):
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): each bit of the result depends on all of ``z``."""
    z = np.uint64((z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
    z = np.uint64((z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
    return z ^ (z >> np.uint64(31))


@kernel
def next_bits(state):
    """One step of SplitMix64: (new state, 64 random bits)."""
    state = np.uint64(state + GOLDEN)
    return state, mix(state)


@kernel
def next_uniform(state):
    """(new state, uniform in (0, 1))."""
    state, bits = next_bits(state)
    return state, (np.float64(bits >> np.uint64(12)) + 0.5) * UNIT


@kernel
def stream(key, position):
    """State of the generator for one position of a keyed stream."""
    return next_bits(np.uint64(key) ^ np.uint64(np.uint64(position) * np.uint64(0xD1342543DE82EF95)))[0]


@kernel
def draw_normal(state):
    """A standard normal draw by the ziggurat of Marsaglia and Tsang (2000), as Doornik (2005) arranges it."""
    while True:
        state, bits = next_bits(state)
        layer = np.int64(bits & np.uint64(LAYERS - 1))
        u = (np.float64(bits >> np.uint64(12)) + 0.5) * (2.0 * UNIT) - 1.0
        x = u * EDGES[layer]
        if abs(u) < WITHIN[layer]:
            return state, x
        if layer == 0:
            state, x = _draw_tail(state)
            return state, math.copysign(x, u)
        low = math.exp(-0.5 * EDGES[layer] ** 2)
        high = math.exp(-0.5 * EDGES[layer + 1] ** 2)
        state, v = next_uniform(state)
        if low + v * (high - low) < math.exp(-0.5 * x * x):
            return state, x


@kernel
def _draw_tail(state):
    """The size of a normal draw beyond the base of the ziggurat (Marsaglia 1964)."""
    while True:
        state, u = next_uniform(state)
        state, v = next_uniform(state)
        x = -math.log(u) / BASE_EDGE
        if -2.0 * math.log(v) > x * x:
            return state, BASE_EDGE + x


@kernel
def draw_gamma(state, shape):
    """A gamma draw of scale 1 (Marsaglia and Tsang 2000)."""
    if shape < 1.0:
        state, x, _ = _draw_small_gamma(state, shape)
        return state, x
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        state, x = draw_normal(state)
        v = 1.0 + c * x
        if v <= 0.0:
            continue
        v = v * v * v
        square = x * x
        state, u = next_uniform(state)
        if u < 1.0 - 0.0331 * square * square or math.log(u) < 0.5 * square + d - d * v + d * math.log(v):
            return state, d * v


@kernel
def _draw_small_gamma(state, shape):
    """A gamma draw of shape below 1, and its logarithm (Ahrens and Dieter 1974, GS)."""
    whole = 1.0 + shape / math.e
    while True:
        state, u = next_uniform(state)
        state, v = next_uniform(state)
        p = whole * u
        if p <= 1.0:
            log_x = math.log(p) / shape
            x = math.exp(log_x)
            if v < 1.0 - x or v < math.exp(-x):
                return state, x, log_x
        else:
            x = -math.log((whole - p) / shape)
            if v < x ** (shape - 1.0):
                return state, x, math.log(x)


@kernel
def _draw_log_gamma(state, shape):
    """The logarithm of what ``draw_gamma`` draws from the same state, where that may be too small for a float."""
    if shape < 1.0:
        state, _, log_x = _draw_small_gamma(state, shape)
        return state, log_x
    state, x = draw_gamma(state, shape)
    return state, math.log(x)


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
    whole = 1.0 / total
    for o in range(shapes.size):
        point[o] *= whole
    return state


@kernel
def guide_to(cumulated):
    """Where to start looking in cumulative weights, for each of as many equal parts of (0, 1) (Chen and Asau 1974)."""
    guide = np.empty(cumulated.size, np.int64)
    index = 0
    for part in range(guide.size):
        while cumulated[index] * guide.size < part:
            index += 1
        guide[part] = index
    return guide


@kernel
def draw_index(state, cumulated, guide):
    """An index drawn from cumulative weights that end in 1: about one comparison, however many there are."""
    state, u = next_uniform(state)
    index = guide[int(u * guide.size)]
    while cumulated[index] < u:
        index += 1
    return state, index


@kernel
def draw_binomial(state, n, p):
    """How many of ``n`` trials succeed with probability ``p`` each.

    Many trials are halved by drawing the middle one of their uniforms in order, a beta variable (Relles 1972), until few
    successes are expected; these are counted from none upwards.
    """
    successes = 0
    while n * min(p, 1.0 - p) > FEW:
        middle = (n + 1) // 2
        state, below = draw_gamma(state, float(middle))
        state, above = draw_gamma(state, float(n + 1 - middle))
        cut = below / (below + above)
        if cut <= p:
            successes += middle
            n -= middle
            p = min((p - cut) / (1.0 - cut), 1.0)
        else:
            n = middle - 1
            p = p / cut
    if p > 0.5:
        state, failures = _count_successes(state, n, 1.0 - p)
        return state, successes + n - failures
    state, more = _count_successes(state, n, p)
    return state, successes + more


@kernel
def _count_successes(state, n, p):
    """A binomial draw by inversion, for p up to 0.5 and few successes."""
    state, u = next_uniform(state)
    odds = p / (1.0 - p)
    weight = math.exp(n * math.log1p(-p))
    successes = 0
    while u > weight and successes < n:
        u -= weight
        successes += 1
        weight *= odds * (n - successes + 1) / successes
    return state, successes
