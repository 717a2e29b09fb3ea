"""Made-up data for the benchmarks: a random reference and two samples of paired reads, the same for the same seed.

Records are built in bulk as BAM bytes (SAM specification, section 4.2); samtools sorts, compresses and indexes them.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
import pysam.samtools

CONTIG: Final = "chr1"
SAMPLES: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_DEPTH: Final = 30
_READ: Final = 100
_TEMPLATE: Final = (350, 50)  # length of most templates: mean and standard deviation
_SHORT_TEMPLATE: Final = (150, 30)  # and of a few, whose mates overlap
_SHORT_SHARE: Final = 0.05
_SITE_SPACING: Final = 5_000  # one true difference between the samples in so many positions
_INDEL_READS: Final = 1 / 2_000
_LONGEST_INDEL: Final = 3
_INDEL_MARGIN: Final = 10  # aligned bases on either side of an indel
_UNMAPPABLE_SHARE: Final = 0.02  # of templates, with mapping quality 0
_TEMPLATES_AT_ONCE: Final = 50_000

_QUALITIES: Final = np.array([2, 12, 23, 37], np.uint8)  # the bins of a NovaSeq
_GOOD_READ: Final = np.array([0.005, 0.02, 0.05])  # chance of each of the lower bins in the first cycle
_POOR_READ: Final = np.array([0.03, 0.10, 0.20])
_POOR_SHARE: Final = 0.1
_DECAY: Final = 2.0  # how much more likely the lower bins are in the last cycle

_PAIRED, _PROPER, _REVERSE, _MATE_REVERSE, _READ_1, _READ_2 = 0x1, 0x2, 0x10, 0x20, 0x40, 0x80
_MATCH, _INSERTION, _DELETION = 0, 1, 2
_NAME: Final = b"A00111:22:H3YJKDSX2:1:0000:00000:00000"

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Data:
    """The files of a benchmark.

    Parameters
    ----------
    folder
        Where they are, or will be.
    size
        Length of the reference.
    samples
        How many of ``SAMPLES``.
    """

    folder: Path
    size: int
    samples: int = 2

    @property
    def reference(self) -> Path:
        """The FASTA file."""
        return self.folder / f"reference.{self.size}.fa"

    def bam(self, sample: str) -> Path:
        """The BAM file of a sample."""
        return self.folder / f"{sample}.{self.size}.bam"

    @property
    def bams(self) -> list[Path]:
        """The BAM files of all samples."""
        return [self.bam(sample) for sample in SAMPLES[: self.samples]]

    def make(self, seed: int = 1) -> None:
        """Write the files that are missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        codes = np.random.default_rng(seed).integers(0, 4, self.size, np.uint8)
        if not self.reference.exists():
            _write_fasta(self.reference, codes)
        sites = _Sites.draw(np.random.default_rng((seed, 1)), codes)
        for number, bam in enumerate(self.bams):
            if not Path(f"{bam}.bai").exists():
                rng = np.random.default_rng((seed, 2, number))
                _write_bam(bam, codes, _templates(rng, codes, sites, sites.shares[:, number]))


@dataclass(frozen=True)
class _Sites:
    """True differences: rising positions, the other base at each, and its share (sites, samples)."""

    positions: Integers
    bases: Bytes
    shares: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, codes: Bytes) -> "_Sites":
        n = codes.size // _SITE_SPACING
        positions = np.arange(n) * _SITE_SPACING + rng.integers(0, _SITE_SPACING, n)
        bases = (codes[positions] + rng.integers(1, 4, n, np.uint8)) & 3
        shares = [rng.uniform(0, 0.3, n), rng.uniform(0.1, 1, n)]
        shares += [rng.uniform(0, 1, n) for _ in SAMPLES[2:]]
        return cls(positions, bases, np.column_stack(shares))


@dataclass(frozen=True)
class _Reads:
    """One mate of each of some templates; an indel of length 0 is none, a negative one is a deletion."""

    start: Integers
    indel_at: Integers
    indel: Integers
    sequence: Bytes
    quality: Bytes

    @property
    def end(self) -> Integers:
        """End on the reference, exclusive."""
        return self.start + _READ - self.indel


@dataclass(frozen=True)
class _Templates:
    """Some templates: the number of the first, what both mates share, and the mates, left and right."""

    first: int
    mapq: Bytes
    left_is_first: npt.NDArray[np.bool_]
    left: _Reads
    right: _Reads


