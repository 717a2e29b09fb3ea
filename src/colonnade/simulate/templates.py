"""Where templates come from: a population, a contig and a library as the arrays that kernels draw from."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.method.posterior import stream_key
from colonnade.simulate.library import SHORTEST_TEMPLATE, Library
from colonnade.simulate.population import Population
from colonnade.simulate.templates_kernels import Alleles, Ground, Protocol
from colonnade.simulate.variants import Codes, Variant

NO_MORE: Final = int(np.iinfo(np.int64).max)
_DEVIATIONS: Final = 6  # beyond which no length of a template is drawn
_PER_WINDOW: Final = 1 << 17  # templates drawn at a time, about
_WIDEST: Final = 1 << 22  # positions of a window

#: A read to be made: where it aligns from (0-based), and what its template is drawn from.
READ: Final = np.dtype(
    [("start", np.int64), ("source", np.int64), ("ordinal", np.int32), ("duplicate", np.int32), ("mate", np.int32)],
    align=True,
)


def alleles_of(population: Population, sample: int, contig: str) -> Alleles:
    """What each haplotype has on a contig, and each site's share in one sample."""
    sites = [(site.variant, site.shares[sample]) for site in population.sites if site.variant.contig == contig]
    items: list[tuple[Variant, float]] = []
    first = [0]
    for haplotype in population.haplotypes:
        own = [(variant, 1.0) for variant in haplotype.variants if variant.contig == contig]
        items += sorted(own + sites)
        first.append(len(items))
    variants = [variant for variant, _ in items]
    bases = [variant.new_bases for variant in variants]
    rooms: dict[int, int] = {}
    for variant in variants:
        if variant.shift > 0:
            rooms[variant.position] = max(variant.shift, rooms.get(variant.position, 0))
    frequencies = np.cumsum(population.frequencies[:, sample])
    return Alleles(
        frequencies=frequencies / frequencies[-1],
        first=np.array(first, np.int64),
        positions=np.array([variant.position for variant in variants], np.int64),
        shifts=np.array([variant.shift for variant in variants], np.int64),
        letters=np.array([0, *accumulate(map(len, bases))][: len(items)], np.int64),
        shares=np.array([share for _, share in items], np.float64),
        bases=np.concatenate([*bases, np.empty(0, np.uint8)]),
        anchors=np.array(sorted(rooms), np.int64),
        longest=np.array([rooms[position] for position in sorted(rooms)], np.int64),
    )


def ground_of(library: Library, codes: Codes, *, contig: str, sample: str, seed: int) -> Ground:
    """Sources of templates on a contig: every position, or the amplicons."""
    shortest, shares = length_shares(library)
    amplicons = sorted(amplicon for amplicon in library.amplicons if amplicon.contig == contig)
    depth = library.depth * (1 - library.duplicates)
    if library.amplicons:
        rates = [depth * amplicon.share for amplicon in amplicons]
    else:
        rates = [depth / _bases_shown(library, shortest, shares)]
    ambiguous = np.flatnonzero(np.diff(np.concatenate(([False], codes > 3, [False]))))
    return Ground(
        key=np.uint64(stream_key(seed, contig, sample, "templates")),
        codes=codes,
        gaps=ambiguous.reshape(-1, 2),
        rates=np.array(rates, np.float64),
        amplicons=np.array([(a.start, a.left_end, a.right_start, a.end) for a in amplicons], np.int64).reshape(-1, 4),
        lengths=np.append(np.cumsum(shares)[:-1], 1.0),
        shortest=shortest,
    )


def protocol_of(library: Library) -> Protocol:
    """Tables of qualities and damage."""
    qualities, shares = (np.array(column) for column in zip(*library.qualities, strict=True))
    damage: npt.NDArray[np.float64] = np.empty(0)
    if library.damage is not None and library.damage.rate > 0:
        reach = np.arange(_damage_reach(library.damage.decay))
        damage = (library.damage.rate * library.damage.decay**reach).astype(np.float64)
    return Protocol(
        read_length=library.read_length,
        mates=library.mates,
        duplicates=library.duplicates,
        mark_duplicates=library.mark_duplicates,
        quality_shares=np.append(np.cumsum(shares)[:-1], 1.0),
        qualities=qualities.astype(np.uint8),
        errors=10.0 ** (-0.1 * qualities),
        damage=damage,
    )


def length_shares(library: Library) -> tuple[int, npt.NDArray[np.float64]]:
    """The shortest length of a template, and the shares of templates of that length, of one base more, and so on.

    A normal distribution at whole numbers, cut at the shortest template and at six standard deviations.
    """
    reach = _DEVIATIONS * library.template_sd
    shortest = max(SHORTEST_TEMPLATE, int(library.template_mean - reach))
    lengths = np.arange(shortest, int(library.template_mean + reach) + 1)
    z = (lengths - library.template_mean) / max(library.template_sd, 0.5)
    weights = np.exp(-0.5 * z * z)
    return shortest, weights / weights.sum()


def longest_template(ground: Ground) -> int:
    """Positions of the reference that a template may span, at most, deletions aside."""
    if len(ground.amplicons):
        return int((ground.amplicons[:, 3] - ground.amplicons[:, 0]).max())
    return ground.shortest + len(ground.lengths)


def windows(ground: Ground, *, is_amplified: bool) -> Iterator[tuple[int, int, int]]:
    """Cut the sources of a contig into parts of about the same work.

    Yields
    ------
    First source, the one after the last, and a position (0-based) that no read of a later source aligns before.
    """
    if is_amplified:
        work = (np.cumsum(ground.rates) / _PER_WINDOW).astype(np.int64)
        bounds = [0, *(np.flatnonzero(np.diff(work)) + 1).tolist(), len(work)] if len(work) else []
        starts: Sequence[int] = ground.amplicons[:, 0].tolist()
    else:
        n_positions = len(ground.codes)
        width = max(1, min(_WIDEST, int(_PER_WINDOW / ground.rates[0])))
        bounds = [*range(0, n_positions, width), n_positions]
        starts = range(n_positions)
    for first, last in pairwise(bounds):
        yield first, last, starts[last] if last < len(starts) else NO_MORE


def _bases_shown(library: Library, shortest: int, shares: npt.NDArray[np.float64]) -> float:
    """Positions that the reads of a template show, on average."""
    lengths = np.arange(shortest, shortest + len(shares))
    return float(shares @ np.minimum(lengths, library.mates * library.read_length))


def _damage_reach(decay: float) -> int:
    """Distance from the end of a template from which on there is no damage: less than one base in 10^12."""
    return 1 if decay == 0 else 1 + int(np.log(1e-12) / np.log(decay))
