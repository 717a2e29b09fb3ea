"""Paired reads from a population: overlapping mates, and qualities that mean what they say."""

import os
import tempfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pysam

from colonnade.formats.fasta import BASES
from colonnade.records.filters import Flag
from colonnade.simulate.population import Codes, Site, to_text

QUALITIES: Final = np.array([37, 30, 22, 12], np.uint8)
QUALITY_SHARES: Final = np.array([0.70, 0.18, 0.08, 0.04])
_ANCHOR: Final = 10  # aligned bases that an indel needs on both sides; with fewer the read's end is clipped

_MATCH, _INSERTION, _DELETION, _CLIP = 0, 1, 2, 4


@dataclass(frozen=True)
class Library:
    """How templates are sequenced.

    Parameters
    ----------
    read_length
        Bases of each mate.
    template_mean, template_sd
        Length of templates, in bases; never shorter than a read.
    depth
        Templates that cover a position, on average.
    """

    read_length: int = 150
    template_mean: float = 240.0
    template_sd: float = 40.0
    depth: float = 300.0


@dataclass(frozen=True)
class _Read:
    start: int
    cigar: list[tuple[int, int]]
    bases: Codes
    qualities: npt.NDArray[np.uint8]

    @property
    def end(self) -> int:
        return self.start + sum(length for kind, length in self.cigar if kind in (_MATCH, _DELETION))


def simulate_bam(
    path: str | Path,
    reference: Codes,
    sites: Sequence[Site],
    time_point: int,
    library: Library,
    rng: np.random.Generator,
    *,
    contig: str = "virus",
) -> None:
    """Write a sorted, indexed BAM of paired reads of one time point. Alleles of different sites are independent."""
    n_templates = int(library.depth * len(reference) / library.template_mean)
    lengths = np.maximum(
        rng.normal(library.template_mean, library.template_sd, n_templates).astype(int), library.read_length
    )
    starts = (rng.random(n_templates) * (len(reference) - lengths)).astype(int)
    lefts, rights = starts, starts + lengths - library.read_length
    carried = _carried_sites(sites, time_point, starts, starts + lengths, rng)

    qualities = rng.choice(QUALITIES, (n_templates, 2, library.read_length), p=QUALITY_SHARES)
    shifts = np.where(rng.random(qualities.shape) < 10.0 ** (-0.1 * qualities), rng.integers(1, 4, qualities.shape), 0)
    records = []
    for number, ends in enumerate(zip(lefts.tolist(), rights.tolist(), strict=True)):
        mates = [
            _read(reference, start, carried.get(number, ()), *noise)
            for start, *noise in zip(ends, qualities[number], shifts[number].astype(np.uint8), strict=True)
        ]
        records += _records(f"{Path(path).stem}.{number}", mates)
    _write(Path(path), sorted(records, key=lambda record: record.reference_start), contig, len(reference))


def _write(path: Path, records: Sequence[pysam.AlignedSegment], contig: str, length: int) -> None:
    """Write a BAM and its index; both appear when complete."""
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": contig, "LN": length}],
        "PG": [{"ID": "colonnade", "PN": "colonnade"}],
    }
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        unfinished = Path(folder) / "reads.bam"
        with pysam.AlignmentFile(str(unfinished), "wb", header=header) as file:
            for record in records:
                file.write(record)
        pysam.index(str(unfinished))
        os.replace(unfinished, path)
        os.replace(f"{unfinished}.bai", f"{path}.bai")


def _carried_sites(
    sites: Sequence[Site],
    time_point: int,
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[int, list[Site]]:
    """The sites at which each template differs from the reference, by position."""
    carried: dict[int, list[Site]] = {}
    for site in sites:
        covering = np.flatnonzero((starts <= site.position) & (site.position < ends))
        for template in covering[rng.random(covering.size) < site.shares[time_point]].tolist():
            carried.setdefault(template, []).append(site)
    return carried


def _read(
    reference: Codes, start: int, sites: Sequence[Site], qualities: npt.NDArray[np.uint8], shifts: npt.NDArray[np.uint8]
) -> _Read:
    """One mate of a template that carries some sites; a shift other than 0 is a sequencing error."""
    length = len(qualities)
    bases = reference[start : start + length].copy()
    cigar = [(_MATCH, length)]
    for site in sites:
        if start <= site.position < start + length and not site.is_indel:
            bases[site.position - start] = BASES.index(site.event)
    for site in sites:
        if site.is_indel and start <= site.position < start + length - 1:
            start, cigar, bases = _with_indel(reference, start, bases, site)
            break  # sites are further apart than a read is long
    return _Read(start, cigar, (bases + shifts[: len(bases)]) % 4, qualities[: len(bases)])


def _with_indel(reference: Codes, start: int, bases: Codes, site: Site) -> tuple[int, list[tuple[int, int]], Codes]:
    """Put an indel into a read: the same number of bases, a new CIGAR; an end too short to align is clipped."""
    length = len(bases)
    before = site.position + 1 - start
    letters = np.array([BASES.index(letter) for letter in site.event[1:]], np.uint8)
    if site.event[0] == "+":
        inserted = letters[: length - before]
        after = length - before - len(inserted)
        bases = np.concatenate((bases[:before], inserted, bases[before : before + after]))
        gap, resume = (_INSERTION, len(letters)), site.position + 1
    else:
        after = length - before
        resume = site.position + 1 + len(letters)
        bases = np.concatenate((bases[:before], reference[resume : resume + after]))
        after = len(bases) - before
        gap = (_DELETION, len(letters))
    if after < _ANCHOR:
        return start, [(_MATCH, before), (_CLIP, len(bases) - before)], bases
    if before < _ANCHOR:
        return resume, [(_CLIP, len(bases) - after), (_MATCH, after)], bases
    return start, [(_MATCH, before), gap, (_MATCH, after)], bases


def _records(name: str, mates: Sequence[_Read]) -> list[pysam.AlignedSegment]:
    left, right = mates
    span = max(left.end, right.end) - min(left.start, right.start)
    records = []
    for mate, other, flags, template_length in (
        (left, right, Flag.READ1 | Flag.MREVERSE, span),
        (right, left, Flag.READ2 | Flag.REVERSE, -span),
    ):
        record = pysam.AlignedSegment()
        record.query_name = name
        record.flag = int(Flag.PAIRED | Flag.PROPER_PAIR | flags)
        record.reference_id = record.next_reference_id = 0
        record.reference_start = mate.start
        record.next_reference_start = other.start
        record.template_length = template_length
        record.mapping_quality = 60
        record.cigartuples = mate.cigar
        record.query_sequence = to_text(mate.bases)
        record.query_qualities = array("B", mate.qualities.tobytes())
        records.append(record)
    return records