def _templates(
    rng: np.random.Generator, codes: Bytes, sites: _Sites, shares: npt.NDArray[np.float64]
) -> Iterator[_Templates]:
    total = codes.size * _DEPTH // (2 * _READ)
    for first in range(0, total, _TEMPLATES_AT_ONCE):
        n = min(_TEMPLATES_AT_ONCE, total - first)
        length = np.where(rng.random(n) < _SHORT_SHARE, rng.normal(*_SHORT_TEMPLATE, n), rng.normal(*_TEMPLATE, n))
        length = np.clip(length, _READ, None).astype(np.int64)
        start = (rng.random(n) * (codes.size - length - _LONGEST_INDEL)).astype(np.int64)
        haplotype = rng.random(n)  # one per template, so that overlapping mates agree
        yield _Templates(
            first,
            np.where(rng.random(n) < _UNMAPPABLE_SHARE, 0, 60).astype(np.uint8),
            rng.random(n) < 0.5,
            _reads(rng, codes, sites, shares, start, haplotype, reverse=False),
            _reads(rng, codes, sites, shares, start + length - _READ, haplotype, reverse=True),
        )


def _reads(
    rng: np.random.Generator,
    codes: Bytes,
    sites: _Sites,
    shares: npt.NDArray[np.float64],
    start: Integers,
    haplotype: npt.NDArray[np.float64],
    *,
    reverse: bool,
) -> _Reads:
    n = start.size
    indel = rng.integers(1, _LONGEST_INDEL + 1, n) * rng.choice((-1, 1), n) * (rng.random(n) < _INDEL_READS)
    at = rng.integers(_INDEL_MARGIN, _READ - _INDEL_MARGIN - _LONGEST_INDEL, n)
    positions = start[:, np.newaxis] + np.arange(_READ)
    changed = np.flatnonzero(indel)
    after = np.arange(_READ) >= (at + np.maximum(indel, 0))[changed, np.newaxis]
    positions[changed] -= after * indel[changed, np.newaxis]
    sequence = codes[positions]

    row, column, site = _sites_in(positions, sites.positions)
    carried = haplotype[row] < shares[site]
    sequence[row[carried], column[carried]] = sites.bases[site[carried]]

    quality = _draw_qualities(rng, n)
    if reverse:
        quality = quality[:, ::-1]
    _add_errors(rng, sequence, quality)
    return _Reads(start, at, indel, sequence, quality)


def _sites_in(positions: Integers, sites: Integers) -> tuple[Integers, Integers, Integers]:
    """Where reads show sites: row, column and number of the site; sites are too rare for two in a read to matter."""
    first = np.searchsorted(sites, positions[:, 0])
    within = first < sites.size
    row = np.flatnonzero(within)
    row = row[sites[first[row]] <= positions[row, -1]]
    column = np.argmax(positions[row] == sites[first[row], np.newaxis], axis=1)
    shown = positions[row, column] == sites[first[row]]
    return row[shown], column[shown], first[row[shown]]


def _draw_qualities(rng: np.random.Generator, n: int) -> Bytes:
    decay = np.linspace(1, _DECAY, _READ)[:, np.newaxis]
    limits = np.cumsum(np.stack((_GOOD_READ * decay, _POOR_READ * decay)) * 256, axis=2).astype(np.uint8)
    limit = limits[(rng.random(n) < _POOR_SHARE).astype(np.int64)]  # (reads, cycles, lower bins)
    drawn = rng.integers(0, 256, (n, _READ), np.uint8)
    bins = (drawn >= limit[..., 0]).astype(np.uint8)
    for lower in (1, 2):
        bins += drawn >= limit[..., lower]
    return _QUALITIES[bins]


def _add_errors(rng: np.random.Generator, sequence: Bytes, quality: Bytes) -> None:
    chance = np.zeros(_QUALITIES.max() + 1, np.uint16)
    chance[_QUALITIES] = np.minimum(10 ** (-0.1 * _QUALITIES), 0.75) * 65536
    row, column = np.nonzero(rng.integers(0, 65536, sequence.shape, np.uint16) < chance[quality])
    sequence[row, column] = (sequence[row, column] + rng.integers(1, 4, row.size, np.uint8)) & 3


def _write_fasta(path: Path, codes: Bytes) -> None:
    letters = np.frombuffer(b"ACGT", np.uint8)[codes].tobytes().decode("ascii")
    lines = [letters[start : start + 60] for start in range(0, len(letters), 60)]
    path.write_text(f">{CONTIG}\n" + "\n".join(lines) + "\n")
    pysam.samtools.faidx(str(path))


def _write_bam(path: Path, codes: Bytes, templates: Iterator[_Templates]) -> None:
    unsorted = path.with_suffix(".unsorted")
    with unsorted.open("wb") as file:
        file.write(_header(codes.size))
        for part in templates:
            for left_side in (True, False):
                _write_reads(file, part, left_side=left_side)
    pysam.set_verbosity(1)  # plain BAM bytes have no end-of-file block, which is worth a warning elsewhere
    pysam.samtools.sort("--no-PG", "-m", "1G", "-o", str(path), str(unsorted))
    unsorted.unlink()
    pysam.samtools.index(str(path))


