"""Populations made at random: related haplotypes, or single sites at given shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import UsageError
from colonnade.formats.fasta import BASES
from colonnade.simulate.descent import Descent
from colonnade.simulate.library import check_seed
from colonnade.simulate.population import Haplotype, Population, Site
from colonnade.simulate.reference import Reference
from colonnade.simulate.variants import Codes, Variant, leftmost, to_text

LONGEST_INDEL: Final = 12
_INDEL_STOP: Final = 0.5  # probability that an indel is not a base longer: lengths are geometric
_TRIES: Final = 100  # for a place that is free, of each variant
_DECIMALS: Final = 6  # of frequencies, so that files hold them whole


def random_population(reference: Reference, samples: Sequence[str], descent: Descent, *, seed: int) -> Population:
    """Haplotypes that descend from the reference, with frequencies that change from sample to sample.

    No two variants of the population overlap, and no place changes twice.
    """
    check_seed(seed)
    rng = np.random.default_rng([seed, 1])
    lineages: list[list[Variant]] = [[] for _ in range(descent.haplotypes)]
    parents = [0, *(int(rng.integers(child)) for child in range(1, descent.haplotypes))]
    for contig in reference.lengths:
        gained = _gained(contig, reference.codes(contig), descent, rng)
        here: list[list[Variant]] = []
        for child, parent in enumerate(parents):
            here.append([*(here[parent] if child else []), *gained[child]])
            lineages[child] += sorted(here[child])
    frequencies = _frequencies(len(samples), descent, rng)
    haplotypes = [
        Haplotype(f"haplotype{n + 1}", tuple(shares), tuple(variants))
        for n, (shares, variants) in enumerate(zip(frequencies.tolist(), lineages, strict=True))
    ]
    return Population(tuple(samples), tuple(haplotypes))


def place_sites(
    contig: str,
    codes: Codes,
    shares: Sequence[tuple[float, ...]],
    rng: np.random.Generator,
    *,
    indels: int = 0,
    margin: int = 200,
) -> list[Site]:
    """One site per tuple of shares, evenly spread in random order; the last ``indels`` are insertions and deletions in turn."""
    spots = np.linspace(margin, len(codes) - margin, len(shares)).astype(int)
    rng.shuffle(spots)
    sites = []
    for number, (spot, share) in enumerate(zip(spots.tolist(), shares, strict=True)):
        kind = number - (len(shares) - indels)
        shift = 0 if kind < 0 else -2 if kind % 2 else 3
        sites.append(Site(_variant(contig, codes, spot, shift, rng), share))
    return sorted(sites, key=lambda site: site.variant)


def _variant(contig: str, codes: Codes, position: int, shift: int, rng: np.random.Generator) -> Variant:
    """A variant at, or leftmost from, a position: another base for a shift of 0, else an indel of so many bases."""
    if shift == 0:
        other = (int(codes[position]) + int(rng.integers(1, 4))) % 4
        return Variant(contig, position, BASES[other])
    if shift < 0:
        return leftmost(Variant(contig, position, "-" + to_text(codes[position + 1 : position + 1 - shift])), codes)
    letters = to_text(rng.integers(0, 4, shift).astype(np.uint8))
    return leftmost(Variant(contig, position, "+" + letters), codes)


@dataclass(frozen=True)
class _Known:
    """The known bases of a contig, counted without those between.

    Parameters
    ----------
    ends
        int64 (runs,): the position after each run of known bases, 0-based.
    counts
        int64 (runs,): known bases up to there.
    """

    ends: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, is_unknown: npt.NDArray[np.bool_]) -> "_Known":
        """Those of one contig."""
        edges = np.flatnonzero(np.diff(is_unknown, prepend=True, append=True))
        starts, ends = edges[::2], edges[1::2]
        return cls(ends, np.cumsum(ends - starts))

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.counts[-1]) if self.counts.size else 0

    def position(self, number: int) -> int:
        """Where the one of a number is, from 0."""
        run = np.searchsorted(self.counts, number, side="right")
        return int(self.ends[run] - (self.counts[run] - number))


def _gained(contig: str, codes: Codes, descent: Descent, rng: np.random.Generator) -> list[list[Variant]]:
    """What each haplotype gains on its parent on one contig, at places that are free and known."""
    is_taken = codes > 3
    known = _Known.of(is_taken)
    gained: list[list[Variant]] = [[]]
    for _ in range(1, descent.haplotypes):
        n_snvs = int(rng.poisson(descent.snv_rate * known.count))
        n_indels = int(rng.poisson(descent.indel_rate * known.count))
        lengths = np.minimum(rng.geometric(_INDEL_STOP, n_indels), LONGEST_INDEL)
        shifts = [*(lengths * rng.choice([-1, 1], n_indels)).tolist(), *[0] * n_snvs]
        gained.append([_free_variant(contig, codes, known, is_taken, shift, rng) for shift in shifts])
    return gained


def _free_variant(
    contig: str,
    codes: Codes,
    known: _Known,
    is_taken: npt.NDArray[np.bool_],
    shift: int,
    rng: np.random.Generator,
) -> Variant:
    for _ in range(_TRIES):
        position = known.position(int(rng.integers(known.count)))
        end = position + 1 + max(-shift, 0)
        if end + (shift != 0) > len(codes) or is_taken[position:end].any():  # an indel needs a base after it
            continue
        variant = _variant(contig, codes, position, shift, rng)
        if not is_taken[variant.position : variant.end].any():
            is_taken[variant.position : variant.end] = True
            return variant
    raise UsageError(f"contig {contig} has no room for so many variants", advice="ask for fewer, or a longer reference")


def _frequencies(n_samples: int, descent: Descent, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """float64 (haplotypes, samples), columns summing to 1."""
    flat = np.ones(descent.haplotypes)
    columns = [rng.dirichlet(flat)]
    for _ in range(1, n_samples):
        columns.append((1 - descent.turnover) * columns[-1] + descent.turnover * rng.dirichlet(flat))
    rounded = np.round(columns, _DECIMALS)
    rounded[np.arange(n_samples), rounded.argmax(axis=1)] += 1 - rounded.sum(axis=1)
    frequencies: npt.NDArray[np.float64] = np.round(rounded, _DECIMALS).T
    return frequencies
