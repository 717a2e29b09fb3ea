"""Two time points of a population: a reference and sites whose allele shares are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colonnade.formats.fasta import BASES

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Site:
    """A place where some templates differ from the reference.

    Parameters
    ----------
    position
        0-based; for an indel that of the base before it.
    event
        The other base (``G``), or the indel (``+AC``, ``-TT``).
    shares
        Share of templates with it at each time point, 0-1.
    """

    position: int
    event: str
    shares: tuple[float, ...]

    @property
    def is_indel(self) -> bool:
        """Whether it is an insertion or a deletion."""
        return self.event[0] in "+-"

    def distance(self, first: int = 0, second: int = 1) -> float:
        """True distance between two time points: with two alleles, the difference of the share of one."""
        return abs(self.shares[first] - self.shares[second])


def random_reference(length: int, rng: np.random.Generator) -> Codes:
    """A random sequence without long repeats of one base, as codes 0-3."""
    codes = rng.integers(0, 4, length).astype(np.uint8)
    for _ in range(3):
        same = np.flatnonzero(codes[1:] == codes[:-1]) + 1
        again = same[rng.random(same.size) < 0.5]
        codes[again] = rng.integers(0, 4, again.size)
    return codes


def to_text(codes: Codes) -> str:
    """Letters of codes 0-3."""
    return np.frombuffer(BASES.encode(), np.uint8)[codes].tobytes().decode()


def place_sites(
    reference: Codes,
    shares: Sequence[tuple[float, ...]],
    rng: np.random.Generator,
    *,
    indels: int = 0,
    margin: int = 200,
) -> list[Site]:
    """One site per tuple of shares, evenly spread at random order; the last ``indels`` are insertions and deletions in turn.

    Indels are given their leftmost place, so that truth and result name the same position.
    """
    spots = np.linspace(margin, len(reference) - margin, len(shares)).astype(int)
    rng.shuffle(spots)
    sites = []
    for number, (spot, share) in enumerate(zip(spots.tolist(), shares, strict=True)):
        kind = number - (len(shares) - indels)
        if kind < 0:
            other = (int(reference[spot]) + int(rng.integers(1, 4))) % 4
            sites.append(Site(spot, BASES[other], share))
        elif kind % 2:
            sites.append(_leftmost(reference, Site(spot, "-" + to_text(reference[spot + 1 : spot + 3]), share)))
        else:
            sites.append(_leftmost(reference, Site(spot, "+" + to_text(rng.integers(0, 4, 3).astype(np.uint8)), share)))
    return sorted(sites, key=lambda site: site.position)


def _leftmost(reference: Codes, site: Site) -> Site:
    position, sign, letters = site.position, site.event[0], site.event[1:]
    while BASES[reference[position]] == letters[-1]:
        letters = letters[-1] + letters[:-1]
        position -= 1
    return Site(position, sign + letters, site.shares)