def _header(length: int) -> bytes:
    text = f"@HD\tVN:1.6\n@SQ\tSN:{CONTIG}\tLN:{length}\n".encode()
    name = CONTIG.encode() + b"\0"
    numbers = [len(text), 1, len(name), length]
    text_size, n_contigs, name_size, contig_size = (number.to_bytes(4, "little") for number in numbers)
    return b"BAM\1" + text_size + text + n_contigs + name_size + name + contig_size


def _write_reads(file: BinaryIO, templates: _Templates, *, left_side: bool) -> None:
    """Write one mate of each template: those without an indel, then those with one, whose CIGARs are longer."""
    reads = templates.left if left_side else templates.right
    for with_indel in (False, True):
        rows = np.flatnonzero((reads.indel != 0) == with_indel)
        _records(templates, rows, left_side=left_side, with_indel=with_indel).tofile(file)


def _records(templates: _Templates, rows: Integers, *, left_side: bool, with_indel: bool) -> npt.NDArray[np.void]:
    own, mate = (templates.left, templates.right) if left_side else (templates.right, templates.left)
    records = np.zeros(rows.size, _record_type(3 if with_indel else 1))
    length = (templates.right.end - templates.left.start)[rows]
    strands = _MATE_REVERSE if left_side else _REVERSE
    is_first = templates.left_is_first[rows] == left_side
    records["block_size"] = records.dtype.itemsize - 4
    records["start"] = own.start[rows]
    records["l_name"] = len(_NAME) + 1
    records["mapq"] = templates.mapq[rows]
    records["bin"] = _bins(own.start[rows], own.end[rows])
    records["n_cigar"] = records["cigar"].shape[1]
    records["flag"] = (_PAIRED | _PROPER | strands) + np.where(is_first, _READ_1, _READ_2)
    records["l_seq"] = _READ
    records["next_start"] = mate.start[rows]
    records["template_length"] = length if left_side else -length
    records["name"] = _names(templates.first + rows)
    records["cigar"] = _indel_cigars(own, rows) if with_indel else _READ << 4 | _MATCH
    nibbles = (1 << own.sequence[rows]).astype(np.uint8)
    records["sequence"] = nibbles[:, ::2] << 4 | nibbles[:, 1::2]
    records["quality"] = own.quality[rows]
    return records


def _record_type(n_cigar: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("block_size", "<i4"),
            ("contig", "<i4"),
            ("start", "<i4"),
            ("l_name", "u1"),
            ("mapq", "u1"),
            ("bin", "<u2"),
            ("n_cigar", "<u2"),
            ("flag", "<u2"),
            ("l_seq", "<i4"),
            ("next_contig", "<i4"),
            ("next_start", "<i4"),
            ("template_length", "<i4"),
            ("name", "u1", (len(_NAME) + 1,)),
            ("cigar", "<u4", (n_cigar,)),
            ("sequence", "u1", (_READ // 2,)),
            ("quality", "u1", (_READ,)),
        ]
    )


def _bins(start: Integers, end: Integers) -> Integers:
    """The smallest bin of the binning index that holds each interval (SAM specification, section 5.3)."""
    bins = np.zeros(start.size, np.int64)
    for level, shift in enumerate((26, 23, 20, 17, 14), start=1):
        same = start >> shift == (end - 1) >> shift
        bins[same] = ((8**level - 1) // 7 + (start >> shift))[same]
    return bins


def _names(numbers: Integers) -> Bytes:
    """Read names with a terminating NUL: tile, x and y of the flow cell differ by template."""
    names = np.tile(np.frombuffer(_NAME + b"\0", np.uint8), (numbers.size, 1))
    tile, x, y = 1101 + numbers // 10_000, 1_000 + numbers * 7919 % 30_000, 1_000 + numbers % 10_000
    for value, width, last in ((tile, 4, 25), (x, 5, 31), (y, 5, 37)):
        for digit in range(width):
            names[:, last - digit] = ord("0") + value // 10**digit % 10
    return names


def _indel_cigars(reads: _Reads, rows: Integers) -> npt.NDArray[np.uint32]:
    before, indel = reads.indel_at[rows], reads.indel[rows]
    middle = np.abs(indel) << 4 | np.where(indel > 0, _INSERTION, _DELETION)
    after = _READ - before - np.maximum(indel, 0)
    return np.column_stack((before << 4 | _MATCH, middle, after << 4 | _MATCH)).astype(np.uint32)


def main() -> None:
    """Make the data in a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=5_000_000, help="length of the reference")
    parser.add_argument("--samples", type=int, default=2, help="how many, at most ten")
    arguments = parser.parse_args()
    Data(arguments.folder, arguments.size, arguments.samples).make()


if __name__ == "__main__":
    main()
