"""Populations with known truth: haplotypes in shares that differ between samples, and single sites."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.compare.samples import REF
from colonnade.errors import UsageError
from colonnade.simulate.reference import Reference
from colonnade.simulate.variants import Variant, check_variant

TOLERANCE: Final = 1e-6  # by which the frequencies of a sample may miss a sum of 1
_SAMPLE: Final = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,99}")  # part of file names and of read names
_TAKEN: Final = ("contig", "position", "event", "haplotype", "variants", REF)  # columns of the tables, and no sample


@dataclass(frozen=True)
class Haplotype:
    """A genome in the population.

    Parameters
    ----------
    name
        Unlike any other.
    frequencies
        Its share of the templates of each sample, 0-1.
    variants
        How it differs from the reference.
    """

    name: str
    frequencies: tuple[float, ...]
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True)
class Site:
    """A variant that templates have independently of everything else about them.

    Parameters
    ----------
    variant
        What they have.
    shares
        Share of the templates of each sample that have it, 0-1.
    """

    variant: Variant
    shares: tuple[float, ...]

    def distance(self, first: int = 0, second: int = 1) -> float:
        """True distance between two samples: with two alleles, the difference of the share of one."""
        return abs(self.shares[first] - self.shares[second])


@dataclass(frozen=True)
class Population:
    """What the samples are drawn from.

    Parameters
    ----------
    samples
        Their names, such as time points.
    haplotypes
        Genomes with their frequencies, which sum to 1 in every sample; the reference alone if there are none.
    sites
        Variants that any template may have beside those of its haplotype.

    Raises
    ------
    UsageError
        Names are not unique or not fit for files, or numbers are not shares.
    """

    samples: tuple[str, ...]
    haplotypes: tuple[Haplotype, ...] = ()
    sites: tuple[Site, ...] = ()

    def __post_init__(self) -> None:
        if not self.haplotypes:
            object.__setattr__(self, "haplotypes", (Haplotype("reference", (1.0,) * len(self.samples)),))
        for name in self.samples:
            if not _SAMPLE.fullmatch(name):
                raise UsageError(f"{name!r} cannot name a sample", expected="letters, digits and _ . + -, at most 100")
            if name in _TAKEN:
                raise UsageError(f"{name} cannot name a sample", expected=f"another name than {', '.join(_TAKEN)}")
        _check_names("sample", self.samples)
        _check_names("haplotype", [haplotype.name for haplotype in self.haplotypes])
        for haplotype in self.haplotypes:
            self._check_shares(f"haplotype {haplotype.name}", haplotype.frequencies)
        for site in self.sites:
            self._check_shares(f"site {site.variant}", site.shares)
        for sample, total in zip(self.samples, self.frequencies.sum(axis=0).tolist(), strict=True):
            if abs(total - 1) > TOLERANCE:
                raise UsageError(f"frequencies of sample {sample} do not sum to 1", found=f"{total:.6g}", expected="1")

    @property
    def frequencies(self) -> npt.NDArray[np.float64]:
        """float64 (haplotypes, samples)."""
        return np.array([haplotype.frequencies for haplotype in self.haplotypes], np.float64)

    def truth(self) -> dict[Variant, tuple[float, ...]]:
        """The share of the templates of each sample that have each variant, by contig name, position and event."""
        shares: dict[Variant, npt.NDArray[np.float64]] = {}
        for haplotype in self.haplotypes:
            for variant in haplotype.variants:
                shares[variant] = shares.get(variant, 0.0) + np.array(haplotype.frequencies)
        for site in self.sites:
            shares[site.variant] = np.array(site.shares)
        return {variant: tuple(shares[variant].tolist()) for variant in sorted(shares)}

    def check(self, reference: Reference) -> None:
        """Raise unless all variants are ones of the reference, and none overlaps another that a template may have with it.

        Two overlap where they take the same base, or the base before an indel is taken.

        Raises
        ------
        UsageError
            They are not, or do.
        """
        on_site = [site.variant for site in self.sites]
        everything = {variant for haplotype in self.haplotypes for variant in haplotype.variants}.union(on_site)
        for contig, variants in by_contig(sorted(everything)):
            reference.require(contig)
            codes = reference.codes(contig)
            for variant in variants:
                check_variant(variant, codes)
        for haplotype in self.haplotypes:
            _check_apart(haplotype.name, [*haplotype.variants, *on_site])

    def _check_shares(self, what: str, shares: Sequence[float]) -> None:
        if len(shares) != len(self.samples):
            raise UsageError(
                f"{what} lacks shares", found=str(len(shares)), expected=f"{len(self.samples)}, as samples"
            )
        for share in shares:
            if not 0 <= share <= 1:
                raise UsageError(f"{what} has an impossible share", found=f"{share:g}", expected="0 to 1")


def by_contig(variants: Iterable[Variant]) -> Iterator[tuple[str, list[Variant]]]:
    """Contigs and their variants, in the order of the variants."""
    groups: dict[str, list[Variant]] = {}
    for variant in variants:
        groups.setdefault(variant.contig, []).append(variant)
    yield from groups.items()


def _check_names(kind: str, names: Sequence[str]) -> None:
    if not names:
        raise UsageError(f"no {kind}", expected="one or more")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{kind} {twice[0]} is named twice")


def _check_apart(name: str, variants: list[Variant]) -> None:
    for before, after in pairwise(sorted(variants)):
        if before.contig == after.contig and after.position < before.end:
            raise UsageError(f"variants {before} and {after} of haplotype {name} overlap", expected="one of them")
